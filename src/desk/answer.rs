//! What a destination's answer to a post means for what comes next.

use std::time::Duration;

use crate::instants::Now;
use crate::mutation::{self, Mutation};
use crate::policy::ledger::{self, Unclaimed};
use crate::ports::{Form, RetryReason, Trouble, Verdict};

use super::destination::{BREAKER_FAILURES, InHand};
use super::order::{Order, RecordOrder, WriteOrder};
use super::report::Report;
use super::settling::Resolution;
use super::{AfterRelease, Desk, RETRY_MAX, Stage};

/// Why a post is to be tried again.
struct Failure {
    reason: RetryReason,
    after: Option<Duration>,
    ambiguous: bool,
    detail: String,
}

impl Desk {
    pub(super) fn posted(&mut self, channel: usize, verdict: Verdict, now: Now) {
        let Some(hand) = self.destinations[channel].in_hand.take() else { return };
        match verdict {
            Verdict::Accepted => self.accepted(channel, hand, now),
            Verdict::Retry { reason, after, ambiguous, detail } => {
                self.failed(channel, hand, Failure { reason, after, ambiguous, detail }, now);
            }
            Verdict::Dead { status, detail } => self.dead(channel, hand, status, detail, now),
            Verdict::Refused { detail } => self.refused(channel, hand, &detail, now),
        }
    }

    fn accepted(&mut self, channel: usize, hand: InHand, now: Now) {
        self.output.count().posts += 1;
        self.works_again(channel, &hand, now);
        self.timers.progressed(now.mono);
        let d = &mut self.destinations[channel];
        if !mutation::is(Mutation::BreakerNeverCloses) {
            d.failures = 0;
        }
        d.dead = false;
        d.posts_by_level = if hand.from_oldest { 0 } else { d.posts_by_level + 1 };
        if std::mem::take(&mut d.troubled) {
            self.output.report(Report::DestinationBack { destination: d.name.clone() });
        }
        for won in hand.won {
            let Some(alert) = self.alerts.get_mut(&won.alert) else { continue };
            alert.failures = 0;
            let key = alert.key.clone();
            let revision = alert.finding.updated_at;
            let digest = hand.digest.clone();
            let Some(claim) = won.claim else {
                let level = alert.finding.severity.level;
                let post = Unclaimed { level, digest, revision, sent_at: now.wall };
                let owner = alert.owner.clone();
                let order = RecordOrder { alert: won.alert, key, owner, post };
                alert.stage = Stage::Recording(Box::new(order.clone()));
                self.output.count().unclaimed += 1;
                if mutation::is(Mutation::UnclaimedNotRecorded) {
                    self.resolve(won.alert, Resolution::Settled, now);
                    continue;
                }
                self.output.order(Order::Record(order));
                continue;
            };
            let (expect, row) =
                ledger::mark(&claim, &digest, revision, &self.settings.terms, now.wall);
            let write = WriteOrder { alert: won.alert, key, expect, row };
            alert.stage = Stage::Marking(Box::new(write.clone()));
            self.output.order(Order::Mark(write));
            if mutation::is(Mutation::DeleteBeforeMark) {
                self.resolve(won.alert, Resolution::Settled, now);
            }
        }
    }

