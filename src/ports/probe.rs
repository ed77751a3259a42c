//! What an adapter finds out about the resource that it was given, by calls that change nothing. For
//! people who set hansho up; the worker needs none of this.

use std::time::Duration;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<T> {
    Answered(T),
    /// These credentials may not ask. Holds what the service said.
    NotAllowed(String),
    /// There is no such resource. Holds what to do.
    Missing(String),
    /// Anything else that went wrong.
    Failed(String),
}

/// A queue as it is set up. What the queue does not say is None.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFacts {
    pub visibility: Option<Duration>,
    pub retention: Option<Duration>,
    pub message_bytes_max: Option<u64>,
    /// After so many receives a message goes to the dead-letter queue. None: there is none.
    pub receives_max: Option<u64>,
    /// It is encrypted with a KMS key, which needs rights of its own.
    pub has_key: bool,
}

/// A table as it is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// `ACTIVE`, `CREATING` and so on.
    pub status: String,
    /// Name and type (`S`, `N`, `B`) of the partition key and of the sort key, if there is one.
    pub key: Vec<(String, String)>,
}

/// The attribute by which rows expire. None: they do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TtlFacts {
    pub attribute: Option<String>,
}
