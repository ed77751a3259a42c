//! From the command line to the queue, the ledger and the command.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::sync::watch;
use tracing::info;

use crate::aws;
use crate::aws::dynamodb::DynamoLedger;
use crate::aws::sqs::SqsParked;
use crate::clock::SystemClock;
use crate::commands::args::Input;
use crate::commands::exit::Exit;
use crate::commands::replay::args::{Action, Discard, Export, Filters, From, Import, Replay, Send};
use crate::config::keys::SLACK_WEBHOOK_URL;
use crate::config::{self, Backend, Config, Environment, Loaded, QueueUrl};
use crate::embedded::{EmbeddedLedger, EmbeddedParked, Store};
use crate::instants::Wall;
use crate::ports::{Clock, DeadLetterQueue, Ledger};
use crate::terminal;

use super::commands::{self, DryRun, Said, Selection, View};
use super::filter::Filter;
use super::force::Again;
use super::look::{Hands, Stop};
use super::progress::Bar;
use super::{send, transfer};

/// Longer a receive can't be held: SQS ends it after 12 h.
const SEND_MAX: Duration = Duration::from_secs(10 * 3600);
/// While a person is asked, what is held is looked after this often.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// What stands for a webhook if nothing says where it is; nothing is read from there. The first is
/// the simplest set-up's destination, the second one that lacks nothing but its webhook.
const NO_WEBHOOK: [(&str, &str); 2] =
    [(SLACK_WEBHOOK_URL, "none"), ("HANSHO_DESTINATION_WEBHOOK", "env:SLACK_WEBHOOK_URL")];

/// Runs `hansho replay`. `valid` tells the mistakes of a configuration, and gives it if it has none.
pub async fn run(
    replay: Replay,
    valid: impl FnOnce(Loaded) -> Option<Config>,
) -> anyhow::Result<Exit> {
    let (config_flag, from) = match &replay.action {
        Action::List(a) => (&a.source.config, &a.source.from),
        Action::Send(a) => (&a.source.config, &a.source.from),
        Action::Discard(a) => (&a.source.config, &a.source.from),
        Action::Export(a) => (&a.source.config, &a.source.from),
        Action::Import(a) => (&a.config, &a.into),
    };
    if let Action::Discard(discard) = &replay.action
        && let Err(why) = may_discard(discard)
    {
        return usage(why);
    }
    let from = from.clone();
    let loaded = configuration(config_flag.config.as_deref(), &config::environment());
    // A queue that is named needs no configuration to be looked at, only to be sent from.
    let needs_config = from == From::Quarantine || matches!(replay.action, Action::Send(_));
    let config = match loaded.loaded.outcome.is_ok() || needs_config {
        true => match valid(loaded.loaded) {
            Some(config) => Some(config),
            None => return Ok(Exit::Usage),
        },
        false => None,
    };
    let clock = Arc::new(SystemClock::start());
    let place = Place { config: config.as_ref(), guessed: loaded.guessed };
    let stop = stop_signal();
    match (from, config.as_ref().map(|c| &c.backend)) {
        (From::Quarantine, Some(Backend::Embedded { path, .. })) => {
            let store = open(path)?;
            let queue = EmbeddedParked::new(store.clone(), Arc::clone(&clock));
            let ledger = EmbeddedLedger::new(store);
            let name = format!("quarantine ({})", path.display());
            act(replay.action, &queue, Some(&ledger), &place, &name, &clock, stop).await
        }
        (From::Quarantine, Some(Backend::Aws { quarantine, .. })) => {
            let url = quarantine.clone();
            let name = format!("quarantine ({})", url.name());
            on_sqs(replay.action, &url, &name, &place, &clock, stop).await
        }
        (From::Queue(url), backend) => {
            if let Some(why) = refused(&url, backend, &replay.action) {
                return usage(why);
            }
            let name = format!("queue {}", url.name());
            on_sqs(replay.action, &url, &name, &place, &clock, stop).await
        }
        (From::Quarantine, None) => Ok(Exit::Usage),
    }
}

fn usage(why: impl std::fmt::Display) -> anyhow::Result<Exit> {
    eprintln!("hansho: {why}");
    Ok(Exit::Usage)
}

/// What a command knows beside its queue.
struct Place<'a> {
    config: Option<&'a Config>,
    /// The destination is a guess, because none is configured here.
    guessed: bool,
}

struct Configuration {
    loaded: Loaded,
    guessed: bool,
}

