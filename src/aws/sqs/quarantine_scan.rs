//! A look into the quarantine queue. SQS has no way to look without receiving, so messages are
//! received, hidden for a short while, and handed back at once. Their receive count grows.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{SqsQueue, dead_letters};
use crate::ports::inquiry::{
    Concerns, PEEK_MESSAGES_MAX, Peek, Peeked, QuarantinedMessage, Waiting,
};
use crate::ports::{DeadLetter, Held, MessageId, Queue, QueueError, Receipt};

/// Received messages are hidden for so long: longer than the whole look, so that none of them is met
/// twice, and short, should they not be handed back.
const HIDDEN: Duration = Duration::from_secs(30);
const LOOK_TIME_MAX: Duration = Duration::from_secs(20);
const LOOKS_MAX: usize = 200;

impl Peek for SqsQueue {
    async fn parked(&self, concerns: &Concerns) -> Result<Peeked, QueueError> {
        let mut look = Look::default();
        let time_is_up = tokio::time::sleep(LOOK_TIME_MAX);
        tokio::pin!(time_is_up);
        let mut failure = None;
        for _ in 0..LOOKS_MAX {
            let received = tokio::select! {
                biased;
                received = dead_letters::look(&self.quarantine, HIDDEN) => received,
                () = &mut time_is_up => break,
            };
            match received {
                Ok(messages) if messages.is_empty() => {
                    look.peeked.complete = true;
                    break;
                }
                Ok(messages) => {
                    if !look.take(messages, concerns) {
                        break;
                    }
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        // What can't be handed back comes back by itself after HIDDEN.
        self.quarantine.hide(&look.received).await;
        match failure {
            Some(error) if look.peeked.looked_at == 0 => Err(error),
            _ => Ok(look.peeked),
        }
    }

    /// To look into a message of a lane would take it from the workers, and count as a receive.
    async fn waiting(&self, _concerns: &Concerns) -> Result<Waiting, QueueError> {
        let mut counted = Vec::new();
        for lane in self.lanes() {
            counted.push((lane, self.depth(lane).await?));
        }
        Ok(Waiting::Counted(counted))
    }
}

#[derive(Default)]
struct Look {
    peeked: Peeked,
    seen: BTreeSet<MessageId>,
    received: Vec<(Receipt, Duration)>,
}

impl Look {
    /// False if it is enough: messages come round again, or too many are of interest.
    fn take(&mut self, messages: Vec<Held>, concerns: &Concerns) -> bool {
        let before = self.seen.len();
        // First of all, so that whatever was received is handed back.
        self.received.extend(messages.iter().map(|held| (held.receipt.clone(), Duration::ZERO)));
        for Held { parked, .. } in messages {
            if !self.seen.insert(parked.id.clone()) {
                continue;
            }
            self.peeked.looked_at += 1;
            if !concerns(&parked.body) {
                continue;
            }
            if self.peeked.messages.len() >= PEEK_MESSAGES_MAX {
                return false;
            }
            self.peeked.messages.push(told(parked));
        }
        self.seen.len() > before
    }
}

fn told(parked: DeadLetter) -> QuarantinedMessage {
    QuarantinedMessage {
        message_id: Some(parked.original_id.unwrap_or(parked.id).0),
        lane: parked.lane.map(|lane| lane.as_str().to_owned()),
        body: parked.body,
        reason: parked.reason,
        detail: parked.detail,
        receive_count: parked.attempts,
        enqueued_at: parked.enqueued_at,
        parked_at: parked.parked_at,
    }
}
