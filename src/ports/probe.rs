//! Facts about the queues and the table of a configuration, by calls that change nothing. `check
//! --live` asks for them; the worker does not.

use std::time::Duration;

/// The answer to a question about a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<T> {
    Answered(T),
    /// These credentials may not ask. Holds the service's message.
    NotAllowed(String),
    /// The resource does not exist. Holds what to do.
    Missing(String),
    /// Any other failure.
    Failed(String),
}

/// How a queue is set up. None: the queue does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFacts {
    pub visibility: Option<Duration>,
    pub retention: Option<Duration>,
    pub message_bytes_max: Option<u64>,
    /// After so many receives a message goes to the dead-letter queue. None: there is no such
    /// queue.
    pub receives_max: Option<u64>,
    /// The KMS key that encrypts the queue, which needs rights of its own: an id, an alias or an
    /// ARN. None also for SSE-SQS.
    pub key: Option<String>,
}

/// How a table is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// `ACTIVE`, `CREATING` and so on.
    pub status: String,
    /// Name and type (`S`, `N`, `B`) of the partition key and of the sort key, if there is one.
    pub key: Vec<(String, String)>,
}

/// The attribute by which records expire. None: they do not expire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TtlFacts {
    pub attribute: Option<String>,
}
