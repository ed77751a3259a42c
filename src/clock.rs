//! The one file that reads clocks.

use std::time::Duration;

use crate::instants::{Mono, Now, Wall, millis};
use crate::ports::Clock;

/// The machine's clocks. Monotonic time is tokio's, so that it stands still where a test pauses it.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: tokio::time::Instant,
}

impl SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads clocks")]
    pub fn start() -> SystemClock {
        SystemClock { started: tokio::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads clocks")]
    fn now(&self) -> Now {
        Now { wall: wall(), mono: mono_since(self.started) }
    }

    async fn sleep_until(&self, at: Mono) {
        // Rounded up: a millisecond early would find nothing to do and ask again.
        tokio::time::sleep_until(self.started + Duration::from_millis(at.0.saturating_add(1)))
            .await;
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads clocks")]
fn mono_since(started: tokio::time::Instant) -> Mono {
    let elapsed = tokio::time::Instant::now().duration_since(started);
    Mono(millis(elapsed))
}

/// Wall time now, for adapters that need no more than that.
#[allow(clippy::disallowed_methods, reason = "the one place that reads clocks")]
pub fn wall() -> Wall {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
