//! Looks at the estate on a timer beside a worker, and in a call of Lambda. One worker of all looks
//! at a time: the record [`RecordKey::coverage`] is the lease, and says when the last look began.
//! The summary of gaps is posted once for each set of gaps and UTC day, whatever number of workers
//! run. A failure does not affect the worker: it is logged, counted, and the next check retries.

use std::convert::Infallible;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::{debug, info, warn};

use super::report::Report;
use super::survey::{Survey, survey};
use super::{configured_regions, known_accounts, summary};
use crate::aws;
use crate::aws::estate::Estate;
use crate::commands::exit::Exit;
use crate::commands::note::{NotePorts, NoteSender, Once, once};
use crate::config::Config;
use crate::estate::gap::{GapKind, Wanted};
use crate::instants::{Mono, Wall};
use crate::metrics::Metrics;
use crate::policy::day_counts::Day;
use crate::policy::record::{Expect, RecordKey, WatermarkRecord};
use crate::policy::watermark::{self, Ending, Held, Manner, Turn};
use crate::ports::estate::EstateSource;
use crate::ports::{Clock, Ledger, Notifier, Post, Written};

/// A look takes seconds, and with throttles minutes. It ends before its lease does.
const LOOK_MAX: Duration = Duration::from_secs(270);
/// The longest time between two checks whether a look is due.
const CHECK_MAX: Duration = Duration::from_secs(600);

/// The looks of one process.
pub struct Looks {
    config: Config,
    sender: NoteSender,
    /// The fence of this process's last look. Another fence: another process has looked since.
    fence: Option<u64>,
    posts: u64,
}

/// What became of a turn.
#[derive(Debug)]
pub enum Looked {
    /// It is not time yet, or another worker looks.
    NotNow,
    /// It could not look, or not post, and why. It is retried.
    Failed(String),
    Report(Box<Report>),
}

impl Looks {
    /// `worker_id` is unique to this process.
    pub fn new(config: &Config, worker_id: &str) -> Looks {
        let sender = NoteSender::new(config, worker_id);
        // Another id than that of other notes: each takes slots of the pace for its own.
        let sender = NoteSender { id: format!("{worker_id}c"), ..sender };
        Looks { config: config.clone(), sender, fence: None, posts: 0 }
    }

    /// Looks as often as is configured, until it is dropped.
    pub async fn follow<L: Ledger, N: Notifier, C: Clock>(
        mut self,
        ports: &NotePorts<'_, L, N, C>,
        metrics: &Metrics,
    ) -> Infallible {
        let Some(every) = self.config.coverage_every else { return std::future::pending().await };
        let mut random = fastrand::Rng::new();
        loop {
            // The random part keeps workers from looking at the same moment.
            let rest = (every / 4).min(CHECK_MAX).mul_f64(0.75 + random.f64() / 2.0);
            ports.clock.sleep_until(ports.clock.now().mono.plus(rest)).await;
            let source = Estate::new(&aws::sdk_config().await, None);
            let until = ports.clock.now().mono.plus(LOOK_MAX);
            self.turn(&source, ports, metrics, Manner::Timed(every), until).await;
        }
    }

