//! All integration tests, in one binary, so that the dependencies are linked once.

mod claim_model;
mod dynamodb;
mod ledger_contract;
mod memory_ledger;
mod secrets;
