//! The ports: what hansho needs from the outside world, each a trait with its types.
//!
//! | port | for |
//! |---|---|
//! | [`Queue`], [`Ledger`], [`Notifier`], [`Clock`] | the worker |
//! | [`Bus`] | the canary |
//! | [`DeadLetterQueue`] | `replay` |
//! | [`inquiry`] | `explain` |
//! | [`listing`] | `report` |
//! | [`findings`], [`inlet`] | `reconcile` |
//! | [`estate`] | `coverage`, `rollout` |
//! | [`rollout`] | `rollout` |
//! | [`probe`] | `check --live` |
//!
//! The doc of each trait is its contract. One suite of tests for each port checks it, and every
//! adapter and every fake passes that suite (`tests/it/contracts`).
//!
//! [`Accounts`] is the directory of accounts. It is plain data.
//!
//! An adapter makes exactly one attempt and answers with a verdict. The desk decides whether, when
//! and how often to retry. A list is answered entry by entry, in the order asked.

mod accounts;
mod bus;
mod clock;
mod dead_letters;
#[cfg(feature = "rollout")]
pub mod estate;
mod failure;
pub mod findings;
pub mod inlet;
mod input_place;
pub mod inquiry;
mod ledger;
pub mod listing;
mod notifier;
mod post;
pub mod probe;
mod queue;
#[cfg(feature = "rollout")]
pub mod rollout;
mod verdict;

pub use accounts::{
    ACCOUNT_NAME_CHARS_MAX, ACCOUNTS_BYTES_MAX, ACCOUNTS_MAX, Account, AccountEntry, AccountStatus,
    Accounts, BadAccount, BadPart, CurrentAccounts,
};
pub use bus::{Bus, BusError, BusEvent};
pub use clock::Clock;
pub use dead_letters::{
    DeadLetter, DeadLetterQueue, Origin, Outgoing, Put, ScannedDeadLetter, Sent,
};
pub use failure::{Failure, FailureKind};
pub use input_place::InputPlace;
pub use ledger::{Consistency, Ledger, LedgerError, PREFETCH_MAX, Prefetched, Written};
pub use notifier::Notifier;
pub use post::{
    Card, ClosedLine, Form, Late, NOTE_LINE_WEIGHT_MAX, NOTE_WEIGHT_MAX, Note, OutageCause, Post,
};
pub use queue::{
    Delivery, Depth, Lane, MessageId, QUEUE_BATCH_MAX, QuarantineEntry, Queue, QueueError, Receipt,
    ReceiveAsk,
};
pub use verdict::{RetryReason, Verdict};
