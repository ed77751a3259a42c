//! Day counts between a worker and the ledger: what the desk reports is counted, and added to the
//! record of the day.
//!
//! No post waits for it. While the ledger is unreachable the counts wait in memory. Those of a
//! worker that is killed are lost since its last write.

pub mod counter;
pub mod follow;
pub mod read;
