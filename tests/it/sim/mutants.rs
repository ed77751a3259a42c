//! Mistakes made on purpose, to see that the checker finds them. Some are wrappers around a port or
//! settings. Others are within the program, which makes them on request. A release has no trace of
//! them.

use std::sync::Arc;
use std::time::Duration;

use hansho::desk::Settings;
use hansho::finding::Level;
use hansho::mutation::Mutation;
use hansho::policy::ledger::{Recording, UnclaimedPost};
use hansho::policy::record::{AcceptedPost, AlertRecord, AlertRecordState, Expect};
use hansho::policy::record::{Record, RecordKey, Sighting, State, Versioned};
use hansho::ports::{
    Clock, Consistency, Delivery, Depth, Lane, Ledger, LedgerError, Notifier, Post, Prefetched,
    QuarantineEntry, Queue, QueueError, Receipt, ReceiveAsk, RetryReason, Verdict, Written,
};

use super::load::DESTINATIONS;
use super::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    MarkBeforePost,
    UnfencedMark,
    UnfencedClaim,
    MarkForgotten,
    BusyTakenForPosted,
    EscalationForgotten,
    DeletedAtReceive,
    HeartbeatForgotten,
    WholeBatchDeleted,
    QuarantineForgotten,
    RetryAfterIgnored,
    PostLongerThanLease,
    AmbiguousTakenForAccepted,
    RefusedTakenForAccepted,
    DeadTakenForRefused,
    BufferUnbounded,
    PaceIgnored,
    /// A finding that is kept back is written into the ledger as posted.
    SilencedTakenForPosted,
    /// While the ledger does not answer, no silence is in force.
    SilencesForgotten,
}

/// Where a mistake is.
#[derive(Clone, Copy, Debug)]
pub enum Mistake {
    /// In a wrapper around a port, or a setting.
    Around(Mutant),
    /// In the program itself.
    Within(Mutation),
    /// In the program itself, and looked for on days of findings that close and come back.
    WithinLives(Mutation),
    /// Around a port, and looked for on days of silences.
    AroundSilences(Mutant),
    /// In the program itself, and looked for on days of silences.
    WithinSilences(Mutation),
}

/// Most mistakes show within so many seeds. The others need a rare day.
pub const USUAL_SEEDS: u64 = 40;

/// The invariants that may find a mistake, and the seeds within which one must.
type Finding<T> = (T, &'static [&'static str], u64);

const MUTANTS: [Finding<Mutant>; 17] = [
    (Mutant::MarkBeforePost, &["I1", "I12"], USUAL_SEEDS),
    (Mutant::UnfencedMark, &["I2", "I8"], 120),
    (Mutant::UnfencedClaim, &["I2", "I8"], USUAL_SEEDS),
    (Mutant::MarkForgotten, &["I2", "I12"], USUAL_SEEDS),
    (Mutant::BusyTakenForPosted, &["I1", "I12"], USUAL_SEEDS),
    (Mutant::EscalationForgotten, &["I1"], USUAL_SEEDS),
    (Mutant::DeletedAtReceive, &["I1"], USUAL_SEEDS),
    (Mutant::HeartbeatForgotten, &["I11"], USUAL_SEEDS),
    (Mutant::WholeBatchDeleted, &["I1", "I12"], USUAL_SEEDS),
    (Mutant::QuarantineForgotten, &["I1", "I7"], USUAL_SEEDS),
    (Mutant::RetryAfterIgnored, &["I4"], USUAL_SEEDS),
    (Mutant::PostLongerThanLease, &["I2", "I12"], USUAL_SEEDS),
    (Mutant::AmbiguousTakenForAccepted, &["I1", "I12"], USUAL_SEEDS),
    (Mutant::RefusedTakenForAccepted, &["I1", "I12"], USUAL_SEEDS),
    (Mutant::DeadTakenForRefused, &["I7", "I13"], USUAL_SEEDS),
    (Mutant::BufferUnbounded, &["I6"], USUAL_SEEDS),
    (Mutant::PaceIgnored, &["I4"], USUAL_SEEDS),
];

