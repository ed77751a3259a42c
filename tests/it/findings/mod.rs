//! Parsing of the findings of every source.

mod facts;
pub mod life;
pub mod message;
mod routes;
#[cfg(feature = "demo")]
pub mod sifting;
pub mod sources;
mod texts;
