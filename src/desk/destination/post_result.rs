//! The result of a post: its effect on the destination, and what follows for the alerts in it.

use std::time::Duration;

use crate::mutation::{self, Mutation};
use crate::ports::{Form, OutageCause, RetryReason, Verdict};

use crate::desk::alert::AfterRelease;
use crate::desk::alerts::Alerts;
use crate::desk::context::Context;
use crate::desk::ids::AlertId;
use crate::desk::order::Order;
use crate::desk::report::Report;
use crate::desk::settings::RETRY_MAX;

use super::Destinations;
use super::notes::Notes;
use super::post_in_hand::PostInHand;

/// What follows for the alerts of a post.
pub(in crate::desk) enum Followup {
    /// Slack accepted it: write the records.
    Record,
    /// It was not accepted: release the claims.
    Release { ambiguous: bool, alerts: Vec<(AlertId, AfterRelease)> },
}

/// Why a destination is dead.
struct Death {
    cause: OutageCause,
    /// Slack may have accepted the post all the same.
    ambiguous: bool,
    detail: String,
}

/// Why a post is retried.
struct Failure {
    reason: RetryReason,
    after: Option<Duration>,
    ambiguous: bool,
    detail: String,
}

/// A post of a channel that was answered, with the parts that learn of it.
pub(in crate::desk) struct PostResult<'a, 'c> {
    pub channel: usize,
    pub post: &'a PostInHand,
    pub alerts: &'a mut Alerts,
    pub destinations: &'a mut Destinations,
    pub notes: &'a mut Notes,
    pub cx: &'a mut Context<'c>,
}

impl PostResult<'_, '_> {
    pub fn judge(&mut self, verdict: Verdict) -> Followup {
        let for_good = self.is_server_error_for_good(&verdict);
        match verdict {
            Verdict::Accepted => self.accepted(),
            Verdict::Retry { reason, ambiguous, detail, .. } if for_good => {
                self.dead(Death { cause: OutageCause::Failing(reason), ambiguous, detail })
            }
            Verdict::Retry { reason, after, ambiguous, detail } => {
                self.failed(Failure { reason, after, ambiguous, detail })
            }
            Verdict::Dead { detail, .. } => {
                self.dead(Death { cause: OutageCause::Dead, ambiguous: false, detail })
            }
            Verdict::Refused { detail } => self.refused(&detail),
        }
    }

    /// Slack has given one and the same 5xx for so long that the destination counts as dead. The
    /// detail of a 5xx is its status and its word.
    fn is_server_error_for_good(&mut self, verdict: &Verdict) -> bool {
        let server_error = match verdict {
            Verdict::Retry { reason: RetryReason::ServerError, detail, .. } => {
                Some(detail.as_str())
            }
            _ => None,
        };
        let now = self.cx.now.mono;
        self.destinations[self.channel].breaker.is_same_for_long(server_error, now)
    }

    fn accepted(&mut self) -> Followup {
        self.cx.output.count().posts += 1;
        self.notes.accepted(self.channel, self.post, self.alerts, self.cx);
        self.cx.timers.progressed(self.cx.now.mono);
        let d = &mut self.destinations[self.channel];
        if d.accepted(self.post.is_from_oldest()) {
            let destination = d.name().to_owned();
            self.cx.output.report(Report::DestinationRecovered { destination });
        }
        Followup::Record
    }

    fn failed(&mut self, failure: Failure) -> Followup {
        let Failure { reason, after, ambiguous, detail } = failure;
        self.cx.output.count().retried += 1;
        self.cx.output.count().ambiguous += u64::from(ambiguous);
        let rate_limited = reason == RetryReason::RateLimited;
        let (delay, resume_at) = self.rest(reason, after);
        let d = &self.destinations[self.channel];
        let name = d.name().to_owned();
        self.cx.output.report(Report::PostFailed {
            destination: name.clone(),
            post_id: self.post.post_id().to_owned(),
            reason: reason.as_str(),
            ambiguous,
            delay,
            detail,
        });
        if rate_limited {
            self.cx.timers.progressed(resume_at);
        }
        if reason == RetryReason::NoAddress {
            self.cx.output.order(Order::Refresh { destination: self.channel, name });
        }
        self.release_all(ambiguous)
    }

