//! `hansho replay discard`: removes messages for good.

use std::sync::Arc;

use anyhow::bail;
use tracing::{info, warn};

use crate::clock::SystemClock;
use crate::commands::exit::Exit;
use crate::finding::Text;
use crate::instants::Wall;
use crate::ports::{Clock, DeadLetterQueue, QUEUE_BATCH_MAX, QueueError};
use crate::slack::Guide;

use super::args::Discard;
use super::console::{CommandOutput, View, confirmed, print, print_note, usage};
use super::holds::{HeldDeadLetter, Holds};
use super::selection::{Selected, Selection, select};
use super::send_loop::ERROR_CHARS_MAX;
use super::table;

const BECAUSE_CHARS_MAX: usize = 300;

/// Checks the arguments. Discarding everything takes `--all`.
pub fn check(args: &Discard) -> Result<(), &'static str> {
    let filtered = Selection::new(&args.filters, Wall(0)) != Selection::default();
    match (args.all, filtered) {
        _ if args.because.trim().is_empty() => Err("--because: give a reason"),
        (false, false) => Err("discard: give at least one filter, or --all"),
        (true, true) => Err("discard: give either --all or filters, not both"),
        _ => Ok(()),
    }
}

pub async fn run<Q: DeadLetterQueue>(
    holds: &mut Holds<'_, Q, SystemClock>,
    args: &Discard,
    guide: Arc<Guide>,
    name: &str,
) -> anyhow::Result<Exit> {
    let now = holds.clock.now().wall;
    let selection = Selection::new(&args.filters, now);
    let selected = select(holds, &selection, false).await?;
    let view = View::of_stdout(name, false, guide);
    if args.dry_run {
        let text = plan(&selected, &view, now);
        return CommandOutput { text, notes: selected.notes(), exit: Exit::Done }.print();
    }
    selected.notes().iter().for_each(print_note);
    print(&format!("{}\n", selected.head(name)))?;
    let unseen = selected.unseen(&selection);
    let held = selected.scan.admitted;
    if holds.stopped() {
        bail!("stopped; nothing was discarded");
    }
    let question = format!(
        "This removes {} of {} dead letters of {name} for good. Discard them?",
        held.len(),
        selected.scan.scanned
    );
    if !held.is_empty() && !args.yes && !confirmed(holds, &question).await? {
        return usage("not confirmed; nothing was discarded");
    }
    let tally = discard(holds, &held, &args.because).await;
    print(&tally.text())?;
    let all = tally.failed + tally.left == 0 && unseen == 0;
    Ok(if all { Exit::Done } else { Exit::Failure })
}

/// Result of a discard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscardTally {
    pub discarded: usize,
    /// No longer held by this replay.
    pub gone: usize,
    pub failed: usize,
    /// Not reached.
    pub left: usize,
    /// The last error.
    pub why: Option<String>,
}

/// Removes messages that the replay holds. Each is logged with the reason before it is removed, so
/// that the log has every removed message.
pub async fn discard<Q: DeadLetterQueue, C: Clock>(
    holds: &mut Holds<'_, Q, C>,
    held: &[HeldDeadLetter],
    because: &str,
) -> DiscardTally {
    let because = Text::new(because, BECAUSE_CHARS_MAX);
    let mut tally = DiscardTally::default();
    for (at, batch) in held.chunks(QUEUE_BATCH_MAX).enumerate() {
        if holds.stopped() {
            tally.left = held.len() - at * QUEUE_BATCH_MAX;
            break;
        }
        holds.renew().await;
        let batch: Vec<&HeldDeadLetter> =
            batch.iter().filter(|one| holds.contains(one.id())).collect();
        batch.iter().for_each(|one| log(one, &because));
        for (one, answer) in batch.iter().zip(holds.remove_batch(&batch).await) {
            match answer {
                Ok(()) => tally.discarded += 1,
                Err(QueueError::ReceiptGone(_)) => {}
                Err(QueueError::Unavailable(why)) => {
                    warn!(
                        id = table::id(&one.parsed),
                        reason = why.kind.as_str(),
                        detail = why.detail,
                        "not discarded"
                    );
                    tally.failed += 1;
                    tally.why = Some(why.detail);
                }
            }
        }
    }
    tally.gone = held.len() - tally.discarded - tally.failed - tally.left;
    holds.release_all().await;
    tally
}

fn log(held: &HeldDeadLetter, because: &Text) {
    let letter = &held.parsed;
    let [severity, account, region, kind, title] = table::content(letter);
    info!(
        id = table::id(letter), reason = %letter.reason, detail = %letter.detail,
        severity, account, region, kind, title, because = %because, "discarding"
    );
}

impl DiscardTally {
    pub fn text(&self) -> String {
        let mut lines = vec![format!("{:>8} discarded", self.discarded)];
        let counts = [
            (self.gone, "not discarded: no longer held; run the command again"),
            (
                self.failed,
                "could not be discarded, and are still in this queue; run the command again",
            ),
            (self.left, "not reached, and still in this queue; run the command again"),
        ];
        table::add_counts(&mut lines, &counts);
        if let Some(why) = &self.why {
            lines.push(format!("last error: {}", Text::new(why, ERROR_CHARS_MAX)));
        }
        lines.join("\n") + "\n"
    }
}

/// The output of `discard --dry-run`.
pub fn plan(selected: &Selected, view: &View, now: Wall) -> String {
    let letters = selected.parsed();
    let mut text = format!("{}\n", selected.head(&view.queue));
    if !letters.is_empty() {
        text.push_str(&format!("\n{}", table::list(&letters, now, view)));
    }
    text.push_str("\nDry run: nothing was discarded.\n");
    text
}
