//! [`QueueInquiry`] on SQS.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{SqsQueue, scan};
use crate::ports::inquiry::{
    BodyFilter, LaneSearch, QuarantineSearch, QueueInquiry, SEARCH_MESSAGES_MAX,
};
use crate::ports::{MessageId, Queue, QueueError, Receipt, ScannedDeadLetter};

/// Longer than the search, so that it receives no message twice. Short, because messages stay
/// hidden for this long if they can't be shown again.
const HIDDEN: Duration = Duration::from_secs(30);
const SEARCH_TIME_MAX: Duration = Duration::from_secs(20);
const BATCHES_MAX: usize = 200;

impl QueueInquiry for SqsQueue {
    async fn search_quarantine(&self, filter: &BodyFilter) -> Result<QuarantineSearch, QueueError> {
        let mut search = Search::default();
        let time_is_up = tokio::time::sleep(SEARCH_TIME_MAX);
        tokio::pin!(time_is_up);
        let mut failure = None;
        for _ in 0..BATCHES_MAX {
            let received = tokio::select! {
                biased;
                received = scan::batch(&self.quarantine, HIDDEN) => received,
                () = &mut time_is_up => break,
            };
            match received {
                Ok(messages) if messages.is_empty() => {
                    search.result.complete = true;
                    break;
                }
                Ok(messages) => {
                    if !search.add(messages, filter) {
                        break;
                    }
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        // If this fails, the messages are visible again after HIDDEN.
        self.quarantine.hide(&search.received).await;
        match failure {
            Some(error) if search.result.scanned == 0 => Err(error),
            _ => Ok(search.result),
        }
    }

    /// Only counts: receiving a message of a lane would take it from the workers.
    async fn search_lanes(&self, _filter: &BodyFilter) -> Result<LaneSearch, QueueError> {
        let mut counted = Vec::new();
        for lane in self.lanes() {
            counted.push((lane, self.depth(lane).await?));
        }
        Ok(LaneSearch::Counted(counted))
    }
}

#[derive(Default)]
struct Search {
    result: QuarantineSearch,
    seen: BTreeSet<MessageId>,
    /// All receipts, with the delay that shows a message again.
    received: Vec<(Receipt, Duration)>,
}

impl Search {
    /// Returns false to end the search: all messages were known, or too many match.
    fn add(&mut self, messages: Vec<ScannedDeadLetter>, filter: &BodyFilter) -> bool {
        let before = self.seen.len();
        // First of all, so that every received message is shown again.
        self.received.extend(messages.iter().map(|one| (one.receipt.clone(), Duration::ZERO)));
        for ScannedDeadLetter { dead_letter, .. } in messages {
            if !self.seen.insert(dead_letter.id.clone()) {
                continue;
            }
            self.result.scanned += 1;
            if !filter(&dead_letter.body) {
                continue;
            }
            if self.result.messages.len() >= SEARCH_MESSAGES_MAX {
                return false;
            }
            self.result.messages.push(dead_letter);
        }
        self.seen.len() > before
    }
}