const MUTATIONS: [Finding<Mutation>; 40] = [
    (Mutation::ClaimedTakenForPosted, &["I1"], USUAL_SEEDS),
    (Mutation::ExpiryForgotten, &["I19"], 120),
    (Mutation::AgainForgotten, &["I1"], USUAL_SEEDS),
    (Mutation::UnknownTakenForPosted, &["I1", "I12"], USUAL_SEEDS),
    (Mutation::ShareIgnored, &["I4"], USUAL_SEEDS),
    (Mutation::FleetPaceIgnored, &["I4"], USUAL_SEEDS),
    (Mutation::FleetPauseForgotten, &["I4"], 120),
    (Mutation::UnclaimedNotRecorded, &["I2", "I12"], 120),
    (Mutation::FallbackForgotten, &["I14"], 120),
    (Mutation::OutrankedMostSevere, &["I15"], 120),
    (Mutation::FallbackServesTheLiving, &["I12"], 120),
    (Mutation::UnreachableForgotten, &["I14"], 120),
    (Mutation::UnreachablePaceUndivided, &["I4"], 120),
    (Mutation::BreakerNeverCloses, &["I13", "I14"], 120),
    (Mutation::FenceKept, &["I8"], USUAL_SEEDS),
    (Mutation::ReleaseFreesTheSent, &["I8"], USUAL_SEEDS),
    (Mutation::DrainDelays, &["I15"], 120),
    (Mutation::AgeForgotten, &["I14"], 120),
    (Mutation::PriorityIgnored, &["I5", "I14", "I17"], USUAL_SEEDS),
    (Mutation::CriticalsShareWithLesser, &["I5"], USUAL_SEEDS),
    (Mutation::BreakerKeepsReceiving, &["I13"], 120),
    (Mutation::AgeingForgotten, &["I14", "I15"], 400),
    (Mutation::AgeingOvertakesCriticals, &["I5", "I17"], 120),
    (Mutation::HeartbeatLate, &["I11"], USUAL_SEEDS),
    (Mutation::ReturnForgotten, &["I11", "I15"], USUAL_SEEDS),
    (Mutation::AmbiguityForgotten, &["I18"], USUAL_SEEDS),
    (Mutation::ReleaseForgotten, &["I12"], USUAL_SEEDS),
    (Mutation::SplitForgotten, &["I16", "I17"], USUAL_SEEDS),
    (Mutation::PlainForgotten, &["I7", "I16"], USUAL_SEEDS),
    (Mutation::DrainForgotten, &["I15"], 120),
    (Mutation::ClaimForgotten, &["I12"], USUAL_SEEDS),
    (Mutation::DeleteBeforeMark, &["I12"], USUAL_SEEDS),
    (Mutation::NotesRepeated, &["I20"], USUAL_SEEDS),
    (Mutation::NotesForTrifles, &["I20"], USUAL_SEEDS),
    (Mutation::SettledByLowerLevel, &["I1", "I12"], USUAL_SEEDS),
    (Mutation::ReceivesWithoutPlace, &["I6"], 120),
    (Mutation::DigestIgnoresLevels, &["I27"], USUAL_SEEDS),
    (Mutation::DigestAccountOfFirst, &["I27"], USUAL_SEEDS),
    (Mutation::CountForgotten, &["I27"], USUAL_SEEDS),
    (Mutation::TitleForgotten, &["I27"], USUAL_SEEDS),
];

const MUTATIONS_OF_LIVES: [Finding<Mutation>; 8] = [
    (Mutation::ClosingIgnored, &["I21", "I22"], USUAL_SEEDS),
    (Mutation::ClosingForgetsPost, &["I8"], USUAL_SEEDS),
    (Mutation::ClosingBreaksClaim, &["I2", "I12"], USUAL_SEEDS),
    (Mutation::ClosingLeavesNoTrace, &["I22"], USUAL_SEEDS),
    (Mutation::ArrivalDecides, &["I2", "I21", "I22"], USUAL_SEEDS),
    (Mutation::NewerStateForgotten, &["I2", "I21", "I22"], USUAL_SEEDS),
    (Mutation::ComebackForgotten, &["I21"], USUAL_SEEDS),
    (Mutation::MemorySettlesComebacks, &["I21"], USUAL_SEEDS),
];

const MUTANTS_OF_SILENCES: [Finding<Mutant>; 2] = [
    (Mutant::SilencedTakenForPosted, &["I1", "I12", "I21"], USUAL_SEEDS),
    (Mutant::SilencesForgotten, &["I24"], USUAL_SEEDS),
];

