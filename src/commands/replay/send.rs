//! Sends messages to their lanes at a rate. Each is in its lane before it is removed from where it was
//! parked, so that whatever interrupts this leaves at most copies.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Serialize;
use tracing::warn;

use crate::ports::{
    Clock, DeadLetterQueue, Lane, Ledger, MessageId, Outgoing, QUEUE_BATCH_MAX, QueueError, Sent,
};

use crate::policy::ledger::RecordKey;

use super::force::Again;
use super::look::{Hands, Item};
use super::rate::Rate;

/// How often a message that could not be sent is tried.
const TRIES: u32 = 4;
/// The rest after a batch of which nothing could be sent; it doubles.
const FIRST_REST: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(30);
/// After so many of those in a row it gives up.
const FAILURES_MAX: u32 = 5;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// What was to be sent.
    pub selected: usize,
    pub sent: usize,
    /// Of those, by lane.
    pub express: usize,
    pub standard: usize,
    /// Sent, but still parked although they should not be: to send them again makes copies.
    pub not_removed: usize,
    /// Somebody else sent or removed them meanwhile.
    pub gone: usize,
    /// Could not be sent; they are still parked.
    pub failed: usize,
    /// With `--force`: being posted at this very moment, so left alone.
    pub busy: usize,
    /// Ledger rows that were made free.
    pub rewound: usize,
    /// Not come to; they are still parked.
    pub left: usize,
    /// With `--keep`: can't be read, so the worker would only park each once more.
    pub unreadable: usize,
    /// Hidden by somebody else when the queue was looked at, so that they could not be chosen.
    pub hidden: u64,
    pub interrupted: bool,
    /// Why it gave up, or why the last one failed.
    pub why: Option<String>,
}

impl Tally {
    pub fn well(&self) -> bool {
        self.failed == 0
            && self.left == 0
            && self.not_removed == 0
            && self.busy == 0
            && self.hidden == 0
    }

    /// How many were come to.
    pub fn done(&self) -> usize {
        self.sent + self.gone + self.failed + self.busy
    }
}

/// How to send.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub rate: Rate,
    pub keep: bool,
}

/// Sends `items`, which `hands` holds, in their order. `again` makes the ledger forget what it has of
/// each first. `progress` is told how it goes after each batch.
pub async fn send<Q: DeadLetterQueue, C: Clock, L: Ledger>(
    hands: &mut Hands<'_, Q, C>,
    items: Vec<Item>,
    terms: Terms,
    again: Option<&Again<'_, L>>,
    mut progress: impl FnMut(&Tally),
) -> Tally {
    let mut tally = Tally { selected: items.len(), ..Tally::default() };
    let mut waiting: VecDeque<Item> = items.into();
    let mut tries: BTreeMap<MessageId, u32> = BTreeMap::new();
    let mut leftover: Vec<Item> = Vec::new();
    let mut rewritten: BTreeSet<RecordKey> = BTreeSet::new();
    let lanes = hands.queue.lanes();
    let (mut failures, mut rest) = (0, FIRST_REST);
    let began = hands.clock.now().mono;
    let mut gone_out = 0;
    progress(&tally);
    while !waiting.is_empty() {
        hands.sleep_until(terms.rate.due(began, gone_out)).await;
        if hands.stopped() {
            tally.interrupted = true;
            break;
        }
        hands.renew().await;
        let (lane, mut batch) = next_batch(&mut waiting, &lanes, terms.rate.batch(QUEUE_BATCH_MAX));
        gone_out += batch.len();
        // What is no longer held is somebody else's, or visible again: the next look finds it.
        let before = batch.len();
        batch.retain(|item| hands.holds(item.id()));
        tally.gone += before - batch.len();
        if let Some(again) = again {
            batch = rewound(hands, again, batch, &mut rewritten, &mut tally).await;
        }
        let outgoing: Vec<Outgoing> = batch
            .iter()
            .map(|i| Outgoing { receipt: i.receipt.clone(), body: i.parked.body.clone() })
            .collect();
        let answers = hands.queue.send(lane, &outgoing, terms.keep).await;
        let mut any = answers.is_empty();
        for (item, answer) in batch.into_iter().zip(answers) {
            any |= !matches!(answer, Sent::NotSent(QueueError::Unavailable(_)));
            match answer {
                Sent::Moved => {
                    hands.let_go(item.id());
                    count_sent(&mut tally, lane);
                }
                Sent::Copied => {
                    count_sent(&mut tally, lane);
                    hands.release(&[item.id().clone()]).await;
                }
                Sent::NotRemoved(why) => {
                    count_sent(&mut tally, lane);
                    tally.why = Some(why.to_string());
                    leftover.push(item);
                }
                Sent::NotSent(QueueError::ReceiptGone(_)) => {
                    hands.let_go(item.id());
                    tally.gone += 1;
                }
                Sent::NotSent(QueueError::Unavailable(why)) => {
                    warn!(message_id = ?item.id().0, reason = why.kind.as_str(), detail = why.detail, "a message could not be sent");
                    tally.why = Some(why.detail);
                    let tried = tries.entry(item.id().clone()).or_default();
                    *tried += 1;
                    if *tried < TRIES {
                        waiting.push_back(item);
                    } else {
                        tally.failed += 1;
                        hands.release(&[item.id().clone()]).await;
                    }
                }
            }
        }
        progress(&tally);
        if any {
            (failures, rest) = (0, FIRST_REST);
            continue;
        }
        failures += 1;
        if failures >= FAILURES_MAX {
            break;
        }
        hands.sleep_until(hands.clock.now().mono.plus(rest)).await;
        rest = (rest * 2).min(REST_MAX);
    }
    tally.left = waiting.len();
    remove_again(hands, leftover, &mut tally).await;
    hands.release_all().await;
    progress(&tally);
    tally
}

