//! The integration tests, in one binary, so that the SDKs are linked once.

mod queue_contract;
mod sqs;
mod sqs_faults;
mod sqs_rules;
mod sqs_standin;
mod suite;
