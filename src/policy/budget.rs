//! The rules that the worker's times keep together. Each time alone is harmless. Together they
//! decide whether a lease can end while its post is still on the way, and whether a message can
//! reappear while its lease is still alive.

use std::time::Duration;

/// The times themselves, not yet checked against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The most that one post may take, from the connect to the end of the answer.
    pub post_timeout: Duration,
    /// The part of it that the connect may take.
    pub connect_timeout: Duration,
    /// How long a claim in the ledger gives the right to post.
    pub lease: Duration,
    /// How far apart the clocks of two workers may be.
    pub skew: Duration,
    /// How long a received message stays hidden from others.
    pub visibility: Duration,
    /// How often the worker extends the visibility of a message that it holds.
    pub heartbeat: Duration,
    /// The age of a receive at which its message is returned to the queue.
    pub return_after: Duration,
    /// How long the worker may take to stop.
    pub drain: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            post_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            lease: Duration::from_secs(45),
            skew: Duration::from_secs(5),
            visibility: Duration::from_secs(120),
            heartbeat: Duration::from_secs(40),
            return_after: Duration::from_secs(11 * 60 * 60),
            drain: Duration::from_secs(25),
        }
    }
}

/// Times that fit together. A value of this type keeps all the rules of [`TimeBudget::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TimeBudget {
    times: Times,
}

impl TimeBudget {
    /// SQS refuses a visibility above 12 h, and ends a receive 12 h after it, however often it was
    /// extended. Source: SQS developer guide, "Amazon SQS visibility timeout".
    pub const RECEIVE_MAX: Duration = Duration::from_secs(12 * 60 * 60);
    /// Leaves half an hour for calls that are late.
    pub const RETURN_MAX: Duration = Duration::from_secs(11 * 60 * 60 + 30 * 60);
    /// Fargate's longest `stopTimeout`. Source: ECS task definition parameters.
    pub const DRAIN_MAX: Duration = Duration::from_secs(120);
    /// The time for the calls around a post: the claim, the mark, the delete.
    pub const AROUND_A_POST: Duration = Duration::from_secs(5);

    /// Refuses times that don't fit together, and names all mistakes at once. Each sentence begins
    /// with the name of the time that is best changed.
    pub fn new(times: Times) -> Result<TimeBudget, Vec<String>> {
        let mistakes: Vec<String> = RULES.iter().filter_map(|rule| rule(&times)).collect();
        if mistakes.is_empty() { Ok(TimeBudget { times }) } else { Err(mistakes) }
    }

    pub fn post_timeout(&self) -> Duration {
        self.times.post_timeout
    }

    pub fn connect_timeout(&self) -> Duration {
        self.times.connect_timeout
    }

    pub fn lease(&self) -> Duration {
        self.times.lease
    }

    pub fn skew(&self) -> Duration {
        self.times.skew
    }

    pub fn visibility(&self) -> Duration {
        self.times.visibility
    }

    pub fn heartbeat(&self) -> Duration {
        self.times.heartbeat
    }

    pub fn return_after(&self) -> Duration {
        self.times.return_after
    }

    pub fn drain(&self) -> Duration {
        self.times.drain
    }
}

type Rule = fn(&Times) -> Option<String>;

const RULES: [Rule; 8] = [
    none_is_zero,
    connects_within_the_post,
    the_lease_outlives_two_posts,
    the_message_outlives_the_lease,
    sqs_allows_the_visibility,
    returned_in_time,
    a_receive_ends_before_sqs_ends_it,
    the_drain_outlives_the_post,
];

fn none_is_zero(t: &Times) -> Option<String> {
    [
        ("post_timeout", t.post_timeout),
        ("connect_timeout", t.connect_timeout),
        ("lease", t.lease),
        ("visibility", t.visibility),
        ("heartbeat", t.heartbeat),
        ("return_after", t.return_after),
        ("drain", t.drain),
    ]
    .into_iter()
    .find(|(_, time)| time.is_zero())
    .map(|(name, _)| format!("{name} must be more than zero"))
}

fn connects_within_the_post(t: &Times) -> Option<String> {
    (t.connect_timeout > t.post_timeout).then(|| {
        format!(
            "connect_timeout ({:?}) must be at most post_timeout ({:?})",
            t.connect_timeout, t.post_timeout
        )
    })
}

/// The lease spans two posts. So no other worker posts an alert again whose mark is slow.
fn the_lease_outlives_two_posts(t: &Times) -> Option<String> {
    let post = t.post_timeout.saturating_add(TimeBudget::AROUND_A_POST);
    let least = post.saturating_mul(2).saturating_add(t.skew);
    (t.lease < least).then(|| {
        format!(
            "lease ({:?}) must be at least 2 × (post_timeout + 5s) + skew, which is {least:?}",
            t.lease
        )
    })
}

