//! Rules of the repository that a machine can check.

pub mod iam;
pub mod infra;
pub mod layers;
pub mod secrets;
