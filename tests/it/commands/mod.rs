//! The commands, as a person or a container runs them.

pub mod accounts;
#[cfg(feature = "demo")]
pub mod accounts_e2e;
mod aws_failures;
pub mod canary;
#[cfg(all(feature = "canary", feature = "demo"))]
pub mod canary_e2e;
pub mod config;
mod config_routes;
pub mod counts;
#[cfg(feature = "rollout")]
pub mod coverage_e2e;
#[cfg(all(feature = "demo", feature = "rollout"))]
mod coverage_ledger;
#[cfg(feature = "rollout")]
mod coverage_timer;
#[cfg(feature = "rollout")]
mod estate_standin;
pub mod explain;
#[cfg(feature = "demo")]
pub mod explain_e2e;
pub mod explain_queues;
#[cfg(feature = "demo")]
mod full_disk_e2e;
#[cfg(feature = "demo")]
pub mod health;
#[cfg(feature = "demo")]
mod input_e2e;
#[cfg(feature = "demo")]
pub mod life_e2e;
#[cfg(feature = "demo")]
pub mod live;
pub mod notes;
#[cfg(feature = "demo")]
mod outputs;
pub mod reconcile;
#[cfg(feature = "demo")]
pub mod render_e2e;
pub mod replay;
#[cfg(feature = "demo")]
pub mod report;
#[cfg(all(feature = "demo", feature = "rollout"))]
mod rollout;
#[cfg(all(feature = "demo", feature = "rollout"))]
mod rollout_short_way;
#[cfg(all(feature = "demo", feature = "rollout"))]
mod rollout_worker;
mod routes_e2e;
#[cfg(feature = "demo")]
pub mod run_e2e;
#[cfg(feature = "demo")]
pub mod runtime_api;
pub mod silence;
#[cfg(feature = "demo")]
pub mod silence_e2e;
#[cfg(feature = "demo")]
mod store_e2e;
