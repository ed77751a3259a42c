//! The breaker of a destination: it stops posts to a destination that fails.

use std::time::Duration;

use crate::instants::Mono;
use crate::mutation::{self, Mutation};

/// After so many failures in a row the breaker is open: the destination is tried with its most
/// severe alert alone. With every breaker open nothing more is received.
const FAILURES: u32 = 5;

pub(in crate::desk) struct Breaker {
    /// Posts that failed in a row.
    failures: u32,
    /// No post before.
    resume_at: Mono,
    /// A post failed since the last accepted one.
    has_failed: bool,
    /// Slack rejects its webhook for good, and reading the address again did not help.
    dead: bool,
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker { failures: 0, resume_at: Mono(0), has_failed: false, dead: false }
    }
}

impl Breaker {
    /// The destination failed so often in a row that the next post is likely to fail too.
    pub fn is_breaker_open(&self) -> bool {
        self.failures >= FAILURES
    }

    pub fn is_dead(&self) -> bool {
        self.dead
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

    /// A post failed. A 429 does not count: it is an answer, which says when to retry.
    pub fn failed(&mut self, counts: bool) {
        self.failures += u32::from(counts);
        self.has_failed = true;
    }

    /// Slack rejects the webhook for good: the breaker opens at once.
    pub fn rejected(&mut self, now: Mono, rest: Duration) {
        self.has_failed = true;
        self.failures = self.failures.max(FAILURES);
        self.resume_at = now.plus(rest);
    }

    /// Slack accepted a post. True if one had failed before.
    pub fn accepted(&mut self) -> bool {
        if !mutation::is(Mutation::BreakerNeverCloses) {
            self.failures = 0;
        }
        self.dead = false;
        std::mem::take(&mut self.has_failed)
    }

    /// The address was read again. With a new address the destination is retried at once. With the
    /// old one, or none, a destination whose breaker is open is dead.
    pub fn address_reread(&mut self, changed: bool, now: Mono) {
        if changed {
            self.resume_at = now;
        }
        self.dead = !changed && self.is_breaker_open();
    }
}
