//! The desk and the worker on fakes, under a paused clock.

pub mod alone;
pub mod buffer;
pub mod calls;
pub mod costs;
pub mod fleet;
pub mod lambda_call;
pub mod prefetch;
pub mod receives;
pub mod recovery_note;
pub mod review;
