//! Recovery notes: people learn of an outage of hansho itself.
//!
//! A note stands once below the cards of a post, never in the place of a finding. The outage of a
//! destination lasts from the first of the failures that opened its breaker until Slack accepts a
//! post again. After a long outage the destination gets a note with its length and cause, as soon
//! as no alert that was held for it waits here. While a destination is dead, its fallback gets a
//! note.

use std::time::Duration;

use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::ports::{Late, Note, OutageCause, RetryReason};

use crate::desk::alerts::Alerts;
use crate::desk::context::Context;
use crate::desk::ids::AlertId;

use super::Destinations;
use super::post_in_hand::{PendingNote, PostInHand};
use super::select::Select;

/// A shorter outage needs no note: everything was posted within minutes.
const WORTH_A_NOTE: Duration = Duration::from_secs(5 * 60);
/// An alert that is less late needs no word about it.
const WORTH_A_WORD: Duration = Duration::from_secs(60);
/// An outage that ended longer ago needs no note any more.
const NEWS_FOR: Duration = Duration::from_secs(24 * 3600);

/// The outages of all destinations, in the order of the routes.
pub(in crate::desk) struct RecoveryNotes(Vec<Outage>);

#[derive(Default)]
struct Outage {
    /// The first failure since the last accepted post.
    since: Option<Mono>,
    /// The cause of the last failure, once the breaker was open.
    why: Option<OutageCause>,
    /// Alerts that the fallback posted since then.
    elsewhere: usize,
    /// The fallback has shown that this destination is dead.
    fallback_knows: bool,
    /// The outage is over, and the destination's own note is due.
    over: Option<Over>,
    /// The last outage that is over.
    past: Option<Past>,
}

/// An outage that opened the breaker.
#[derive(Clone, Copy)]
struct Past {
    since: Mono,
    until: Mono,
    why: OutageCause,
}

struct Over {
    lasted: Duration,
    why: OutageCause,
    /// By both clocks: one is compared, one is shown.
    ended: (Mono, Wall),
    held: usize,
    elsewhere: usize,
    /// Alerts that were held and returned to the queue instead of being posted.
    returned: usize,
    /// The youngest alert that was held.
    last: AlertId,
}

impl RecoveryNotes {
    /// `unread`: the destinations whose address could not be read at the start.
    pub fn new(destinations: usize, unread: &[usize], now: Mono) -> RecoveryNotes {
        let outage = |i| match unread.contains(&i) {
            true => Outage {
                since: Some(now),
                why: Some(OutageCause::Failing(RetryReason::NoAddress)),
                ..Outage::default()
            },
            false => Outage::default(),
        };
        RecoveryNotes((0..destinations).map(outage).collect())
    }

    /// A post to this destination failed.
    pub fn failed(&mut self, destination: usize, now: Mono) {
        self.0[destination].since.get_or_insert(now);
    }

    /// Its breaker is open.
    pub fn breaker_opened(&mut self, destination: usize, why: OutageCause) {
        self.0[destination].why = Some(why);
    }

    /// An alert for this destination returned to the queue.
    pub fn returned(&mut self, alert: AlertId, destination: usize) {
        if let Some(over) = &mut self.0[destination].over
            && alert <= over.last
        {
            over.returned += 1;
        }
    }

    /// Slack accepted a post of this channel.
    pub fn accepted(
        &mut self,
        channel: usize,
        post: &PostInHand,
        alerts: &Alerts,
        cx: &Context<'_>,
    ) {
        let carried = post.alerts().iter().filter_map(|id| alerts.get(*id));
        for alert in carried.filter(|alert| alert.destination != channel) {
            self.0[alert.destination].elsewhere += 1;
        }
        let held = held_for(channel, alerts);
        let outage = &mut self.0[channel];
        let (since, why) = (outage.since.take(), outage.why.take());
        let elsewhere = std::mem::take(&mut outage.elsewhere);
        outage.fallback_knows = false;
        let (Some(since), Some(why)) = (since, why) else { return };
        outage.past = Some(Past { since, until: cx.now.mono, why });
        let mut lasted = cx.now.mono.since(since);
        if let Some(earlier) = outage.over.take() {
            // The recovery did not last: one note reports both outages.
            lasted += earlier.lasted;
        }
        if is_worth_a_note(lasted) {
            outage.over = Some(Over {
                lasted,
                why,
                ended: (cx.now.mono, cx.now.wall),
                held: held.len(),
                elsewhere,
                returned: 0,
                last: held.iter().max().copied().unwrap_or(cx.ids.last_alert()),
            });
        }
    }

