//! What to do about a finding: pure functions and small state machines, the time passed in.

pub mod budget;
pub mod filter;
pub mod ledger;
