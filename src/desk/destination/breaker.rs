//! The breaker of a destination: it stops posts to a destination that fails.

use std::time::Duration;

use crate::instants::Mono;
use crate::mutation::{self, Mutation};
use crate::ports::{OutageCause, RetryReason};

/// After so many failures in a row the breaker is open: the destination is tried with its most
/// severe alert alone. With every breaker open nothing more is received.
const FAILURES: u32 = 5;

/// After so long with one and the same 5xx to every post, a destination is dead. Some answers that
/// Slack gives for good have a status for a passing failure.
const SAME_ANSWER_MAX: Duration = Duration::from_secs(600);

pub(in crate::desk) struct Breaker {
    /// Posts that failed in a row.
    failures: u32,
    /// No post before.
    resume_at: Mono,
    /// A post failed since the last accepted one.
    has_failed: bool,
    /// Why the last post failed.
    cause: OutageCause,
    /// Why no post will be accepted until a person mends it, and reading the address again did not
    /// help.
    dead: Option<OutageCause>,
    /// The 5xx that Slack gives to every post, and since when.
    same_answer: Option<(String, Mono)>,
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker {
            failures: 0,
            resume_at: Mono(0),
            has_failed: false,
            cause: OutageCause::Dead,
            dead: None,
            same_answer: None,
        }
    }
}

impl Breaker {
    /// The breaker of a destination whose address can't be read. The first retries follow soon.
    pub fn without_address() -> Breaker {
        let cause = NO_ADDRESS;
        Breaker { has_failed: true, cause, dead: Some(cause), ..Breaker::default() }
    }

    /// The destination failed so often in a row that the next post is likely to fail too.
    pub fn is_breaker_open(&self) -> bool {
        self.failures >= FAILURES
    }

    pub fn is_dead(&self) -> bool {
        self.dead.is_some()
    }

    /// Why it is dead.
    pub fn cause_of_death(&self) -> Option<OutageCause> {
        self.dead
    }

    /// It is dead because its address can't be read.
    pub fn lacks_address(&self) -> bool {
        self.dead == Some(NO_ADDRESS)
    }

    pub fn failures(&self) -> u32 {
        self.failures
    }

    pub fn resume_at(&self) -> Mono {
        self.resume_at
    }

    pub fn rest_until(&mut self, at: Mono) {
        self.resume_at = at;
    }

    /// Slack answered a post with this 5xx (status and word), or with something else. True if every
    /// answer has been this one for [`SAME_ANSWER_MAX`].
    pub fn is_same_for_long(&mut self, server_error: Option<&str>, now: Mono) -> bool {
        let same =
            self.same_answer.take().filter(|(answer, _)| Some(answer.as_str()) == server_error);
        self.same_answer = same.or(server_error.map(|answer| (answer.to_owned(), now)));
        self.same_answer.as_ref().is_some_and(|(_, since)| now.since(*since) >= SAME_ANSWER_MAX)
    }

    /// A post failed. A 429 does not count: it is an answer, which says when to retry.
    pub fn failed(&mut self, reason: RetryReason) {
        self.failures += u32::from(reason != RetryReason::RateLimited);
        self.has_failed = true;
        self.cause = OutageCause::Failing(reason);
        if self.lacks_address() && self.cause != NO_ADDRESS {
            // The post was sent, so the address was read for it.
            self.dead = None;
        }
    }

    /// Slack will accept no post for now: the breaker opens at once.
    pub fn rejected(&mut self, cause: OutageCause, now: Mono, rest: Duration) {
        self.has_failed = true;
        self.cause = cause;
        self.failures = self.failures.max(FAILURES);
        self.resume_at = now.plus(rest);
    }

    /// Slack accepted a post. True if one had failed before.
    pub fn accepted(&mut self) -> bool {
        if !mutation::is(Mutation::BreakerNeverCloses) {
            self.failures = 0;
        }
        self.dead = None;
        std::mem::take(&mut self.has_failed)
    }

    /// The address was read again. With a new address, or the first one, the destination is retried
    /// at once. With the old one, or none, a destination whose breaker is open is dead.
    pub fn address_reread(&mut self, result: &Result<bool, String>, now: Mono) {
        let lacked_it = self.cause == NO_ADDRESS;
        match result {
            Ok(changed) if *changed || lacked_it => {
                self.resume_at = now;
                self.dead = None;
                if lacked_it {
                    self.failures = 0;
                }
            }
            _ if self.is_breaker_open() => self.dead = Some(self.cause),
            _ => {}
        }
    }
}

const NO_ADDRESS: OutageCause = OutageCause::Failing(RetryReason::NoAddress);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_and_the_same_answer_for_ten_minutes_is_for_good() {
        let (a, b) = (Some("HTTP 500: a_word"), Some("HTTP 503"));
        for (answers, at_last) in [
            (&[(0, a), (300, a), (599, a)][..], false),
            (&[(0, a), (300, a), (600, a)], true),
            (&[(0, a), (300, b), (600, a), (899, a)], false),
            (&[(0, a), (300, b), (600, b), (900, b)], true),
            (&[(0, a), (300, None), (600, a)], false),
            (&[(0, None), (600, None)], false),
            (&[(0, a), (700, a), (760, a)], true),
        ] {
            let mut breaker = Breaker::default();
            let mut judge =
                |(s, answer): &(u64, _)| breaker.is_same_for_long(*answer, Mono(s * 1000));
            assert_eq!(answers.iter().map(&mut judge).last(), Some(at_last), "{answers:?}");
        }
    }

    #[test]
    fn an_address_that_is_read_at_last_ends_the_trouble() {
        let mut breaker = Breaker::without_address();
        assert!(breaker.lacks_address());
        breaker.rest_until(Mono(60_000));
        breaker.address_reread(&Err("no such file".to_owned()), Mono(1));
        assert!(breaker.lacks_address());
        (0..FAILURES).for_each(|_| breaker.failed(RetryReason::NoAddress));
        breaker.address_reread(&Err("no such file".to_owned()), Mono(1));
        assert!(breaker.lacks_address() && breaker.is_breaker_open());
        // The notifier may have read it for a post in between.
        breaker.address_reread(&Ok(false), Mono(2));
        assert!(!breaker.is_dead() && !breaker.is_breaker_open());
        assert_eq!(breaker.resume_at(), Mono(2));
        assert!(breaker.accepted(), "it counts as recovered");
        let mut breaker = Breaker::without_address();
        breaker.failed(RetryReason::TimedOut);
        assert!(!breaker.is_dead(), "a post that was sent had an address");
    }
}
