//! All integration tests, in one binary, so that the dependencies are linked once.

mod claim_model;
mod config;
mod house;
