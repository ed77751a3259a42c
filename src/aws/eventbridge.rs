//! [`Bus`] on EventBridge, for canaries.
//! Source: EventBridge API reference, PutEvents.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::retry::RetryConfig;
use aws_sdk_eventbridge::config::{Builder, Region};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use super::cause::{Cause, Problem};
use super::failure::kind_of_code;
use super::time_limit;
use crate::finding::Text;
use crate::ports::{Bus, BusError, BusEvent, FailureKind};

/// For a whole call. A call makes one attempt.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The most characters of EventBridge's message that an error quotes.
const WHY_CHARS_MAX: usize = 300;

/// What to do where the right is missing.
const RIGHTS: &str = "allow events:PutEvents on this bus, see infra/operator.yaml";

/// The bus of each account and region on which AWS services publish.
pub const DEFAULT_BUS: &str = "default";

/// One bus of one region. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: String,
    region: String,
}

impl EventBus {
    /// Takes credentials, endpoint and HTTP client from `config`, and the region unless one is
    /// given. Makes no call.
    ///
    /// # Errors
    /// No region is given, and `config` has none.
    pub fn new(config: &SdkConfig, region: Option<&str>, name: &str) -> Result<EventBus, BusError> {
        let region = region.or_else(|| config.region().map(AsRef::as_ref));
        let region = region
            .ok_or_else(|| BusError("no region is set: set AWS_REGION or give --region".into()))?;
        let builder = Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                time_limit(CALL_TIMEOUT).operation_attempt_timeout(CALL_TIMEOUT).build(),
            )
            .region(Region::new(region.to_owned()));
        let client = Client::from_conf(builder.build());
        Ok(EventBus { client, name: name.to_owned(), region: region.to_owned() })
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    fn failed(&self, why: &str) -> BusError {
        let EventBus { name, region, .. } = self;
        BusError(format!("PutEvents on bus {name:?} in {region} failed: {why}"))
    }
}

impl Bus for EventBus {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(event.source)
            .detail_type(event.detail_type)
            .detail(&event.detail)
            .build();
        let answer = self.client.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| {
            self.failed(&Cause::of(&error).or_if(Problem::Denied, RIGHTS).to_string())
        })?;
        // The call can succeed while its entry fails.
        match answer.entries() {
            [entry] if entry.error_code().is_none() && answer.failed_entry_count() == 0 => Ok(()),
            [entry] => {
                let code = entry.error_code().unwrap_or("an error without a code");
                let why = entry.error_message().map_or(code.to_owned(), |m| format!("{code}: {m}"));
                let why = Text::new(&why, WHY_CHARS_MAX).into_string();
                let denied =
                    kind_of_code(code) == FailureKind::Denied || code.starts_with("NotAuthorized");
                Err(self.failed(&if denied { format!("{why}: {RIGHTS}") } else { why }))
            }
            _ => Err(self.failed("the answer has no result for the event")),
        }
    }
}
