//! All integration tests, in one binary: linking the AWS SDK takes longer than compiling a test.

// Clippy lets tests unwrap, but not the functions that they share.
#![allow(clippy::unwrap_used)]

mod calls;
mod canary;
#[cfg(feature = "canary")]
mod canary_e2e;
mod claim_model;
mod config;
mod costs;
mod desk;
mod desk_alone;
mod desk_fleet;
mod desk_recall;
mod desk_review;
mod dynamodb;
mod e2e;
mod embedded;
mod explain;
mod explain_e2e;
mod explain_queues;
mod fakes;
mod findings;
#[cfg(feature = "reconcile")]
mod guardduty;
#[cfg(feature = "reconcile")]
mod guardduty_standin;
mod health;
mod house;
mod iam;
mod infra;
mod lambda;
mod ledger_contract;
mod live;
mod memory_ledger;
mod memory_queue;
mod queue_contract;
mod receives;
mod reconcile;
mod replay;
mod runtime_api;
mod secrets;
mod sifting;
mod sim;
mod slack;
mod slack_digest;
mod slack_hostile;
mod slack_render;
mod sqs;
mod sqs_faults;
mod sqs_rules;
mod sqs_standin;
mod suite;
mod trouble;
