//! What each command does, on any queue and ledger, and what it says.

use serde_json::json;
use tracing::info;

use crate::commands::exit::Exit;
use crate::config::Config;
use crate::instants::Wall;
use crate::ports::{
    Clock, DeadLetterQueue, Ledger, LedgerError, MessageId, QUEUE_BATCH_MAX, QueueError,
};
use crate::slack::{self, Mentions};

use super::filter::Filter;
use super::force::Again;
use super::forecast::{self, Before, Forecast, Totals};
use super::look::{BYTES_MAX, Cut, Found, HOLD, Hands, Item, MESSAGES_MAX, WAIT_MAX};
use super::message::Message;
use super::send::Tally;
use super::table;

/// How to show things.
#[derive(Clone, Debug)]
pub struct View {
    /// What the queue is called.
    pub queue: String,
    pub json: bool,
    /// Of the terminal. None: it is none.
    pub width: Option<usize>,
    pub colour: bool,
}

/// Which messages are meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    pub filter: Filter,
    pub limit: Option<usize>,
}

/// What a command has to say.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// For the standard output.
    pub text: String,
    /// For the standard error, a line each.
    pub notes: Vec<String>,
    pub exit: Exit,
}

/// What is meant, and what a look over the queue found besides.
#[derive(Debug)]
pub struct Selected {
    pub found: Found,
    /// How many the filter admits, before the limit.
    pub matched: usize,
    /// When what a replay held that was killed is visible again, at the latest.
    pub back_by: Wall,
}

/// Looks at the queue and holds what is meant.
pub async fn select<Q: DeadLetterQueue, C: Clock>(
    hands: &mut Hands<'_, Q, C>,
    selection: &Selection,
    bodies: bool,
) -> Result<Selected, QueueError> {
    let mut found = hands.look(|message| selection.filter.admits(message), bodies).await?;
    let matched = found.items.len();
    let limit = selection.limit.unwrap_or(usize::MAX);
    if limit < matched {
        let rest: Vec<_> = found.items.drain(limit..).map(|item| item.parked.id).collect();
        hands.release(&rest).await;
    }
    Ok(Selected { found, matched, back_by: hands.clock.now().wall.plus(HOLD) })
}

/// As [`select`]; what is hidden by others at first is waited for, and the queue looked at again.
pub async fn select_all<Q: DeadLetterQueue, C: Clock>(
    hands: &mut Hands<'_, Q, C>,
    selection: &Selection,
    mut waits: impl FnMut(u64, Wall),
) -> Result<Selected, QueueError> {
    let selected = select(hands, selection, true).await?;
    if selected.unseen(selection) == 0 || hands.stopped() {
        return Ok(selected);
    }
    waits(selected.found.hidden, hands.clock.now().wall.plus(WAIT_MAX));
    hands.release_all().await;
    hands.wait_for_the_hidden().await?;
    select(hands, selection, true).await
}

impl Selected {
    /// How many could not be looked at, and may be meant: none if as many as were asked for are here.
    pub fn unseen(&self, selection: &Selection) -> u64 {
        let enough = selection.limit.is_some_and(|limit| self.found.items.len() >= limit);
        if enough { 0 } else { self.found.hidden }
    }

    /// Takes out what the worker could not read, and would only park once more. Answers how many.
    pub fn without_unreadable(&mut self) -> Vec<MessageId> {
        let out = self.found.items.extract_if(.., |item| !item.message.rejections.is_empty());
        out.map(|item| item.parked.id).collect()
    }

    /// The first line.
    pub fn head(&self, view: &View) -> String {
        let Selected { found, matched, .. } = self;
        let mut head = match found.looked {
            0 if found.hidden > 0 => {
                format!("{}: nothing can be seen at present, {} hidden", view.queue, found.hidden)
            }
            0 => format!("{}: nothing is parked", view.queue),
            1 => format!("{}: 1 message is parked", view.queue),
            n => format!("{}: {n} messages are parked", view.queue),
        };
        if *matched < found.looked {
            head.push_str(&format!(", {} matched", counted(*matched)));
        }
        if found.items.len() < *matched {
            head.push_str(&format!(", the first {} of them", found.items.len()));
        }
        head
    }

