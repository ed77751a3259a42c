//! Shows each request that Slack's stand-in receives, and below them the workers' status.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval};

use super::scene::Scene;
use super::slack_standin::{Answered, Received};
use super::status::Status;
use super::tally;
use super::workers::VISIBILITY;

const REDRAW_EVERY: Duration = Duration::from_millis(250);
/// Lines of a brief post: the headline, or for critical findings also a line for each.
const LINES: usize = 1;
const LINES_OF_CRITICALS: usize = 6;

pub struct Viewer<'a> {
    scene: &'a Scene,
    posts: broadcast::Receiver<Arc<Received>>,
    posted: usize,
    accepted: usize,
}

impl<'a> Viewer<'a> {
    pub fn new(scene: &'a Scene) -> Viewer<'a> {
        Viewer { scene, posts: scene.slack.subscribe(), posted: 0, accepted: 0 }
    }

    /// Shows posts and status until it is dropped. Ends only with an error.
    pub async fn watch(&mut self) -> anyhow::Result<()> {
        let mut redraw = interval(REDRAW_EVERY);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                post = self.posts.recv() => {
                    let post = post.context("the stand-in ended, or was too fast")?;
                    self.show(&post)?;
                }
                _ = redraw.tick() => self.status()?,
            }
        }
    }

    /// Shows the last posts, and removes the status.
    pub fn finish(mut self) -> anyhow::Result<()> {
        while let Ok(post) = self.posts.try_recv() {
            self.show(&post)?;
        }
        Ok(self.scene.screen.clear_status()?)
    }

    fn show(&mut self, post: &Received) -> io::Result<()> {
        if post.accepted {
            self.accepted += 1;
            self.posted += self.findings_of(post);
        }
        match &post.answered {
            Answered::Status { status: 200, .. } if !self.scene.brief.get() => {
                self.scene.screen.cards(&post.payload)
            }
            Answered::Status { status: 200, .. } => self.brief(post),
            Answered::Status { status: 429, .. } => {
                self.refusal(post, "Slack answers 429: too many posts, retry later")
            }
            Answered::Status { status, .. } => {
                self.refusal(post, &format!("Slack answers {status}"))
            }
            Answered::Closed | Answered::Hung => self.refusal(post, "Slack does not answer"),
        }
    }

    /// How many findings of the demo a post holds. Its cards may hold other ids of the same form.
    fn findings_of(&self, post: &Received) -> usize {
        let journal = self.scene.journal.borrow();
        let is_known = |id: &&String| journal.events.iter().any(|event| event.finding == **id);
        tally::findings_in(&post.payload).iter().filter(is_known).count()
    }

    fn brief(&self, post: &Received) -> io::Result<()> {
        let Scene { screen, journal, .. } = self.scene;
        let journal = journal.borrow();
        let findings = tally::findings_in(&post.payload);
        let criticals: Vec<u64> =
            findings.iter().filter_map(|id| journal.criticals.get(id)).copied().collect();
        let (lines, remark) = match criticals.iter().min() {
            Some(from_ms) => {
                let waited = Duration::from_millis(post.at_ms.saturating_sub(*from_ms));
                let they = if criticals.len() == 1 { "it" } else { "they" };
                let remark = format!("posted {:.1} s after {they} arrived", waited.as_secs_f64());
                (LINES_OF_CRITICALS, Some(remark))
            }
            None => (LINES, None),
        };
        screen.post(elapsed(post), self.worker(post), &post.payload, lines, remark.as_deref())
    }

    fn refusal(&self, post: &Received, text: &str) -> io::Result<()> {
        self.scene.screen.refusal(elapsed(post), self.worker(post), text)
    }

    fn worker(&self, post: &Received) -> &'static str {
        let id = tally::worker_of(&post.payload).unwrap_or_default();
        self.scene.workers.name(&id).unwrap_or_default()
    }

    fn status(&self) -> io::Result<()> {
        let Scene { screen, workers, brief, .. } = self.scene;
        let Some(status) = Status::of(&workers.states(), VISIBILITY, self.scene.now()) else {
            return Ok(());
        };
        if !brief.get() {
            return Ok(());
        }
        let status = Status { posted: self.posted, posts: self.accepted, ..status };
        screen.status(self.scene.elapsed(), |columns, ink| status.line(columns, ink))
    }
}

fn elapsed(post: &Received) -> Duration {
    Duration::from_millis(post.at_ms)
}