fn count_sent(tally: &mut Tally, lane: Lane) {
    tally.sent += 1;
    match lane {
        Lane::Express => tally.express += 1,
        Lane::Standard => tally.standard += 1,
    }
}

/// Neighbours of the same lane, at most so many.
fn next_batch(waiting: &mut VecDeque<Item>, lanes: &[Lane], most: usize) -> (Lane, Vec<Item>) {
    let lane = waiting.front().map_or(Lane::Standard, |item| item.message.lane_of(lanes));
    let mut batch = Vec::new();
    while batch.len() < most
        && waiting.front().is_some_and(|item| item.message.lane_of(lanes) == lane)
    {
        batch.extend(waiting.pop_front());
    }
    (lane, batch)
}

/// Those of the batch that the ledger lets through again.
async fn rewound<Q: DeadLetterQueue, C: Clock, L: Ledger>(
    hands: &mut Hands<'_, Q, C>,
    again: &Again<'_, L>,
    batch: Vec<Item>,
    rewritten: &mut BTreeSet<RecordKey>,
    tally: &mut Tally,
) -> Vec<Item> {
    let mut through = Vec::new();
    for item in batch {
        match again.rewind(&item.message, rewritten, hands.clock.now().wall).await {
            Ok(rows) => {
                tally.rewound += rows;
                through.push(item);
            }
            Err(why) => {
                warn!(message_id = ?item.id().0, detail = why, "left alone: its row is not free");
                tally.why = Some(why);
                tally.busy += 1;
                hands.release(&[item.id().clone()]).await;
            }
        }
    }
    through
}

/// A last try for what was sent and could not be removed.
async fn remove_again<Q: DeadLetterQueue, C: Clock>(
    hands: &mut Hands<'_, Q, C>,
    leftover: Vec<Item>,
    tally: &mut Tally,
) {
    for batch in leftover.chunks(QUEUE_BATCH_MAX) {
        let receipts: Vec<_> = batch.iter().map(|item| item.receipt.clone()).collect();
        for (item, answer) in batch.iter().zip(hands.queue.remove(&receipts).await) {
            match answer {
                Ok(()) => hands.let_go(item.id()),
                Err(why) => {
                    warn!(message_id = ?item.id().0, detail = %why, "sent, but still parked");
                    tally.not_removed += 1;
                    tally.why = Some(why.to_string());
                }
            }
        }
    }
}
