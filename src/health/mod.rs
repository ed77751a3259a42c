//! The health of a worker, for systems and people that do not read its log. [`server`] answers
//! `/healthz`, `/readyz` and `/metrics`, and [`beat`] writes a line for CloudWatch every minute.
//!
//! A worker is healthy if its loop turns. It is ready if findings also reach their destinations. An
//! unreachable Slack, queue or ledger makes it unready, not unhealthy, because a restart does not
//! help.

pub mod beat;
pub mod serve;
pub mod server;

mod directory;
mod silences;
pub mod status;
mod vitals;

pub use directory::DirectoryState;
pub use silences::SilenceState;
pub use vitals::Vitals;
