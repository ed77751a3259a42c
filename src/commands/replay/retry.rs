//! Retries of a call that fails for a reason that may pass.

use std::time::Duration;

use tracing::warn;

use super::holds::Holds;
use crate::ports::{Clock, DeadLetterQueue, QueueError};

/// Attempts of one call, or of sending one message.
pub const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The waits between attempts. Each is twice as long as the one before.
pub struct Waits(Duration);

impl Default for Waits {
    fn default() -> Waits {
        Waits(FIRST_WAIT)
    }
}

impl Waits {
    pub fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(WAIT_MAX);
        wait
    }
}

impl<Q: DeadLetterQueue, C: Clock> Holds<'_, Q, C> {
    /// Makes a call until it succeeds, at most [`ATTEMPTS`] times. A person who stops the replay
    /// ends it earlier. `what` names the call in the log.
    pub(super) async fn retried<T>(
        &mut self,
        what: &'static str,
        call: impl AsyncFn(&Q) -> Result<T, QueueError>,
    ) -> Result<T, QueueError> {
        let mut waits = Waits::default();
        for _ in 1..ATTEMPTS {
            match call(self.queue).await {
                Err(QueueError::Unavailable(why)) if why.kind.may_pass() && !self.stopped() => {
                    let (reason, detail) = (why.kind.as_str(), why.detail);
                    warn!(call = what, reason, detail, "the dead-letter queue failed, will retry");
                    self.sleep_until(self.clock.now().mono.plus(waits.next())).await;
                    self.renew().await;
                }
                answer => return answer,
            }
        }
        call(self.queue).await
    }
}
