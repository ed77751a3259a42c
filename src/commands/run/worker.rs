//! The long-lived worker: made for the backend that is configured, and run until it ends.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tracing::{error, info};

use super::feed::Feed;
use super::progress;
use crate::clock::SystemClock;
use crate::commands::accounts::follow::{Answered, follow};
use crate::commands::counts::{counter::Counter, follow as counts};
use crate::commands::coverage::timer::Looks;
use crate::commands::note::NotePorts;
use crate::commands::reconcile;
use crate::commands::silence::notes::Notes;
use crate::commands::silence::{follow as silences, store::Reader};
use crate::commands::wiring;
use crate::config::{Backend, Config, Reference, duration};
use crate::desk::worker::{self, Outcome, Ports};
use crate::desk::{Desk, DrainTerms, Report, Settings};
use crate::embedded::{EmbeddedLedger, EmbeddedQueue, Sieve, Store, listen, watch};
use crate::finding::Parsed;
use crate::health::serve::serve;
use crate::health::{Vitals, beat, server};
use crate::instants::Mono;
use crate::metrics::emf::Emf;
use crate::metrics::{Counted, Metrics};
use crate::policy::route::Routes;
use crate::ports::inlet::Inlet;
use crate::ports::{Clock, Lane, Ledger, Notifier, Queue};
use crate::secret::Secret;
use crate::slack::{SlackNotifier, WebhookSource};
use crate::words::number_of;

/// The options of a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Files to read findings from. `-` is the standard input.
    pub inputs: Vec<PathBuf>,
    /// End when the queues are empty and every alert is posted.
    pub drain: bool,
    /// A draining run gives up after this long without a post or a deleted message. None: see
    /// [`patience`].
    pub give_up: Option<Duration>,
}

/// A draining run gives up after at least this long without a post or a deleted message, unless
/// `--give-up` sets another time.
const PATIENCE_MIN: Duration = Duration::from_secs(300);

/// How many counts of an SQS queue in a row must be 0, because SQS's counts are approximate.
const EMPTY_COUNTS_OF_SQS: u32 = 3;
const EMPTY_COUNTS_OF_STORE: u32 = 1;

/// The HTTP client is made ready after this time, so that the first receives start before it.
const PREPARE_AFTER: Duration = Duration::from_millis(20);

/// Runs the worker until SIGTERM or Ctrl-C, or, with `drain`, until all work is done.
///
/// # Errors
/// The worker could not start: a secret, an address or an input can't be used.
pub async fn run(config: &Config, options: &RunOptions) -> anyhow::Result<Outcome> {
    let backend = match config.backend.clone() {
        // A draining run does not wait for senders.
        Backend::Embedded { path, token, .. } if options.drain => {
            Backend::Embedded { path, listen: None, token }
        }
        backend => backend,
    };
    info!(backend = backend.as_str(), "{backend}");
    match &backend {
        Backend::Embedded { path, listen, token } => {
            let token = match token {
                Some(reference) => Some(read_token(reference).await?),
                None => None,
            };
            run_embedded(config, options, path, listen.map(|at| (at, token))).await
        }
        Backend::Aws(aws) => {
            if !options.inputs.is_empty() {
                bail!(
                    "--input fills the embedded queue, but queue.standard is configured: leave \
                     one of them out"
                );
            }
            let (queue, ledger) = wiring::on_aws(aws).await;
            let clock = SystemClock::start();
            let settings = settings(config, options, queue.lanes().collect(), EMPTY_COUNTS_OF_SQS);
            let vitals = Arc::new(Vitals::new(Metrics::new()?, clock));
            let counter = Arc::new(Counter::new(&settings.worker_id));
            let beside = Beside { vitals, counter, input: async {}, store: None };
            work(config, settings, &queue, &ledger, &clock, beside).await
        }
    }
}

/// Leaves out what is owed to nobody, and counts it as the desk would.
fn sieve(
    config: &Config,
    vitals: &Arc<Vitals>,
    counter: &Arc<Counter>,
    clock: &Arc<SystemClock>,
) -> Sieve {
    let (vitals, counter, clock) = (Arc::clone(vitals), Arc::clone(counter), Arc::clone(clock));
    let lane = Lane::Standard;
    Sieve::new(config.routes(), move |left_out: Parsed| {
        let ignored = left_out.ignored.into_iter().map(|event| Report::Ignored { event, lane });
        let unwanted = left_out.unwanted.into_iter();
        let unwanted = unwanted.map(|finding| Report::Filtered { finding, lane });
        for report in ignored.chain(unwanted) {
            vitals.record(&report);
            counter.record(&report, clock.now().wall);
        }
    })
}

async fn read_token(reference: &Reference) -> anyhow::Result<Secret> {
    wiring::read(reference).await.map_err(|why| anyhow!("embedded.token: {why}"))
}

