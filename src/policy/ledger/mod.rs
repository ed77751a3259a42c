//! The ledger protocol: which transition of an alert's record comes next.
//!
//! - [`claim`] gives one worker the right to post an alert for the length of a lease.
//! - [`mark`] says that Slack accepted the post; [`release`] says that it did not.
//! - [`record`] says that an alert was posted without a claim, while the ledger was unreachable.
//! - [`rewind`] has an alert posted again that was posted already.
//! - [`close`] says that a finding is closed, so that it is posted again when it comes back.
//!
//! One conditional write replaces a record whole; nothing else changes it. Each function picks the
//! transition from the record as it was read. The adapter writes it if the record is still as it
//! was read. Otherwise the adapter answers with the record as it is, and the caller picks again. So
//! two workers never both win, and no worker acts on a record that it has not seen.

mod claim;
mod closing;
mod last_post;
mod outcome;
mod rewind;
mod terms;
mod unclaimed;
mod want;

pub use super::record::{AlertRecord, Expect, RecordKey, State, Versioned};
pub use claim::{Claim, claim};
pub use closing::{ClosingStep, close};
pub use last_post::LastPost;
pub use outcome::{held_by, mark, marked_by, release};
pub use rewind::{Rewind, rewind};
pub use terms::Terms;
pub use unclaimed::{Recording, UnclaimedPost, record};
pub use want::{ClaimKind, Want};

#[cfg(test)]
mod tests;
