//! The post in hand of a destination: its alerts are claimed, and then it is posted.

use crate::ports::Form;

use crate::desk::ids::AlertId;

use super::closing_note::Share;

pub(in crate::desk) struct PostInHand {
    post_id: String,
    pub form: Form,
    from_oldest: bool,
    /// Claims that are under way.
    claims_open: usize,
    /// Alerts that may be posted.
    alerts: Vec<AlertId>,
    /// Notes below the cards.
    pub notes: Vec<PendingNote>,
    posting: bool,
}

/// A note of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::desk) enum PendingNote {
    /// The outage of the channel is over.
    Recovered,
    /// The channel stands in for this destination, which is dead.
    StandsIn(usize),
    /// Findings that were posted in the channel are closed.
    Closed(Share),
}

impl PostInHand {
    pub fn new(post_id: String, form: Form, from_oldest: bool, claims_open: usize) -> PostInHand {
        PostInHand {
            post_id,
            form,
            from_oldest,
            claims_open,
            alerts: Vec::new(),
            notes: Vec::new(),
            posting: false,
        }
    }

    pub fn post_id(&self) -> &str {
        &self.post_id
    }

    pub fn is_from_oldest(&self) -> bool {
        self.from_oldest
    }

    pub fn alerts(&self) -> &[AlertId] {
        &self.alerts
    }

    pub fn claims_open(&self) -> usize {
        self.claims_open
    }

    pub fn is_posting(&self) -> bool {
        self.posting
    }

    pub fn start_posting(&mut self) {
        self.posting = true;
    }

    /// A claim was answered.
    pub fn claim_answered(&mut self) {
        self.claims_open = self.claims_open.saturating_sub(1);
    }

    /// The alert may be posted.
    pub fn add(&mut self, alert: AlertId) {
        self.alerts.push(alert);
    }

    /// These alerts may be posted without claims.
    pub fn go_unclaimed(&mut self, alerts: Vec<AlertId>) {
        self.claims_open = 0;
        self.alerts = alerts;
    }

    /// Takes out the alerts whose claims are too old.
    pub fn take_out(&mut self, late: impl Fn(AlertId) -> bool) -> Vec<AlertId> {
        self.alerts.extract_if(.., |id| late(*id)).collect()
    }
}
