//! The clock.

use std::future::Future;
use std::sync::Arc;

use crate::instants::{Mono, Now};

/// The only source of time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Now;
    fn sleep_until(&self, at: Mono) -> impl Future<Output = ()> + Send;
}

impl<C: Clock> Clock for Arc<C> {
    fn now(&self) -> Now {
        (**self).now()
    }

    fn sleep_until(&self, at: Mono) -> impl Future<Output = ()> + Send {
        (**self).sleep_until(at)
    }
}
