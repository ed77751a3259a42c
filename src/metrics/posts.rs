//! Metrics of posts and destinations.

use super::register::{count, metrics, set, set_seconds};
use crate::desk::{Report, Snapshot};
use crate::ports::Form;

metrics! {
    pub struct PostMetrics {
        posts: counters("hansho_posts_total",
            "Requests to Slack, by the form of the post and the meaning of the answer.",
            &["destination", "form", "answer"]),
        failures: counters("hansho_post_failures_total",
            "Posts that Slack did not accept, by reason.", &["destination", "reason"]),
        breaker_open: gauges("hansho_breaker_open",
            "1 if the breaker is open: several posts in a row failed, and few are tried now.",
            &["destination"]),
        dead: gauges("hansho_destination_dead",
            "1 if the destination is dead: a person has to mend its webhook.", &["destination"]),
        next_post: gauges_of_seconds("hansho_next_post_seconds",
            "Time until the next post: the pace, a pause that Slack asked for, or the breaker.",
            &["destination"]),
    }
}

impl PostMetrics {
    pub fn record(&self, report: &Report) {
        match report {
            Report::PostFailed { destination, reason, .. } => {
                count(&self.failures, &[destination, reason]);
            }
            Report::PostRefused { destination, .. } => {
                count(&self.failures, &[destination, "refused"]);
            }
            Report::DestinationDead { destination, .. } => {
                count(&self.failures, &[destination, "dead"]);
            }
            _ => {}
        }
    }

    pub fn answered(&self, destination: &str, form: Form, answer: &str) {
        let form = match form {
            Form::Cards => "cards",
            Form::Digest => "digest",
            Form::Plain => "plain",
            Form::Note => "note",
        };
        count(&self.posts, &[destination, form, answer]);
    }

    pub fn update(&self, snapshot: &Snapshot) {
        for d in &snapshot.destinations {
            set_seconds(&self.next_post, &[&d.name], d.next_post_in);
            set(&self.breaker_open, &[&d.name], i64::from(d.breaker_open));
            set(&self.dead, &[&d.name], i64::from(d.dead.is_some()));
        }
    }
}
