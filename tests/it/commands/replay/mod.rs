//! `hansho replay`: the contract of its port on every adapter and the fake, its commands on the
//! fake under a paused clock, what it prints, and the real binary.

mod contract;
mod crashes;
#[cfg(feature = "demo")]
mod e2e;
mod filters;
mod memory;
mod on_embedded;
mod on_sqs;
mod sending;
mod shown;
mod transfers;