    /// One look in a call of Lambda, whose schedule says how often.
    ///
    /// # Errors
    /// It could not look, or not post.
    pub async fn in_call<L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        ports: &NotePorts<'_, L, N, C>,
        metrics: &Metrics,
        until: Mono,
    ) -> Result<Value, String> {
        let source = Estate::new(&aws::sdk_config().await, None);
        match self.turn(&source, ports, metrics, Manner::Timed(Duration::ZERO), until).await {
            Looked::NotNow => Ok(json!({"hansho": "looked", "by": "another call"})),
            Looked::Failed(why) => Err(format!("coverage: {why}")),
            Looked::Report(report) => Ok(json!({
                "hansho": "looked", "gaps": report.gaps.len(), "unreadable": report.unread.len(),
            })),
        }
    }

    /// Looks, if it is time, and posts what is missing.
    pub async fn turn<S: EstateSource, L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        source: &S,
        ports: &NotePorts<'_, L, N, C>,
        metrics: &Metrics,
        manner: Manner,
        until: Mono,
    ) -> Looked {
        let held = match self.begin(ports, manner).await {
            Ok(Some(held)) => held,
            Ok(None) => {
                if self.fence.is_none() {
                    metrics.coverage_elsewhere();
                }
                return Looked::NotNow;
            }
            Err(why) => {
                metrics.coverage_failed();
                warn!(detail = %why, "the coverage of GuardDuty could not be looked at");
                return Looked::Failed(why);
            }
        };
        let began = ports.clock.now().wall;
        let looked = self.look(source, ports, metrics, until).await;
        let ending = match &looked {
            Looked::Report(_) => Ending::Whole(began),
            // So the next check need not wait for its time.
            _ => Ending::Cut,
        };
        let (expect, record) = watermark::end(&held, ending, &self.sender.terms, began);
        // If it fails, the lease ends by itself.
        _ = ports.ledger.write(&RecordKey::coverage(), &expect, &record).await;
        looked
    }

    /// Takes the lease. None: it is not time, or another worker looks.
    async fn begin<L: Ledger, N, C: Clock>(
        &mut self,
        ports: &NotePorts<'_, L, N, C>,
        manner: Manner,
    ) -> Result<Option<Held>, String> {
        let key = RecordKey::coverage();
        let seen: Option<WatermarkRecord> =
            ports.ledger.read(&key).await.map_err(|why| format!("the ledger: {why}"))?;
        if seen.as_ref().map(|seen| seen.fence) != self.fence {
            self.fence = None;
        }
        let (me, terms, now) = (&self.sender.id, &self.sender.terms, ports.clock.now().wall);
        let (expect, held): (Expect, Held) =
            match watermark::turn(seen.as_ref(), me, manner, None, terms, now) {
                Turn::Go { expect, held } => (expect, held),
                Turn::Busy { .. } | Turn::NotDue { .. } => return Ok(None),
            };
        let written = ports.ledger.write(&key, &expect, &held.record).await;
        match written.map_err(|why| format!("the ledger: {why}"))? {
            Written::Done => {
                self.fence = Some(held.record.fence);
                Ok(Some(held))
            }
            Written::Lost(_) => Ok(None),
        }
    }

    async fn look<S: EstateSource, L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        source: &S,
        ports: &NotePorts<'_, L, N, C>,
        metrics: &Metrics,
        until: Mono,
    ) -> Looked {
        let ask = Survey {
            regions: configured_regions(&self.config),
            known: known_accounts(&self.config),
            ..Survey::default()
        };
        let read = tokio::select! {
            biased;
            read = survey(source, &ask) => read.map_err(|why| why.to_string()),
            () = ports.clock.sleep_until(until) => Err("the time was up".to_owned()),
        };
        let now = ports.clock.now().wall;
        let report = match read {
            Ok(matrix) => Report::new(now, matrix, &Wanted::default()),
            Err(why) => {
                metrics.coverage_failed();
                warn!(detail = %why, "the coverage of GuardDuty could not be looked at");
                return Looked::Failed(why);
            }
        };
        record(&report, metrics);
        match self.post(ports, &report, now).await {
            Ok(()) => Looked::Report(Box::new(report)),
            Err(why) => Looked::Failed(why),
        }
    }

    /// Posts the summary to the first destination, unless these gaps were posted on this day.
    async fn post<L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        ports: &NotePorts<'_, L, N, C>,
        report: &Report,
        now: Wall,
    ) -> Result<(), String> {
        let first = self.sender.destinations.first().map(|(name, _)| name.clone());
        let Some(destination) = first.filter(|_| !report.gaps.is_empty()) else { return Ok(()) };
        self.posts += 1;
        let id = format!("{}-{}", self.sender.id, self.posts);
        let (title, lines) = summary::of(report);
        let note = Post::note(id, &destination, now, title, lines);
        let key = once::key(note_id(report, now), &destination);
        match once(ports, &self.sender, &key, &note).await {
            Once::Failed(why) => {
                warn!(destination, detail = %why, "the gaps could not be posted: they wait");
                Err(format!("the gaps could not be posted: {why}"))
            }
            Once::Posted { marked } => {
                info!(destination, post_id = note.id, marked, "posted the gaps of GuardDuty");
                Ok(())
            }
            Once::Known | Once::Busy => Ok(()),
        }
    }
}

/// One note for each set of gaps and UTC day.
fn note_id(report: &Report, now: Wall) -> String {
    let mut hash = Sha256::new();
    for gap in &report.gaps {
        hash.update(format!("{:?}\n", (gap.kind, &gap.region, &gap.account, &gap.detail)));
    }
    let digest = hash.finalize();
    let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("coverage:{}:{digest}", Day::of(now))
}

fn record(report: &Report, metrics: &Metrics) {
    let gaps = GapKind::ALL.map(|kind| {
        let number = report.gaps.iter().filter(|gap| gap.kind == kind).count();
        (kind.as_str(), number)
    });
    let complete = report.exit() == Exit::Done;
    metrics.coverage_looked(&gaps, report.unread.len(), complete, report.at);
    let (gaps, unreadable) = (report.gaps.len(), report.unread.len());
    if complete {
        debug!("the coverage of GuardDuty is complete");
        return;
    }
    warn!(gaps, unreadable, "the coverage of GuardDuty is not complete: run hansho coverage");
    for gap in report.gaps.iter().take(GAPS_LOGGED_MAX) {
        warn!(
            kind = gap.kind.as_str(),
            region = gap.region,
            account = gap.account,
            detail = gap.detail,
            "a gap"
        );
    }
    for one in report.unread.iter().take(GAPS_LOGGED_MAX) {
        warn!(
            fact = one.fact,
            region = one.region,
            account = one.account,
            detail = %one.why,
            "could not be read"
        );
    }
}

/// The most gaps, and facts that could not be read, that a look logs one by one.
const GAPS_LOGGED_MAX: usize = 20;
