//! Findings of every source, parsed.

#[cfg(feature = "demo")]
pub mod sifting;
pub mod sources;
