//! Parsing of the findings of every source.

pub mod sifting;
pub mod sources;
