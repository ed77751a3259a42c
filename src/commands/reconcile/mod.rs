//! `hansho reconcile`: compares the findings in GuardDuty with the ledger, and enqueues missing
//! ones. EventBridge delivers nearly all findings. This finds the others.
//!
//! - A run compares region by region, page by page, in the order of the last update. A failure in
//!   one region does not affect the others.
//! - A finding is missing if it is owed to a destination under the present routes, and its record
//!   there is neither posted nor claimed.
//! - A missing finding goes into a queue in the envelope of EventBridge: high and critical ones
//!   into the express lane, if there is one, all others into the standard lane. A needless copy
//!   does no harm: the ledger knows it.
//! - After each page the region's record has the progress ([`watermark`]), so an interrupted run
//!   resumes.
//! - Sample findings are compared, because workers post them. Archived findings are not.

pub mod args;
pub mod command;
pub mod compare;
pub mod lookup;
pub mod report;
#[cfg(feature = "reconcile")]
pub mod source;
#[cfg(not(feature = "reconcile"))]
#[path = "left_out.rs"]
pub mod source;
pub mod timer;

use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::config::Config;
use crate::finding::Level;
use crate::instants::{Mono, Wall};
use crate::policy::enqueued;
use crate::policy::ledger::Terms;
use crate::policy::record::{Expect, RecordKey, RecordType, WatermarkRecord};
use crate::policy::route::Routes;
use crate::policy::watermark::{self, Ending, Held, Manner, Turn};
use crate::ports::findings::{FINDINGS_PAGE_MAX, FindingsSource, ListAsk};
use crate::ports::inlet::Inlet;
use crate::ports::{Clock, Lane, Ledger, Written};

use compare::{FindingVerdict, OwedFinding, SETTLE};
pub use report::{MissingFinding, ReconcileReport, RegionOutcome, RegionReport};

/// The default limit of findings in one region and run. It takes two hundred calls.
pub const LIMIT_DEFAULT: usize = 5_000;
/// The most pages of one region, even if all findings have the same `updatedAt`.
const PAGES_MAX: usize = 10_000;
/// Ledger records that are read at the same time.
const READS_AT_A_TIME: usize = 8;
/// Attempts to write a record that others keep changing.
const WRITES_MAX: usize = 4;

/// The ports of a comparison.
pub struct ReconcilePorts<'a, S, L, I, C> {
    pub source: &'a S,
    pub ledger: &'a L,
    pub inlet: &'a I,
    pub clock: &'a C,
}

/// The rules of all runs of a process.
#[derive(Clone, Debug)]
pub struct ReconcileRules {
    pub routes: Routes,
    pub terms: Terms,
    /// The owner of the regions' records, unique to the process.
    pub me: String,
}

/// The rules of this process.
pub fn rules(config: &Config) -> ReconcileRules {
    let me = uuid::Uuid::new_v4().simple().to_string();
    ReconcileRules { routes: config.routes(), terms: config.terms(), me }
}

/// The request for one run.
#[derive(Clone, Debug)]
pub struct ReconcileRequest {
    /// In the order of comparison.
    pub regions: Vec<String>,
    pub manner: Manner,
    /// Where to start. None: where the last run ended.
    pub since: Option<Wall>,
    /// Write nothing, enqueue nothing.
    pub dry_run: bool,
    /// The most findings to compare in a region, rounded up to whole pages.
    pub limit: usize,
    /// No page is started after this.
    pub until: Option<Mono>,
}

/// Compares each region. Calls `done` after each.
pub async fn run<S: FindingsSource, L: Ledger, I: Inlet, C: Clock>(
    ports: &ReconcilePorts<'_, S, L, I, C>,
    rules: &ReconcileRules,
    ask: &ReconcileRequest,
    mut done: impl FnMut(&RegionReport),
) -> ReconcileReport {
    let mut report = ReconcileReport { dry_run: ask.dry_run, ..ReconcileReport::default() };
    for region in &ask.regions {
        let mut run = Run { ports, rules, ask, report: RegionReport::new(region) };
        if let Err(why) = run.region(region).await {
            run.report.outcome = RegionOutcome::Failed(why);
        }
        done(&run.report);
        report.regions.push(run.report);
    }
    report
}

