//! [`Inlet`] on the two lanes.

use super::{SqsQueue, refusal};
use crate::ports::inlet::Inlet;
use crate::ports::{Lane, QueueError};

impl Inlet for SqsQueue {
    async fn put(&self, lane: Lane, body: &str) -> Result<(), QueueError> {
        let queue = self.remote(lane).unwrap_or(&self.standard);
        let sent =
            queue.client.send_message().queue_url(&queue.url).message_body(body).send().await;
        sent.map(|_| ()).map_err(|e| refusal::of_call("SendMessage", &queue.url, &e))
    }
}
