//! `hansho demo`: a bad night in short, on this machine, with nothing configured.
//!
//! The worker is the real one: this very program, started as a process of its own on an embedded
//! store in a temporary folder, and killed in the middle. Only Slack is a stand-in. At the end the
//! messages that the stand-in accepted are held against what went into the queue.

pub mod night;
mod plug;
pub mod slack_rules;
pub mod slack_standin;
mod tally;

use std::io::IsTerminal;
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};
use tokio::sync::broadcast;

use crate::clock::SystemClock;
use crate::embedded::{EmbeddedQueue, Incoming, Store};
use crate::ports::{Clock, Lane};
use crate::slack;

use night::{Event, Mix, Night, Role};
use slack_standin::{Answered, Behaviour, RateLimit, Received, SlackStandIn};
use tally::Verdict;

/// The night is always the same.
const SEED: u64 = 119; // the number of the fire brigade in Japan
const MIX: Mix = Mix { noise: 80, alerts: 24, repeats: 18, updates: 8, malformed: 1 };
/// Findings that were told at medium and rise to high.
const ESCALATIONS: usize = 2;
/// The first half of the night arrives in so many portions, one after each post.
const PORTIONS: usize = 4;
/// What the stand-in answers to the fourth post, in seconds.
const RETRY_AFTER_S: u64 = 2;
/// Nothing in the demo takes longer, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(50);

/// Runs the demo. True if every promise was kept.
pub async fn run(json: bool) -> anyhow::Result<bool> {
    let clock = Arc::new(SystemClock::start());
    let folder = tempfile::tempdir().context("no temporary folder could be made")?;
    let path = folder.path().join("hansho.db");
    let ticks = Arc::clone(&clock);
    let slack = SlackStandIn::start(Some(RateLimit::SLACK), move || ticks.now().mono.0)
        .await
        .context("no port of 127.0.0.1 could be listened on")?;
    slack.plan([
        Behaviour::Ok,
        Behaviour::Ok,
        Behaviour::Ok,
        Behaviour::RateLimited { retry_after_s: Some(RETRY_AFTER_S) },
    ]);
    let mut night = Night::new(SEED, clock.now().wall);
    let mut events = night.events(MIX);
    let store = Store::open(&path)?;
    let queue = EmbeddedQueue::new(store, Arc::clone(&clock));
    let stage = Stage { json, colour: std::io::stdout().is_terminal() };
    let play = play(&stage, &slack, &queue, &path, &mut night, &mut events);
    let summary = tokio::time::timeout(PATIENCE, play)
        .await
        .context("the demo took too long: is the machine very busy?")??;
    let parked = queue.quarantine().await?;
    let verdict = tally::judge(&events, &slack.received(), &parked, &summary);
    stage.end(&verdict)?;
    Ok(verdict.kept())
}

