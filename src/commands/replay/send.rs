//! `hansho replay send`: sends messages to the worker's lanes again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tracing::info;

use crate::clock::SystemClock;
use crate::commands::exit::Exit;
use crate::commands::progress_line::ProgressLine;
use crate::config::Config;
use crate::finding::Text;
use crate::instants::Wall;
use crate::ports::{Clock, DeadLetterQueue, Ledger};
use crate::words::number_of;

use super::args::Send;
use super::console::{View, confirmed, print, print_note, usage};
use super::dry_run::{self, DryRun};
use super::holds::{HeldDeadLetter, Holds};
use super::progress;
use super::rewind::Rewinder;
use super::selection::{Selected, Selection, select, select_all};
use super::send_loop::{self, ERROR_CHARS_MAX, SendOptions, SendTally};
use super::table;

/// SQS hides a message for at most 12 h after its receive, so a longer send would lose its
/// messages.
const SEND_TIME_MAX: Duration = Duration::from_secs(10 * 3600);

pub async fn run<Q: DeadLetterQueue, L: Ledger>(
    holds: &mut Holds<'_, Q, SystemClock>,
    args: &Send,
    ledger: &L,
    config: &Config,
    destination_is_guessed: bool,
    name: &str,
) -> anyhow::Result<Exit> {
    let selection = Selection::new(&args.filters, holds.clock.now().wall);
    let view = View::of_stdout(name, args.json, Arc::clone(&config.guide));
    if destination_is_guessed && args.force {
        return usage(
            "no destination is configured here: --force needs the worker's configuration",
        );
    }
    let rewinder = Rewinder::new(config, ledger);
    if args.dry_run {
        if destination_is_guessed {
            let name = config.destinations.first().map_or("", |d| d.name.as_str());
            print_note(format_args!("no destination is configured here; assuming the name {name}"));
        }
        let (force, keep, previews) = (args.force, args.keep, args.previews);
        let dry = DryRun { rewinder, config, force, keep, previews };
        return dry_run::dry_run(holds, &selection, &view, &dry).await?.print();
    }
    let mut selected = match args.wait {
        true => select_all(holds, &selection, print_wait).await?,
        false => select(holds, &selection, true).await?,
    };
    let unreadable = report(holds, &mut selected, args, &view).await?;
    let hidden = selected.unseen(&selection);
    let held = selected.scan.admitted;
    if holds.stopped() {
        bail!("stopped; nothing was sent");
    }
    if let Err(why) = check_time(&held, args) {
        return usage(why);
    }
    if args.force && !may_force(holds, &held, args, &rewinder).await? {
        return usage("not confirmed; nothing was sent");
    }
    let mut tally = send(holds, held, args, args.force.then_some(&rewinder)).await;
    (tally.hidden, tally.unreadable) = (hidden, unreadable);
    log(&tally);
    finish(&tally, args)
}

fn finish(tally: &SendTally, args: &Send) -> anyhow::Result<Exit> {
    print(&match args.json {
        true => format!("{}\n", serde_json::to_string(tally)?),
        false => text(tally, args.keep),
    })?;
    Ok(if tally.is_complete() { Exit::Done } else { Exit::Failure })
}

/// Prints what was selected, and leaves out what `--keep` leaves out. Returns how many those are.
async fn report<Q: DeadLetterQueue>(
    holds: &mut Holds<'_, Q, SystemClock>,
    selected: &mut Selected,
    args: &Send,
    view: &View,
) -> anyhow::Result<usize> {
    selected.notes().iter().for_each(print_note);
    if !args.json {
        print(&format!("{}\n", selected.head(&view.queue)))?;
    }
    let left_out = if args.keep { selected.without_unreadable() } else { Vec::new() };
    dry_run::left_out(left_out.len()).iter().for_each(print_note);
    holds.release(&left_out).await;
    Ok(left_out.len())
}

fn print_wait(hidden: u64, until: Wall) {
    print_note(format_args!(
        "waiting for {} until {} at most",
        number_of(hidden, "hidden message"),
        until.to_rfc3339()
    ));
}

fn check_time(held: &[HeldDeadLetter], args: &Send) -> Result<(), String> {
    if args.rate.time_for(held.len()) <= SEND_TIME_MAX {
        return Ok(());
    }
    Err(format!(
        "{} messages at {} take more than {} h, and SQS does not hide messages for that long: give a \
         higher --rate or a --limit",
        held.len(),
        args.rate,
        SEND_TIME_MAX.as_secs() / 3600
    ))
}

/// Asks whether findings that are already posted may be posted again.
async fn may_force<Q: DeadLetterQueue, L: Ledger>(
    holds: &mut Holds<'_, Q, SystemClock>,
    held: &[HeldDeadLetter],
    args: &Send,
    rewinder: &Rewinder<'_, L>,
) -> anyhow::Result<bool> {
    let now = holds.clock.now().wall;
    let posted = dry_run::count_posted(held, rewinder, &holds.queue.lanes(), now).await?;
    let question = format!(
        "findings of {posted} of {} are already posted. Post them again?",
        number_of(held.len(), "message")
    );
    Ok(posted == 0 || args.yes || confirmed(holds, &question).await?)
}

async fn send<Q: DeadLetterQueue, L: Ledger>(
    holds: &mut Holds<'_, Q, SystemClock>,
    held: Vec<HeldDeadLetter>,
    args: &Send,
    rewinder: Option<&Rewinder<'_, L>>,
) -> SendTally {
    let mut shown = ProgressLine::on_stderr();
    let options = SendOptions { rate: args.rate, keep: args.keep };
    let draw = |tally: &SendTally| {
        if tally.selected > 0 {
            shown.draw(&progress::line(tally, args.rate));
        }
    };
    send_loop::send(holds, held, options, rewinder, draw).await
}

fn log(tally: &SendTally) {
    info!(
        sent = tally.sent,
        gone = tally.gone,
        failed = tally.failed,
        left = tally.left,
        not_removed = tally.not_removed,
        rewound = tally.rewound,
        "replayed"
    );
}

/// The result, for people.
pub fn text(tally: &SendTally, keep: bool) -> String {
    let SendTally { sent, express, standard, .. } = tally;
    let kept = if keep { ", and kept in this queue" } else { "" };
    let mut lines =
        vec![format!("{sent:>8} sent: {express} to express, {standard} to standard{kept}")];
    let counts = [
        (tally.rewound, "ledger records reset, so that their findings are posted again"),
        (tally.gone, "not sent: no longer held; run the command again"),
        (tally.busy, "not sent: a worker may be posting them, or the ledger is unreachable"),
        (tally.failed, "could not be sent, and are still in this queue"),
        (tally.not_removed, "sent, but still in this queue: sending them again makes copies"),
        (tally.left, "not reached, and still in this queue"),
        (
            tally.unreadable,
            "unreadable, left out: with --keep the worker would quarantine a copy of each",
        ),
        (
            usize::try_from(tally.hidden).unwrap_or(usize::MAX),
            "hidden from this scan: run the command again, or add --wait",
        ),
    ];
    table::add_counts(&mut lines, &counts);
    if let Some(why) = tally.why.as_ref().filter(|_| !tally.is_complete()) {
        lines.push(format!("last error: {}", Text::new(why, ERROR_CHARS_MAX)));
    }
    if tally.interrupted {
        lines.push("stopped".to_owned());
    }
    if !tally.is_complete() {
        lines.push("Run the same command again for the rest. Nothing is lost.".to_owned());
    }
    lines.join("\n") + "\n"
}
