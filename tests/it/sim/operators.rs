//! Operators who change silences, as `hansho silence` does, over a network that may be down.

use std::sync::Arc;

use hansho::commands::silence::store::{self, ChangeError};
use hansho::finding::Text;
use hansho::instants::{Mono, Wall};
use hansho::policy::glob::Glob;
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::policy::record::{Document, DocumentPartRecord, Expect, Record, RecordKey, RecordKind};
use hansho::policy::silence::Silence;
use hansho::ports::{Clock, Consistency, Ledger, LedgerError, Prefetched, Written};
use serde_json::Value;

use super::history::What;
use super::plan::Outage;
use super::rules::{Change, SilencePlan};
use super::world::World;
use crate::support::naive::{LEVELS, Rule, Silenced};

/// Makes the changes of the plan. Two of one moment race each other.
pub async fn change_silences(world: Arc<World>) {
    for (at, change) in world.plan.silences.clone() {
        world.clock.sleep_until(Mono(at)).await;
        tokio::spawn(make(Arc::clone(&world), change));
    }
}

async fn make(world: Arc<World>, change: Change) {
    let ledger = OperatorLedger(&world);
    let now = world.clock.now().wall;
    let written = match &change {
        Change::Write(plan) => {
            let silence = silence(plan, now);
            silence.check().unwrap_or_else(|why| panic!("{silence:?} {why}"));
            store::change(&ledger, now, |all| {
                all.retain(|known| known.id != silence.id);
                all.push(silence.clone());
                Ok(())
            })
            .await
        }
        Change::End(number) => {
            let id = id(*number);
            store::change(&ledger, now, |all| {
                if let Some(silence) = all.iter_mut().find(|silence| silence.id == id) {
                    silence.until = silence.until.min(Wall(now.seconds() * 1000));
                    silence.from = silence.from.min(silence.until);
                }
                Ok(())
            })
            .await
        }
    };
    match written {
        Ok(()) => world.counted("silences changed"),
        Err(ChangeError::Document(_)) => world.counted("silences not changed"),
        Err(why) => panic!("{change:?} {why}"),
    }
}

fn id(number: u32) -> String {
    format!("s{number}")
}

fn silence(plan: &SilencePlan, now: Wall) -> Silence {
    let mut matcher = Matcher::default();
    let mut add = |not: bool, rules: &[Rule]| {
        for (key, patterns) in rules {
            matcher.add(not, MatchKey::parse(key).unwrap(), patterns).unwrap();
        }
    };
    add(false, &plan.all);
    add(true, &plan.none);
    let at = |ms: u64| now.plus(std::time::Duration::from_millis(ms)).whole_second();
    Silence {
        id: id(plan.number),
        matcher,
        findings: plan.findings.clone(),
        resources: plan.resources.iter().map(|text| Glob::new(text)).collect(),
        covers: LEVELS[usize::from(plan.covers)].parse().unwrap(),
        from: at(plan.from),
        until: at(plan.until),
        because: Text::new("a scan", 100),
        owner: None,
    }
}

/// The ledger as a command of an operator sees it.
struct OperatorLedger<'a>(&'a World);

impl OperatorLedger<'_> {
    async fn travel(&self) -> Result<(), LedgerError> {
        self.0.sleep(self.0.draw(2..40)).await;
        match self.0.outage(|what| what == Outage::Ledger) {
            Some(_) => Err(LedgerError("outage".into())),
            None => Ok(()),
        }
    }

    /// The silences of a version, as they are written down.
    async fn written_down(&self, version: &str, parts: u32) -> Vec<Silenced> {
        let mut all = Vec::new();
        for number in 0..parts {
            let key = RecordKey::document_part(Document::Silences, version, number);
            let part: DocumentPartRecord = self.0.ledger.read(&key).await.unwrap().unwrap();
            let part: Vec<Value> = serde_json::from_str(&part.text).unwrap();
            all.extend(part.iter().map(Silenced::read));
        }
        all
    }
}

impl Ledger for OperatorLedger<'_> {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        self.travel().await?;
        self.0.ledger.read_any(key).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        self.travel().await?;
        let written = self.0.ledger.write_any(key, expect, record.clone()).await?;
        if let (Written::Done, RecordKind::Document, Record::Document(head)) =
            (&written, key.kind(), &record)
        {
            let all = self.written_down(&head.version, head.parts).await;
            self.0.note(None, What::Silences { all });
        }
        Ok(written)
    }

    async fn prefetch(
        &self,
        _: &[RecordKey],
        _: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        Err(LedgerError("no operator reads ahead".into()))
    }
}
