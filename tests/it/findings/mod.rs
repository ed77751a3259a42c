//! Parsing of the findings of every source.

mod facts;
pub mod life;
mod routes;
#[cfg(feature = "demo")]
pub mod sifting;
pub mod sources;
mod texts;
