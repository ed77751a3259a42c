//! A destination: its pace slot, its breaker, the post in hand, and the choice of the next post.

pub(super) mod breaker;
pub(super) mod closing_note;
pub(super) mod compose;
pub(super) mod next_move;
pub(super) mod notes;
pub(super) mod pace_slot;
pub(super) mod post_in_hand;
pub(super) mod post_result;
pub(super) mod recovery_note;
pub(super) mod select;

use std::ops::{Index, IndexMut};
use std::time::Duration;

use crate::instants::{Mono, Now};
use crate::policy::route::Route;

use super::settings::Settings;
use breaker::Breaker;
use pace_slot::PaceSlot;
use post_in_hand::PostInHand;

/// A destination counts as unreachable when it can't be posted to for this time.
const SOON: Duration = Duration::from_secs(20);
/// One post in this number starts from the oldest alert. So no alert starves under a stream of more
/// severe ones.
const AGEING_TURN: u32 = 5;
/// After so many posts in a row that left alerts over, in all workers, a storm begins: what does
/// not fit one post as full cards is a digest, until a post leaves nothing over. So more findings
/// never make fewer posts, and the most severe of a storm are full cards.
const POSTS_BEFORE_STORM: u32 = 4;

/// The destinations in the order of the routes.
pub(super) struct Destinations(Vec<Destination>);

pub(super) struct Destination {
    name: String,
    /// The least time between two posts.
    interval: Duration,
    /// Receives its alerts while it is dead.
    fallback: Option<usize>,
    pub slot: PaceSlot,
    pub breaker: Breaker,
    pub in_hand: Option<PostInHand>,
    /// Accepted posts in a row that left alerts over.
    posts_left_over: u32,
    /// Whether the post in hand leaves some over.
    leaves_over: bool,
    /// After so many of them a storm begins.
    storm_after: u32,
    /// Posts since one that started from the oldest alert.
    posts_by_level: u32,
}

impl Destinations {
    pub fn new(settings: &Settings) -> Destinations {
        let routes = settings.routes.routes.iter().zip(&settings.paces).enumerate();
        let destination = |(i, (route, interval)): (usize, (&Route, &Duration))| {
            let fallback = settings.fallbacks.get(i).copied().flatten();
            let mut destination =
                Destination::new(&route.destination, *interval, fallback, settings);
            if settings.unread.contains(&i) {
                destination.breaker = Breaker::without_address();
            }
            destination
        };
        Destinations(routes.map(destination).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.0.iter()
    }

    /// The longest of the least times between two posts.
    pub fn slowest_pace(&self) -> Duration {
        self.iter().map(|d| d.interval).max().unwrap_or_default()
    }

    /// Ends all that was under way when the desk ended.
    pub fn end(&mut self) {
        for destination in &mut self.0 {
            destination.in_hand = None;
            destination.slot.end();
        }
    }
}

impl Index<usize> for Destinations {
    type Output = Destination;

    fn index(&self, i: usize) -> &Destination {
        &self.0[i]
    }
}

impl IndexMut<usize> for Destinations {
    fn index_mut(&mut self, i: usize) -> &mut Destination {
        &mut self.0[i]
    }
}

impl Destination {
    fn new(
        name: &str,
        interval: Duration,
        fallback: Option<usize>,
        settings: &Settings,
    ) -> Destination {
        Destination {
            name: name.to_owned(),
            interval,
            fallback,
            slot: PaceSlot::new(name, interval, settings),
            breaker: Breaker::default(),
            in_hand: None,
            posts_left_over: 0,
            leaves_over: false,
            storm_after: POSTS_BEFORE_STORM.div_ceil(settings.fleet.max(1)),
            posts_by_level: 0,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn interval(&self) -> Duration {
        self.interval
    }

    pub fn fallback(&self) -> Option<usize> {
        self.fallback
    }

    /// When this process may post to it, as far as this process knows.
    pub fn ready_at(&self) -> Mono {
        self.slot.own_pace_ready_at().max(self.breaker.resume_at())
    }

    /// It may be posted to within a while.
    pub fn is_soon(&self, now: Mono) -> bool {
        self.ready_at() <= now.plus(SOON)
    }

    /// A critical alert could be claimed at once.
    pub fn is_free_for_critical(&self, now: Now) -> bool {
        self.in_hand.is_none() && self.ready_at() <= now.mono && self.slot.is_due_for_critical(now)
    }

    /// The posts before this one left alerts over, so digests serve.
    pub fn is_storm(&self) -> bool {
        self.posts_left_over >= self.storm_after
    }

    /// Notes whether the post that is taken in hand leaves alerts over.
    pub fn leaves_over(&mut self, leaves_over: bool) {
        self.leaves_over = leaves_over;
    }

    /// The next post starts from the oldest alert.
    pub fn is_turn_of_oldest(&self) -> bool {
        self.posts_by_level >= AGEING_TURN
    }

    /// Takes note of a post that Slack accepted. True if the destination had failed before.
    pub fn accepted(&mut self, from_oldest: bool) -> bool {
        self.posts_left_over = if self.leaves_over { self.posts_left_over + 1 } else { 0 };
        self.posts_by_level = if from_oldest { 0 } else { self.posts_by_level + 1 };
        self.breaker.accepted()
    }
}
