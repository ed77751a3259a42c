//! The commands of the program: one folder for each, named as it is typed, with its arguments.
//!
//! [`cli`] puts the arguments together, [`setup`] loads the configuration, and [`wiring`] makes the
//! worker's parts of it. A command prints by [`output`] and ends with an [`exit::Exit`].

pub mod accounts;
pub mod args;
pub mod canary;
pub mod check;
pub mod cli;
pub mod counts;
#[cfg(feature = "rollout")]
pub mod coverage;
#[cfg(not(feature = "rollout"))]
#[path = "coverage/left_out.rs"]
pub mod coverage;
#[cfg(feature = "demo")]
pub mod demo;
pub mod document;
pub mod exit;
pub mod explain;
pub mod findings;
pub mod health;
pub mod init;
pub mod lambda;
pub mod note;
pub mod output;
mod progress_line;
pub mod reconcile;
pub mod render;
pub mod replay;
pub mod report;
#[cfg(feature = "rollout")]
pub mod rollout;
pub mod routes;
pub mod run;
pub mod setup;
pub mod silence;
pub mod status;
pub mod store;
pub mod table;
pub mod wiring;