/// The play: a first half of the night, a 429, a crash, a second half, and the end.
async fn play(
    stage: &Stage,
    slack: &SlackStandIn,
    queue: &EmbeddedQueue<SystemClock>,
    path: &Path,
    night: &mut Night,
    events: &mut Vec<Event>,
) -> anyhow::Result<serde_json::Value> {
    let mut posts = slack.subscribe();
    let half = events.len() * 2 / 3;
    stage.say(
        "A night at a company with five accounts and four regions. The worker is this program,",
    );
    stage.say(
        "started as a process of its own; Slack is a stand-in on 127.0.0.1. Nothing leaves here.",
    );
    stage.step("messages arrive, most of them noise");
    let portion = half.div_ceil(PORTIONS);
    put(queue, events, 0..portion).await?;
    let mut arrived = portion;
    let mut worker = start_worker(slack, path, &["--json"])?;
    stage.step("the worker starts");
    loop {
        let post = next(&mut posts, &mut worker).await?;
        stage.post(&post);
        if matches!(post.answered, Answered::Status { status: 429, .. }) {
            break;
        }
        let next = (arrived + portion).min(half);
        put(queue, events, arrived..next).await?;
        arrived = next;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    worker.start_kill().context("the worker could not be killed")?;
    worker.wait().await?;
    stage.step("the worker is killed (SIGKILL) while it waits to try again");
    // What was told at medium gets worse.
    let accepted = slack.received().into_iter().filter(|p| p.accepted);
    let told: String = accepted.map(|p| p.payload.to_string()).collect();
    let told = |event: &&Event| event.role == Role::Alert && told.contains(&event.finding);
    let worse: Vec<Event> = events
        .iter()
        .filter(told)
        .filter_map(|event| night.escalate(event))
        .take(ESCALATIONS)
        .collect();
    events.extend(worse);
    stage.step(&format!(
        "{} more messages arrive: repeats, updates, escalations, a malformed one",
        events.len() - arrived
    ));
    put(queue, events, arrived..events.len()).await?;
    let worker = start_worker(slack, path, &["--drain", "--json"])?;
    stage.step("a new worker starts on what the first one left");
    let ended = worker.wait_with_output();
    tokio::pin!(ended);
    let output = loop {
        tokio::select! {
            post = posts.recv() => stage.post(post.context("the stand-in ended")?.as_ref()),
            output = &mut ended => break output?,
        }
    };
    while let Ok(post) = posts.try_recv() {
        stage.post(&post);
    }
    anyhow::ensure!(
        output.status.success(),
        "the worker failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("the worker's summary could not be read")
}

async fn put(
    queue: &EmbeddedQueue<SystemClock>,
    events: &[Event],
    which: Range<usize>,
) -> anyhow::Result<()> {
    let incoming = |(i, event): (usize, &Event)| Incoming {
        message_id: format!("demo-{i:03}"),
        body: event.body.clone(),
    };
    let chosen = events.iter().enumerate().skip(which.start).take(which.len());
    queue.put(Lane::Standard, chosen.map(incoming).collect()).await?;
    Ok(())
}

/// This program again, as a worker, with an environment of its own.
fn start_worker(slack: &SlackStandIn, path: &Path, flags: &[&str]) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let inherited = std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        !name.starts_with("HANSHO_") && !name.starts_with("SLACK_") && !name.starts_with("AWS_")
    });
    Command::new(program)
        .arg("run")
        .args(flags)
        .env_clear()
        .envs(inherited)
        // So that no ./hansho.toml is read.
        .current_dir(path.parent().unwrap_or(path))
        .env("HANSHO_EMBEDDED_PATH", path)
        .env("HANSHO_EMBEDDED_LISTEN", "127.0.0.1:0")
        .env("SLACK_WEBHOOK_URL", slack.webhook("demo"))
        .env("SLACK_MENTION_ID", "S0DEMO")
        .env("SLACK_MENTION_NAME", "sre-oncall")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the worker could not be started")
}

/// The next post; or what the worker said, if it ended instead.
async fn next(
    posts: &mut broadcast::Receiver<Arc<Received>>,
    worker: &mut Child,
) -> anyhow::Result<Arc<Received>> {
    tokio::select! {
        post = posts.recv() => post.context("the stand-in ended"),
        _ = worker.wait() => {
            let mut said = String::new();
            if let Some(mut stderr) = worker.stderr.take() {
                tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut said).await?;
            }
            anyhow::bail!("the worker ended too early:\n{said}")
        }
    }
}

/// What is shown, and how. With `--json` only the tally is.
struct Stage {
    json: bool,
    colour: bool,
}

impl Stage {
    fn say(&self, line: &str) {
        if !self.json {
            println!("{line}");
        }
    }

    fn step(&self, line: &str) {
        if !self.json {
            println!("\n{}", self.strong(&format!("── {line}")));
        }
    }

    fn post(&self, post: &Received) {
        if self.json {
            return;
        }
        match &post.answered {
            Answered::Status { status: 200, .. } => {
                println!("\n{}", slack::preview(&post.payload, 100, self.colour));
            }
            Answered::Status { status, .. } => {
                self.step(&format!("Slack answers {status}: try again in {RETRY_AFTER_S} s"));
            }
            Answered::Closed | Answered::Hung => self.step("Slack does not answer"),
        }
    }

    fn end(&self, verdict: &Verdict) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(verdict)?);
        } else {
            println!("\n{}\n{verdict}", self.strong("── What came in, and what went out"));
        }
        Ok(())
    }

    fn strong(&self, text: &str) -> String {
        if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