async fn run_embedded(
    config: &Config,
    options: &RunOptions,
    path: &Path,
    listen: Option<(SocketAddr, Option<Secret>)>,
) -> anyhow::Result<Outcome> {
    let clock = Arc::new(SystemClock::start());
    let store = Store::open_for_work(path)?;
    let queue = EmbeddedQueue::new(store.clone(), Arc::clone(&clock));
    let ledger = EmbeddedLedger::new(store.clone());
    let vitals = Arc::new(Vitals::new(Metrics::new()?, *clock));
    let settings = settings(config, options, vec![Lane::Standard], EMPTY_COUNTS_OF_STORE);
    let counter = Arc::new(Counter::new(&settings.worker_id));
    let sieve = Arc::new(sieve(config, &vitals, &counter, &clock));
    if let Some((at, token)) = listen {
        let listener = tokio::net::TcpListener::bind(at)
            .await
            .with_context(|| format!("embedded.listen: {at} can't be listened on"))?;
        info!(address = %listener.local_addr()?, "listening for POST /events");
        let router = listen::router(queue.clone(), Arc::clone(&sieve), token);
        tokio::spawn(serve(listener, router));
    }
    let feed = Feed::open(&options.inputs)?;
    let progress = feed.progress();
    let feeding = feed.run(queue.clone(), Arc::clone(&sieve), Arc::clone(&clock));
    let beside = Beside { vitals, counter, input: feeding, store: Some(&store) };
    let mut outcome = work(config, settings, &queue, &ledger, &clock, beside).await?;
    store.shrink().await;
    if let Some(removed) = store.is_removed() {
        let left = queue.depth(Lane::Standard).await.map_or(0, |d| d.visible + d.hidden);
        let left = number_of(left, "message");
        bail!("{removed}. The next worker does not know what was posted, nor {left}");
    }
    let left_out = sieve.left_out();
    outcome.tally.received += left_out.messages;
    outcome.tally.findings += left_out.findings;
    outcome.tally.below_threshold += left_out.findings;
    outcome.tally.ignored += left_out.ignored;
    outcome.input_cut |= progress.failed();
    if outcome.input_cut {
        error!(
            messages = progress.messages(),
            "an input was not read to its end: run it again; messages that are in the queue already \
             are not posted twice"
        );
    }
    Ok(outcome)
}

/// What goes on beside the desk.
struct Beside<'a, F> {
    vitals: Arc<Vitals>,
    counter: Arc<Counter>,
    /// Reads the inputs.
    input: F,
    /// The store, if it is embedded.
    store: Option<&'a Store>,
}

/// Runs the desk on its ports, and beside it the HTTP server of the metrics, the metrics in the log
/// and the timer of `reconcile`.
async fn work<Q: Queue + Inlet, L: Ledger>(
    config: &Config,
    settings: Settings,
    queue: &Q,
    ledger: &L,
    clock: &SystemClock,
    beside_it: Beside<'_, impl Future<Output = ()>>,
) -> anyhow::Result<Outcome> {
    let Beside { vitals, counter, input, store } = beside_it;
    // First, so that a health check sees a worker that starts slowly.
    if let Some(at) = config.metrics.listen {
        server::start(at, Arc::clone(&vitals)).await?;
    }
    let emf = start_emf(config, &vitals, *clock);
    let mut reader = Reader::new(config.silences.clone());
    let (notifier, unread) = at_start(config, &mut reader, ledger, &vitals, clock).await?;
    let settings = Settings { unread, ..settings };
    let ports = Ports {
        queue: &Counted::new(queue, &vitals.metrics, clock),
        ledger: &Counted::new(ledger, &vitals.metrics, clock),
        notifier: &Counted::new(&notifier, &vitals.metrics, clock),
        clock,
    };
    let comparing = comparing(config, &settings, ports.ledger, queue, clock, &vitals.metrics);
    let answered = Answered::default();
    let following = beside(config, &settings, &ports, reader, &counter, (&vitals, &answered));
    let watching = watch_store(store, clock, &vitals);
    let preparing = prepare(&notifier, clock);
    let watch = |desk: &Desk| vitals.turned(desk);
    let report = |report: &Report| {
        vitals.record(report);
        counter.record(report, clock.now().wall);
    };
    let work = async {
        know_accounts(&settings.routes, &answered, clock).await?;
        anyhow::Ok(worker::run(settings.clone(), &ports, stop_signal(), input, report, watch).await)
    };
    let outcome = tokio::select! {
        biased;
        outcome = work => outcome?,
        never = comparing => match never {},
        never = following => match never {},
        never = watching => match never {},
        why = preparing => return Err(why),
    };
    counts::last(&counter, ports.ledger, clock).await;
    if let Some(emf) = &emf {
        beat::write(&vitals, emf, *clock);
    }
    Ok(outcome)
}

/// Writes the metrics into the log regularly, if that is configured.
fn start_emf(config: &Config, vitals: &Arc<Vitals>, clock: SystemClock) -> Option<Arc<Emf>> {
    let emf = config.metrics.emf.unwrap_or(false).then(|| Arc::new(Emf::default()))?;
    tokio::spawn(beat::run(Arc::clone(vitals), Arc::clone(&emf), clock));
    Some(emf)
}

