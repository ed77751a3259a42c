//! The stand-in's time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;

/// Milliseconds since 1970, moved by the test. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct StandInClock {
    moved_ms: Arc<AtomicI64>,
    started: Option<Instant>,
    start_ms: i64,
    /// Whether a long poll also ends when its wait is over in real time.
    polls_end: bool,
}

impl StandInClock {
    /// A clock that stands still until the test moves it.
    pub fn frozen() -> StandInClock {
        let moved_ms = Arc::default();
        StandInClock { moved_ms, started: None, start_ms: START_MS, polls_end: true }
    }

    /// A clock that stands still, for a test that moves it until every long poll has ended.
    pub fn moved_only() -> StandInClock {
        StandInClock { polls_end: false, ..StandInClock::frozen() }
    }

    /// A clock that runs with real time, and can be moved ahead of it. Use it with another process.
    #[expect(clippy::disallowed_methods, reason = "the other process lives in real time")]
    pub fn running() -> StandInClock {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let start_ms = since_1970.map_or(START_MS, millis);
        let started = Some(Instant::now());
        StandInClock { moved_ms: Arc::default(), started, start_ms, polls_end: true }
    }

    pub fn now_ms(&self) -> i64 {
        let elapsed = self.started.map_or(0, |at| millis(at.elapsed()));
        self.start_ms + elapsed + self.moved_ms.load(Ordering::SeqCst)
    }

    /// The stand-in calls this, and wakes long polls.
    pub(super) fn advance(&self, by: Duration) {
        self.moved_ms.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// Ends when the wait of a long poll is over in real time.
    pub(super) async fn wait_ends(&self, wait: Duration) {
        match self.polls_end {
            true => tokio::time::sleep(wait).await,
            false => std::future::pending().await,
        }
    }

    /// Ends when that moment comes by itself. If time stands still, it never ends.
    pub(super) async fn reaches(&self, at_ms: Option<i64>) {
        match at_ms.filter(|_| self.started.is_some()) {
            Some(at_ms) => {
                let ms = u64::try_from(at_ms - self.now_ms()).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            None => std::future::pending().await,
        }
    }
}

fn millis(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).expect("less than 292 million years")
}
