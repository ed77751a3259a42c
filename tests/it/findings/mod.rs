//! Parsing of the findings of every source.

pub mod life;
pub mod message;
#[cfg(feature = "demo")]
pub mod sifting;
pub mod sources;
