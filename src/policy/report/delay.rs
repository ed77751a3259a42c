//! How long posts took.

use std::time::Duration;

use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::record::{AcceptedPost, RecordKey};

use super::subject::Subject;

/// The most delays that are kept, of four bytes each.
const DELAYS_MAX: usize = 1_000_000;

/// The times between two moments: the last update of the finding before its last post
/// ([`AcceptedPost::revision`], by the source's clock) and Slack's answer
/// ([`AcceptedPost::sent_at`], by the worker's clock). The first includes the time that the product
/// and EventBridge took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    pub alerts: usize,
    pub median: Duration,
    pub worst: Duration,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delays {
    /// None: no alert has both times.
    pub all: Option<Delay>,
    /// The most severe first.
    pub levels: Vec<(Level, Delay)>,
    pub slowest: Option<Slowest>,
}

/// The alert that took longest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slowest {
    pub subject: Subject,
    pub level: Level,
    pub post_id: String,
    pub updated_at: Wall,
    pub posted_at: Wall,
}

/// Takes the delays one by one.
#[derive(Debug, Default)]
pub(super) struct DelayTally {
    /// In milliseconds, by level.
    levels: [Vec<u32>; Level::ALL.len()],
    kept: usize,
    worst: Option<(Duration, Slowest)>,
    /// Delays beyond [`DELAYS_MAX`].
    pub left_out: u64,
}

impl DelayTally {
    pub fn take(&mut self, key: &RecordKey, subject: &Subject, post: &AcceptedPost) {
        let Some(updated_at) = post.revision else { return };
        // Clocks differ, so an update may seem to be later than its post.
        let delay = post.sent_at.since(updated_at);
        if self.worst.as_ref().is_none_or(|(worst, _)| delay > *worst) {
            let slowest = Slowest {
                subject: Subject { destination: key.destination().to_owned(), ..subject.clone() },
                level: post.level,
                post_id: post.post_id.clone(),
                updated_at,
                posted_at: post.sent_at,
            };
            self.worst = Some((delay, slowest));
        }
        if self.kept >= DELAYS_MAX {
            self.left_out += 1;
            return;
        }
        if let Some(level) = self.levels.get_mut(usize::from(post.level.rank())) {
            level.push(u32::try_from(delay.as_millis()).unwrap_or(u32::MAX));
            self.kept += 1;
        }
    }

    pub fn finish(mut self) -> Delays {
        let levels = Level::ALL.into_iter().zip(&mut self.levels).rev();
        let levels = levels.filter_map(|(level, all)| Some((level, delay(all)?))).collect();
        let mut all: Vec<u32> = self.levels.into_iter().flatten().collect();
        Delays { all: delay(&mut all), levels, slowest: self.worst.map(|(_, slowest)| slowest) }
    }
}

/// Of an even number, the median is the greater of the two in the middle.
fn delay(all: &mut [u32]) -> Option<Delay> {
    let (alerts, worst) = (all.len(), *all.iter().max()?);
    let (_, median, _) = all.select_nth_unstable(alerts / 2);
    let time = |ms: u32| Duration::from_millis(u64::from(ms));
    Some(Delay { alerts, median: time(*median), worst: time(worst) })
}
