//! `hansho run`: builds the worker for the backend that is configured, and runs it.

pub mod feed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tracing::{error, info};

use crate::clock::SystemClock;
use crate::commands::reconcile;
use crate::commands::run::feed::Feed;
use crate::commands::wiring;
use crate::config::{Backend, Config};
use crate::desk::worker::{self, Outcome, Ports};
use crate::desk::{Desk, DrainTerms, Report, Settings, Tally};
use crate::embedded::{EmbeddedLedger, EmbeddedQueue, Store, listen};
use crate::health::{Vitals, beat, server};
use crate::metrics::Metrics;
use crate::metrics::calls::Counted;
use crate::metrics::emf::Emf;
use crate::ports::inlet::Inlet;
use crate::ports::{Clock, Lane, Ledger, Queue};
use crate::secret::Secret;

/// What the command line asks of a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Files to take findings from; `-` is standard input.
    pub inputs: Vec<PathBuf>,
    /// End when the queues are empty and everything is settled.
    pub drain: bool,
}

/// A run that ends by itself gives up when nothing was posted or settled for so long, at least.
const PATIENCE_MIN: Duration = Duration::from_secs(300);
/// SQS's counts are approximate, so that one look at an empty queue proves little.
const LOOKS_AT_SQS: u32 = 3;

/// When what the first post needs is made ready, if that has not come before.
const PREPARE_AFTER: Duration = Duration::from_millis(20);

/// Runs the worker until it is asked to stop, or, with `drain`, until everything is done.
pub async fn run(config: &Config, options: &RunOptions) -> anyhow::Result<Outcome> {
    let backend = match config.backend.clone() {
        // A run that ends by itself waits for nobody.
        Backend::Embedded { path, token, .. } if options.drain => {
            Backend::Embedded { path, listen: None, token }
        }
        backend => backend,
    };
    info!(backend = backend.as_str(), "{backend}");
    match &backend {
        Backend::Embedded { path, listen, token } => {
            let token = match token {
                Some(reference) => {
                    let token = wiring::read(reference).await;
                    Some(token.map_err(|why| anyhow!("embedded.token: {why}"))?)
                }
                None => None,
            };
            run_embedded(config, options, path, listen.map(|at| (at, token))).await
        }
        Backend::Aws { standard, express, quarantine, table } => {
            if !options.inputs.is_empty() {
                bail!(
                    "--input fills the embedded queue, but queue.standard is configured: leave \
                     one of them out"
                );
            }
            let (queue, ledger) =
                wiring::on_aws(standard, express.as_ref(), quarantine, table).await;
            let clock = SystemClock::start();
            let settings = settings(config, options, queue.lanes().collect(), LOOKS_AT_SQS);
            work(config, settings, &queue, &ledger, &clock, async {}).await
        }
    }
}

