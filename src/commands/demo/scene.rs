//! The parts of a running demo: the queue, the workers, Slack's stand-in, and the screen.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::night::{Event, Role};
use super::screen::Screen;
use super::slack_standin::SlackStandIn;
use super::tally::{Journal, Kill};
use super::workers::{Worker, Workers};
use crate::clock::SystemClock;
use crate::embedded::{EmbeddedQueue, Incoming, Store};
use crate::instants::Mono;
use crate::ports::{Clock, Lane};

/// How often a condition is checked while the demo waits for it.
const CHECK_EVERY: Duration = Duration::from_millis(50);

pub struct Scene {
    pub screen: Screen,
    pub slack: SlackStandIn,
    pub queue: EmbeddedQueue<SystemClock>,
    pub workers: Workers,
    pub clock: Arc<SystemClock>,
    pub journal: RefCell<Journal>,
    /// Whether posts are shown in a few lines, above a line with the workers' status.
    pub brief: Cell<bool>,
}

impl Scene {
    pub fn new(
        store: &Path,
        clock: Arc<SystemClock>,
        slack: SlackStandIn,
        json: bool,
    ) -> anyhow::Result<Scene> {
        Ok(Scene {
            screen: Screen::new(json),
            workers: Workers::new(Arc::clone(&clock), store, slack.webhook("demo")),
            queue: EmbeddedQueue::new(Store::open(store)?, Arc::clone(&clock)),
            slack,
            journal: RefCell::default(),
            brief: Cell::new(false),
            clock,
        })
    }

    pub fn now(&self) -> Mono {
        self.clock.now().mono
    }

    /// How long the demo has been running.
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.now().0)
    }

    /// Shows a step of the demo.
    pub fn step(&self, text: &str) -> std::io::Result<()> {
        self.screen.step(self.elapsed(), text)
    }

    /// Puts messages into the queue, and notes them.
    pub async fn put(&self, events: &[Event]) -> anyhow::Result<()> {
        let first = self.journal.borrow().events.len();
        let incoming = |(i, event): (usize, &Event)| Incoming {
            message_id: format!("demo-{:04}", first + i),
            body: event.body.clone(),
            place: None,
        };
        let messages = events.iter().enumerate().map(incoming).collect();
        self.queue.put(Lane::Standard, messages).await?;
        let now = self.now();
        let mut journal = self.journal.borrow_mut();
        for event in events.iter().filter(|e| e.role == Role::Alert && e.is_critical()) {
            journal.criticals.insert(event.finding.clone(), now.0);
        }
        journal.events.extend_from_slice(events);
        Ok(())
    }

    /// Waits for a condition, at most `at_most`.
    pub async fn until(&self, at_most: Duration, condition: impl Fn() -> bool) {
        let end = self.now().plus(at_most);
        while !condition() && self.now() < end {
            self.pause(CHECK_EVERY).await;
        }
    }

    pub async fn pause(&self, duration: Duration) {
        self.clock.sleep_until(self.now().plus(duration)).await;
    }

    /// Kills a worker. Returns how many findings it held.
    pub async fn kill(&self, worker: Worker) -> anyhow::Result<usize> {
        let state = worker.kill(self.now()).await?;
        // The worker's posts until now may be unmarked.
        let kill = Kill { worker: state.snapshot.worker, at_ms: self.now().0 };
        self.journal.borrow_mut().kills.push(kill);
        Ok(state.snapshot.held)
    }
}
