//! A look into the quarantine queue. SQS has no way to look without receiving, so messages are
//! received, hidden for a short while, and handed back at once. Their receive count grows.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message};

use super::parcel::{ENCODING_ATTRIBUTE, original_body};
use super::{CALL_TIMEOUT, Remote, SqsQueue, refusal, unbuilt, within};
use crate::instants::Wall;
use crate::ports::inquiry::{Concerns, PEEK_MESSAGES_MAX, ParkedMessage, Peek, Peeked, Waiting};
use crate::ports::{QUEUE_BATCH_MAX, Queue, QueueError};

/// Received messages are hidden for so long: longer than the whole look, so that none of them is met
/// twice, and short, should they not be handed back.
const HIDDEN_S: i32 = 30;
const LOOK_TIME_MAX: Duration = Duration::from_secs(20);
/// A wait, however short, makes SQS ask all of its machines, so that an empty answer means something.
/// Source: SQS developer guide, "Amazon SQS short and long polling".
const WAIT_S: i32 = 1;
const RECEIVES_MAX: usize = 200;

impl Peek for SqsQueue {
    async fn parked(&self, concerns: &Concerns) -> Result<Peeked, QueueError> {
        let mut look = Look::default();
        let time_is_up = tokio::time::sleep(LOOK_TIME_MAX);
        tokio::pin!(time_is_up);
        let mut failure = None;
        for _ in 0..RECEIVES_MAX {
            let received = tokio::select! {
                biased;
                received = receive(&self.quarantine) => received,
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
        hand_back(&self.quarantine, &look.receipts).await;
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
    seen: BTreeSet<String>,
    receipts: Vec<String>,
}

impl Look {
    /// False if it is enough: messages come round again, or too many are of interest.
    fn take(&mut self, messages: Vec<Message>, concerns: &Concerns) -> bool {
        let before = self.seen.len();
        // First of all, so that whatever was received is handed back.
        self.receipts.extend(messages.iter().filter_map(|m| m.receipt_handle.clone()));
        for message in messages {
            if !self.seen.insert(message.message_id.clone().unwrap_or_default()) {
                continue;
            }
            self.peeked.looked_at += 1;
            let parked = parked(&message);
            if !concerns(&parked.body) {
                continue;
            }
            if self.peeked.messages.len() >= PEEK_MESSAGES_MAX {
                return false;
            }
            self.peeked.messages.push(parked);
        }
        self.seen.len() > before
    }
}

async fn receive(remote: &Remote) -> Result<Vec<Message>, QueueError> {
    let limit = CALL_TIMEOUT + Duration::from_secs(WAIT_S.unsigned_abs().into());
    let call = remote
        .receiving
        .receive_message()
        .queue_url(&remote.url)
        .max_number_of_messages(i32::try_from(QUEUE_BATCH_MAX).unwrap_or(1))
        .wait_time_seconds(WAIT_S)
        .visibility_timeout(HIDDEN_S)
        .message_attribute_names("All")
        .send();
    let answer = within(limit, &remote.url, call)
        .await?
        .map_err(|e| refusal::of_call("ReceiveMessage", &remote.url, &e))?;
    Ok(answer.messages.unwrap_or_default())
}

/// What can't be handed back comes back by itself after [`HIDDEN_S`].
async fn hand_back(remote: &Remote, receipts: &[String]) {
    for batch in receipts.chunks(QUEUE_BATCH_MAX) {
        let entries = batch.iter().enumerate().map(|(index, receipt)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(0)
                .build()
        });
        let Ok(entries) = entries.collect::<Result<Vec<_>, _>>().map_err(unbuilt) else { return };
        let call = remote.client.change_message_visibility_batch().queue_url(&remote.url);
        if call.set_entries(Some(entries)).send().await.is_err() {
            return;
        }
    }
}

fn parked(message: &Message) -> ParkedMessage {
    let text = |name: &str| {
        let value = message.message_attributes()?.get(name)?.string_value()?;
        Some(value.to_owned())
    };
    let moment = |name: &str| Wall::parse_rfc3339(&text(name)?);
    let body = message.body().unwrap_or_default();
    ParkedMessage {
        // A body in an encoding that is not known is shown as it lies there.
        body: original_body(body, text(ENCODING_ATTRIBUTE).as_deref())
            .unwrap_or_else(|| body.to_owned()),
        message_id: text("hansho.message_id").or_else(|| message.message_id.clone()),
        lane: text("hansho.lane"),
        reason: text("hansho.reason"),
        detail: text("hansho.detail"),
        receive_count: text("hansho.receive_count").and_then(|n| n.parse().ok()),
        enqueued_at: moment("hansho.enqueued_at"),
        parked_at: moment("hansho.parked_at"),
    }
}