/// The worker's configuration. A replay reads no webhook, so one that lacks nothing else is good.
fn configuration(flag: Option<&Path>, environment: &Environment) -> Configuration {
    let file = config::find(flag, environment);
    let loaded = config::load(file.as_ref(), environment);
    if loaded.outcome.is_err() {
        for (name, value) in NO_WEBHOOK {
            let mut with_one = environment.clone();
            with_one.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            let again = config::load(file.as_ref(), &with_one);
            if again.outcome.is_ok() {
                return Configuration { loaded: again, guessed: true };
            }
        }
    }
    Configuration { loaded, guessed: false }
}

/// The worker makes its file; one that is not there means that this is the wrong place.
fn open(path: &Path) -> anyhow::Result<Store> {
    if !path.exists() {
        let folder =
            std::env::current_dir().map_or_else(|_| ".".into(), |at| at.display().to_string());
        bail!(
            "{} does not exist (in {folder}), so nothing can be parked in it: run this where the \
             worker runs, or set embedded.path; for SQS set queue.quarantine, or give --from URL",
            path.display()
        );
    }
    Ok(Store::open(path)?)
}

/// Why this queue can't be used so.
fn refused(url: &QueueUrl, backend: Option<&Backend>, action: &Action) -> Option<String> {
    match backend {
        Some(Backend::Aws { standard, express, .. }) => {
            let lane =
                [Some(standard), express.as_ref()].into_iter().flatten().find(|u| *u == url)?;
            Some(format!(
                "--from {}: is one of the worker's own queues, not one of parked messages",
                lane.name()
            ))
        }
        _ if matches!(action, Action::Send(_)) => Some(
            "there is no queue to send to: set queue.standard (HANSHO_QUEUE_STANDARD) and the \
             others of [queue], as the worker has them"
                .to_owned(),
        ),
        _ => None,
    }
}

async fn on_sqs(
    action: Action,
    url: &QueueUrl,
    name: &str,
    place: &Place<'_>,
    clock: &SystemClock,
    stop: Stop,
) -> anyhow::Result<Exit> {
    let sdk = aws::sdk_config().await;
    let (standard, express, table) = match place.config.map(|c| &c.backend) {
        Some(Backend::Aws { standard, express, table, .. }) => {
            (Some(standard), express.as_ref(), Some(table))
        }
        _ => (None, None, None),
    };
    let text = |url: &QueueUrl| url.to_string();
    let queue = SqsParked::new(&sdk, url.to_string(), standard.map(text), express.map(text));
    let ledger = table.map(|table| DynamoLedger::new(&sdk, table.as_str()));
    act(action, &queue, ledger.as_ref(), place, name, clock, stop).await
}

async fn act<Q: DeadLetterQueue, L: Ledger>(
    action: Action,
    queue: &Q,
    ledger: Option<&L>,
    place: &Place<'_>,
    name: &str,
    clock: &SystemClock,
    stop: Stop,
) -> anyhow::Result<Exit> {
    let mut hands = Hands::new(queue, clock, stop);
    let done = match action {
        Action::List(list) => {
            let selection = selection(&list.filters, clock.now().wall);
            let said = commands::list(&mut hands, &selection, &view(name, list.json)).await;
            said.map_err(anyhow::Error::new).and_then(say)
        }
        Action::Send(send) => match (ledger, place.config) {
            (Some(ledger), Some(config)) => {
                do_send(&mut hands, &send, ledger, config, place.guessed, name).await
            }
            _ => usage("there is no queue to send to: set [queue] as the worker has it"),
        },
        Action::Discard(discard) => do_discard(&mut hands, &discard, name).await,
        Action::Export(export) => do_export(&mut hands, &export, name).await,
        Action::Import(import) => do_import(&mut hands, &import).await,
    };
    // Whatever happened, what is still held is shown to others again.
    hands.release_all().await;
    done
}

fn selection(filters: &Filters, now: Wall) -> Selection {
    Selection {
        filter: Filter {
            severities: filters.severity.clone(),
            accounts: filters.account.clone(),
            regions: filters.region.clone(),
            kinds: filters.kind.clone(),
            reasons: filters.reason.clone(),
            since: filters.since.map(|at| at.wall(now)),
            until: filters.until.map(|at| at.wall(now)),
            ids: filters.id.clone(),
        },
        limit: filters.limit.map(|n| n as usize),
    }
}

fn view(name: &str, json: bool) -> View {
    let terminal = io::stdout().is_terminal();
    View {
        queue: name.to_owned(),
        json,
        width: if terminal { terminal::terminal_columns() } else { None },
        colour: terminal,
    }
}

/// Text to stdout, notes to stderr. A reader that has seen enough (`| head`) is no failure.
fn say(said: Said) -> anyhow::Result<Exit> {
    print(&said.text)?;
    for note in &said.notes {
        eprintln!("hansho: {note}");
    }
    Ok(said.exit)
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the output could not be written"),
    }
}

