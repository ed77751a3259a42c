//! The commands of the program, one folder for each, named as it is typed.

pub mod canary;
pub mod check;
pub mod cli;
pub mod demo;
pub mod explain;
pub mod health;
pub mod lambda;
pub mod reconcile;
pub mod render;
pub mod replay;
pub mod run;
pub mod wiring;
