//! The times of one call.

use std::time::Duration;

use crate::instants::{Mono, Now};
use crate::policy::budget::TimeBudget;

/// The answer is ready this long before Lambda's deadline.
const ANSWER: Duration = Duration::from_secs(1);

pub struct Deadline {
    /// No post starts after this moment.
    pub last_post: Mono,
    /// The answer is due at this moment, and work in flight is dropped.
    pub answer: Mono,
}

impl Deadline {
    /// A post that starts must end, be marked and be answered for within `left`. If `left` is too
    /// short for that, half of it goes to work.
    pub fn of(left: Duration, budget: &TimeBudget, now: Now) -> Deadline {
        let after = budget.post_timeout() + TimeBudget::AROUND_A_POST + ANSWER;
        let work = left.saturating_sub(after).max(left / 2);
        let answer = left.saturating_sub(ANSWER).max(left * 9 / 10);
        Deadline { last_post: now.mono.plus(work), answer: now.mono.plus(answer) }
    }
}