async fn do_send<Q: DeadLetterQueue, L: Ledger>(
    hands: &mut Hands<'_, Q, SystemClock>,
    args: &Send,
    ledger: &L,
    config: &Config,
    guessed: bool,
    name: &str,
) -> anyhow::Result<Exit> {
    let selection = selection(&args.filters, hands.clock.now().wall);
    let view = view(name, args.json);
    if guessed && (args.dry_run || args.force) {
        let destination = config.destinations.first().map_or("", |d| d.name.as_str());
        let note = format!(
            "no destination is configured here; the ledger is asked for the one called {destination}"
        );
        if args.force {
            return usage(format!("{note}: --force needs the worker's own configuration"));
        }
        eprintln!("hansho: {note}");
    }
    if args.dry_run {
        let again = Again::new(config, ledger);
        let dry =
            DryRun { again, config, force: args.force, keep: args.keep, previews: args.previews };
        return say(commands::dry_run(hands, &selection, &view, &dry).await?);
    }
    let mut selected = match args.wait {
        true => commands::select_all(hands, &selection, say_that_it_waits).await?,
        false => commands::select(hands, &selection, true).await?,
    };
    let hidden = selected.unseen(&selection);
    selected.notes().iter().for_each(|note| eprintln!("hansho: {note}"));
    if !args.json {
        print(&format!("{}\n", selected.head(&view)))?;
    }
    let left_out = if args.keep { selected.without_unreadable() } else { Vec::new() };
    if let Some(note) = commands::left_out(left_out.len()) {
        eprintln!("hansho: {note}");
    }
    hands.release(&left_out).await;
    let items = selected.found.items;
    if hands.stopped() {
        bail!("stopped; nothing was sent");
    }
    let time = args.rate.time_for(items.len());
    if time > SEND_MAX {
        return usage(format!(
            "{} messages at {} take longer than {} h, for which SQS does not hide them: give a \
             higher --rate, or a --limit",
            items.len(),
            args.rate,
            SEND_MAX.as_secs() / 3600
        ));
    }
    let again = args.force.then(|| Again::new(config, ledger));
    if let Some(again) = &again {
        let now = hands.clock.now().wall;
        let told = commands::told_before(&items, again, &hands.queue.lanes(), now).await?;
        let question = format!(
            "{told} of {} messages have findings that were posted already. Post those again?",
            items.len()
        );
        if told > 0 && !args.yes && !confirmed(hands, &question).await? {
            return usage("not confirmed; nothing was sent");
        }
    }
    let terminal = (io::stderr().is_terminal() && !items.is_empty()).then(io::stderr);
    let mut bar = Bar::new(terminal);
    let terms = send::Terms { rate: args.rate, keep: args.keep };
    let draw = |tally: &send::Tally| bar.draw(tally, args.rate);
    let mut tally = send::send(hands, items, terms, again.as_ref(), draw).await;
    (tally.hidden, tally.unreadable) = (hidden, left_out.len());
    bar.clear();
    info!(
        sent = tally.sent,
        gone = tally.gone,
        failed = tally.failed,
        left = tally.left,
        not_removed = tally.not_removed,
        rewound = tally.rewound,
        "replayed"
    );
    print(&match args.json {
        true => format!("{}\n", serde_json::to_string(&tally)?),
        false => commands::sent_text(&tally, args.keep),
    })?;
    Ok(if tally.well() { Exit::Done } else { Exit::Failure })
}

fn say_that_it_waits(hidden: u64, until: Wall) {
    eprintln!(
        "hansho: {hidden} are hidden at present; waiting until they are visible, or until {}",
        until.to_rfc3339()
    );
}

/// Everything is discarded only by who says so.
fn may_discard(args: &Discard) -> Result<(), &'static str> {
    let any = selection(&args.filters, Wall(0)) != Selection::default();
    match (args.all, any) {
        _ if args.because.trim().is_empty() => Err("--because: say why"),
        (false, false) => Err("discard: give at least one filter, or --all"),
        (true, true) => Err("discard: --all and a filter contradict one another: give one"),
        _ => Ok(()),
    }
}

async fn do_discard<Q: DeadLetterQueue>(
    hands: &mut Hands<'_, Q, SystemClock>,
    args: &Discard,
    name: &str,
) -> anyhow::Result<Exit> {
    let now = hands.clock.now().wall;
    let selection = selection(&args.filters, now);
    let selected = commands::select(hands, &selection, false).await?;
    if args.dry_run {
        let text = commands::discard_plan(&selected, &view(name, false), now);
        return say(Said { text, notes: selected.notes(), exit: Exit::Done });
    }
    selected.notes().iter().for_each(|note| eprintln!("hansho: {note}"));
    print(&format!("{}\n", selected.head(&view(name, false))))?;
    let unseen = selected.unseen(&selection);
    let items = selected.found.items;
    if hands.stopped() {
        bail!("stopped; nothing was discarded");
    }
    let question = format!(
        "{} of {} messages of {name} would be removed for good. Discard them?",
        items.len(),
        selected.found.looked
    );
    if !items.is_empty() && !args.yes && !confirmed(hands, &question).await? {
        return usage("not confirmed; nothing was discarded");
    }
    let tally = commands::discard(hands, &items, &args.because).await;
    print(&commands::discarded_text(&tally))?;
    let all = tally.failed + tally.left == 0 && unseen == 0;
    Ok(if all { Exit::Done } else { Exit::Failure })
}