    /// What an operator has to know of the look itself.
    pub fn notes(&self) -> Vec<String> {
        let Found { looked, hidden, cut, .. } = &self.found;
        let mut notes = Vec::new();
        match cut {
            None => {}
            Some(Cut::Stopped) => {
                notes.push(format!("stopped: only {looked} messages were looked at"));
            }
            Some(Cut::Messages) => notes.push(format!(
                "there is more: one look takes {MESSAGES_MAX} messages; what follows is of those. \
                 Run it again when they are gone"
            )),
            Some(Cut::Bytes) => notes.push(format!(
                "there is more: one look takes {} MiB of messages; what follows is of the first \
                 {looked}. Use filters, or run it again when they are gone",
                BYTES_MAX >> 20
            )),
            Some(Cut::Time) => notes.push(format!(
                "there is more: the look took too long; what follows is of the first {looked}. Run \
                 it again"
            )),
        }
        if *hidden > 0 {
            let are = if *hidden == 1 { "is" } else { "are" };
            notes.push(format!(
                "{hidden} more {are} hidden at present: somebody else looks at them, or a replay was \
                 killed; what that held is back by {} at the latest. Run it again then",
                self.back_by.to_rfc3339()
            ));
        }
        notes
    }

    fn messages(&self) -> Vec<&Message> {
        self.found.items.iter().map(|item| &item.message).collect()
    }
}

fn counted(n: usize) -> String {
    if n == 0 { "none".to_owned() } else { n.to_string() }
}

/// `list`: the table and the sums. All that was looked at is shown to others again.
pub async fn list<Q: DeadLetterQueue, C: Clock>(
    hands: &mut Hands<'_, Q, C>,
    selection: &Selection,
    view: &View,
) -> Result<Said, QueueError> {
    let selected = select(hands, selection, false).await?;
    hands.release_all().await;
    let now = hands.clock.now().wall;
    let messages = selected.messages();
    let sums = table::sums(messages.iter().copied());
    let text = if view.json {
        let value = json!({
            "queue": view.queue,
            "parked": selected.found.looked,
            "matched": selected.matched,
            "complete": selected.found.cut.is_none(),
            "hidden": selected.found.hidden,
            "by_reason": table::sums_json(&sums, now),
            "messages": messages.iter().map(|m| table::as_json(m, now)).collect::<Vec<_>>(),
        });
        format!("{value}\n")
    } else {
        let mut text = format!("{}\n", selected.head(view));
        if !messages.is_empty() {
            text.push_str(&format!("\n{}", table::list(&messages, now, view.width)));
            text.push_str(&format!("\n{}", table::sums_table(&sums, now)));
        }
        text
    };
    let exit = if selected.found.cut == Some(Cut::Stopped) { Exit::Failure } else { Exit::Done };
    Ok(Said { text, notes: selected.notes(), exit })
}

/// `send --dry-run`.
pub struct DryRun<'a, L> {
    pub again: Again<'a, L>,
    pub config: &'a Config,
    pub force: bool,
    /// What can't be read is left out, as [`Selected::without_unreadable`] does.
    pub keep: bool,
    pub previews: usize,
}

/// Shows what would be sent where, what the ledger covers, and how it would look.
pub async fn dry_run<Q: DeadLetterQueue, C: Clock, L: Ledger>(
    hands: &mut Hands<'_, Q, C>,
    selection: &Selection,
    view: &View,
    dry: &DryRun<'_, L>,
) -> anyhow::Result<Said> {
    let mut selected = select(hands, selection, false).await?;
    hands.release_all().await;
    let mut notes = selected.notes();
    if dry.keep {
        notes.extend(left_out(selected.without_unreadable().len()));
    }
    let now = hands.clock.now().wall;
    let lanes = hands.queue.lanes();
    let mut plan: Vec<(&Message, Forecast)> = Vec::new();
    let mut totals = Totals::default();
    let mut before = Before::new();
    for message in selected.messages() {
        if hands.stopped() {
            anyhow::bail!("stopped; nothing was sent");
        }
        let forecast = forecast::of(message, &dry.again, &lanes, dry.force, &mut before, now).await;
        let forecast = forecast.map_err(ledger_away)?;
        totals.add(message, &forecast);
        plan.push((message, forecast));
    }
    let looks = previews(&plan, dry);
    let text = match view.json {
        true => plan_json(&selected, view, &plan, &totals, &looks, now),
        false => plan_text(&selected, view, &plan, &totals, &looks, now),
    };
    Ok(Said { text, notes, exit: Exit::Done })
}

