//! The facts of findings, from the fields that give them.

mod account;
mod workload;
