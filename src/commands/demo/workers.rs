//! The demo's workers: this program, as processes of their own. The demo knows them by their logs.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use crate::clock::SystemClock;
use crate::instants::Mono;
use crate::ports::Clock;

/// How many of the last log lines are kept, for the message if the worker fails.
const LINES_MAX: usize = 20;
/// How long the demo waits for the log of an ended worker to close.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The visibility time-out of [`super::acts`]: a killed worker's messages are delivered again after
/// it.
pub const VISIBILITY: Duration = Duration::from_millis(16_500);

/// A line of a worker's log with the target `hansho::snapshot`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LoggedSnapshot {
    pub worker: String,
    pub held: usize,
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub failures: u32,
    pub breaker_open: bool,
    pub next_post_ms: u64,
}

/// The state of a worker, as far as the demo knows it.
#[derive(Clone, Debug, Default)]
pub struct WorkerState {
    /// Its name in the demo. A worker that replaces another has the same name.
    pub name: &'static str,
    /// The latest snapshot, and when it was logged.
    pub snapshot: LoggedSnapshot,
    pub at: Mono,
    /// When it was killed, if it was.
    pub killed: Option<Mono>,
    pub ended: bool,
    /// The last lines of its log that are not snapshots.
    pub lines: VecDeque<String>,
}

type Shared = Arc<Mutex<WorkerState>>;

/// The workers of a night, in the order of their starts.
pub struct Workers {
    clock: Arc<SystemClock>,
    store: PathBuf,
    webhook: String,
    all: Mutex<Vec<Shared>>,
}

/// A worker process. It is killed when this is dropped.
pub struct Worker {
    child: Child,
    state: Shared,
    listener: tokio::task::JoinHandle<()>,
}

impl Workers {
    pub fn new(clock: Arc<SystemClock>, store: &Path, webhook: String) -> Workers {
        Workers { clock, store: store.to_owned(), webhook, all: Mutex::default() }
    }

    /// Starts this program as a worker with these settings as its environment. It ends when the
    /// queue is empty.
    pub fn start(&self, name: &'static str, settings: &[(&str, &str)]) -> anyhow::Result<Worker> {
        let program = std::env::current_exe().context("this program's own path is unknown")?;
        let inherited = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            !name.starts_with("HANSHO_") && !name.starts_with("SLACK_") && !name.starts_with("AWS_")
        });
        let mut child = Command::new(program)
            .args(["run", "--drain"])
            .env_clear()
            .envs(inherited)
            // Not the user's folder, whose ./hansho.toml it would read.
            .current_dir(self.store.parent().unwrap_or(&self.store))
            .env("HANSHO_EMBEDDED_PATH", &self.store)
            .env("HANSHO_LOG", "warn,hansho::snapshot=debug")
            .env("SLACK_WEBHOOK_URL", &self.webhook)
            .env("SLACK_MENTION_ID", "S0DEMO")
            .env("SLACK_MENTION_NAME", "sre-oncall")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the worker could not be started")?;
        let state = Arc::new(Mutex::new(WorkerState { name, ..WorkerState::default() }));
        locked(&self.all).push(Arc::clone(&state));
        let log = child.stderr.take().context("the worker's log can't be read")?;
        let listener = tokio::spawn(listen(log, Arc::clone(&state), Arc::clone(&self.clock)));
        Ok(Worker { child, state, listener })
    }

    /// Forgets all workers so far.
    pub fn forget(&self) {
        locked(&self.all).clear();
    }

    /// The state of each worker.
    pub fn states(&self) -> Vec<WorkerState> {
        locked(&self.all).iter().map(|state| locked(state).clone()).collect()
    }

    /// The demo's name of the worker with this id.
    pub fn name(&self, id: &str) -> Option<&'static str> {
        let all = locked(&self.all);
        all.iter().map(|state| locked(state)).find(|s| s.snapshot.worker == id).map(|s| s.name)
    }
}

impl Worker {
    pub fn state(&self) -> WorkerState {
        locked(&self.state).clone()
    }

    /// Waits for a future. None: the worker has done all its work and ended before, as it may on a
    /// busy machine.
    ///
    /// # Errors
    /// The worker failed before.
    pub async fn during<T>(
        &mut self,
        future: impl Future<Output = T>,
    ) -> anyhow::Result<Option<T>> {
        let ended = tokio::select! {
            biased;
            done = future => return Ok(Some(done)),
            ended = self.child.wait() => ended?,
        };
        if ended.success() {
            return Ok(None);
        }
        let lines = self.last_lines().await;
        anyhow::bail!("a worker ended too early ({ended}):\n{lines}")
    }

    /// Kills it (SIGKILL), and returns its last known state.
    pub async fn kill(mut self, now: Mono) -> anyhow::Result<WorkerState> {
        if self.child.try_wait()?.is_none() {
            self.child.start_kill().context("the worker could not be killed")?;
        }
        self.child.wait().await?;
        let mut state = locked(&self.state);
        state.killed = Some(now);
        Ok(state.clone())
    }

    /// Waits until it ends by itself, when all its work is done.
    pub async fn end(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().await?;
        let lines = self.last_lines().await;
        anyhow::ensure!(status.success(), "a worker failed ({status}):\n{lines}");
        locked(&self.state).ended = true;
        Ok(())
    }

    async fn last_lines(&mut self) -> String {
        // A time-out is fine: the lines are only for a message.
        let _ = tokio::time::timeout(LAST_LINES, &mut self.listener).await;
        locked(&self.state).lines.make_contiguous().join("\n")
    }
}

/// Reads a worker's log to its end. Keeps the last snapshot and the last few other lines.
async fn listen(log: ChildStderr, state: Shared, clock: Arc<SystemClock>) {
    let mut lines = BufReader::new(log).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut state = locked(&state);
        match serde_json::from_str(&line) {
            Ok(snapshot) => {
                state.snapshot = snapshot;
                state.at = clock.now().mono;
            }
            Err(_) => {
                state.lines.push_back(line);
                if state.lines.len() > LINES_MAX {
                    state.lines.pop_front();
                }
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