    /// How late an alert is that entered the queue at `entered`, because of the present or the last
    /// outage of the channel. None: not late.
    pub fn late(&self, channel: usize, entered: Wall, now: Now) -> Option<Late> {
        let outage = &self.0[channel];
        let present = outage.since.zip(outage.why);
        let present = present.map(|(since, why)| Past { since, until: now.mono, why });
        let Past { since, until, why } = present.or(outage.past)?;
        let waited = now.wall.since(entered);
        let by = waited.min(now.mono.since(since));
        (waited > now.mono.since(until) && by >= WORTH_A_WORD).then_some(Late { by, why })
    }

    /// The notes of the post that is about to go out.
    pub fn choose(
        &mut self,
        channel: usize,
        post: &PostInHand,
        select: &Select<'_>,
        now: Mono,
    ) -> Vec<PendingNote> {
        let mut notes = Vec::new();
        if self.is_over(channel, post, select.alerts, now) {
            notes.push(PendingNote::Recovered);
        }
        let dead = (0..self.0.len())
            .filter(|&i| i != channel && self.is_unknown_to_fallback(i, select.destinations, now));
        let carried = |i: &usize| {
            let is_for = |id| select.alerts.get(id).is_some_and(|n| n.destination == *i);
            post.alerts().iter().any(|id| is_for(*id))
        };
        notes.extend(dead.filter(carried).map(PendingNote::StandsIn));
        notes
    }

    /// A destination is dead for long, and its fallback has not shown that.
    fn is_unknown_to_fallback(&self, i: usize, destinations: &Destinations, now: Mono) -> bool {
        let outage = &self.0[i];
        let long = outage.since.is_some_and(|at| now.since(at) >= WORTH_A_NOTE);
        destinations[i].breaker.is_dead() && long && !outage.fallback_knows
    }

    /// The channel's outage is over and worth a note, and no alert that was held for it waits
    /// besides those in hand.
    fn is_over(&mut self, channel: usize, post: &PostInHand, alerts: &Alerts, now: Mono) -> bool {
        let outage = &mut self.0[channel];
        if outage.over.as_ref().is_some_and(|over| now.since(over.ended.0) >= NEWS_FOR) {
            outage.over = None;
        }
        let Some(last) = outage.over.as_ref().map(|over| over.last) else { return false };
        let in_hand = |id: &AlertId| post.alerts().contains(id);
        held_for(channel, alerts).iter().all(|id| *id > last || in_hand(id))
    }

    /// The recovery note. None if there is nothing to say any more.
    pub fn recovered(&self, channel: usize) -> Option<Note> {
        let over = self.0[channel].over.as_ref()?;
        Some(Note::Recovered {
            lasted: over.lasted,
            until: over.ended.1,
            why: over.why,
            held: over.held,
            elsewhere: over.elsewhere,
            returned: over.returned,
        })
    }

    /// The note for the fallback of a dead destination. None if there is nothing to say any more.
    pub fn stands_in(&self, i: usize, destinations: &Destinations, now: Mono) -> Option<Note> {
        let dead_for = now.since(self.0[i].since?);
        Some(Note::StandsIn { destination: destinations[i].name().to_owned(), dead_for })
    }

    /// The recovery note of a channel is not repeated.
    pub fn recovered_shown(&mut self, channel: usize) {
        if !mutation::is(Mutation::NotesRepeated) {
            self.0[channel].over = None;
        }
    }

    /// The note for the fallback of a dead destination is not repeated.
    pub fn stands_in_shown(&mut self, i: usize) {
        if !mutation::is(Mutation::NotesRepeated) {
            self.0[i].fallback_knows = true;
        }
    }
}

/// The alerts that wait for a destination, those of a post that was just accepted included.
fn held_for(destination: usize, alerts: &Alerts) -> Vec<AlertId> {
    let held = alerts
        .iter()
        .filter(|(_, n)| n.destination == destination && !n.is_accepted() && !n.closing);
    held.map(|(id, _)| id).collect()
}

fn is_worth_a_note(lasted: Duration) -> bool {
    lasted >= WORTH_A_NOTE || mutation::is(Mutation::NotesForTrifles)
}
