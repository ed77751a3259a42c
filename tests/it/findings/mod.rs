//! Parsing of the findings of every source.

#[cfg(feature = "demo")]
pub mod sifting;
pub mod sources;
