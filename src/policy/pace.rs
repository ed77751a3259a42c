//! The pace of this process alone: the rate of its posts to one destination. The pace of the whole
//! fleet is [`super::pace_slots`]; a post needs both.
//!
//! The rate limiter is governor's GCRA. Its clock is set by the caller, because governor's own
//! clock would ignore the paused time of tests and simulations.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::instants::Mono;

type Limiter = RateLimiter<NotKeyed, InMemoryState, SetClock, NoOpMiddleware<Duration>>;

/// One destination's pace: at least `interval` between the starts of two posts, and none before
/// the end of a pause that the destination asked for.
pub struct Pace {
    /// None: the interval is zero, so that any rate is allowed.
    limiter: Option<Limiter>,
    clock: SetClock,
    interval: Duration,
    ready_at: Mono,
}

impl Pace {
    pub fn new(interval: Duration) -> Pace {
        let clock = SetClock::default();
        let limiter = Quota::with_period(interval)
            .map(|quota| quota.allow_burst(NonZeroU32::MIN))
            .map(|quota| RateLimiter::direct_with_clock(quota, clock.clone()));
        Pace { limiter, clock, interval, ready_at: Mono(0) }
    }

    /// The earliest time at which a post may start, as far as is known now.
    pub fn ready_at(&self) -> Mono {
        self.ready_at
    }

    /// Takes the slot for a post that starts now. The error says when to ask again.
    pub fn take(&mut self, now: Mono) -> Result<(), Mono> {
        if now < self.ready_at {
            return Err(self.ready_at);
        }
        self.clock.set(now);
        if let Some(Err(not_yet)) = self.limiter.as_ref().map(Limiter::check) {
            self.ready_at = to_mono_up(not_yet.earliest_possible());
            return Err(self.ready_at);
        }
        self.ready_at = now.plus(self.interval);
        Ok(())
    }

    /// Allows no post before `until`, whatever the rate is.
    pub fn pause(&mut self, until: Mono) {
        self.ready_at = self.ready_at.max(until);
    }
}

/// Rounds up to whole milliseconds: rounded down, the caller would ask too early.
fn to_mono_up(at: Duration) -> Mono {
    Mono(u64::try_from(at.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
struct SetClock(Arc<AtomicU64>);

impl SetClock {
    fn set(&self, now: Mono) {
        self.0.store(now.0, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

// The trait that `Duration` implements for governor. This line breaks if governor changes it.
const _: fn(&Duration, Duration) -> governor::nanos::Nanos =
    <Duration as Reference>::duration_since;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_are_an_interval_apart() {
        let mut pace = Pace::new(Duration::from_millis(1100));
        assert_eq!(pace.take(Mono(5_000)), Ok(()));
        assert_eq!(pace.take(Mono(5_000)), Err(Mono(6_100)));
        assert_eq!(pace.take(Mono(6_099)), Err(Mono(6_100)));
        assert_eq!(pace.take(Mono(6_100)), Ok(()));
        // A long pause earns no burst.
        assert_eq!(pace.take(Mono(100_000)), Ok(()));
        assert_eq!(pace.take(Mono(100_001)), Err(Mono(101_100)));
    }

    #[test]
    fn a_pause_holds_and_only_ever_lengthens() {
        let mut pace = Pace::new(Duration::from_millis(1100));
        pace.pause(Mono(30_000));
        pace.pause(Mono(10_000));
        assert_eq!(pace.ready_at(), Mono(30_000));
        assert_eq!(pace.take(Mono(29_999)), Err(Mono(30_000)));
        assert_eq!(pace.take(Mono(30_000)), Ok(()));
    }

    #[test]
    fn an_interval_of_zero_allows_any_rate() {
        let mut pace = Pace::new(Duration::ZERO);
        for _ in 0..1000 {
            assert_eq!(pace.take(Mono(1)), Ok(()));
        }
    }

    #[test]
    fn never_closer_than_the_interval_whoever_asks_when() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut pace = Pace::new(Duration::from_millis(1100));
        let (mut now, mut last) = (0, None);
        for _ in 0..10_000 {
            now += random.u64(0..700);
            if pace.take(Mono(now)).is_ok() {
                assert!(last.is_none_or(|last| now - last >= 1100), "{last:?} {now}");
                last = Some(now);
            }
        }
    }
}
