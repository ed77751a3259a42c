//! Adapters to AWS. None knows another, and no type of an SDK crosses a port: what comes out of
//! here is this crate's own.

pub mod sqs;
