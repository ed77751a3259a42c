//! The ledger as a worker sees it over a bad network.

use std::sync::Arc;

use hansho::policy::ledger::{Expect, LastPost, RecordKey, Row, State};
use hansho::ports::{Clock, Ledger, LedgerError, Written};

use super::history::{Alert, RowNote, What, Who};
use super::load::{finding_number, number_of};
use super::plan::Outage;
use super::process::Process;
use super::world::World;
use crate::support::fakes::BEGAN;

pub struct SimLedger {
    world: Arc<World>,
    process: Arc<Process>,
}

/// The partition key of the rows that hold the fleet's pace.
const PACE: &str = "pace";

pub fn alert_of(key: &RecordKey) -> Alert {
    Alert { finding: finding_number(&key.fingerprint), destination: number_of(&key.destination) }
}

impl SimLedger {
    pub fn new(world: &Arc<World>, process: &Arc<Process>) -> SimLedger {
        SimLedger { world: Arc::clone(world), process: Arc::clone(process) }
    }

    fn fails(world: &World) -> Option<LedgerError> {
        if world.away(|what| what == Outage::Ledger).is_some() {
            world.counted("ledger call in an outage");
            return Some(LedgerError("outage".into()));
        }
        let throttled = world.fault("ledger call throttled", world.plan.ledger.throttled);
        throttled.then(|| LedgerError("throttled".into()))
    }

    /// DynamoDB forgets an expired row at some time; here, when somebody looks at it.
    fn expire(world: &World, key: &RecordKey) {
        let now = world.clock.now().wall;
        let gone = |row: &Row| {
            row.expires_at < now && world.fault("expired row vanished", world.plan.ledger.expiry)
        };
        if world.ledger.expire(key, gone) {
            world.note(None, What::Expired { alert: alert_of(key) });
        }
    }

    fn note_of(&self, row: &Row) -> RowNote {
        let at = |wall: hansho::instants::Wall| wall.0 - BEGAN.0;
        RowNote {
            state: row.state.as_str(),
            owned: !row.owner.is_empty(),
            ambiguous: row.ambiguous,
            fence: row.fence,
            level_sent: row.level_sent.map(|level| level.rank()),
            post: self.world.post_of(&row.digest),
            lease_until: at(row.lease_until) - self.process.skew_ms,
            expires_at: at(row.expires_at),
        }
    }
}

async fn travel(world: &World, who: Option<Who>) {
    let slow = world.fault("ledger slow", world.plan.ledger.slow);
    if slow {
        world.note(who, What::LedgerSlow);
    }
    world.sleep(if slow { world.draw(500..4_000) } else { world.draw(2..20) }).await;
}

impl Ledger for SimLedger {
    async fn read(&self, key: &RecordKey) -> Result<Option<Row>, LedgerError> {
        let (world, who) = (Arc::clone(&self.world), Some(self.process.who));
        let (alert, paces, key) = (alert_of(key), key.fingerprint == PACE, key.clone());
        world.rush(self.process.who, "ledger");
        let read = self.world.call(&self.process, async move {
            travel(&world, who).await;
            if let Some(error) = Self::fails(&world) {
                return Err(error);
            }
            Self::expire(&world, &key);
            world.ledger.read(&key).await
        });
        let read = read.await;
        if read.is_err() && paces {
            self.world.note(who, What::PaceFailed { destination: alert.destination });
        }
        read
    }

    async fn write(
        &self,
        key: &RecordKey,
        expect: &Expect,
        row: &Row,
    ) -> Result<Written, LedgerError> {
        let (world, who) = (Arc::clone(&self.world), Some(self.process.who));
        let (alert, note) = (alert_of(key), self.note_of(row));
        let (paces, destination) = (key.fingerprint == PACE, alert.destination);
        let (key, expect, row) = (key.clone(), expect.clone(), row.clone());
        world.rush(self.process.who, "ledger");
        let written = self.world.call(&self.process, async move {
            travel(&world, who).await;
            if let Some(error) = Self::fails(&world) {
                return Err(error);
            }
            Self::expire(&world, &key);
            let before = world.ledger.read(&key).await?;
            let written = world.ledger.write(&key, &expect, &row).await?;
            let done = written == Written::Done;
            if done {
                world.replaced(&key, before);
            }
            let (fence, next) = (note.fence, note.lease_until);
            let reserved = row.state == State::Claimed;
            world.note(
                who,
                match paces {
                    true => What::PaceWrite { destination, fence, reserved, next, done },
                    false => What::Write { alert, row: note, done },
                },
            );
            match world.fault("ledger answer lost", world.plan.ledger.answer_lost) {
                true => Err(LedgerError("the answer was lost".into())),
                false => Ok(written),
            }
        });
        let written = written.await;
        if written.is_err() {
            self.world.note(
                who,
                match paces {
                    true => What::PaceFailed { destination },
                    false => What::WriteFailed { alert },
                },
            );
        }
        written
    }

    /// Eventually consistent: a row may be as it was before its last write, or its last ones, and
    /// some are not answered.
    async fn prefetch(&self, keys: &[RecordKey]) -> Result<Vec<Option<LastPost>>, LedgerError> {
        let (world, who, keys) = (Arc::clone(&self.world), Some(self.process.who), keys.to_vec());
        world.rush(self.process.who, "prefetch");
        let told = self.world.call(&self.process, async move {
            travel(&world, who).await;
            if let Some(error) = Self::fails(&world) {
                return Err(error);
            }
            let mut all = Vec::new();
            for key in &keys {
                Self::expire(&world, key);
                let row = match world.fault("look too late", world.plan.ledger.stale) {
                    true => world.earlier(key),
                    false => world.ledger.read(key).await?,
                };
                let lost = world.fault("look without an answer", world.plan.ledger.unprocessed);
                all.push(row.filter(|_| !lost).as_ref().and_then(Row::told));
            }
            match world.fault("ledger answer lost", world.plan.ledger.answer_lost) {
                true => Err(LedgerError("the answer was lost".into())),
                false => Ok(all),
            }
        });
        told.await
    }
}
