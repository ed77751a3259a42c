//! Watches the files of an open store: they may be removed, and the disk may be full or fail.

use std::convert::Infallible;
use std::time::Duration;

use tracing::{error, info};

use crate::ports::{Clock, Failure, FailureKind};

use super::{SCHEMA_VERSION, Store, start_log_again};

/// How often the files are asked for.
pub const EVERY: Duration = Duration::from_secs(1);

impl Store {
    /// Why nothing new can be accepted, by what is known without a write.
    ///
    /// # Errors
    /// A file was removed or replaced, or no space is kept back.
    pub fn is_sound(&self) -> Result<(), Failure> {
        if let Some(removed) = self.is_removed() {
            return Err(removed);
        }
        if self.keeps_a_reserve() && !self.place.has_reserve() {
            let path = self.place.path().display();
            let why = format!(
                "embedded store {path}: its disk is full, so only what waits is posted: free space"
            );
            return Err(Failure::new(FailureKind::DiskFull, why));
        }
        Ok(())
    }

    /// Why what is written now would be lost with the process.
    pub fn is_removed(&self) -> Option<Failure> {
        let missing = self.place.missing()?;
        let why = format!(
            "embedded store: {} was removed or replaced while this process uses it, so nothing new \
             is accepted: put it back, or restart the worker once it has posted what waits",
            missing.display()
        );
        Some(Failure::new(FailureKind::Removed, why))
    }

    /// What is wrong now. Tries a write if the last one failed, and makes the reserve again.
    pub async fn inspect(&self) -> Result<(), Failure> {
        let store = self.clone();
        // What it failed with, the next line finds.
        _ = tokio::task::spawn_blocking(move || store.keep_space()).await;
        self.is_sound()?;
        let failing = self.failing().is_some();
        if failing {
            self.try_write().await?;
            *self.failing() = None;
        }
        Ok(())
    }

    /// Makes the reserve again, and gives the disk back what is free in the file.
    fn keep_space(&self) {
        if !self.keeps_a_reserve() || self.place.missing().is_some() {
            return;
        }
        let kept = self.place.keep_reserve();
        _ = self.give_back(false);
        if kept.is_err() {
            // The file shrinks when the log is moved into it.
            _ = self.with(|c| {
                start_log_again(c);
                Ok(())
            });
        }
    }

    /// Tries a write: sets the version of the tables to the same version.
    ///
    /// # Errors
    /// It fails, as those of a worker would.
    pub async fn try_write(&self) -> Result<(), Failure> {
        self.run(|store| store.with(|c| c.pragma_update(None, "user_version", SCHEMA_VERSION)))
            .await
    }

    /// Only a worker keeps a reserve.
    fn keeps_a_reserve(&self) -> bool {
        self.lock.is_some()
    }
}

/// Watches until it is dropped. `tell` hears each second what is wrong.
pub async fn watch<C: Clock>(
    store: &Store,
    clock: &C,
    tell: impl Fn(Option<Failure>),
) -> Infallible {
    let mut last: Option<FailureKind> = None;
    loop {
        let found = store.inspect().await.err();
        let kind = found.as_ref().map(|failure| failure.kind);
        match &found {
            Some(failure) if kind != last => {
                error!(reason = failure.kind.as_str(), detail = %failure, "the store is not sound");
            }
            None if last.is_some() => info!("the store is sound again"),
            _ => {}
        }
        last = kind;
        tell(found);
        clock.sleep_until(clock.now().mono.plus(EVERY)).await;
    }
}