const MUTATIONS_OF_SILENCES: [Finding<Mutation>; 10] = [
    (Mutation::SilenceEndsLate, &["I23"], USUAL_SEEDS),
    (Mutation::SilenceCoversAll, &["I23"], USUAL_SEEDS),
    (Mutation::RulesBelowNotIgnored, &["I12", "I23"], USUAL_SEEDS),
    (Mutation::SilencesNeverReadAgain, &["I23", "I24"], USUAL_SEEDS),
    (Mutation::SilencesReadAgainLate, &["I24"], 120),
    (Mutation::AgainSilenced, &["I25"], USUAL_SEEDS),
    (Mutation::RequestedSilenced, &["I25"], USUAL_SEEDS),
    (Mutation::ClosingSilenced, &["I23"], USUAL_SEEDS),
    (Mutation::SilenceChangeLost, &["I26"], 120),
    (Mutation::RouteEndForgotten, &["I12"], USUAL_SEEDS),
];

pub fn all() -> Vec<Finding<Mistake>> {
    let around = MUTANTS.iter().map(|(m, by, seeds)| (Mistake::Around(*m), *by, *seeds));
    let within = MUTATIONS.iter();
    let within = within.map(|(m, by, seeds)| (Mistake::Within(*m), *by, *seeds));
    let of_lives = MUTATIONS_OF_LIVES.iter();
    let of_lives = of_lives.map(|(m, by, seeds)| (Mistake::WithinLives(*m), *by, *seeds));
    let around_silences = MUTANTS_OF_SILENCES.iter();
    let around_silences =
        around_silences.map(|(m, by, seeds)| (Mistake::AroundSilences(*m), *by, *seeds));
    let within_silences = MUTATIONS_OF_SILENCES.iter();
    let within_silences =
        within_silences.map(|(m, by, seeds)| (Mistake::WithinSilences(*m), *by, *seeds));
    around.chain(within).chain(of_lives).chain(around_silences).chain(within_silences).collect()
}

/// A finding was kept back. The mutant has the ledger know it as posted.
pub fn take_for_posted(world: &Arc<World>, finding: &hansho::finding::Finding) {
    if world.mutant != Some(Mutant::SilencedTakenForPosted) {
        return;
    }
    let (sighting, sent_at) = (Sighting::of(finding), world.clock.now().wall);
    let post = UnclaimedPost { post_id: "none".to_owned(), sighting, sent_at };
    let terms = world.plan.terms();
    let Recording::Write { expect, record } =
        hansho::policy::ledger::record(None, "w", &post, &terms, sent_at)
    else {
        return;
    };
    for destination in DESTINATIONS {
        let key = RecordKey::alert(&finding.fingerprint, destination);
        let (world, expect, record) = (Arc::clone(world), expect.clone(), record.clone());
        tokio::spawn(async move {
            world.ledger.write(&key, &expect, &record).await.map_err(|why| why.to_string())
        });
    }
}

/// The mutants that are wrong settings.
pub fn adjust(mutant: Option<Mutant>, mut settings: Settings) -> Settings {
    match mutant {
        Some(Mutant::BufferUnbounded) => {
            settings.findings_max = 1 << 40;
            settings.bytes_max = 1 << 40;
        }
        Some(Mutant::PaceIgnored) => settings.paces.fill(Duration::ZERO),
        _ => {}
    }
    settings
}

/// A port, perhaps with a mistake in it.
pub struct Mutated<T> {
    world: Arc<World>,
    inner: T,
}

impl<T> Mutated<T> {
    pub fn new(world: &Arc<World>, inner: T) -> Mutated<T> {
        Mutated { world: Arc::clone(world), inner }
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.world.mutant == Some(mutant)
    }
}

type Answers = Vec<Result<(), QueueError>>;

impl<Q: Queue> Queue for Mutated<Q> {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let batch = self.inner.receive(ask).await?;
        if self.is(Mutant::DeletedAtReceive) && !batch.is_empty() {
            let mut receipts: Vec<Receipt> = batch.iter().map(|d| d.receipt.clone()).collect();
            receipts.truncate(10);
            self.inner.delete(ask.lane, &receipts).await;
        }
        Ok(batch)
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Answers {
        self.inner.delete(lane, receipts).await
    }

    async fn hide(&self, lane: Lane, entries: &[(Receipt, Duration)]) -> Answers {
        let keeps = entries.iter().all(|(_, by)| *by == Duration::from_secs(120));
        if self.is(Mutant::HeartbeatForgotten) && keeps {
            return vec![Ok(()); entries.len()];
        }
        let answers = self.inner.hide(lane, entries).await;
        if self.is(Mutant::WholeBatchDeleted) && answers.iter().any(Result::is_err) {
            let receipts: Vec<Receipt> = entries.iter().map(|(r, _)| r.clone()).collect();
            return self.inner.delete(lane, &receipts).await;
        }
        answers
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        if self.is(Mutant::QuarantineForgotten) {
            return Ok(());
        }
        self.inner.quarantine(entry).await
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        self.inner.depth(lane).await
    }
}

