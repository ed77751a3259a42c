//! Whoever looks at Slack while the demo runs: shows each request as it comes, and below them how
//! things are.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval};

use super::acts::VISIBILITY;
use super::slack_standin::{Answered, Received};
use super::status::Status;
use super::{Scene, tally};

const REDRAW_EVERY: Duration = Duration::from_millis(250);
/// Of a post in short: the headline, or, where it is about criticals, what each is, too.
const LINES: usize = 1;
const LINES_OF_CRITICALS: usize = 6;

pub struct Audience<'a> {
    scene: &'a Scene,
    posts: broadcast::Receiver<Arc<Received>>,
    told: usize,
    accepted: usize,
}

impl<'a> Audience<'a> {
    pub fn new(scene: &'a Scene) -> Audience<'a> {
        Audience { scene, posts: scene.slack.subscribe(), told: 0, accepted: 0 }
    }

    /// Watches until it is dropped; only an error ends it.
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

    /// Shows what came last.
    pub fn leave(mut self) -> anyhow::Result<()> {
        while let Ok(post) = self.posts.try_recv() {
            self.show(&post)?;
        }
        Ok(self.scene.stage.calm()?)
    }

    fn show(&mut self, post: &Received) -> io::Result<()> {
        if post.accepted {
            self.accepted += 1;
            self.told += tally::findings_in(&post.payload).len();
        }
        match &post.answered {
            Answered::Status { status: 200, .. } if !self.scene.in_short.get() => {
                self.scene.stage.cards(&post.payload)
            }
            Answered::Status { status: 200, .. } => self.in_short(post),
            Answered::Status { status: 429, .. } => {
                self.event(post, "Slack answers 429: too fast, try again later")
            }
            Answered::Status { status, .. } => self.event(post, &format!("Slack answers {status}")),
            Answered::Closed | Answered::Hung => self.event(post, "Slack does not answer"),
        }
    }

    fn in_short(&self, post: &Received) -> io::Result<()> {
        let Scene { stage, book, .. } = self.scene;
        let book = book.borrow();
        let told = tally::findings_in(&post.payload);
        let criticals: Vec<u64> =
            told.iter().filter_map(|id| book.criticals.get(id)).copied().collect();
        let (lines, remark) = match criticals.iter().min() {
            Some(from_ms) => {
                let waited = Duration::from_millis(post.at_ms.saturating_sub(*from_ms));
                let they = if criticals.len() == 1 { "it" } else { "they" };
                let remark = format!("told {:.1} s after {they} arrived", waited.as_secs_f64());
                (LINES_OF_CRITICALS, Some(remark))
            }
            None => (LINES, None),
        };
        stage.post(self.at(post), self.who(post), &post.payload, lines, remark.as_deref())
    }

    fn event(&self, post: &Received, text: &str) -> io::Result<()> {
        self.scene.stage.refusal(self.at(post), self.who(post), text)
    }

    fn at(&self, post: &Received) -> Duration {
        Duration::from_millis(post.at_ms)
    }

    fn who(&self, post: &Received) -> &'static str {
        let id = tally::worker_of(&post.payload).unwrap_or_default();
        self.scene.crew.name(&id).unwrap_or_default()
    }

    fn status(&self) -> io::Result<()> {
        let Scene { stage, crew, in_short, .. } = self.scene;
        let Some(seen) = Status::of(&crew.seen(), VISIBILITY, self.scene.now()) else {
            return Ok(());
        };
        if !in_short.get() {
            return Ok(());
        }
        let status = Status { told: self.told, posts: self.accepted, ..seen };
        stage.status(self.scene.at(), |columns, ink| status.line(columns, ink))
    }
}
