//! How long to wait before a retry.
//!
//! Only this file uses the `backoff` crate, and only for its arithmetic. The crate is no longer
//! maintained (RUSTSEC-2025-0012). Whoever replaces it changes this file alone.

use std::time::Duration;

use backoff::backoff::Backoff;
use backoff::{Clock, ExponentialBackoff, exponential::ExponentialBackoff as Exponential};

/// Delays that double from `first` to `max`, each shortened by up to half at random, so that
/// workers that failed together don't retry together.
#[derive(Debug)]
pub struct Retry {
    first: Duration,
    max: Duration,
    random: fastrand::Rng,
}

impl Retry {
    pub fn new(first: Duration, max: Duration, seed: u64) -> Retry {
        Retry { first, max, random: fastrand::Rng::with_seed(seed) }
    }

    /// The delay before the retry after so many failures in a row (1 or more).
    pub fn delay(&mut self, failures: u32) -> Duration {
        self.jitter(nominal(self.first, self.max, failures))
    }

    /// A delay shortened by up to half at random.
    pub fn jitter(&mut self, full: Duration) -> Duration {
        full.mul_f64(1.0 - self.random.f64() / 2.0)
    }
}

/// The delay before it is shortened. The loop is bounded: once `max` is reached, more failures
/// change nothing.
fn nominal(first: Duration, max: Duration, failures: u32) -> Duration {
    let mut steps: Exponential<NoClock> = Exponential {
        current_interval: first,
        initial_interval: first,
        randomization_factor: 0.0,
        multiplier: 2.0,
        max_interval: max,
        max_elapsed_time: None,
        start_time: ExponentialBackoff::default().start_time,
        clock: NoClock(ExponentialBackoff::default().start_time),
    };
    let mut delay = first;
    for _ in 0..failures.clamp(1, 64) {
        delay = steps.next_backoff().unwrap_or(max);
        if delay >= max {
            break;
        }
    }
    delay.min(max)
}

/// The crate asks a clock how long it has been trying, for a limit that is not used here. This
/// clock stands still.
#[derive(Debug)]
struct NoClock(std::time::Instant);

impl Clock for NoClock {
    fn now(&self) -> std::time::Instant {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_limit() {
        let (first, max) = (Duration::from_secs(1), Duration::from_secs(60));
        for (failures, seconds) in
            [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (u32::MAX, 60)]
        {
            assert_eq!(nominal(first, max, failures), Duration::from_secs(seconds), "{failures}");
        }
    }

    #[test]
    fn a_delay_is_only_shortened_and_repeats_with_its_seed() {
        let delays = |seed| {
            let mut retry = Retry::new(Duration::from_secs(1), Duration::from_secs(60), seed);
            (1..20).map(|n| retry.delay(n)).collect::<Vec<_>>()
        };
        assert_eq!(delays(7), delays(7));
        assert_ne!(delays(7), delays(8));
        for (n, delay) in delays(7).iter().enumerate() {
            let full = nominal(Duration::from_secs(1), Duration::from_secs(60), n as u32 + 1);
            assert!(*delay <= full && *delay >= full / 2, "{n}: {delay:?} of {full:?}");
        }
    }
}
