//! Rules of the repository that a machine can check.

mod circles;
mod columns;
pub mod iam;
pub mod infra;
pub mod layers;
mod not_yet;
pub mod secrets;
mod size;
mod source;
mod words;
