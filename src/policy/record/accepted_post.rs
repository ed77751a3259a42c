//! What the ledger keeps of the last post of an alert.

use crate::finding::Level;
use crate::instants::Wall;

/// The last post of an alert that Slack accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedPost {
    /// The highest level that was posted.
    pub level: Level,
    /// The newest `updatedAt` of the finding that was posted.
    pub revision: Option<Wall>,
    pub sent_at: Wall,
    /// When a reminder is due, if reminders are configured.
    pub due_at: Option<Wall>,
    pub post_id: String,
}
