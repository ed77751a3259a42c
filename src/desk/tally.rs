//! What a run has done, in numbers that add up.

use serde::Serialize;

/// Counts since the start of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Deliveries, redeliveries among them.
    pub received: u64,
    /// Findings parsed out of them.
    pub findings: u64,
    /// Canaries among the messages, which are no findings.
    pub canaries: u64,
    /// Findings below every threshold: owed to nobody.
    pub below_threshold: u64,
    /// Alerts that Slack accepted before.
    pub already_posted: u64,
    /// Alerts posted and marked.
    pub posted: u64,
    /// Posts that were accepted; each carries one or more alerts.
    pub posts: u64,
    /// Of the alerts posted, those that raised an earlier level.
    pub escalated: u64,
    /// Of the alerts posted, those that were due again.
    pub reminded: u64,
    /// Of the alerts posted, those that a fallback took because their destination was dead.
    pub by_fallback: u64,
    /// Alerts posted without a claim, because the ledger was away.
    pub unclaimed: u64,
    /// Tries to post that were not accepted and led to another.
    pub retried: u64,
    /// Of those, tries that may have been accepted all the same, so that a duplicate is possible.
    pub ambiguous: u64,
    /// Posts accepted whose mark came too late: somebody else may have posted them too.
    pub fenced_out: u64,
    /// Messages parked in quarantine.
    pub quarantined: u64,
    /// Messages given back to the queue, to be delivered again.
    pub returned: u64,
    /// Messages deleted from the queue.
    pub deleted: u64,
    /// Messages still in the queues at the end, those in flight included. None (`null`): the queues
    /// did not say.
    pub pending: Option<u64>,
}
