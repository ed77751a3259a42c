//! All integration tests, in one binary: linking the AWS SDK takes longer than compiling a test.

// Clippy lets tests unwrap, but not the functions that they share.
#![allow(clippy::unwrap_used)]
// Tests that need Slack's stand-in or the generator of findings are left out without the demo. What
// they share with other tests then has no user.
#![cfg_attr(not(feature = "demo"), allow(dead_code, unused_imports, unused_macros))]

#[macro_use]
mod support;

mod adapters;
mod commands;
mod contracts;
mod desk;
#[cfg(feature = "demo")]
mod faults;
mod findings;
#[cfg(feature = "demo")]
mod fuzz;
mod house;
#[cfg(feature = "demo")]
mod sim;