/// Compares GuardDuty's findings with the ledger, as often as is configured. A draining run never
/// does.
async fn comparing<Q: Inlet, L: Ledger>(
    config: &Config,
    settings: &Settings,
    ledger: &L,
    queue: &Q,
    clock: &SystemClock,
    metrics: &Metrics,
) -> Infallible {
    if settings.drain.is_some() {
        return std::future::pending().await;
    }
    reconcile::source::beside(config, ledger, queue, clock, metrics).await
}

/// What runs beside the desk: keeps accounts and silences up to date, writes the counts, draws the
/// state on a terminal, posts the notes about silences, and looks at GuardDuty's coverage. A
/// draining run is too short for the last two.
async fn beside<Q, L: Ledger, N: Notifier>(
    config: &Config,
    settings: &Settings,
    ports: &Ports<'_, Q, L, N, SystemClock>,
    reader: Reader,
    counter: &Counter,
    (vitals, answered): (&Vitals, &Answered),
) -> Infallible {
    let Ports { ledger, notifier, clock, .. } = *ports;
    let accounts = config.guide.accounts.clone();
    let tell = |state| vitals.directory(state);
    let following = follow(accounts, ledger, clock, answered, tell);
    let silencing = silences::follow(reader, ledger, clock, |state| vitals.silences(state));
    let noting = async {
        if settings.drain.is_some() {
            return std::future::pending().await;
        }
        let ports = NotePorts { ledger, notifier, clock };
        let looking = Looks::new(config, &settings.worker_id);
        tokio::select! {
            never = Notes::new(config, &settings.worker_id).follow(&ports) => never,
            never = looking.follow(&ports, &vitals.metrics) => never,
        }
    };
    tokio::select! {
        never = following => never,
        never = silencing => never,
        never = counts::follow(counter, ledger, clock) => never,
        never = noting => never,
        never = progress::draw(vitals, clock) => never,
    }
}

/// Waits for the account directory, without which a finding may be owed to nobody.
async fn know_accounts(
    routes: &Routes,
    answered: &Answered,
    clock: &SystemClock,
) -> anyhow::Result<()> {
    if !answered.wait(routes, clock, Mono(u64::MAX)).await {
        bail!(
            "the ledger does not answer, and routes look at accounts (ou, account_name or \
             account_tag), which are read from it at the start. Nothing was taken up: mend the \
             ledger and start again"
        );
    }
    Ok(())
}

/// Reads the webhooks, as [`wiring::notifier`] does, and the silences, because findings that they
/// keep back may wait in the queue.
async fn at_start<L: Ledger>(
    config: &Config,
    reader: &mut Reader,
    ledger: &L,
    vitals: &Vitals,
    clock: &SystemClock,
) -> anyhow::Result<(SlackNotifier<wiring::ConfiguredWebhook>, Vec<usize>)> {
    let silences = silences::first(reader, ledger, clock);
    let (notifier, silences) = tokio::join!(wiring::notifier(config), silences);
    vitals.silences(silences);
    notifier
}

/// Watches the store, if it is embedded.
async fn watch_store(store: Option<&Store>, clock: &SystemClock, vitals: &Vitals) -> Infallible {
    let Some(store) = store else { return std::future::pending().await };
    watch::watch(store, clock, |failing| vitals.store(failing)).await
}

/// Makes the HTTP client ready. Ends only if that fails.
async fn prepare<W: WebhookSource>(
    notifier: &SlackNotifier<W>,
    clock: &SystemClock,
) -> anyhow::Error {
    clock.sleep_until(clock.now().mono.plus(PREPARE_AFTER)).await;
    match notifier.prepare() {
        Ok(()) => std::future::pending().await,
        Err(why) => why.into(),
    }
}

/// The desk's settings for this run. `empty_counts`: see [`DrainTerms`].
fn settings(
    config: &Config,
    options: &RunOptions,
    lanes: Vec<Lane>,
    empty_counts: u32,
) -> Settings {
    let settings = wiring::settings(config, lanes);
    if !options.drain {
        return settings;
    }
    let give_up = duration::format(patience(config, options));
    info!(
        give_up,
        "draining: ends with the queues empty, or after this time in which nothing moves"
    );
    Settings {
        receive_wait: wiring::SHORT_POLL,
        drain: Some(DrainTerms { measurements: empty_counts, patience: patience(config, options) }),
        ..settings
    }
}

/// After how long without a post or a deleted message a draining run gives up. By default longer
/// than the locks of a crashed worker last, and longer than the slowest pace.
pub fn patience(config: &Config, options: &RunOptions) -> Duration {
    if let Some(given) = options.give_up {
        return given;
    }
    let locked = config.budget.visibility() + config.budget.lease() + config.budget.skew();
    let pace = config.destinations.iter().map(|d| d.pace).max().unwrap_or_default();
    PATIENCE_MIN.max(locked * 2).max(pace * 2)
}

async fn stop_signal() {
    wiring::stop_signal().await;
    info!("stopping: posts in flight are finished, all other messages return to their queue");
}
