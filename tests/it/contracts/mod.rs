//! One suite of checks for each port, run on every adapter and every fake.

pub mod claim_model;
mod explore;
mod incident_model;
pub mod ledger_contract;
pub mod queue_contract;
mod stored_rows;
