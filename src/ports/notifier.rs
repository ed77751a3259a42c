//! The notifier that posts to destinations, and its answers.

use std::future::Future;

use super::{Post, Verdict};

/// Posts to destinations.
pub trait Notifier: Send + Sync {
    /// Makes one attempt to post, bounded in time by the adapter. The answer never holds a secret.
    fn post(&self, post: &Post) -> impl Future<Output = Verdict> + Send;

    /// Reads the destination's address again from its source. True if it changed.
    fn refresh(&self, destination: &str) -> impl Future<Output = Result<bool, String>> + Send;
}