/// Otherwise the queue would deliver a message again while its alert is still leased, and the
/// worker would only return it.
fn the_message_outlives_the_lease(t: &Times) -> Option<String> {
    let hidden_at_least = t.visibility.saturating_sub(t.heartbeat);
    let needed = t.lease.saturating_add(t.skew);
    (hidden_at_least <= needed).then(|| {
        format!(
            "visibility − heartbeat ({hidden_at_least:?}) must be more than lease + skew \
             ({needed:?}): raise visibility or lower heartbeat"
        )
    })
}

fn sqs_allows_the_visibility(t: &Times) -> Option<String> {
    (t.visibility > TimeBudget::RECEIVE_MAX)
        .then(|| format!("visibility ({:?}) must be at most 12h, SQS's limit", t.visibility))
}

fn returned_in_time(t: &Times) -> Option<String> {
    (t.return_after > TimeBudget::RETURN_MAX)
        .then(|| format!("return_after ({:?}) must be at most 11h30m", t.return_after))
}

/// The last extension before the return must still end within SQS's 12 h, or SQS refuses it.
fn a_receive_ends_before_sqs_ends_it(t: &Times) -> Option<String> {
    let end = t.return_after.saturating_add(t.visibility);
    (t.visibility <= TimeBudget::RECEIVE_MAX && end >= TimeBudget::RECEIVE_MAX).then(|| {
        format!(
            "visibility ({:?}) plus return_after ({:?}) must be less than 12h, after which SQS \
             ends a receive",
            t.visibility, t.return_after
        )
    })
}

/// A worker that stops finishes its current post.
fn the_drain_outlives_the_post(t: &Times) -> Option<String> {
    let least = t.post_timeout.saturating_add(TimeBudget::AROUND_A_POST);
    (t.drain < least || t.drain > TimeBudget::DRAIN_MAX).then(|| {
        format!(
            "post_timeout ({:?}) plus 5s must fit into the time for stopping ({:?}), which is at \
             most 2m",
            t.post_timeout, t.drain
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(TimeBudget::new(Times::default()), Ok(TimeBudget::default()));
    }

    #[test]
    fn refuses_each_value_that_breaks_a_rule() {
        let ok = Times::default();
        for (times, named) in [
            (Times { lease: secs(34), ..ok }, "lease (34s)"),
            (Times { skew: secs(16), ..ok }, "lease (45s)"),
            (Times { visibility: secs(90), ..ok }, "visibility − heartbeat (50s)"),
            (Times { heartbeat: secs(70), ..ok }, "visibility − heartbeat (50s)"),
            (Times { heartbeat: secs(300), ..ok }, "visibility − heartbeat (0ns)"),
            (Times { visibility: secs(43_201), ..ok }, "visibility (43201s) must be at most 12h"),
            (Times { visibility: secs(3_600), ..ok }, "visibility (3600s) plus return_after"),
            (Times { return_after: secs(41_401), ..ok }, "return_after (41401s)"),
            (Times { connect_timeout: secs(11), ..ok }, "connect_timeout (11s)"),
            (Times { drain: secs(14), ..ok }, "post_timeout (10s) plus 5s"),
            (Times { drain: secs(121), ..ok }, "the time for stopping (121s)"),
            (Times { post_timeout: secs(0), ..ok }, "post_timeout must be more than zero"),
            (Times { heartbeat: secs(0), ..ok }, "heartbeat must be more than zero"),
        ] {
            let mistakes = TimeBudget::new(times).unwrap_err().join("\n");
            assert!(mistakes.contains(named), "{named}: {mistakes}");
        }
    }

    #[test]
    fn the_bounds_themselves() {
        let ok = Times::default();
        for (times, fits) in [
            (Times { lease: secs(35), ..ok }, true),
            (Times { heartbeat: secs(69), ..ok }, true),
            (Times { return_after: TimeBudget::RETURN_MAX, ..ok }, true),
            (Times { drain: secs(15), ..ok }, true),
            (Times { skew: secs(0), ..ok }, true),
        ] {
            assert_eq!(TimeBudget::new(times).is_ok(), fits, "{times:?}");
        }
    }

    #[test]
    fn all_mistakes_are_named_at_once_and_nothing_overflows() {
        let huge = Times {
            post_timeout: Duration::MAX,
            lease: Duration::MAX,
            skew: Duration::MAX,
            visibility: Duration::MAX,
            ..Times::default()
        };
        assert!(TimeBudget::new(huge).unwrap_err().len() >= 3);
    }
}
