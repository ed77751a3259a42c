//! The desk and the worker on fakes, under a paused clock.

#[cfg(feature = "demo")]
pub mod alone;
pub mod buffer;
#[cfg(feature = "demo")]
pub mod calls;
pub mod closing_note;
#[cfg(feature = "demo")]
pub mod costs;
pub mod dead;
pub mod fleet;
pub mod lambda_call;
pub mod organisation;
pub mod prefetch;
pub mod receives;
#[cfg(feature = "demo")]
pub mod recovery_note;
pub mod review;
pub mod silences;
