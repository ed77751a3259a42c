//! [`Bus`] on the embedded backend. It puts the event into the queue, in the envelope of
//! EventBridge.

use serde_json::json;
use serde_json::value::RawValue;

use crate::instants::Wall;
use crate::ports::{Bus, BusError, BusEvent, Clock, Lane};

use super::{EmbeddedQueue, Incoming};

/// Puts events into an [`EmbeddedQueue`].
#[derive(Clone)]
pub struct EmbeddedBus<C> {
    queue: EmbeddedQueue<C>,
    region: String,
}

impl<C: Clock + 'static> EmbeddedBus<C> {
    /// `region` is the region that the events name.
    pub fn new(queue: EmbeddedQueue<C>, region: &str) -> EmbeddedBus<C> {
        EmbeddedBus { queue, region: region.to_owned() }
    }

    /// The event as EventBridge delivers it.
    /// Source: EventBridge user guide, "EventBridge event structure".
    fn envelope(&self, id: &str, event: &BusEvent, now: Wall) -> Result<String, BusError> {
        let detail: &RawValue = serde_json::from_str(&event.detail)
            .map_err(|why| BusError(format!("the event's detail is not JSON: {why}")))?;
        let envelope = json!({
            "version": "0",
            "id": id,
            "detail-type": event.detail_type,
            "source": event.source,
            "time": now.to_rfc3339(),
            "region": self.region,
            "resources": [],
            "detail": detail,
        });
        Ok(envelope.to_string())
    }
}

impl<C: Clock + 'static> Bus for EmbeddedBus<C> {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        let message_id = uuid::Uuid::new_v4().to_string();
        let body = self.envelope(&message_id, event, self.queue.now())?;
        let message = Incoming { message_id, body, place: None };
        let put = self.queue.put(Lane::Standard, vec![message]).await;
        put.map(|_| ()).map_err(|why| BusError(why.to_string()))
    }
}