/// What `--keep` leaves out, if it does.
pub fn left_out(unreadable: usize) -> Option<String> {
    (unreadable > 0).then(|| {
        format!(
            "{unreadable} of them can't be read: with --keep the worker would park each once more, so \
             they are left out"
        )
    })
}

fn ledger_away(why: LedgerError) -> anyhow::Error {
    anyhow::anyhow!("what was posted already can't be known: {why}; nothing was sent")
}

/// The id of the message, the destination, and the payload.
type Look = (String, String, serde_json::Value);

fn previews<L>(plan: &[(&Message, Forecast)], dry: &DryRun<'_, L>) -> Vec<Look> {
    let mentions = |name: &str| {
        let all = &dry.config.destinations;
        let destination = all.iter().find(|d| d.name.as_str() == name);
        destination.map_or_else(Mentions::none, |d| d.mentions.clone())
    };
    let one = |(message, forecast): &(&Message, Forecast)| {
        let (destination, payload) = forecast::payload(message, forecast, mentions)?;
        Some((table::id(message), destination, payload))
    };
    plan.iter().filter_map(one).take(dry.previews).collect()
}

fn plan_text(
    selected: &Selected,
    view: &View,
    plan: &[(&Message, Forecast)],
    totals: &Totals,
    looks: &[Look],
    now: Wall,
) -> String {
    let mut text = format!("{}\n", selected.head(view));
    if plan.is_empty() {
        return text;
    }
    text.push_str(&format!("\n{}", forecast::plan(plan, now, view.width)));
    text.push_str(&format!("\n{}\n", totals.text()));
    for (id, destination, payload) in looks {
        text.push_str(&format!("\nHow {id} would look at {destination}:\n\n"));
        text.push_str(&slack::preview(payload, view.width.unwrap_or(100), view.colour));
        text.push('\n');
    }
    if looks.len() < totals.posted {
        let rest = totals.posted - looks.len();
        text.push_str(&format!(
            "\n{rest} more would be posted; --previews N shows more of them.\n"
        ));
    }
    text.push_str("\nA dry run: nothing was sent, nothing was changed.\n");
    text
}

fn plan_json(
    selected: &Selected,
    view: &View,
    plan: &[(&Message, Forecast)],
    totals: &Totals,
    looks: &[Look],
    now: Wall,
) -> String {
    let look = |(id, destination, payload): &Look| json!({ "id": id, "destination": destination, "payload": payload });
    let value = json!({
        "dry_run": true,
        "queue": view.queue,
        "parked": selected.found.looked,
        "matched": selected.matched,
        "complete": selected.found.cut.is_none(),
        "hidden": selected.found.hidden,
        "totals": totals.json(),
        "messages": plan.iter().map(|(m, f)| forecast::as_json(m, f, now)).collect::<Vec<_>>(),
        "previews": looks.iter().map(look).collect::<Vec<_>>(),
    });
    format!("{value}\n")
}

/// How many of these messages have an alert that was posted, and would be again.
pub async fn told_before<L: Ledger>(
    items: &[Item],
    again: &Again<'_, L>,
    lanes: &[crate::ports::Lane],
    now: Wall,
) -> anyhow::Result<usize> {
    let (mut told, mut before) = (0, Before::new());
    for item in items {
        let forecast = forecast::of(&item.message, again, lanes, true, &mut before, now).await;
        let alerts = forecast.map_err(ledger_away)?.alerts;
        let again = |o| matches!(o, forecast::Outlook::PostAgain(_));
        told += usize::from(alerts.iter().any(|n| again(n.outlook)));
    }
    Ok(told)
}

