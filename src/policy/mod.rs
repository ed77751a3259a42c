//! What to do about a finding: pure functions and small state machines, the time passed in.

pub mod budget;
pub mod canary;
pub mod cell;
pub mod enqueued;
pub mod filter;
pub mod ledger;
pub mod pace;
pub mod recent;
pub mod retry;
pub mod route;
pub mod watermark;
