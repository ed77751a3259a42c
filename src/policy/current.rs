//! Knowledge that a process renews while it runs.

use std::sync::{Arc, PoisonError, RwLock};

/// The value of this moment. Clones share it, so that a newer one reaches all who use it.
#[derive(Debug, Default)]
pub struct Current<T>(Arc<RwLock<Arc<T>>>);

impl<T> Current<T> {
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Current<T> {
        Current(Arc::clone(&self.0))
    }
}

impl<T> From<T> for Current<T> {
    fn from(value: T) -> Current<T> {
        Current(Arc::new(RwLock::new(Arc::new(value))))
    }
}

impl<T: PartialEq> PartialEq for Current<T> {
    fn eq(&self, other: &Current<T>) -> bool {
        self.get() == other.get()
    }
}
