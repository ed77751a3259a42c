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
/// More waiting alerts, in all workers, are a storm, and posts are digests until it is over. Fewer
/// alerts can be posted as full cards within about a minute.
pub(super) const STORM_FROM: usize = 200;
/// The storm is over when at most this number of alerts waits.
const STORM_UNTIL: usize = 16;

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
    storm: bool,
    /// Posts since one that started from the oldest alert.
    posts_by_level: u32,
}

impl Destinations {
    pub fn new(settings: &Settings) -> Destinations {
        let routes = settings.routes.all().iter().zip(&settings.paces).enumerate();
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
            storm: false,
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

    /// So many alerts wait that digests serve.
    pub fn is_storm(&self) -> bool {
        self.storm
    }

    pub fn note_waiting(&mut self, waiting: usize) {
        self.storm = waiting > STORM_FROM || (self.storm && waiting > STORM_UNTIL);
    }

    /// The next post starts from the oldest alert.
    pub fn is_turn_of_oldest(&self) -> bool {
        self.posts_by_level >= AGEING_TURN
    }

    /// Takes note of a post that Slack accepted. True if the destination had failed before.
    pub fn accepted(&mut self, from_oldest: bool) -> bool {
        self.posts_by_level = if from_oldest { 0 } else { self.posts_by_level + 1 };
        self.breaker.accepted()
    }
}
