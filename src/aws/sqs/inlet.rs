//! [`Inlet`] on the standard queue.

use super::{SqsQueue, refusal};
use crate::ports::QueueError;
use crate::ports::inlet::Inlet;

impl Inlet for SqsQueue {
    async fn put(&self, body: &str) -> Result<(), QueueError> {
        let queue = &self.standard;
        let sent =
            queue.client.send_message().queue_url(&queue.url).message_body(body).send().await;
        sent.map(|_| ()).map_err(|e| refusal::of_call("SendMessage", &queue.url, &e))
    }
}
