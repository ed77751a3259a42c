//! Why a call failed: a word for metrics, and a line for people.

use std::fmt;

use crate::words::words;

words! {
    /// The kind of a failure. Its word is the log's field `reason` and the metric's label.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum FailureKind {
        /// A rate or a capacity is used up: of the table, the queue, the account or a KMS key.
        Throttled = "throttled",
        /// Another process writes to the embedded store.
        Busy = "busy",
        /// No complete answer came in time.
        TimedOut = "timed_out",
        /// The connection could not be made, or was lost.
        Connection = "connection",
        /// A right or the credentials are missing, or a key is switched off.
        Denied = "denied",
        /// The queue, table or key does not exist.
        Missing = "missing",
        /// The disk or the quota of the embedded store has no space left.
        DiskFull = "disk_full",
        /// The file of the embedded store can't be written.
        ReadOnly = "read_only",
        /// The disk under the embedded store fails.
        DiskFailure = "disk_failure",
        /// The file of the embedded store is damaged, or is none of SQLite's.
        Damaged = "damaged",
        /// A file of the embedded store was removed or replaced while it was open.
        Removed = "removed",
        /// The service answered with a 5xx.
        ServerError = "server_error",
        Other = "other",
    }
}

impl FailureKind {
    /// The failures of an embedded store that stay until the disk or the file is mended.
    pub const OF_THE_STORE: [FailureKind; 5] = [
        FailureKind::DiskFull,
        FailureKind::ReadOnly,
        FailureKind::DiskFailure,
        FailureKind::Damaged,
        FailureKind::Removed,
    ];

    /// False where a retry fails in the same way until a person mends the cause.
    pub fn may_pass(self) -> bool {
        !matches!(
            self,
            FailureKind::Denied
                | FailureKind::Missing
                | FailureKind::ReadOnly
                | FailureKind::Damaged
                | FailureKind::Removed
        )
    }
}

/// A failure of a call, or of one entry of it. The detail never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// What is wrong and what to do, in one line.
    pub detail: String,
}

impl Failure {
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Failure {
        Failure { kind, detail: detail.into() }
    }
}

/// A failure of no particular kind.
impl From<String> for Failure {
    fn from(detail: String) -> Failure {
        Failure::new(FailureKind::Other, detail)
    }
}

impl From<&str> for Failure {
    fn from(detail: &str) -> Failure {
        Failure::new(FailureKind::Other, detail)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
