//! hansho (半鐘, the fire-watch bell): carries AWS security findings from every account and region
//! to the people on call, in Slack, each one once, the worst first, none lost.
//!
//! The tree follows the way of one finding: `finding` parses it, `policy` decides, `desk` says what
//! to do next, and the adapters in `aws`, `slack` and `embedded` do it. ARCHITECTURE.md walks it.

pub mod aws;
pub mod clock;
pub mod commands;
pub mod config;
pub mod desk;
pub mod embedded;
#[cfg(feature = "rollout")]
pub mod estate;
pub mod finding;
pub mod health;
pub mod instants;
pub mod logging;
pub mod metrics;
pub mod mutation;
pub mod policy;
pub mod ports;
#[cfg(feature = "rollout")]
pub mod rollout;
pub mod secret;
pub mod slack;
pub mod terminal;
mod words;