/// The comparison of one region.
struct Run<'a, S, L, I, C> {
    ports: &'a ReconcilePorts<'a, S, L, I, C>,
    rules: &'a ReconcileRules,
    ask: &'a ReconcileRequest,
    report: RegionReport,
}

impl<S: FindingsSource, L: Ledger, I: Inlet, C: Clock> Run<'_, S, L, I, C> {
    async fn region(&mut self, region: &str) -> Result<(), String> {
        if self.time_is_up() {
            return Ok(());
        }
        let began = self.wall();
        let Some(mut held) = self.begin(region).await? else { return Ok(()) };
        self.report.since = Some(held.from);
        match self.pages(region, began, &mut held).await {
            Ok(outcome) => {
                let ending = match outcome {
                    RegionOutcome::Whole => Ending::Whole(began),
                    _ => Ending::Cut,
                };
                self.report.outcome = outcome;
                self.end(region, &held, ending).await
            }
            Err(why) => {
                // If this fails too, the lease ends by itself. The first error is the important
                // one.
                _ = self.end(region, &held, Ending::Failed).await;
                Err(why)
            }
        }
    }

    /// Claims the region. None: another run has it, or it is not due.
    async fn begin(&mut self, region: &str) -> Result<Option<Held>, String> {
        let ReconcileRequest { manner, since, dry_run, .. } = *self.ask;
        let key = RecordKey::watermark(region);
        let mut seen = self.read(&key).await?;
        for _ in 0..WRITES_MAX {
            let (me, terms) = (&self.rules.me, &self.rules.terms);
            let (expect, held) =
                match watermark::turn(seen.as_ref(), me, manner, since, terms, self.wall()) {
                    Turn::Go { expect, held } => (expect, held),
                    Turn::Busy { until } => {
                        self.report.outcome = RegionOutcome::Busy(until);
                        return Ok(None);
                    }
                    Turn::NotDue { until } => {
                        self.report.outcome = RegionOutcome::NotDue(until);
                        return Ok(None);
                    }
                };
            if dry_run {
                return Ok(Some(held));
            }
            match self.write(&key, &expect, &held.record).await? {
                Written::Done => return Ok(Some(held)),
                Written::Lost(actual) => seen = actual,
            }
        }
        Err("other runs keep changing this region's record: retry later".to_owned())
    }

    async fn pages(
        &mut self,
        region: &str,
        began: Wall,
        held: &mut Held,
    ) -> Result<RegionOutcome, String> {
        let detector = self.ports.source.detector(region).await.map_err(|e| e.to_string())?;
        let Some(detector) = detector else {
            return Err(
                "GuardDuty has no detector there: enable it, or remove the region".to_owned()
            );
        };
        let mut ask = ListAsk {
            region: region.to_owned(),
            detector,
            since: held.from,
            severity: compare::severity_floor(&self.rules.routes),
            page: None,
        };
        let mut newest = held.from;
        for _ in 0..PAGES_MAX {
            if self.time_is_up() {
                return Ok(RegionOutcome::Deadline);
            }
            let listed = self.ports.source.list(&ask).await.map_err(|e| e.to_string())?;
            for ids in listed.ids.chunks(FINDINGS_PAGE_MAX) {
                let got = self.ports.source.get(region, &ask.detector, ids).await;
                let updated = self.page(&got.map_err(|e| e.to_string())?).await?;
                newest = newest.max(updated.unwrap_or(newest));
            }
            if listed.next.is_none() {
                return Ok(RegionOutcome::Whole);
            }
            ask.page = listed.next;
            // Findings that are too young must stay after the mark, or the next run would skip
            // them.
            let mark = newest.min(began.minus(SETTLE)).max(held.from);
            self.advance(region, held, mark).await?;
            // The mark must move, even if many findings have the same time of update.
            if self.report.listed >= self.ask.limit as u64 && mark > held.from {
                return Ok(RegionOutcome::Limit);
            }
        }
        Err(format!("the list did not end after {PAGES_MAX} pages"))
    }

    /// Compares findings, and enqueues missing ones. Returns the latest time of update.
    async fn page(&mut self, texts: &[String]) -> Result<Option<Wall>, String> {
        let now = self.wall();
        let mut newest = None;
        let mut owed = Vec::new();
        for text in texts {
            self.report.listed += 1;
            let (updated, verdict) = compare::judge(text, &self.rules.routes, now);
            newest = newest.max(updated);
            match verdict {
                FindingVerdict::Owed(one) => owed.push(one),
                FindingVerdict::BelowThreshold => self.report.below_threshold += 1,
                FindingVerdict::Unmatched => self.report.unmatched += 1,
                FindingVerdict::Silenced => self.report.silenced += 1,
                FindingVerdict::Young => self.report.young += 1,
                FindingVerdict::Archived => self.report.archived += 1,
                FindingVerdict::Unreadable(why) => self.report.add_unreadable(why),
            }
        }
        let reads: Vec<_> = owed.iter().map(|one| self.is_known(one)).collect();
        let known: Vec<bool> = stream::iter(reads).buffered(READS_AT_A_TIME).try_collect().await?;
        for (one, known) in owed.iter().zip(known) {
            self.report.compared += 1;
            if known {
                self.report.known += 1;
            } else {
                self.missing(one).await?;
            }
        }
        Ok(newest)
    }

    /// Returns true if the ledger knows every alert of a finding.
    async fn is_known(&self, owed: &OwedFinding) -> Result<bool, String> {
        for key in &owed.alerts {
            let row = self.read(key).await?;
            if !compare::known(row.as_ref(), &owed.finding, &self.rules.terms, self.wall()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn missing(&mut self, owed: &OwedFinding) -> Result<(), String> {
        let (finding, terms) = (&owed.finding, self.rules.terms);
        let key = RecordKey::enqueued(&finding.fingerprint);
        let level = finding.severity.level;
        let seen = self.read(&key).await?;
        if enqueued::waits(seen.as_ref(), level, self.wall()) {
            self.report.waiting += 1;
            return Ok(());
        }
        if self.ask.dry_run {
            self.report.add_missing(MissingFinding::of(finding, false));
            return Ok(());
        }
        if let Err(why) = self.ports.inlet.put(lane_of(level), &owed.message).await {
            self.report.add_missing(MissingFinding::of(finding, false));
            return Err(format!("a missing finding could not be enqueued: {why}"));
        }
        self.report.add_missing(MissingFinding::of(finding, true));
        let (expect, row) = enqueued::put(seen.as_ref(), level, &terms, self.wall());
        // If the write loses, another run has enqueued the finding too.
        self.write(&key, &expect, &row).await.map(|_| ())
    }

    async fn advance(&self, region: &str, held: &mut Held, to: Wall) -> Result<(), String> {
        if self.ask.dry_run {
            return Ok(());
        }
        let (expect, row) = watermark::advance(held, to, &self.rules.terms, self.wall());
        self.keep(region, &expect, &row).await?;
        held.record = row;
        Ok(())
    }

    async fn end(&self, region: &str, held: &Held, ending: Ending) -> Result<(), String> {
        if self.ask.dry_run {
            return Ok(());
        }
        let (expect, row) = watermark::end(held, ending, &self.rules.terms, self.wall());
        self.keep(region, &expect, &row).await
    }

    async fn keep(
        &self,
        region: &str,
        expect: &Expect,
        row: &WatermarkRecord,
    ) -> Result<(), String> {
        match self.write(&RecordKey::watermark(region), expect, row).await? {
            Written::Done => Ok(()),
            Written::Lost(_) => Err("another run has taken over this region".to_owned()),
        }
    }

    async fn read<R: RecordType>(&self, key: &RecordKey) -> Result<Option<R>, String> {
        self.ports.ledger.read(key).await.map_err(|why| why.to_string())
    }

    async fn write<R: RecordType>(
        &self,
        key: &RecordKey,
        expect: &Expect,
        row: &R,
    ) -> Result<Written<R>, String> {
        self.ports.ledger.write(key, expect, row).await.map_err(|why| why.to_string())
    }

    fn wall(&self) -> Wall {
        self.ports.clock.now().wall
    }

    fn time_is_up(&self) -> bool {
        self.ask.until.is_some_and(|until| self.ports.clock.now().mono >= until)
    }
}

/// The lane for a finding of this level. High and critical findings must not wait behind a storm.
fn lane_of(level: Level) -> Lane {
    if level >= Level::High { Lane::Express } else { Lane::Standard }
}

/// How often each worker checks whether a region is due: a quarter of the period.
fn check_every(every: Duration) -> Duration {
    const LEAST: Duration = Duration::from_secs(10);
    (every / 4).max(LEAST)
}
