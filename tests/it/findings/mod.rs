//! Parsing of the findings of every source.


pub mod life;
#[cfg(feature = "demo")]
pub mod sifting;
pub mod sources;
mod texts;
