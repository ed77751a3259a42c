//! `hansho reconcile`: what GuardDuty holds against what the ledger knows, and into the queue with
//! what is missing. EventBridge delivers nearly everything; this finds the rest.
//!
//! Region by region, page by page, from the finding that was updated first: a finding that is owed
//! to a destination under the routes in force, and whose row there does not say that it was told or
//! that somebody is at it, goes into a queue, as a worker would have got it from EventBridge: what is
//! high or critical by the express lane, if there is one, and all else by the standard one. What is put in without need is absorbed by the ledger like any other copy. After
//! each page the region's row says how far it came ([`watermark`]), so that a run that is killed or
//! cut short is gone on with. One region's failure leaves the others.
//!
//! Sample findings are findings: a worker tells them, and so they are missing if they were not told.
//! Archived ones are left out.

pub mod args;
pub mod command;
pub mod compare;
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

use compare::{Owed, SETTLE, Standing};
pub use report::{Missing, Outcome, RegionReport, Report};

/// Findings of one region that one run looks at, if nothing else is asked for: two hundred calls.
pub const LIMIT_DEFAULT: usize = 5_000;
/// However many have the same `updatedAt`: so many pages and no more.
const PAGES_MAX: usize = 10_000;
/// Rows of the ledger that are read at a time.
const READS_AT_A_TIME: usize = 8;
/// How often a write of a row that others change meanwhile is tried.
const WRITES_MAX: usize = 4;

/// What a comparison works on.
pub struct Ports<'a, S, L, I, C> {
    pub source: &'a S,
    pub ledger: &'a L,
    pub inlet: &'a I,
    pub clock: &'a C,
}

/// What holds for every run of a process.
#[derive(Clone, Debug)]
pub struct Rules {
    pub routes: Routes,
    pub terms: Terms,
    /// Unique to the process: the owner of the regions' rows.
    pub me: String,
}

/// The rules of this process.
pub fn rules(config: &Config) -> Rules {
    let me = uuid::Uuid::new_v4().simple().to_string();
    Rules { routes: config.routes(), terms: config.terms(), me }
}

/// One run.
#[derive(Clone, Debug)]
pub struct Ask {
    /// One after the other, in this order.
    pub regions: Vec<String>,
    pub manner: Manner,
    /// Where to begin, in place of where the last run ended.
    pub since: Option<Wall>,
    /// Write nothing, enqueue nothing.
    pub dry_run: bool,
    /// The most findings of a region that are looked at; rounded up to whole pages.
    pub limit: usize,
    /// From then on no page is begun.
    pub until: Option<Mono>,
}

/// Compares each region. `heard` is told of each as soon as it is done.
pub async fn run<S: FindingsSource, L: Ledger, I: Inlet, C: Clock>(
    ports: &Ports<'_, S, L, I, C>,
    rules: &Rules,
    ask: &Ask,
    mut heard: impl FnMut(&RegionReport),
) -> Report {
    let mut report = Report { dry_run: ask.dry_run, ..Report::default() };
    for region in &ask.regions {
        let mut run = Run { ports, rules, ask, report: RegionReport::new(region) };
        if let Err(why) = run.region(region).await {
            run.report.outcome = Outcome::Failed(why);
        }
        heard(&run.report);
        report.regions.push(run.report);
    }
    report
}

