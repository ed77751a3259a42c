//! Findings of every source, parsed.

pub mod sifting;
pub mod sources;