impl<L: Ledger> Mutated<L> {
    /// Writes the record over any other.
    async fn force(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let mut expect = expect.clone();
        for _ in 0..3 {
            match self.inner.write_any(key, &expect, record.clone()).await? {
                Written::Done => break,
                Written::Lost(None) => expect = Expect::Absent,
                Written::Lost(Some(found)) => expect = found.as_seen(),
            }
        }
        Ok(Written::Done)
    }
}

impl<L: Ledger> Ledger for Mutated<L> {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        self.inner.read_any(key).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let (claims, marks) = match record.version().state {
            State::Claimed => (true, false),
            State::Sent => (false, !record.version().owner.is_empty()),
            State::Free => (false, false),
        };
        match self.world.mutant {
            Some(Mutant::MarkBeforePost) if claims => {
                let level = |alert: &AlertRecord| alert.level_posted().max(alert.level_claimed());
                self.inner.write_any(key, expect, posted(record, level)).await
            }
            Some(Mutant::UnfencedMark) if marks => self.force(key, expect, record).await,
            Some(Mutant::UnfencedClaim) if claims => self.force(key, expect, record).await,
            Some(Mutant::MarkForgotten) if marks => Ok(Written::Done),
            Some(Mutant::BusyTakenForPosted | Mutant::EscalationForgotten) if claims => {
                let written = self.inner.write_any(key, expect, record).await?;
                Ok(self.lie(written))
            }
            _ => self.inner.write_any(key, expect, record).await,
        }
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        self.inner.prefetch(keys, consistency).await
    }
}

/// An alert's record as if it had been posted at this level.
fn posted(record: Record, level: impl Fn(&AlertRecord) -> Option<Level>) -> Record {
    let Record::Alert(alert) = record else { return record };
    let Some(level) = level(&alert) else { return alert.into() };
    let before = alert.accepted();
    let post = AcceptedPost {
        level,
        revision: before.and_then(|post| post.revision),
        sent_at: before.map_or(hansho::instants::Wall(0), |post| post.sent_at),
        due_at: before.and_then(|post| post.due_at),
        post_id: alert.post_id().unwrap_or_default().to_owned(),
    };
    let marked_by = alert.owner().map(str::to_owned);
    Record::Alert(AlertRecord { state: AlertRecordState::Posted { post, marked_by }, ..alert })
}

impl<L> Mutated<L> {
    /// Returns a record that claims that everything was sent.
    fn lie(&self, written: Written<Record>) -> Written<Record> {
        let asked = match self.world.mutant {
            Some(Mutant::BusyTakenForPosted) => State::Claimed,
            _ => State::Sent,
        };
        match written {
            Written::Lost(Some(record)) if record.version().state == asked => {
                Written::Lost(Some(posted(record, |_| Some(Level::Critical))))
            }
            other => other,
        }
    }
}

impl<N: Notifier> Notifier for Mutated<N> {
    async fn post(&self, post: &Post) -> Verdict {
        let verdict = self.inner.post(post).await;
        match (self.world.mutant, verdict) {
            (
                Some(Mutant::RetryAfterIgnored),
                Verdict::Retry { reason: RetryReason::RateLimited, detail, .. },
            ) => Verdict::Retry {
                reason: RetryReason::Connection,
                after: Some(Duration::from_millis(10)),
                ambiguous: false,
                detail,
            },
            (Some(Mutant::PostLongerThanLease), verdict) => {
                self.world.sleep(60_000).await;
                verdict
            }
            (Some(Mutant::AmbiguousTakenForAccepted), Verdict::Retry { ambiguous: true, .. })
            | (Some(Mutant::RefusedTakenForAccepted), Verdict::Refused { .. }) => Verdict::Accepted,
            (Some(Mutant::DeadTakenForRefused), Verdict::Dead { detail, .. }) => {
                Verdict::Refused { detail }
            }
            (_, verdict) => verdict,
        }
    }

    async fn refresh(&self, destination: &str) -> Result<bool, String> {
        self.inner.refresh(destination).await
    }
}
