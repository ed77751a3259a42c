//! `hansho replay send --dry-run`: what the worker would do with each message. Changes nothing.

use serde_json::{Value, json};

use crate::commands::exit::Exit;
use crate::config::Config;
use crate::instants::Wall;
use crate::ports::{Clock, DeadLetterQueue, Lane, Ledger, LedgerError};
use crate::slack::{self, Mentions};

use super::console::{CommandOutput, View};
use super::forecast::{self, MessageForecast, Outlook, PostedBefore, Totals};
use super::holds::{HeldDeadLetter, Holds};
use super::list;
use super::parsed::ParsedDeadLetter;
use super::rewind::Rewinder;
use super::selection::{Selected, Selection, select};
use super::table;

/// The options of a dry run.
pub struct DryRun<'a, L> {
    pub rewinder: Rewinder<'a, L>,
    pub config: &'a Config,
    pub force: bool,
    pub keep: bool,
    /// The most previews to show.
    pub previews: usize,
}

/// The plan of a dry run.
struct Plan<'a> {
    messages: Vec<(&'a ParsedDeadLetter, MessageForecast)>,
    totals: Totals,
    previews: Vec<Preview>,
}

struct Preview {
    message_id: String,
    destination: String,
    payload: Value,
}

/// Shows the lane of each message, whether its findings are already posted, and previews of posts.
pub async fn dry_run<Q: DeadLetterQueue, C: Clock, L: Ledger>(
    holds: &mut Holds<'_, Q, C>,
    selection: &Selection,
    view: &View,
    dry: &DryRun<'_, L>,
) -> anyhow::Result<CommandOutput> {
    let mut selected = select(holds, selection, false).await?;
    holds.release_all().await;
    let mut notes = selected.notes();
    if dry.keep {
        notes.extend(left_out(selected.without_unreadable().len()));
    }
    let now = holds.clock.now().wall;
    let lanes = holds.queue.lanes();
    let mut messages = Vec::new();
    let mut totals = Totals::default();
    let mut before = PostedBefore::new();
    for letter in selected.parsed() {
        if holds.stopped() {
            anyhow::bail!("stopped; nothing was sent");
        }
        let forecast =
            forecast::of(letter, &dry.rewinder, &lanes, dry.force, &mut before, now).await;
        let forecast = forecast.map_err(ledger_unreachable)?;
        totals.add(letter, &forecast);
        messages.push((letter, forecast));
    }
    let previews = previews(&messages, dry, now);
    let plan = Plan { messages, totals, previews };
    let text = match view.json {
        true => plan.json(&selected, view, now),
        false => plan.text(&selected, view, now),
    };
    Ok(CommandOutput { text, notes, exit: Exit::Done })
}

/// The note for messages that `--keep` leaves out.
pub fn left_out(unreadable: usize) -> Option<String> {
    (unreadable > 0).then(|| {
        format!(
            "{unreadable} unreadable messages are left out: with --keep the worker would quarantine a \
             copy of each"
        )
    })
}

fn ledger_unreachable(why: LedgerError) -> anyhow::Error {
    anyhow::anyhow!("the ledger can't tell what is already posted: {why}; nothing was sent")
}

/// Counts the messages with an alert that is already posted, and that `--force` would post again.
pub async fn count_posted<L: Ledger>(
    held: &[HeldDeadLetter],
    rewinder: &Rewinder<'_, L>,
    lanes: &[Lane],
    now: Wall,
) -> anyhow::Result<usize> {
    let (mut posted, mut before) = (0, PostedBefore::new());
    for one in held {
        let forecast = forecast::of(&one.parsed, rewinder, lanes, true, &mut before, now).await;
        let alerts = forecast.map_err(ledger_unreachable)?.alerts;
        let again = alerts.iter().any(|alert| matches!(alert.outlook, Outlook::PostAgain(_)));
        posted += usize::from(again);
    }
    Ok(posted)
}

fn previews<L>(
    messages: &[(&ParsedDeadLetter, MessageForecast)],
    dry: &DryRun<'_, L>,
    now: Wall,
) -> Vec<Preview> {
    let mentions = |name: &str| {
        let all = &dry.config.destinations;
        let destination = all.iter().find(|d| d.name.as_str() == name);
        destination.map_or_else(Mentions::none, |d| d.mentions.clone())
    };
    let one = |(letter, forecast): &(&ParsedDeadLetter, MessageForecast)| {
        let (destination, payload) =
            forecast::payload(letter, forecast, mentions, &dry.config.guide, now)?;
        Some(Preview { message_id: table::id(letter), destination, payload })
    };
    messages.iter().filter_map(one).take(dry.previews).collect()
}

impl Plan<'_> {
    fn text(&self, selected: &Selected, view: &View, now: Wall) -> String {
        let mut text = format!("{}\n", selected.head(&view.queue));
        if self.messages.is_empty() {
            return text;
        }
        text.push_str(&format!("\n{}", forecast::plan(&self.messages, now, view.width)));
        text.push_str(&format!("\n{}\n", self.totals.text()));
        for Preview { message_id, destination, payload } in &self.previews {
            text.push_str(&format!("\nPreview of {message_id} at {destination}:\n\n"));
            text.push_str(&slack::preview(payload, view.width.unwrap_or(100), view.colour));
            text.push('\n');
        }
        if self.previews.len() < self.totals.posted {
            let rest = self.totals.posted - self.previews.len();
            text.push_str(&format!("\n{rest} more would be posted. --previews N shows more.\n"));
        }
        text.push_str("\nDry run: nothing was sent or changed.\n");
        text
    }

    fn json(&self, selected: &Selected, view: &View, now: Wall) -> String {
        let preview = |one: &Preview| {
            json!({
                "id": one.message_id, "destination": one.destination, "payload": one.payload,
            })
        };
        let mut value = list::json(selected, view);
        value["dry_run"] = true.into();
        value["totals"] = json!(self.totals);
        value["messages"] =
            self.messages.iter().map(|(m, f)| forecast::as_json(m, f, now)).collect();
        value["previews"] = self.previews.iter().map(preview).collect();
        format!("{value}\n")
    }
}
