//! The counts of a run. They add up.

use serde::Serialize;

/// Counts since the start of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Deliveries, including repeated ones.
    pub received: u64,
    /// Findings parsed out of them.
    pub findings: u64,
    /// Canaries among the messages. They don't count as findings.
    pub canaries: u64,
    /// Events that are known to be no findings, such as API calls.
    pub ignored: u64,
    /// Findings below every threshold, which are owed to no destination.
    pub below_threshold: u64,
    /// Findings that no route matches, which are owed to no destination either.
    pub unmatched: u64,
    /// Findings that a silence kept back from every destination.
    pub silenced: u64,
    /// Alerts that Slack accepted before.
    pub already_posted: u64,
    /// Alerts of findings that were closed when they came, for which nothing was posted.
    pub closed: u64,
    /// Of those: alerts that had been posted, and whose incident they ended.
    pub ended: u64,
    /// Alerts of findings that the ledger knows to be closed since.
    pub already_closed: u64,
    /// Alerts posted and marked.
    pub posted: u64,
    /// Posts that Slack accepted. Each carries one or more alerts.
    pub posts: u64,
    /// Of the alerts posted: those that raised a level posted before.
    pub escalated: u64,
    /// Of the alerts posted: those of findings that came back after they were closed.
    pub came_back: u64,
    /// Of the alerts posted: reminders of a level posted before.
    pub reminded: u64,
    /// Of the alerts posted: those that a fallback received because their destination was dead.
    pub by_fallback: u64,
    /// Alerts posted without a claim, because the ledger was unreachable.
    pub unclaimed: u64,
    /// Posts that were not accepted and led to a retry.
    pub retried: u64,
    /// Of those: posts that Slack may have accepted all the same, so that a duplicate is possible.
    pub ambiguous: u64,
    /// Accepted posts of alerts whose mark came too late. Another worker may have posted them too.
    pub fenced_out: u64,
    /// Messages sent to the quarantine.
    pub quarantined: u64,
    /// Messages returned to the queue, to be delivered again.
    pub returned: u64,
    /// Messages deleted from the queue.
    pub deleted: u64,
    /// Messages still in the queues at the end, including those in flight. None (`null`): the
    /// queues did not say.
    pub pending: Option<u64>,
}
