//! All integration tests, in one binary: linking the AWS SDK takes longer than compiling a test.

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
mod slack_render;