/// Asks a person. Without one, an error says what to give instead.
async fn confirmed<Q: DeadLetterQueue>(
    hands: &mut Hands<'_, Q, SystemClock>,
    question: &str,
) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        eprintln!("hansho: {question} There is nobody to ask: give --yes if so");
        return Ok(false);
    }
    eprint!("{question} [yes/no] ");
    let mut asked = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    loop {
        let next = hands.clock.now().mono.plus(ASK_EVERY);
        tokio::select! {
            biased;
            answer = &mut asked => {
                let answer = answer.map_err(|why| anyhow!("nobody could be asked: {why}"))??;
                return Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "yes" | "y"));
            }
            () = hands.sleep_until(next) => {
                if hands.stopped() {
                    eprintln!();
                    return Ok(false);
                }
                hands.renew().await;
            }
        }
    }
}

async fn do_export<Q: DeadLetterQueue>(
    hands: &mut Hands<'_, Q, SystemClock>,
    args: &Export,
    name: &str,
) -> anyhow::Result<Exit> {
    if args.remove && args.output == Input::Stdin {
        return usage("--remove needs --output FILE: what goes to a pipe may not arrive anywhere");
    }
    // Made first, so that a wrong name is told before anything is looked at.
    let file = match &args.output {
        Input::Stdin => None,
        Input::File(path) => {
            let mut options = File::options();
            // Findings are not for everybody on the machine.
            let file = options.write(true).create_new(true).mode(0o600).open(path);
            Some((
                path,
                file.with_context(|| {
                    format!("{}: can't be made (is it there already?)", path.display())
                })?,
            ))
        }
    };
    let selection = selection(&args.filters, hands.clock.now().wall);
    let selected = commands::select(hands, &selection, true).await?;
    selected.notes().iter().for_each(|note| eprintln!("hansho: {note}"));
    let items = &selected.found.items;
    match file {
        None => {
            let mut out = io::stdout().lock();
            match transfer::write(items, &mut out) {
                Err(why) if why.kind() == io::ErrorKind::BrokenPipe => {}
                other => other.context("the output could not be written")?,
            }
        }
        Some((path, file)) => {
            let mut out = io::BufWriter::new(&file);
            transfer::write(items, &mut out).and_then(|()| file.sync_all()).with_context(|| {
                format!("{}: could not be written; nothing was removed", path.display())
            })?;
        }
    }
    let mut failed = 0;
    if args.remove {
        failed = transfer::remove(hands, items).await;
    }
    let fate = match (args.remove, failed) {
        (false, _) => "still parked".to_owned(),
        (true, 0) => "removed here".to_owned(),
        (true, n) => format!("removed here but for {n}"),
    };
    let to =
        if args.output == Input::Stdin { "stdout".to_owned() } else { args.output.to_string() };
    eprintln!("hansho: {} messages of {name} saved to {to}, {fate}", items.len());
    let complete = selected.found.cut.is_none() && failed == 0 && selected.unseen(&selection) == 0;
    Ok(if complete { Exit::Done } else { Exit::Failure })
}

async fn do_import<Q: DeadLetterQueue>(
    hands: &mut Hands<'_, Q, SystemClock>,
    args: &Import,
) -> anyhow::Result<Exit> {
    let input: Box<dyn io::Read> = match &args.input {
        Input::Stdin => Box::new(io::stdin()),
        Input::File(path) => Box::new(
            File::open(path).with_context(|| format!("{} can't be opened", path.display()))?,
        ),
    };
    let tally = transfer::import(hands, BufReader::new(input)).await?;
    for mistake in &tally.mistakes {
        eprintln!("hansho: {mistake}");
    }
    print(&tally.text())?;
    Ok(if tally.mistakes.is_empty() { Exit::Done } else { Exit::Failure })
}

/// True after SIGTERM or Ctrl-C.
fn stop_signal() -> Stop {
    let (sender, stop) = watch::channel(false);
    tokio::spawn(async move {
        crate::commands::wiring::stop_signal().await;
        let _ = sender.send(true);
        // A receiver takes a lost sender for "never".
        sender.closed().await;
    });
    stop
}
