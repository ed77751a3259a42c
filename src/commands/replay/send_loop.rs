//! Sends held messages to their lanes at a rate. A message is in its lane before it is removed from
//! the dead-letter queue, so an interruption at any moment leaves at most copies.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;
use tracing::warn;

use crate::instants::Mono;
use crate::policy::ledger::RecordKey;
use crate::ports::{
    Clock, DeadLetterQueue, Lane, Ledger, MessageId, Outgoing, QUEUE_BATCH_MAX, QueueError, Sent,
};

use super::holds::{HeldDeadLetter, Holds};
use super::rate::Rate;
use super::retry::{ATTEMPTS, Waits};
use super::rewind::Rewinder;

/// Batches in a row that fail as a whole before the send gives up.
const FAILED_BATCHES_MAX: u32 = 5;
/// The most characters of an error that a result shows.
pub const ERROR_CHARS_MAX: usize = 400;

/// Result of a send, also as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SendTally {
    /// How many were to be sent.
    pub selected: usize,
    pub sent: usize,
    /// Of the sent ones, those in the express lane.
    pub express: usize,
    /// Of the sent ones, those in the standard lane.
    pub standard: usize,
    /// Sent, but still in this queue because the removal failed. Sending them again makes copies.
    pub not_removed: usize,
    /// Not sent, because the replay no longer held them: somebody else may have sent or removed
    /// them.
    pub gone: usize,
    /// Could not be sent. They are still in this queue.
    pub failed: usize,
    /// With `--force`: not sent, because a worker may be posting them.
    pub busy: usize,
    /// Ledger records that were reset.
    pub rewound: usize,
    /// Not reached. They are still in this queue.
    pub left: usize,
    /// With `--keep`: left out, because a worker would quarantine a copy of each.
    pub unreadable: usize,
    /// Hidden by somebody else during the scan.
    pub hidden: u64,
    pub interrupted: bool,
    /// The last error.
    pub why: Option<String>,
}

impl SendTally {
    /// Everything was sent that was to be sent.
    pub fn is_complete(&self) -> bool {
        self.failed == 0
            && self.left == 0
            && self.not_removed == 0
            && self.busy == 0
            && self.hidden == 0
    }

    /// How many were reached.
    pub fn done(&self) -> usize {
        self.sent + self.gone + self.failed + self.busy
    }