async fn run_embedded(
    config: &Config,
    options: &RunOptions,
    path: &Path,
    listen: Option<(std::net::SocketAddr, Option<Secret>)>,
) -> anyhow::Result<Outcome> {
    let clock = Arc::new(SystemClock::start());
    let store = Store::open_for_work(path)?;
    let queue = EmbeddedQueue::new(store.clone(), Arc::clone(&clock));
    let ledger = EmbeddedLedger::new(store);
    if let Some((at, token)) = listen {
        let listener = tokio::net::TcpListener::bind(at)
            .await
            .with_context(|| format!("embedded.listen: {at} can't be listened on"))?;
        info!(address = %listener.local_addr()?, "listening for POST /events");
        let router = listen::router(queue.clone(), token);
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    let feed = Feed::open(&options.inputs)?;
    let progress = feed.progress();
    let feeding = feed.run(queue.clone(), Arc::clone(&clock));
    let settings = settings(config, options, vec![Lane::Standard], 1);
    let mut outcome = work(config, settings, &queue, &ledger, &clock, feeding).await?;
    outcome.input_cut |= progress.failed();
    if outcome.input_cut {
        error!(
            messages = progress.messages(),
            "an input was not read to its end: run it again; what was taken of it is known"
        );
    }
    Ok(outcome)
}

async fn work<Q: Queue + Inlet, L: Ledger>(
    config: &Config,
    settings: Settings,
    queue: &Q,
    ledger: &L,
    clock: &SystemClock,
    input: impl Future<Output = ()>,
) -> anyhow::Result<Outcome> {
    let vitals = Arc::new(Vitals::new(Metrics::new()?, *clock));
    // Before anything that may take long: who looks after the worker sees it start.
    if let Some(at) = config.metrics.listen {
        server::start(at, Arc::clone(&vitals)).await?;
    }
    let emf = Arc::new(Emf::default());
    let tells = config.metrics.emf.unwrap_or(false);
    if tells {
        tokio::spawn(beat::run(Arc::clone(&vitals), Arc::clone(&emf), *clock));
    }
    let notifier = wiring::notifier(config).await?;
    let ports = Ports {
        queue: &Counted::new(queue, &vitals.metrics, clock),
        ledger: &Counted::new(ledger, &vitals.metrics, clock),
        notifier: &Counted::new(&notifier, &vitals.metrics, clock),
        clock,
    };
    let ends_by_itself = settings.drain.is_some();
    let comparing = async {
        if ends_by_itself {
            return std::future::pending().await;
        }
        reconcile::source::beside(config, ports.ledger, queue, clock, &vitals.metrics).await
    };
    let preparing = async {
        // The first receives are on their way by then.
        clock.sleep_until(clock.now().mono.plus(PREPARE_AFTER)).await;
        match notifier.prepare() {
            Ok(()) => std::future::pending().await,
            Err(why) => why,
        }
    };
    let (report, watch) = (|r: &Report| vitals.heard(r), |desk: &Desk| vitals.turned(desk));
    let outcome = tokio::select! {
        biased;
        outcome = worker::run(settings, &ports, stop_signal(), input, report, watch) => outcome,
        never = comparing => match never {},
        why = preparing => return Err(why.into()),
    };
    if tells {
        beat::tell(&vitals, &emf, *clock);
    }
    Ok(outcome)
}

/// The desk's settings for this run.
fn settings(
    config: &Config,
    options: &RunOptions,
    lanes: Vec<Lane>,
    measurements: u32,
) -> Settings {
    let settings = wiring::settings(config, lanes);
    let patience = patience(config);
    if !options.drain {
        return settings;
    }
    Settings {
        receive_wait: wiring::SHORT_POLL,
        drain: Some(DrainTerms { measurements, patience }),
        ..settings
    }
}

/// Longer than whatever a crashed worker may have left behind, and than the slowest pace.
fn patience(config: &Config) -> Duration {
    let left_behind = config.budget.visibility() + config.budget.lease() + config.budget.skew();
    let pace = config.destinations.iter().map(|d| d.pace).max().unwrap_or_default();
    PATIENCE_MIN.max(left_behind * 2).max(pace * 2)
}

async fn stop_signal() {
    wiring::asked_to_stop().await;
    info!("asked to stop: finishing what is in hand, giving the rest back");
}

/// The summary as a person reads it.
pub fn summary(outcome: &Outcome) -> String {
    let Tally { received, findings, below_threshold, already_posted, posted, posts, .. } =
        outcome.tally;
    let Tally { retried, ambiguous, quarantined, pending, escalated, .. } = outcome.tally;
    let Tally { returned, fenced_out, by_fallback, unclaimed, .. } = outcome.tally;
    let mut lines = vec![
        format!("{received:>8} messages received, {findings} findings in them"),
        format!("{below_threshold:>8} below the threshold"),
        format!("{already_posted:>8} already posted"),
        format!("{posted:>8} posted in {posts} posts, {escalated} of them escalations"),
        format!("{by_fallback:>8} of them by a fallback, its destination being dead"),
        format!("{unclaimed:>8} posted without a claim, the ledger being away"),
        format!("{retried:>8} tries repeated, {ambiguous} of them perhaps accepted all the same"),
        format!("{fenced_out:>8} posted but marked too late, so perhaps posted again"),
        format!("{quarantined:>8} quarantined"),
        format!("{returned:>8} handed back to the queue for later"),
        match pending {
            Some(pending) => format!("{pending:>8} still in the queues"),
            None => "       ? still in the queues: they did not say".to_owned(),
        },
    ];
    if outcome.gave_up {
        lines.push(format!(
            "gave up: nothing was posted or settled for {} s or more; see the log for why. \
             Nothing is lost: what is pending stays in the queue",
            PATIENCE_MIN.as_secs()
        ));
    }
    lines.join("\n")
}