/// What a send came to, for people.
pub fn sent_text(tally: &Tally, keep: bool) -> String {
    let Tally { sent, express, standard, .. } = tally;
    let kept = if keep { ", and kept here as well" } else { "" };
    let mut lines =
        vec![format!("{sent:>8} sent: {express} to express, {standard} to standard{kept}")];
    for (count, what) in [
        (tally.rewound, "ledger rows made free, so that they are posted again"),
        (tally.gone, "sent or removed by somebody else meanwhile, or visible again: look again"),
        (tally.busy, "left alone: a worker may be posting them, or the ledger did not answer"),
        (tally.failed, "could not be sent, and are still parked"),
        (tally.not_removed, "sent, but still parked: sent again, they are copies"),
        (tally.left, "not come to, and still parked"),
        (
            tally.unreadable,
            "left out: they can't be read, so that with --keep the worker would park each once more",
        ),
        (
            usize::try_from(tally.hidden).unwrap_or(usize::MAX),
            "hidden by somebody else, so not looked at: run it again, or with --wait",
        ),
    ] {
        if count > 0 {
            lines.push(format!("{count:>8} {what}"));
        }
    }
    if let Some(why) = tally.why.as_ref().filter(|_| !tally.well()) {
        lines.push(format!("the last failure: {}", crate::finding::Text::new(why, 400)));
    }
    if tally.interrupted {
        lines.push("stopped".to_owned());
    }
    if !tally.well() {
        lines.push("Run the same command again for the rest; nothing is lost.".to_owned());
    }
    lines.join("\n") + "\n"
}

/// What was discarded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discarded {
    pub discarded: usize,
    pub gone: usize,
    pub failed: usize,
    pub left: usize,
    pub why: Option<String>,
}

/// `discard`: removes what is held. What is about to go is logged with the reason before it goes, so
/// that the log never lacks what is gone.
pub async fn discard<Q: DeadLetterQueue, C: Clock>(
    hands: &mut Hands<'_, Q, C>,
    items: &[Item],
    because: &str,
) -> Discarded {
    let because = crate::finding::Text::new(because, 300);
    let mut tally = Discarded::default();
    for (at, batch) in items.chunks(QUEUE_BATCH_MAX).enumerate() {
        if hands.stopped() {
            tally.left = items.len() - at * QUEUE_BATCH_MAX;
            break;
        }
        hands.renew().await;
        let batch: Vec<&Item> = batch.iter().filter(|item| hands.holds(item.id())).collect();
        for item in &batch {
            let message = &item.message;
            let [severity, account, region, kind, title] = table::content(message);
            info!(
                id = table::id(message), reason = %message.reason, detail = %message.detail,
                severity, account, region, kind, title, because = %because, "discarding"
            );
        }
        let receipts: Vec<_> = batch.iter().map(|item| item.receipt.clone()).collect();
        for (item, answer) in batch.iter().zip(hands.queue.remove(&receipts).await) {
            match answer {
                Ok(()) => {
                    hands.let_go(item.id());
                    tally.discarded += 1;
                }
                Err(QueueError::ReceiptGone(_)) => {
                    hands.let_go(item.id());
                    tally.gone += 1;
                }
                Err(QueueError::Unavailable(why)) => {
                    tracing::warn!(
                        id = table::id(&item.message),
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
    tally.gone += items.len() - tally.discarded - tally.gone - tally.failed - tally.left;
    hands.release_all().await;
    tally
}

/// What a discard came to.
pub fn discarded_text(tally: &Discarded) -> String {
    let mut lines = vec![format!("{:>8} discarded", tally.discarded)];
    for (count, what) in [
        (tally.gone, "sent or removed by somebody else meanwhile, or visible again: look again"),
        (tally.failed, "could not be discarded, and are still parked: run it again"),
        (tally.left, "not come to, and still parked: run it again"),
    ] {
        if count > 0 {
            lines.push(format!("{count:>8} {what}"));
        }
    }
    if let Some(why) = &tally.why {
        lines.push(format!("the last failure: {}", crate::finding::Text::new(why, 400)));
    }
    lines.join("\n") + "\n"
}

/// What a discard would remove.
pub fn discard_plan(selected: &Selected, view: &View, now: Wall) -> String {
    let messages = selected.messages();
    let mut text = format!("{}\n", selected.head(view));
    if !messages.is_empty() {
        text.push_str(&format!("\n{}", table::list(&messages, now, view.width)));
    }
    text.push_str("\nA dry run: nothing was discarded.\n");
    text
}
