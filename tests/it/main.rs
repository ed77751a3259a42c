//! All integration tests, in one binary: linking the AWS SDK takes longer than compiling a test.

// Clippy lets tests unwrap, but not the functions that they share.
#![allow(clippy::unwrap_used)]

#[macro_use]
mod support;

mod adapters;
mod commands;
mod contracts;
mod desk;
mod findings;
mod house;
mod sim;
