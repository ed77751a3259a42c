//! `hansho replay`: what is parked is shown, sent again, discarded, saved, and put back.
//!
//! Pure are [`message`] (what a parked message says), [`filter`], [`table`], [`forecast`] (what would
//! become of it) and [`lines`] (the file's form). [`look`] holds messages while something is done with
//! them; [`send`], [`commands`] and [`transfer`] do it, against [`crate::ports::DeadLetterQueue`].

pub mod args;
pub mod commands;
pub mod filter;
pub mod force;
pub mod forecast;
pub mod glob;
pub mod lines;
pub mod look;
pub mod message;
pub mod progress;
pub mod rate;
pub mod send;
pub mod table;
pub mod transfer;

mod start;

pub use start::run;
