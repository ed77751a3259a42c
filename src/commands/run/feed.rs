//! Puts the files and pipes of `--input` into the embedded queue.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::inputs::{self, Named};
use crate::embedded::{EmbeddedQueue, Incoming, Sieve, input};
use crate::ports::{Clock, FailureKind, InputPlace, Lane, QueueError};

/// How many messages one transaction puts into the queue, and how many are read ahead.
const PUT_BATCH: usize = 100;
/// The pause before a batch is put again. A batch is retried for ever: another program may hold the
/// store's lock for a while, or the disk may be full until a person frees space.
const PUT_RETRY: Duration = Duration::from_secs(1);

/// Inputs that are open, ready to be read.
pub struct Feed {
    inputs: Vec<Named>,
    progress: Progress,
}

/// How far the inputs were read.
#[derive(Clone, Default)]
pub struct Progress {
    messages: Arc<AtomicU64>,
    failed: Arc<AtomicBool>,
}

impl Progress {
    /// How many messages are durably in the queue.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Whether an input could not be read to its end.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

impl Feed {
    /// Opens every input, so that a wrong name is reported before any work starts. `-` is the
    /// standard input.
    ///
    /// # Errors
    /// See [`inputs::open`].
    pub fn open(paths: &[PathBuf]) -> anyhow::Result<Feed> {
        Ok(Feed { inputs: inputs::open(paths)?, progress: Progress::default() })
    }

    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Puts all messages that may be owed to a destination into the queue. Reading blocks, so it
    /// has a thread of its own.
    pub async fn run<C: Clock + 'static>(
        self,
        queue: EmbeddedQueue<C>,
        sieve: Arc<Sieve>,
        clock: Arc<C>,
    ) {
        let (sender, mut receiver) = mpsc::channel::<Incoming>(PUT_BATCH);
        let inputs = self.inputs;
        let reading = tokio::task::spawn_blocking(move || read_all(inputs, &sieve, &sender));
        let mut batch = Vec::new();
        while receiver.recv_many(&mut batch, PUT_BATCH).await > 0 {
            while let Err(why) = queue.put(Lane::Standard, batch.clone()).await {
                if is_removed(&why) {
                    error!(detail = %why, "an input could not be read to its end");
                    return self.progress.failed.store(true, Ordering::Relaxed);
                }
                warn!(detail = %why, "messages of an input can't be put into the queue: retrying");
                clock.sleep_until(clock.now().mono.plus(PUT_RETRY)).await;
            }
            self.progress.messages.fetch_add(batch.len() as u64, Ordering::Relaxed);
            batch.clear();
        }
        if let Ok(Err(why)) = reading.await {
            error!(detail = %format!("{why:#}"), "an input could not be read to its end");
            self.progress.failed.store(true, Ordering::Relaxed);
        }
    }
}

/// No further try can work.
fn is_removed(why: &QueueError) -> bool {
    matches!(why, QueueError::Unavailable(failure) if failure.kind == FailureKind::Removed)
}

fn read_all(
    inputs: Vec<Named>,
    sieve: &Sieve,
    sender: &mpsc::Sender<Incoming>,
) -> anyhow::Result<()> {
    for named in inputs {
        let name = named.path.to_string_lossy().into_owned();
        let input = named.text()?;
        let mut index = 0;
        input::split(input, |body, at| {
            index += 1;
            if !sieve.keeps(&body) && !sender.is_closed() {
                return ControlFlow::Continue(());
            }
            // Nobody takes it when the run ends.
            let place = Some(InputPlace::new(&name, at.line, at.column));
            let incoming = Incoming { place, ..Incoming::identified(&name, index, body) };
            match sender.blocking_send(incoming) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })
        .with_context(|| format!("--input {name}: after message {index}"))?;
    }
    Ok(())
}
