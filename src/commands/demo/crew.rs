//! The demo's workers: this very program, as processes of their own, seen from the outside through
//! their logs alone.

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

/// Of what a worker has to say, so many lines are kept for the case that it fails.
const SAID_MAX: usize = 20;
/// A worker that ended has closed its log; if somebody else holds it open, that is not waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is in a worker's log under `hansho::snapshot`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Glimpse {
    pub worker: String,
    pub held: usize,
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub failures: u32,
    pub breaker_open: bool,
    pub next_post_ms: u64,
}

/// What is known of a worker.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What the demo calls it; a worker that takes the place of another has its name.
    pub name: &'static str,
    /// The latest glimpse, and when it was had.
    pub glimpse: Glimpse,
    pub at: Mono,
    /// When it was killed, if it was.
    pub killed: Option<Mono>,
    pub ended: bool,
    /// The last lines of its log that are no glimpses.
    pub said: VecDeque<String>,
}

type Shared = Arc<Mutex<Seen>>;

/// The workers of an act, in the order of their starts.
pub struct Crew {
    clock: Arc<SystemClock>,
    store: PathBuf,
    webhook: String,
    all: Mutex<Vec<Shared>>,
}

/// A worker process. It is killed when this is dropped.
pub struct Worker {
    child: Child,
    seen: Shared,
    listener: tokio::task::JoinHandle<()>,
}

impl Crew {
    pub fn new(clock: Arc<SystemClock>, store: &Path, webhook: String) -> Crew {
        Crew { clock, store: store.to_owned(), webhook, all: Mutex::default() }
    }

    /// Starts this program as a worker with an environment of its own. It ends when the queue is
    /// empty.
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
            // So that no ./hansho.toml is read.
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
        let seen = Arc::new(Mutex::new(Seen { name, ..Seen::default() }));
        locked(&self.all).push(Arc::clone(&seen));
        let log = child.stderr.take().context("the worker's log can't be read")?;
        let listener = tokio::spawn(listen(log, Arc::clone(&seen), Arc::clone(&self.clock)));
        Ok(Worker { child, seen, listener })
    }

    /// Speaks no more of those that were there until now.
    pub fn forget(&self) {
        locked(&self.all).clear();
    }

    /// What is known of each worker now.
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.all).iter().map(|seen| locked(seen).clone()).collect()
    }

    /// What the demo calls the worker that posts under this id.
    pub fn name(&self, id: &str) -> Option<&'static str> {
        let all = locked(&self.all);
        all.iter().map(|seen| locked(seen)).find(|s| s.glimpse.worker == id).map(|s| s.name)
    }
}

impl Worker {
    pub fn seen(&self) -> Seen {
        locked(&self.seen).clone()
    }

    /// Waits for something; fails if the worker ends before.
    pub async fn during<T>(&mut self, something: impl Future<Output = T>) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            done = something => Ok(done),
            _ = self.child.wait() => {
                let said = self.last_words().await;
                anyhow::bail!("a worker ended too early:\n{said}")
            }
        }
    }

    /// Ends it without a warning (SIGKILL), and says what was known of it.
    pub async fn kill(mut self, now: Mono) -> anyhow::Result<Seen> {
        self.child.start_kill().context("the worker could not be killed")?;
        self.child.wait().await?;
        let mut seen = locked(&self.seen);
        seen.killed = Some(now);
        Ok(seen.clone())
    }

    /// Waits until it has ended by itself, which is when everything is settled.
    pub async fn end(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().await?;
        let said = self.last_words().await;
        anyhow::ensure!(status.success(), "a worker failed ({status}):\n{said}");
        locked(&self.seen).ended = true;
        Ok(())
    }

    async fn last_words(&mut self) -> String {
        // What is left of the log matters only for the message.
        let _ = tokio::time::timeout(LAST_WORDS, &mut self.listener).await;
        locked(&self.seen).said.make_contiguous().join("\n")
    }
}

/// Reads a worker's log to its end: glimpses are kept, of other lines the last few.
async fn listen(log: ChildStderr, seen: Shared, clock: Arc<SystemClock>) {
    let mut lines = BufReader::new(log).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut seen = locked(&seen);
        match glimpse(&line) {
            Some(glimpse) => {
                seen.glimpse = glimpse;
                seen.at = clock.now().mono;
            }
            None => {
                seen.said.push_back(line);
                if seen.said.len() > SAID_MAX {
                    seen.said.pop_front();
                }
            }
        }
    }
}

fn glimpse(line: &str) -> Option<Glimpse> {
    serde_json::from_str(line).ok()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
