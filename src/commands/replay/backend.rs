//! Chooses the queue and the ledger for a command.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;

use crate::aws;
use crate::aws::dynamodb::DynamoLedger;
use crate::aws::sqs::SqsDeadLetters;
use crate::clock::{self, SystemClock};
use crate::commands::accounts::directory;
use crate::commands::exit::Exit;
use crate::commands::setup;
use crate::config::{self, Backend, Config, Loaded, QueueUrl};
use crate::embedded::{EmbeddedDeadLetters, EmbeddedLedger, Store};
use crate::ports::{Clock, DeadLetterQueue, Ledger};

use super::args::{Action, DeadLetterSource, Replay};
use super::console::{CommandOutput, View, stop_signal, usage};
use super::holds::{Holds, Stop};
use super::selection::{self, Selection};
use super::{discard, export, import, list, send, show};

const NO_LANES: &str = "there is no queue to send to: configure [queue] as for the worker \
                        (queue.standard, HANSHO_QUEUE_STANDARD)";

/// Runs `hansho replay`. `valid` reports the mistakes of a configuration, and returns it if it has
/// none.
pub async fn run(
    replay: Replay,
    valid: impl FnOnce(Loaded) -> Option<Config>,
) -> anyhow::Result<Exit> {
    if let Err(why) = check(&replay.action) {
        return usage(why);
    }
    let (config_flag, source) = replay.action.source();
    let source = source.clone();
    let loaded = setup::without_webhook(config_flag.config.as_deref(), &config::environment());
    // A named queue needs no configuration, except to send its messages.
    let needs_config =
        source == DeadLetterSource::Quarantine || matches!(replay.action, Action::Send(_));
    let config = match loaded.loaded.outcome.is_ok() || needs_config {
        true => match valid(loaded.loaded) {
            Some(config) => Some(config),
            None => return Ok(Exit::Usage),
        },
        false => None,
    };
    let command = Command {
        action: replay.action,
        config: config.as_ref(),
        destination_is_guessed: loaded.destination_is_guessed,
        clock: Arc::new(SystemClock::start()),
        stop: stop_signal(),
    };
    match (source, config.as_ref().map(|c| &c.backend)) {
        (DeadLetterSource::Quarantine, Some(Backend::Embedded { path, .. })) => {
            let store = open(path, matches!(command.action, Action::List(_) | Action::Show(_)))?;
            let queue = EmbeddedDeadLetters::new(store.clone(), Arc::clone(&command.clock));
            let ledger = EmbeddedLedger::new(store);
            let name = format!("quarantine ({})", path.display());
            command.run(&queue, Some(&ledger), &name).await
        }
        (DeadLetterSource::Quarantine, Some(Backend::Aws(aws))) => {
            let name = format!("quarantine ({})", aws.quarantine.name());
            command.run_on_sqs(&aws.quarantine, &name).await
        }
        (DeadLetterSource::Queue(url), backend) => match misuse(&url, backend, &command.action) {
            Some(why) => usage(why),
            None => command.run_on_sqs(&url, &format!("queue {}", url.name())).await,
        },
        (DeadLetterSource::Quarantine, None) => Ok(Exit::Usage),
    }
}

/// What is wrong with the arguments by themselves.
fn check(action: &Action) -> Result<(), &'static str> {
    if let Action::Discard(args) = action {
        discard::check(args)?;
    }
    action.filters().map_or(Ok(()), |filters| selection::check(filters, clock::wall()))
}

/// Opens the worker's file. Does not create it: without one, this is the wrong folder. A command
/// that only reads needs no right to write.
fn open(path: &Path, only_read: bool) -> anyhow::Result<Store> {
    if !path.exists() {
        let folder =
            std::env::current_dir().map_or_else(|_| ".".into(), |at| at.display().to_string());
        bail!(
            "{} does not exist in {folder}, so it has no quarantine: run this where the worker runs, \
             or set embedded.path; for SQS set queue.quarantine or give --from URL",
            path.display()
        );
    }
    Ok(if only_read { Store::open_to_read(path)? } else { Store::open(path)? })
}

/// Why the command can't use this queue.
fn misuse(url: &QueueUrl, backend: Option<&Backend>, action: &Action) -> Option<String> {
    match backend {
        Some(Backend::Aws(aws)) => {
            let lanes = [Some(&aws.standard), aws.express.as_ref()];
            let lane = lanes.into_iter().flatten().find(|lane| *lane == url)?;
            Some(format!(
                "--from {}: is one of the worker's own queues, not a dead-letter queue",
                lane.name()
            ))
        }
        _ if matches!(action, Action::Send(_)) => Some(NO_LANES.to_owned()),
        _ => None,
    }
}

/// A command, and what it works with besides its queue and ledger.
struct Command<'a> {
    action: Action,
    config: Option<&'a Config>,
    destination_is_guessed: bool,
    clock: Arc<SystemClock>,
    stop: Stop,
}

impl Command<'_> {
    async fn run_on_sqs(self, url: &QueueUrl, name: &str) -> anyhow::Result<Exit> {
        let sdk = aws::sdk_config().await;
        let backend = match self.config.map(|c| &c.backend) {
            Some(Backend::Aws(aws)) => Some(aws),
            _ => None,
        };
        let standard = backend.map(|aws| aws.standard.to_string());
        let express = backend.and_then(|aws| aws.express.as_ref()).map(QueueUrl::to_string);
        let queue = SqsDeadLetters::new(&sdk, url.to_string(), standard, express);
        let ledger = backend.map(|aws| DynamoLedger::new(&sdk, aws.table.as_str()));
        self.run(&queue, ledger.as_ref(), name).await
    }

    async fn run<Q: DeadLetterQueue, L: Ledger>(
        self,
        queue: &Q,
        ledger: Option<&L>,
        name: &str,
    ) -> anyhow::Result<Exit> {
        let mut holds = Holds::new(queue, &*self.clock, self.stop);
        let guide = self.config.map(|config| Arc::clone(&config.guide)).unwrap_or_default();
        if let Some(ledger) = ledger {
            directory::show(&guide.accounts, ledger).await;
        }
        let done = match &self.action {
            Action::List(args) => {
                let selection = Selection::new(&args.filters, self.clock.now().wall);
                let view = View::of_stdout(name, args.json, guide);
                let listed = list::list(&mut holds, &selection, &view).await;
                listed.map_err(anyhow::Error::new).and_then(CommandOutput::print)
            }
            Action::Show(args) => {
                let view = View::of_stdout(name, args.json, guide);
                let shown = show::show(&mut holds, &args.id, &view).await;
                shown.map_err(anyhow::Error::new).and_then(CommandOutput::print)
            }
            Action::Send(args) => match (ledger, self.config) {
                (Some(ledger), Some(config)) => {
                    let guessed = self.destination_is_guessed;
                    send::run(&mut holds, args, ledger, config, guessed, name).await
                }
                _ => usage(NO_LANES),
            },
            Action::Discard(args) => discard::run(&mut holds, args, guide, name).await,
            Action::Export(args) => export::run(&mut holds, args, name).await,
            Action::Import(args) => import::run(&mut holds, args).await,
        };
        // Release all messages, also after an error.
        holds.release_all().await;
        done
    }
}
