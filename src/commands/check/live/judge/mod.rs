//! The meaning of the probes: each line is right, wrong with a fix, or not checked with the reason.
//! Pure.

mod directory;
pub mod fix;
mod ledger;
mod queue;
mod webhook;

pub use directory::directory;
pub use ledger::{ledger_prefetch, ledger_read, ledger_write, table, ttl};
pub use queue::{Role, may_receive, quarantine, queue, receipt_call, receive};
pub use webhook::webhook;

#[cfg(test)]
mod tests;
