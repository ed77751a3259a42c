//! `hansho demo`: a quiet night and a bad one, in short, on this machine, with nothing configured.
//!
//! The workers are real ones: this very program, as processes of their own on an embedded store in
//! a temporary folder, some of them killed. Only Slack is a stand-in. At the end the messages that
//! the stand-in accepted are held against what went into the queue.

mod acts;
mod audience;
mod crew;
pub mod night;
mod plug;
pub mod slack_rules;
pub mod slack_standin;
mod stage;
mod status;
mod tally;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::SystemClock;
use crate::embedded::{EmbeddedQueue, Incoming, Store};
use crate::instants::Mono;
use crate::ports::{Clock, Lane, Queue};

pub use stage::terminal_columns;

use audience::Audience;
use crew::{Crew, Worker};
use night::{Event, Night, Role};
use slack_standin::{RateLimit, SlackStandIn};
use stage::Stage;
use tally::{Book, Kill};

/// The night is always the same.
const SEED: u64 = 119; // the number of the fire brigade in Japan
/// Nothing in the demo takes longer, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(100);
/// How often something that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs the demo. True if every promise was kept.
pub async fn run(json: bool) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("no temporary folder could be made")?;
    let path = folder.path().join("hansho.db");
    let clock = Arc::new(SystemClock::start());
    let ticks = Arc::clone(&clock);
    let slack = SlackStandIn::start(Some(RateLimit::SLACK), move || ticks.now().mono.0)
        .await
        .context("no port of 127.0.0.1 could be listened on")?;
    let scene = Scene {
        stage: Stage::new(json),
        crew: Crew::new(Arc::clone(&clock), &path, slack.webhook("demo")),
        queue: EmbeddedQueue::new(Store::open(&path)?, Arc::clone(&clock)),
        slack,
        book: RefCell::default(),
        in_short: Cell::new(false),
        clock,
    };
    tokio::select! {
        biased;
        what = asked_to_stop() => bail!("{}: the demo was left before its end", what?),
        played = tokio::time::timeout(PATIENCE, scene.play()) => {
            played.context("the demo took too long: is the machine very busy?")??;
        }
    }
    let parked = scene.queue.quarantined().await?;
    let left = scene.queue.depth(Lane::Standard).await?;
    let pending = left.visible + left.hidden;
    let verdict = tally::judge(&scene.book.borrow(), &scene.slack.received(), &parked, pending);
    scene.stage.end(&serde_json::to_string(&verdict)?, &verdict.to_string())?;
    Ok(verdict.kept())
}

/// Resolves when the demo is asked to end, so that it takes its workers and its folder with it.
async fn asked_to_stop() -> std::io::Result<&'static str> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "terminated",
        _ = hang_up.recv() => "hung up",
    })
}

/// All that is on the stage.
struct Scene {
    stage: Stage,
    slack: SlackStandIn,
    queue: EmbeddedQueue<SystemClock>,
    crew: Crew,
    clock: Arc<SystemClock>,
    book: RefCell<Book>,
    /// Posts are shown in short, and below them how things are.
    in_short: Cell<bool>,
}

impl Scene {
    /// Both acts, and whoever shows what Slack gets meanwhile.
    async fn play(&self) -> anyhow::Result<()> {
        let mut audience = Audience::new(self);
        let acts = async {
            let mut night = Night::new(SEED, self.clock.now().wall);
            acts::quiet_night(self, &mut night).await?;
            acts::bad_night(self, &mut night).await
        };
        tokio::select! {
            biased;
            watched = audience.watch() => watched?,
            played = acts => played?,
        }
        audience.leave()
    }

    fn now(&self) -> Mono {
        self.clock.now().mono
    }

    /// How long the demo has been running.
    fn at(&self) -> Duration {
        Duration::from_millis(self.now().0)
    }

    fn step(&self, text: &str) -> std::io::Result<()> {
        self.stage.step(self.at(), text)
    }

    /// Messages arrive.
    async fn put(&self, events: &[Event]) -> anyhow::Result<()> {
        let first = self.book.borrow().events.len();
        let incoming = |(i, event): (usize, &Event)| Incoming {
            message_id: format!("demo-{:04}", first + i),
            body: event.body.clone(),
        };
        let messages = events.iter().enumerate().map(incoming).collect();
        self.queue.put(Lane::Standard, messages).await?;
        let now = self.now();
        let mut book = self.book.borrow_mut();
        for event in events.iter().filter(|e| e.role == Role::Alert && e.is_critical()) {
            book.criticals.insert(event.finding.clone(), now.0);
        }
        book.events.extend_from_slice(events);
        Ok(())
    }

    /// Waits until something is so, or so long at most.
    async fn until(&self, at_most: Duration, is_so: impl Fn() -> bool) {
        let end = self.now().plus(at_most);
        while !is_so() && self.now() < end {
            self.pause(LOOK_EVERY).await;
        }
    }

    async fn pause(&self, how_long: Duration) {
        self.clock.sleep_until(self.now().plus(how_long)).await;
    }

    /// Kills a worker, and says how many findings it had in its hands.
    async fn kill(&self, worker: Worker) -> anyhow::Result<usize> {
        let seen = worker.kill(self.now()).await?;
        // What it posted until it was gone may be unmarked.
        let kill = Kill { worker: seen.glimpse.worker, at_ms: self.now().0 };
        self.book.borrow_mut().kills.push(kill);
        Ok(seen.glimpse.held)
    }
}