    fn count_sent(&mut self, lane: Lane) {
        self.sent += 1;
        match lane {
            Lane::Express => self.express += 1,
            Lane::Standard => self.standard += 1,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct SendOptions {
    pub rate: Rate,
    pub keep: bool,
}

/// Sends `held` in order. With `rewinder`, first resets the ledger records of each message's
/// alerts. Calls `progress` after each batch.
pub async fn send<Q: DeadLetterQueue, C: Clock, L: Ledger>(
    holds: &mut Holds<'_, Q, C>,
    held: Vec<HeldDeadLetter>,
    options: SendOptions,
    rewinder: Option<&Rewinder<'_, L>>,
    mut progress: impl FnMut(&SendTally),
) -> SendTally {
    let tally = SendTally { selected: held.len(), ..SendTally::default() };
    let mut run = SendRun {
        options,
        rewinder,
        lanes: holds.queue.lanes(),
        began: holds.clock.now().mono,
        taken: 0,
        waiting: held.into(),
        attempts: BTreeMap::new(),
        not_removed: Vec::new(),
        rewound: BTreeSet::new(),
        tally,
        holds,
    };
    progress(&run.tally);
    let (mut failed_batches, mut waits) = (0, Waits::default());
    while !run.waiting.is_empty() && failed_batches < FAILED_BATCHES_MAX {
        run.holds.sleep_until(options.rate.due(run.began, run.taken)).await;
        if run.holds.stopped() {
            run.tally.interrupted = true;
            break;
        }
        let failed = run.send_batch().await;
        progress(&run.tally);
        if !failed {
            (failed_batches, waits) = (0, Waits::default());
            continue;
        }
        failed_batches += 1;
        if failed_batches < FAILED_BATCHES_MAX {
            run.holds.sleep_until(run.holds.clock.now().mono.plus(waits.next())).await;
        }
    }
    run.tally.left = run.waiting.len();
    run.remove_again().await;
    run.holds.release_all().await;
    progress(&run.tally);
    run.tally
}

/// The state of one send.
struct SendRun<'r, 'a, Q, C, L> {
    holds: &'r mut Holds<'a, Q, C>,
    options: SendOptions,
    rewinder: Option<&'r Rewinder<'r, L>>,
    lanes: Vec<Lane>,
    began: Mono,
    /// How many messages have left `waiting`, each retry counted. It keeps the rate.
    taken: usize,
    waiting: VecDeque<HeldDeadLetter>,
    /// Failed attempts of each message.
    attempts: BTreeMap<MessageId, u32>,
    /// Sent, but not removed.
    not_removed: Vec<HeldDeadLetter>,
    /// Records that were reset.
    rewound: BTreeSet<RecordKey>,
    tally: SendTally,
}

impl<Q: DeadLetterQueue, C: Clock, L: Ledger> SendRun<'_, '_, Q, C, L> {
    /// Sends the next batch. Returns true if the queue failed for all of it.
    async fn send_batch(&mut self) -> bool {
        self.holds.renew().await;
        let (lane, mut batch) = self.next_batch();
        self.taken += batch.len();
        // Messages that are no longer held are somebody else's, or visible for the next scan.
        let before = batch.len();
        batch.retain(|one| self.holds.contains(one.id()));
        self.tally.gone += before - batch.len();
        if let Some(rewinder) = self.rewinder {
            batch = self.rewind(rewinder, batch).await;
        }
        let outgoing: Vec<Outgoing> = batch
            .iter()
            .map(|one| Outgoing {
                receipt: one.receipt.clone(),
                body: one.dead_letter.body.clone(),
            })
            .collect();
        let answers = self.holds.queue.send(lane, &outgoing, self.options.keep).await;
        let is_failure =
            |answer: &Sent| matches!(answer, Sent::NotSent(QueueError::Unavailable(_)));
        let failed = !answers.is_empty() && answers.iter().all(is_failure);
        for (one, answer) in batch.into_iter().zip(answers) {
            self.settle(one, answer, lane).await;
        }
        failed
    }

    /// Takes the next messages of the same lane, as many as the rate allows at once.
    fn next_batch(&mut self) -> (Lane, Vec<HeldDeadLetter>) {
        let max = self.options.rate.batch(QUEUE_BATCH_MAX);
        let lane_of = |one: &HeldDeadLetter| one.parsed.lane_of(&self.lanes);
        let lane = self.waiting.front().map_or(Lane::Standard, lane_of);
        let same = self.waiting.iter().take(max).take_while(|one| lane_of(one) == lane).count();
        (lane, self.waiting.drain(..same).collect())
    }

    async fn settle(&mut self, one: HeldDeadLetter, answer: Sent, lane: Lane) {
        match answer {
            Sent::Moved => {
                self.holds.forget(one.id());
                self.tally.count_sent(lane);
            }
            Sent::Copied => {
                self.tally.count_sent(lane);
                self.holds.release(&[one.id().clone()]).await;
            }
            Sent::NotRemoved(why) => {
                self.tally.count_sent(lane);
                self.tally.why = Some(why.to_string());
                self.not_removed.push(one);
            }
            Sent::NotSent(QueueError::ReceiptGone(_)) => {
                self.holds.forget(one.id());
                self.tally.gone += 1;
            }
            Sent::NotSent(QueueError::Unavailable(why)) => {
                warn!(
                    message_id = ?one.id().0,
                    reason = why.kind.as_str(),
                    detail = why.detail,
                    "a message could not be sent"
                );
                self.tally.why = Some(why.detail);
                let attempts = self.attempts.entry(one.id().clone()).or_default();
                *attempts += 1;
                if *attempts < ATTEMPTS {
                    self.waiting.push_back(one);
                } else {
                    self.tally.failed += 1;
                    self.holds.release(&[one.id().clone()]).await;
                }
            }
        }
    }

    /// Resets the records of each message. Returns the messages for which that succeeded.
    async fn rewind(
        &mut self,
        rewinder: &Rewinder<'_, L>,
        batch: Vec<HeldDeadLetter>,
    ) -> Vec<HeldDeadLetter> {
        let mut rewound = Vec::new();
        for one in batch {
            let now = self.holds.clock.now().wall;
            match rewinder.rewind(&one.parsed, &mut self.rewound, now).await {
                Ok(records) => {
                    self.tally.rewound += records;
                    rewound.push(one);
                }
                Err(why) => {
                    warn!(message_id = ?one.id().0, detail = why, "not sent: a record is in use");
                    self.tally.why = Some(why);
                    self.tally.busy += 1;
                    self.holds.release(&[one.id().clone()]).await;
                }
            }
        }
        rewound
    }

    /// Tries a last time to remove messages that were sent.
    async fn remove_again(&mut self) {
        let not_removed = std::mem::take(&mut self.not_removed);
        for batch in not_removed.chunks(QUEUE_BATCH_MAX) {
            let batch: Vec<&HeldDeadLetter> = batch.iter().collect();
            for (one, answer) in batch.iter().zip(self.holds.remove_batch(&batch).await) {
                if let Err(why) = answer {
                    warn!(message_id = ?one.id().0, detail = %why, "sent, but not removed");
                    self.tally.not_removed += 1;
                    self.tally.why = Some(why.to_string());
                }
            }
        }
    }
}
