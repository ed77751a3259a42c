//! Limits how many canaries are posted. Their records are always written.

use std::time::Duration;

use crate::instants::Mono;

/// The most canaries that are posted within [`POSTS_EVERY`]. So tests can't flood a destination.
/// AWS has some thirty regions.
const POSTS_MAX: u32 = 60;
const POSTS_EVERY: Duration = Duration::from_secs(3600);

/// Counts the canaries that were posted lately.
#[derive(Default)]
pub(super) struct Allowance {
    since: Option<Mono>,
    used: u32,
}

impl Allowance {
    /// True if one more canary may be posted, which is then counted.
    pub fn take(&mut self, now: Mono) -> bool {
        if self.since.is_none_or(|since| now.since(since) >= POSTS_EVERY) {
            *self = Allowance { since: Some(now), used: 0 };
        }
        let left = self.used < POSTS_MAX;
        self.used += u32::from(left);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_posted_in_an_hour() {
        let mut allowance = Allowance::default();
        let at = |s: u64| Mono(s * 1000);
        let took = (0..100).filter(|s| allowance.take(at(*s))).count();
        assert_eq!(took, POSTS_MAX as usize);
        assert!(!allowance.take(at(3599)));
        assert!(allowance.take(at(3600)));
    }
}
