//! The ledger as a worker sees it over a bad network.

use std::sync::Arc;

use hansho::policy::record::stored::{StoredRow, encode};
use hansho::policy::record::{Expect, Incident, Record, RecordKey, RecordKind, State};
use hansho::ports::{Clock, Consistency, Ledger, LedgerError, Prefetched, Written};

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

pub fn alert_of(key: &RecordKey) -> Alert {
    Alert { finding: finding_number(key.fingerprint()), destination: number_of(key.destination()) }
}

impl SimLedger {
    pub fn new(world: &Arc<World>, process: &Arc<Process>) -> SimLedger {
        SimLedger { world: Arc::clone(world), process: Arc::clone(process) }
    }

    fn fails(world: &World) -> Option<LedgerError> {
        if world.outage(|what| what == Outage::Ledger).is_some() {
            world.counted("ledger call in an outage");
            return Some(LedgerError("outage".into()));
        }
        let throttled = world.fault("ledger call throttled", world.plan.ledger.throttled);
        throttled.then(|| LedgerError("throttled".into()))
    }

    /// DynamoDB forgets an expired record at some time. This ledger forgets it at the next read.
    fn expire(world: &World, key: &RecordKey) {
        let now = world.clock.now().wall;
        let gone = |row: &StoredRow| {
            row.expires_at < now && world.fault("expired row vanished", world.plan.ledger.expiry)
        };
        if world.ledger.expire(key, gone) {
            world.note(None, What::Expired { alert: alert_of(key) });
        }
    }

    fn note_of(&self, row: &StoredRow, record: &Record) -> RowNote {
        let incident = match record {
            Record::Alert(alert) => alert.incident.clone(),
            _ => Incident::default(),
        };
        let at = |wall: hansho::instants::Wall| wall.0 - BEGAN.0;
        RowNote {
            state: row.state.as_str(),
            owned: !row.owner.is_empty(),
            ambiguous: row.ambiguous,
            fence: row.fence,
            level_sent: row.level_sent.map(|level| level.rank()),
            closed: incident.is_closed(),
            comebacks: incident.comebacks,
            post: self.world.post_of(&row.digest),
            lease_until: at(row.lease_until) - self.process.skew_ms,
            expires_at: at(row.expires_at),
        }
    }
}

/// A call that is not slow takes no longer.
const USUAL_MS: u64 = 100;

/// Notes that a read of the silences was given up, unless the read has ended.
struct GivenUp<'a> {
    world: &'a World,
    who: Option<Who>,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        self.world.note(self.who, What::SilencesUnread);
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
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        let (world, who) = (Arc::clone(&self.world), Some(self.process.who));
        let (alert, kind, key) = (alert_of(key), key.kind(), key.clone());
        let began = world.now();
        world.rush(self.process.who, "ledger");
        let read = self.world.call(&self.process, async move {
            travel(&world, who).await;
            if let Some(error) = Self::fails(&world) {
                return Err(error);
            }
            Self::expire(&world, &key);
            world.ledger.read_any(&key).await
        });
        let is_of_silences = matches!(kind, RecordKind::Document | RecordKind::DocumentPart);
        let unread = is_of_silences.then(|| GivenUp { world: &self.world, who });
        let read = read.await;
        let is_late = self.world.now() > began + USUAL_MS;
        match kind {
            _ if is_of_silences && (read.is_err() || is_late) => drop(unread),
            _ if is_of_silences => std::mem::forget(unread),
            RecordKind::Pace if read.is_err() => {
                self.world.note(who, What::PaceFailed { destination: alert.destination });
            }
            _ if read.is_err() => self.world.note(who, What::ReadFailed { alert }),
            _ => {}
        }
        read
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let (world, who) = (Arc::clone(&self.world), Some(self.process.who));
        let row = encode(record.clone());
        let (alert, note) = (alert_of(key), self.note_of(&row, &record));
        let (paces, destination) = (key.kind() == RecordKind::Pace, alert.destination);
        let closes = note.closed && note.state != "claimed";
        let fence = note.fence;
        let (key, expect) = (key.clone(), expect.clone());
        world.rush(self.process.who, "ledger");
        let written = self.world.call(&self.process, async move {
            travel(&world, who).await;
            if let Some(error) = Self::fails(&world) {
                return Err(error);
            }
            Self::expire(&world, &key);
            let before = world.ledger.read_any(&key).await?;
            let written = world.ledger.write_any(&key, &expect, record).await?;
            let done = written == Written::Done;
            if done {
                world.replaced(&key, before);
            }
            let next = note.lease_until;
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
                    false => What::WriteFailed { alert, closes, fence },
                },
            );
        }
        written
    }

    /// Eventually consistent, a row may be as it was before its last write, or its last ones. Some
    /// are not answered.
    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        let (world, who, keys) = (Arc::clone(&self.world), Some(self.process.who), keys.to_vec());
        world.rush(self.process.who, "prefetch");
        let read = self.world.call(&self.process, async move {
            travel(&world, who).await;
            if let Some(error) = Self::fails(&world) {
                return Err(error);
            }
            let mut all = Vec::new();
            for key in &keys {
                Self::expire(&world, key);
                let may_lag = consistency == Consistency::Eventual;
                let lags = may_lag && world.fault("stale prefetch", world.plan.ledger.stale);
                let row = match lags.then(|| world.earlier(key)).flatten() {
                    Some(row) => row,
                    None => world.ledger.read_any(key).await?,
                };
                let lost = world.fault("prefetch without an answer", world.plan.ledger.unprocessed);
                all.push(match row {
                    _ if lost => Prefetched::Unknown,
                    Some(row) => Prefetched::of(Ok::<_, ()>(row)),
                    None => Prefetched::Absent,
                });
            }
            match world.fault("ledger answer lost", world.plan.ledger.answer_lost) {
                true => Err(LedgerError("the answer was lost".into())),
                false => Ok(all),
            }
        });
        read.await
    }
}
