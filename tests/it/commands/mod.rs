//! The commands, as a person or a container runs them.

pub mod canary;
#[cfg(feature = "canary")]
pub mod canary_e2e;
pub mod config;
pub mod explain;
pub mod explain_e2e;
pub mod explain_queues;
pub mod health;
pub mod live;
pub mod reconcile;
pub mod replay;
pub mod run_e2e;
pub mod runtime_api;