    /// The destination rests after a failure. Answers with the delay and the time of the retry.
    fn rest(
        &mut self,
        reason: RetryReason,
        after: Option<Duration>,
    ) -> (Duration, crate::instants::Mono) {
        let now = self.cx.now.mono;
        let rate_limited = reason == RetryReason::RateLimited;
        let d = &mut self.destinations[self.channel];
        d.breaker.failed(reason);
        if !rate_limited {
            self.notes.recovery.failed(self.channel, now);
        }
        let breaker_open = d.breaker.is_breaker_open();
        if breaker_open {
            self.notes.recovery.breaker_opened(self.channel, OutageCause::Failing(reason));
        }
        let failures = d.breaker.failures().max(1);
        let delay = after.unwrap_or_else(|| self.cx.timers.retry_delay(failures));
        let resume_at = now.plus(delay);
        d.breaker.rest_until(resume_at);
        if after.is_some() {
            // Slack said when to retry, whatever the status was.
            d.slot.pause(resume_at);
        } else if breaker_open && self.cx.settings.ends_at.is_some() {
            // The next call may be another process, which would begin to count again.
            d.slot.announce_rest(resume_at);
        }
        (delay, resume_at)
    }

    fn dead(&mut self, death: Death) -> Followup {
        let Death { cause, ambiguous, detail } = death;
        self.cx.output.count().retried += 1;
        self.cx.output.count().ambiguous += u64::from(ambiguous);
        let now = self.cx.now.mono;
        let d = &mut self.destinations[self.channel];
        d.breaker.rejected(cause, now, RETRY_MAX);
        self.notes.recovery.failed(self.channel, now);
        self.notes.recovery.breaker_opened(self.channel, cause);
        if self.cx.settings.ends_at.is_some() {
            d.slot.announce_rest(now.plus(RETRY_MAX));
        }
        let (name, fallback) = (d.name().to_owned(), d.fallback());
        self.cx.output.report(Report::DestinationDead {
            destination: name.clone(),
            ambiguous,
            detail,
            delay: RETRY_MAX,
            fallback: fallback.map(|other| self.destinations[other].name().to_owned()),
        });
        self.cx.output.order(Order::Refresh { destination: self.channel, name });
        self.release_all(ambiguous)
    }

    /// Slack refuses the content. The guilty alert is searched for by halves, then posted as plain
    /// text, and quarantined alone if Slack refuses that too.
    fn refused(&mut self, detail: &str) -> Followup {
        self.cx.output.count().retried += 1;
        self.cx.timers.progressed(self.cx.now.mono);
        self.cx.output.report(Report::PostRefused {
            destination: self.destinations[self.channel].name().to_owned(),
            post_id: self.post.post_id().to_owned(),
            alerts: self.post.alerts().len(),
            detail: detail.to_owned(),
        });
        // The notes may be guilty: the alerts must not suffer for them, so they are not repeated.
        self.notes.shown(self.channel, &self.post.notes);
        let had_notes = !self.post.notes.is_empty();
        let suspects = self.post.alerts().to_vec();
        let count = suspects.len();
        let each = suspects.into_iter().map(|id| {
            let verdict = judge_suspect(count, self.post.form, had_notes);
            (id, self.constrain(id, verdict, detail))
        });
        Followup::Release { ambiguous: false, alerts: each.collect() }
    }

    fn constrain(&mut self, id: AlertId, suspect: Suspect, detail: &str) -> AfterRelease {
        match suspect {
            Suspect::Guilty => return AfterRelease::Quarantine { detail: detail.to_owned() },
            Suspect::Unclear => {}
            Suspect::PlainNext => self.alerts.make_plain(id),
            Suspect::OneOf(share_max) => self.alerts.limit_share(id, share_max),
        }
        AfterRelease::Wait
    }

    fn release_all(&self, ambiguous: bool) -> Followup {
        let alerts = self.post.alerts().iter().map(|id| (*id, AfterRelease::Wait)).collect();
        Followup::Release { ambiguous, alerts }
    }
}

/// What a refused post says of one alert in it.
enum Suspect {
    /// It was refused alone, as plain text.
    Guilty,
    /// The notes may be guilty instead.
    Unclear,
    /// It was refused alone as a card: plain text is next.
    PlainNext,
    /// At most so many alerts share its next post.
    OneOf(usize),
}

fn judge_suspect(count: usize, form: Form, had_notes: bool) -> Suspect {
    match (count, form) {
        (1, Form::Plain) => Suspect::Guilty,
        (1, _) if mutation::is(Mutation::PlainForgotten) => Suspect::Guilty,
        _ if mutation::is(Mutation::SplitForgotten) => Suspect::Unclear,
        (1, _) if had_notes => Suspect::Unclear,
        (1, Form::Cards | Form::Digest | Form::Note) => Suspect::PlainNext,
        (n, _) => Suspect::OneOf(n.div_ceil(2)),
    }
}