/// The comparison of one region.
struct Run<'a, S, L, I, C> {
    ports: &'a Ports<'a, S, L, I, C>,
    rules: &'a Rules,
    ask: &'a Ask,
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
                    Outcome::Whole => Ending::Whole(began),
                    _ => Ending::Cut,
                };
                self.report.outcome = outcome;
                self.end(region, &held, ending).await
            }
            Err(why) => {
                // If this fails too the lease ends by itself, and the first reason is the one to know.
                _ = self.end(region, &held, Ending::Failed).await;
                Err(why)
            }
        }
    }

    /// Takes the right to compare the region. None: it is not the time for it.
    async fn begin(&mut self, region: &str) -> Result<Option<Held>, String> {
        let Ask { manner, since, dry_run, .. } = *self.ask;
        let key = RecordKey::watermark(region);
        let mut seen = self.read(&key).await?;
        for _ in 0..WRITES_MAX {
            let (me, terms) = (&self.rules.me, &self.rules.terms);
            let (expect, held) =
                match watermark::turn(seen.as_ref(), me, manner, since, terms, self.wall()) {
                    Turn::Go { expect, held } => (expect, held),
                    Turn::Busy { until } => {
                        self.report.outcome = Outcome::Busy(until);
                        return Ok(None);
                    }
                    Turn::NotDue { until } => {
                        self.report.outcome = Outcome::NotDue(until);
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
        Err("other runs keep taking this region's row: try again later".to_owned())
    }

    async fn pages(
        &mut self,
        region: &str,
        began: Wall,
        held: &mut Held,
    ) -> Result<Outcome, String> {
        let detector = self.ports.source.detector(region).await.map_err(|e| e.to_string())?;
        let Some(detector) = detector else {
            return Err(
                "GuardDuty has no detector there: enable it, or leave the region out".to_owned()
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
                return Ok(Outcome::Deadline);
            }
            let listed = self.ports.source.list(&ask).await.map_err(|e| e.to_string())?;
            for ids in listed.ids.chunks(FINDINGS_PAGE_MAX) {
                let got = self.ports.source.get(region, &ask.detector, ids).await;
                let updated = self.page(&got.map_err(|e| e.to_string())?).await?;
                newest = newest.max(updated.unwrap_or(newest));
            }
            if listed.next.is_none() {
                return Ok(Outcome::Whole);
            }
            ask.page = listed.next;
            // What is left to settle must not be behind the mark: a run that begins there would
            // pass over it.
            let mark = newest.min(began.minus(SETTLE)).max(held.from);
            self.advance(region, held, mark).await?;
            // However many were updated in the same moment, a run gets on.
            if self.report.listed >= self.ask.limit as u64 && mark > held.from {
                return Ok(Outcome::Limit);
            }
        }
        Err(format!("the list did not end after {PAGES_MAX} pages"))
    }

    /// Compares some findings, and enqueues what is missing. Answers when the last of them was
    /// updated.
    async fn page(&mut self, texts: &[String]) -> Result<Option<Wall>, String> {
        let now = self.wall();
        let mut newest = None;
        let mut owed = Vec::new();
        for text in texts {
            self.report.listed += 1;
            let (updated, standing) = compare::look(text, &self.rules.routes, now);
            newest = newest.max(updated);
            match standing {
                Standing::Owed(one) => owed.push(one),
                Standing::BelowThreshold => self.report.below_threshold += 1,
                Standing::Young => self.report.young += 1,
                Standing::Archived => self.report.archived += 1,
                Standing::Unreadable(why) => self.report.cannot_read(why),
            }
        }
        let looks: Vec<_> = owed.iter().map(|one| self.is_known(one)).collect();
        let known: Vec<bool> = stream::iter(looks).buffered(READS_AT_A_TIME).try_collect().await?;
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

    /// Whether the ledger knows of every alert of a finding.
    async fn is_known(&self, owed: &Owed) -> Result<bool, String> {
        for key in &owed.alerts {
            let row = self.read(key).await?;
            if !compare::known(row.as_ref(), &owed.finding, &self.rules.terms, self.wall()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn missing(&mut self, owed: &Owed) -> Result<(), String> {
        let (finding, terms) = (&owed.finding, self.rules.terms);
        let key = RecordKey::enqueued(&finding.fingerprint);
        let level = finding.severity.level;
        let seen = self.read(&key).await?;
        if enqueued::waits(seen.as_ref(), level, self.wall()) {
            self.report.waiting += 1;
            return Ok(());
        }
        if self.ask.dry_run {
            self.report.misses(Missing::of(finding, false));
            return Ok(());
        }
        if let Err(why) = self.ports.inlet.put(lane_of(level), &owed.message).await {
            self.report.misses(Missing::of(finding, false));
            return Err(format!("a missing finding could not be enqueued: {why}"));
        }
        self.report.misses(Missing::of(finding, true));
        let (expect, row) = enqueued::put(seen.as_ref(), level, &terms, self.wall());
        // Whoever was faster has enqueued it too.
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
            Written::Lost(_) => Err("another run has taken over".to_owned()),
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

/// The lane of a finding of this level. One copy is enough: it was read already, so that nothing depends
/// on what a rule makes of its severity, and what is bad does not wait behind a storm.
fn lane_of(level: Level) -> Lane {
    if level >= Level::High { Lane::Express } else { Lane::Standard }
}

/// A quarter of a timer's period: so often the workers of a fleet look whether a region is due.
fn look_every(every: Duration) -> Duration {
    const LEAST: Duration = Duration::from_secs(10);
    (every / 4).max(LEAST)
}
