//! Decides the next move of a destination.
//!
//! ```text
//! nothing in hand ─ slot due ─▶ claims ─ all in ─▶ take the slot ─ taken ─▶ post ─ answered ─▶
//!       ▲                                               │
//!       └─── released: a critical alert came, or the slot is far off
//! ```

use crate::finding::Level;
use crate::instants::Mono;
use crate::mutation::{self, Mutation};
use crate::ports::RetryReason;

use crate::desk::alerts::Alerts;
use crate::desk::context::Context;
use crate::desk::ledger::health::Health;
use crate::desk::order::Order;

use super::Destinations;
use super::pace_slot::HOLD_MAX;
use super::select::Select;

pub(in crate::desk) enum Move {
    /// Nothing can be done now. Come again then, or when an event arrives.
    Wait(Option<Mono>),
    /// A slot is due: claim the alerts of the next post.
    Claim,
    /// The ledger is unreachable: post critical alerts without claims.
    PostUnclaimed,
    /// All claims are answered: use them.
    UseClaims,
    /// The post in hand is empty: begin another one.
    BeginAgain,
    /// Give the claims up, and begin another post.
    ReleaseAndBegin,
    /// Give the claims up, because the slot is far off. Come again then.
    ReleaseAndWait(Mono),
    TakeSlot,
}

/// Where a destination stands when its next move is decided.
#[derive(Clone, Copy)]
pub(in crate::desk) enum Standing {
    /// Something happened, and the post in hand says what can follow.
    Unknown,
    NothingInHand,
    ClaimsAnswered,
}

/// The view and the slots from which a move is decided.
pub(in crate::desk) struct Mover<'a> {
    pub alerts: &'a Alerts,
    pub destinations: &'a mut Destinations,
    pub health: &'a Health,
}

impl Mover<'_> {
    pub fn decide(&mut self, from: Standing, channel: usize, cx: &mut Context<'_>) -> Move {
        match from {
            Standing::Unknown => self.next(channel, cx),
            Standing::NothingInHand => self.begin(channel, cx),
            Standing::ClaimsAnswered => self.use_claims(channel, cx),
        }
    }

    fn next(&mut self, channel: usize, cx: &mut Context<'_>) -> Move {
        let Some(post) = &self.destinations[channel].in_hand else {
            return self.begin(channel, cx);
        };
        if post.is_posting() {
            // The next slot is asked for already, so that no lesser post gets in between.
            let critical = self.select(cx).most_severe_for(channel) == Some(Level::Critical);
            return Move::Wait(match critical && !cx.draining {
                true => self.ask(channel, Level::Critical, cx).err().flatten(),
                false => None,
            });
        }
        match post.claims_open() {
            0 => Move::UseClaims,
            _ => Move::Wait(None),
        }
    }

    /// Nothing is in hand: begins a post, if it can go soon.
    fn begin(&mut self, channel: usize, cx: &mut Context<'_>) -> Move {
        let Some(level) = self.select(cx).most_severe_for(channel) else {
            return Move::Wait(self.reread_address(channel, cx));
        };
        if cx.draining {
            return Move::Wait(None);
        }
        let resume_at = self.destinations[channel].breaker.resume_at();
        if resume_at > cx.now.mono {
            return Move::Wait(Some(resume_at));
        }
        if goes_without_claim(level, self.health.is_unreachable(cx.now.mono)) {
            let at = self.turn_without_ledger(channel, cx);
            return if at > cx.now.mono { Move::Wait(Some(at)) } else { Move::PostUnclaimed };
        }
        if let Some(until) = self.health.rests_until(cx.now.mono) {
            return Move::Wait(Some(self.retry_of_ledger(level, until, cx)));
        }
        if let Err(wake) = self.ask(channel, level, cx) {
            return Move::Wait(wake);
        }
        let ready_at = self.destinations[channel].slot.own_pace_ready_at();
        if ready_at > cx.now.mono { Move::Wait(Some(ready_at)) } else { Move::Claim }
    }

    /// Nothing waits for a destination without an address: has the address read again, because no
    /// post does that. Answers with the time of the next try.
    fn reread_address(&mut self, channel: usize, cx: &mut Context<'_>) -> Option<Mono> {
        let d = &mut self.destinations[channel];
        if !d.breaker.lacks_address() || cx.draining {
            return None;
        }
        if d.breaker.resume_at() <= cx.now.mono {
            d.breaker.failed(RetryReason::NoAddress);
            let delay = cx.timers.retry_delay(d.breaker.failures());
            d.breaker.rest_until(cx.now.mono.plus(delay));
            let name = d.name().to_owned();
            cx.output.order(Order::Refresh { destination: channel, name });
        }
        Some(d.breaker.resume_at())
    }

    /// The claims are in: posts under them as soon as there is a slot.
    fn use_claims(&mut self, channel: usize, cx: &mut Context<'_>) -> Move {
        let Some(level) = self.select(cx).level_in_hand(channel) else { return Move::BeginAgain };
        // A slot that is being taken is used up, whatever is posted.
        let overtaken = level < Level::Critical
            && !self.destinations[channel].slot.is_being_taken()
            && self.select(cx).most_severe_for(channel) == Some(Level::Critical);
        if overtaken || cx.draining {
            return Move::ReleaseAndBegin;
        }
        let wake = match self.ask(channel, level, cx) {
            Err(None) => return Move::Wait(None),
            Err(Some(wake)) => wake,
            Ok(()) => {
                let ready_at = self.destinations[channel].slot.own_pace_ready_at();
                if ready_at <= cx.now.mono {
                    return Move::TakeSlot;
                }
                ready_at
            }
        };
        match wake > cx.now.mono.plus(HOLD_MAX) {
            true => Move::ReleaseAndWait(wake),
            false => Move::Wait(Some(wake)),
        }
    }

    fn ask(
        &mut self,
        channel: usize,
        level: Level,
        cx: &mut Context<'_>,
    ) -> Result<(), Option<Mono>> {
        self.destinations[channel].slot.ask(channel, level, cx)
    }

    /// The time of the next post without the ledger. The pace is this worker's share of the whole,
    /// because no slot can be reserved.
    fn turn_without_ledger(&self, channel: usize, cx: &Context<'_>) -> Mono {
        let d = &self.destinations[channel];
        let share = d.interval().saturating_mul(dividing_fleet(cx.settings.fleet));
        d.slot.turn_without_ledger(share, d.ready_at(), cx.now)
    }

    /// The ledger fails. A critical alert waits no longer than until it counts as unreachable.
    fn retry_of_ledger(&self, level: Level, until: Mono, cx: &Context<'_>) -> Mono {
        let unreachable_at = self.health.unreachable_at().filter(|at| *at > cx.now.mono);
        let critical = level == Level::Critical;
        unreachable_at.filter(|_| critical).map_or(until, |at| at.min(until))
    }

    fn select<'b>(&'b self, cx: &Context<'b>) -> Select<'b> {
        let (alerts, destinations) = (self.alerts, &*self.destinations);
        Select { alerts, destinations, settings: cx.settings }
    }
}

fn goes_without_claim(level: Level, ledger_unreachable: bool) -> bool {
    level == Level::Critical && ledger_unreachable && !mutation::is(Mutation::UnreachableForgotten)
}

fn dividing_fleet(fleet: u32) -> u32 {
    if mutation::is(Mutation::UnreachablePaceUndivided) { 1 } else { fleet }
}
