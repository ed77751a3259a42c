//! All integration tests, in one binary: linking the AWS SDK takes longer than compiling a test.

// Clippy lets tests unwrap, but not the functions that they share.
#![allow(clippy::unwrap_used)]

mod claim_model;
mod config;
mod desk;
mod dynamodb;
mod embedded;
mod fakes;
mod house;
mod ledger_contract;
mod memory_ledger;
mod memory_queue;
mod secrets;
mod slack;
mod slack_hostile;
mod slack_render;