    fn failed(&mut self, channel: usize, hand: InHand, failure: Failure, now: Now) {
        self.output.count().retried += 1;
        self.output.count().ambiguous += u64::from(failure.ambiguous);
        let rate_limited = failure.reason == RetryReason::RateLimited;
        let d = &mut self.destinations[channel];
        // A 429 is an answer: it says when to come back.
        d.failures += u32::from(!rate_limited);
        d.troubled = true;
        if !rate_limited {
            d.trouble.failed(now.mono);
        }
        if d.is_open() {
            d.trouble.is_away(Trouble::Failing(failure.reason));
        }
        let delay = failure.after.unwrap_or_else(|| self.timers.retry_delay(d.failures.max(1)));
        d.resume_at = now.mono.plus(delay);
        if failure.after.is_some() {
            // Whatever the status was, Slack said when to come back.
            d.pace.pause(d.resume_at);
            let told = !mutation::is(Mutation::FleetPauseForgotten);
            d.slots.untold_pause = told.then_some(d.resume_at);
        } else if d.is_open() && self.settings.ends_at.is_some() {
            // The next call is another process perhaps, and would begin to count anew.
            d.slots.untold_pause = Some(d.resume_at);
        }
        let resume_at = d.resume_at;
        let name = d.name.clone();
        self.output.report(Report::PostFailed {
            destination: name.clone(),
            digest: hand.digest,
            reason: failure.reason.as_str(),
            ambiguous: failure.ambiguous,
            delay,
            detail: failure.detail,
        });
        if rate_limited {
            self.timers.progressed(resume_at);
        }
        if failure.reason == RetryReason::NoAddress {
            self.output.order(Order::Refresh { destination: channel, name });
        }
        for won in hand.won {
            self.release(won, failure.ambiguous, AfterRelease::Wait, now);
        }
    }

    fn dead(&mut self, channel: usize, hand: InHand, status: u16, detail: String, now: Now) {
        self.output.count().retried += 1;
        let d = &mut self.destinations[channel];
        d.troubled = true;
        d.failures = d.failures.max(BREAKER_FAILURES);
        d.trouble.failed(now.mono);
        d.trouble.is_away(Trouble::Dead);
        d.resume_at = now.mono.plus(RETRY_MAX);
        if self.settings.ends_at.is_some() {
            d.slots.untold_pause = Some(d.resume_at);
        }
        let name = d.name.clone();
        let fallback = d.fallback.map(|other| self.destinations[other].name.clone());
        self.output.report(Report::DestinationDead {
            destination: name.clone(),
            status,
            detail,
            delay: RETRY_MAX,
            fallback,
        });
        self.output.order(Order::Refresh { destination: channel, name });
        for won in hand.won {
            self.release(won, false, AfterRelease::Wait, now);
        }
    }

    /// The content was refused: look for the guilty alert by halves, try it as plain text, and
    /// if that is refused too, park it alone.
    fn refused(&mut self, channel: usize, hand: InHand, detail: &str, now: Now) {
        self.output.count().retried += 1;
        self.timers.progressed(now.mono);
        self.output.report(Report::PostRefused {
            destination: self.destinations[channel].name.clone(),
            digest: hand.digest,
            alerts: hand.won.len(),
            detail: detail.to_owned(),
        });
        let spoke = self.words_are_dropped(channel, &hand.words);
        let count = hand.won.len();
        for won in hand.won {
            let Some(alert) = self.alerts.get_mut(&won.alert) else { continue };
            let after = match (count, hand.form) {
                (1, Form::Plain) => AfterRelease::Quarantine { detail: detail.to_owned() },
                (1, _) if mutation::is(Mutation::PlainForgotten) => {
                    AfterRelease::Quarantine { detail: detail.to_owned() }
                }
                _ if mutation::is(Mutation::SplitForgotten) => AfterRelease::Wait,
                // It may have been for what was said besides.
                (1, _) if spoke => AfterRelease::Wait,
                (1, Form::Cards | Form::Digest) => {
                    alert.plain = true;
                    AfterRelease::Wait
                }
                (n, _) => {
                    alert.share_max = n.div_ceil(2);
                    AfterRelease::Wait
                }
            };
            self.release(won, false, after, now);
        }
    }

    /// The address was read again. If it is the same, or can't be read, and the destination has
    /// failed so often that its breaker is open, then it is dead, and its fallback serves.
    pub(super) fn refreshed(&mut self, channel: usize, result: Result<bool, String>, now: Now) {
        let d = &mut self.destinations[channel];
        let changed = result == Ok(true);
        if changed {
            d.resume_at = now.mono;
        }
        d.dead = !changed && d.is_open();
        self.output.report(Report::AddressReread { destination: d.name.clone(), result });
    }
}
