//! The metrics of a process, for people on call and for capacity planning. They leave the process
//! in two ways: as Prometheus' text on `/metrics` ([`Metrics::text`]), and in CloudWatch's embedded
//! metric format in the log ([`emf`]). `hansho_posted_total` in Prometheus is `posted` in
//! CloudWatch's namespace `hansho`.
//!
//! Counters come from the desk's reports, gauges from its snapshots, and calls from the ports
//! ([`Counted`]). A label is the name of a destination or a word of the code, never a finding's
//! text, so the number of metrics is bounded.

pub mod emf;

mod all;
mod calls;
mod counted;
mod coverage;
mod directory;
mod findings;
mod memory;
mod posts;
mod queue;
mod reconcile;
mod register;
mod silences;
mod store;
mod waits;

pub use all::Metrics;
pub use counted::Counted;

#[cfg(test)]
mod tests;
