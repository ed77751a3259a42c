//! The walk of an alert from part to part: prefetched, claimed, posted, released, waiting again.

use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::policy::budget::TimeBudget;
use crate::policy::recent::Settled;
use crate::policy::record::{AlertRecord, PaceRecord};
use crate::ports::{LedgerError, Prefetched, Verdict, Written};

use super::Desk;
use super::alert::AfterRelease;
use super::buffer::Resolution;
use super::destination::compose::compose;
use super::destination::next_move::{Move, Mover, Standing};
use super::destination::pace_slot::Taken;
use super::destination::post_in_hand::PostInHand;
use super::destination::post_result::{Followup, PostResult};
use super::destination::select::{Limits, Select, Selected};
use super::heartbeat;
use super::ids::{AlertId, DeliveryId};
use super::lambda_lifetime::Outlook;
use super::ledger::{KnownOfOld, prefetch};
use super::marking::record_closing;
use super::order::{ClaimOutcome, Order, WriteOrder};
use super::output::Subject;
use super::report::{KnownFrom, ReturnReason};
use super::settings::RETRY_MAX;
use super::timers::Timer;

/// Added to a delay, so that an alert does not come back a moment too early.
const A_LITTLE_MORE: Duration = Duration::from_secs(1);

impl Desk {
    /// Handles the timers that are due.
    pub(super) fn fire_timers(&mut self, now: Now) {
        let mut heartbeats = false;
        while let Some(timer) = self.shared.timers.pop_due(now.mono) {
            let cx = &mut self.shared.at(now);
            match timer {
                Timer::Heartbeat(id) => {
                    heartbeat::send(id, &mut self.buffer, &mut self.notes, cx);
                    heartbeats = true;
                }
                Timer::Finish(id) => self.buffer.deliveries.finish(id, cx),
                Timer::Ready(id) => self.buffer.alerts.make_ready(id),
                Timer::PrefetchPatience(id) => self.end_prefetch(id, now),
                Timer::RetryMark(id) => self.marking(now).retry(id),
                // The parts that own the other timers check the time themselves.
                Timer::PaceSlot(_)
                | Timer::Receive
                | Timer::Deletes
                | Timer::DrainPatience
                | Timer::EndOfLife => {}
            }
        }
        if heartbeats {
            heartbeat::send_early(&mut self.buffer, &mut self.notes, &mut self.shared.at(now));
        }
    }

    /// Settles the alerts whose records say that nothing is owed. The others go on.
    pub(super) fn prefetched(&mut self, result: Result<Vec<Prefetched>, LedgerError>, now: Now) {
        let answers = self.ledger.prefetch.answered(result, &mut self.shared.at(now));
        for (id, answer) in answers {
            let Some(alert) = self.buffer.alerts.get(id) else { continue };
            match prefetch::decide(id, answer, alert, &self.shared.at(now)) {
                prefetch::Next::Settle(settled, record) => {
                    if let Some(record) = record {
                        self.ledger.recent.learn(&alert.key, &record, &alert.sighting, now);
                    }
                    self.settle(id, settled, KnownFrom::Prefetch, now);
                }
                prefetch::Next::Join(write) => self.shared.output.order(Order::Join(*write)),
                prefetch::Next::GoOn => self.end_prefetch(id, now),
            }
        }
    }

    /// The record of an alert that was posted knows the newer state, or a claim decides.
    pub(super) fn joined(
        &mut self,
        write: &WriteOrder,
        result: &Result<Written<AlertRecord>, LedgerError>,
        now: Now,
    ) {
        let (id, record) = (write.alert, &write.record);
        let Some(alert) = self.buffer.alerts.get(id).filter(|alert| alert.is_waiting()) else {
            return;
        };
        match (result, record.level_posted()) {
            (Ok(Written::Done), Some(level)) => {
                self.ledger.recent.learn(&alert.key, record, &alert.sighting, now);
                self.settle(id, Settled::Posted(level), KnownFrom::Prefetch, now);
            }
            _ => self.end_prefetch(id, now),
        }
    }

    /// The prefetch of an alert is over, or it goes on without.
    pub(super) fn end_prefetch(&mut self, id: AlertId, now: Now) {
        if self.buffer.alerts.get(id).is_some_and(|alert| alert.closing && alert.is_waiting()) {
            record_closing(id, &mut self.buffer.alerts, &mut self.shared.at(now));
        } else {
            self.buffer.alerts.end_prefetch(id);
        }
    }

    /// Moves a destination on, as far as it can go now.
    pub(super) fn drive(&mut self, channel: usize, now: Now) {
        let slot = &mut self.destinations[channel].slot;
        let announced = slot.announce_pause(channel, &mut self.shared.at(now));
        let mut standing = Standing::Unknown;
        let next = loop {
            standing = match self.decide(standing, channel, now) {
                Move::Wait(at) => break at,
                Move::Claim => {
                    self.claim(channel, now);
                    let post = self.destinations[channel].in_hand.as_ref();
                    if post.map(PostInHand::claims_open) != Some(0) {
                        break None;
                    }
                    // All selected alerts were already posted. Others may wait.
                    self.release_late(channel, now);
                    Standing::ClaimsAnswered
                }
                Move::PostUnclaimed => {
                    self.post_unclaimed(channel, now);
                    break None;
                }
                Move::UseClaims => {
                    self.release_late(channel, now);
                    Standing::ClaimsAnswered
                }
                Move::BeginAgain => {
                    self.destinations[channel].in_hand = None;
                    Standing::NothingInHand
                }
                Move::ReleaseAndBegin => {
                    self.release_all(channel, now);
                    Standing::NothingInHand
                }
                Move::ReleaseAndWait(at) => {
                    self.release_all(channel, now);
                    break Some(at);
                }
                Move::TakeSlot => {
                    self.take_slot(channel, 1, now);
                    break None;
                }
            };
        };
        self.shared.timers.set_pace_slot(channel, announced.into_iter().chain(next).min());
    }

    fn decide(&mut self, standing: Standing, channel: usize, now: Now) -> Move {
        let (alerts, health) = (&self.buffer.alerts, &self.ledger.health);
        let mut mover = Mover { alerts, destinations: &mut self.destinations, health };
        mover.decide(standing, channel, &mut self.shared.at(now))
    }

    /// Selects the next post, and orders its claims.
    fn claim(&mut self, channel: usize, now: Now) {
        let Some(selected) = self.take_up(channel, Level::Informational, now) else { return };
        for id in selected {
            let Some(alert) = self.buffer.alerts.get(id) else { continue };
            // It may have been posted since it came, as a copy of an alert in hand.
            if let Some(settled) = self.ledger.remembers(alert, &self.shared.at(now)) {
                if let Some(post) = &mut self.destinations[channel].in_hand {
                    post.claim_answered();
                }
                self.settle(id, settled, KnownFrom::Memory, now);
                continue;
            }
            self.shared.output.order(Order::Claim(alert.claim_order(id)));
        }
    }

    /// Posts critical alerts without claims, because the ledger is unreachable.
    fn post_unclaimed(&mut self, channel: usize, now: Now) {
        self.ledger.health.report_unreachable(&mut self.shared.at(now));
        let Some(selected) = self.take_up(channel, Level::Critical, now) else { return };
        let alerts = &self.buffer.alerts;
        let KnownOfOld { settled, unsure, unknown } =
            self.ledger.split_known(selected, alerts, &self.shared.at(now));
        unknown.iter().for_each(|id| self.buffer.alerts.go_unclaimed(*id));
        if let Some(post) = &mut self.destinations[channel].in_hand {
            post.go_unclaimed(unknown);
        }
        for (id, settled) in settled {
            self.settle(id, settled, KnownFrom::Memory, now);
        }
        for id in unsure {
            self.wait_again(id, Some(now.mono.plus(RETRY_MAX)), now);
        }
        self.send(channel, now);
    }

    /// Takes the alerts of the next post in hand, none below `least`. None if no alert can be
    /// posted.
    fn take_up(&mut self, channel: usize, least: Level, now: Now) -> Option<Vec<AlertId>> {
        // The other workers hold about as much as this one.
        let fleet = usize::try_from(self.shared.settings.fleet).unwrap_or(1);
        let here = self.select().count_waiting(channel).saturating_mul(fleet);
        let waiting = here + self.outranked.alerts_for(channel, now);
        let d = &mut self.destinations[channel];
        d.note_waiting(waiting);
        // A post without claims asks nothing of the ledger.
        let unclaimed = least == Level::Critical;
        let ledger_fails = self.ledger.health.is_failing() && !unclaimed;
        let probe = d.breaker.is_breaker_open() || ledger_fails;
        let Selected { alerts, form, from_oldest } =
            self.select().choose(channel, Limits { least, probe });
        if alerts.is_empty() {
            return None;
        }
        let post_id = format!("{}-{}", self.shared.settings.worker_id, self.shared.ids.next());
        alerts.iter().for_each(|id| self.buffer.alerts.take_up(*id, channel));
        let post = PostInHand::new(post_id, form, from_oldest, alerts.len());
        self.destinations[channel].in_hand = Some(post);
        Some(alerts)
    }

    /// The ledger has answered a claim.
    pub(super) fn claimed(&mut self, id: AlertId, outcome: ClaimOutcome, now: Now) {
        if !matches!(outcome, ClaimOutcome::Failed { answered: false, .. }) {
            self.ledger.health.worked(&mut self.shared.at(now));
        }
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        let mut post = self.destinations[alert.channel].in_hand.as_mut();
        if let Some(post) = &mut post {
            post.claim_answered();
        }
        match outcome {
            ClaimOutcome::Won(record) => {
                self.ledger.recent.forget(&alert.key, &alert.sighting);
                self.buffer.alerts.won(id, record);
                if let Some(post) = post {
                    post.add(id);
                }
            }
            ClaimOutcome::AlreadyPosted { level, record } => {
                self.ledger.recent.learn(&alert.key, &record, &alert.sighting, now);
                self.settle(id, Settled::Posted(level), KnownFrom::Claim, now);
            }
            ClaimOutcome::Closed { record } => {
                self.ledger.recent.learn(&alert.key, &record, &alert.sighting, now);
                self.settle(id, Settled::Closed, KnownFrom::Claim, now);
            }
            ClaimOutcome::Busy { until } => self.claim_is_busy(id, until, now),
            ClaimOutcome::Failed { error, .. } => {
                let (alerts, cx) = (&mut self.buffer.alerts, &mut self.shared.at(now));
                let retry_at = self.ledger.claim_failed(id, &error, alerts, cx);
                self.wait_again(id, retry_at, now);
            }
        }
    }

    /// Another worker holds the claim. The message returns, unless other alerts of it keep it here,
    /// which may take long.
    fn claim_is_busy(&mut self, id: AlertId, until: Wall, now: Now) {
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        let delay = until.since(now.wall) + A_LITTLE_MORE;
        if self.buffer.deliveries.get(alert.delivery).is_none_or(|held| held.open <= 1) {
            self.resolve(id, Resolution::Return(ReturnReason::Busy, delay), now);
        } else {
            self.wait_again(id, Some(now.mono.plus(delay)), now);
        }
    }

    /// Orders the write that takes the slot for the post in hand.
    fn take_slot(&mut self, channel: usize, tries: u32, now: Now) {
        let d = &mut self.destinations[channel];
        let Some(post) = &d.in_hand else { return };
        d.slot.take(channel, post.post_id(), tries, &mut self.shared.at(now));
    }

    /// The ledger has answered a write of the pace.
    pub(super) fn pace_written(
        &mut self,
        channel: usize,
        result: Result<Written<PaceRecord>, LedgerError>,
        now: Now,
    ) {
        let slot = &mut self.destinations[channel].slot;
        let health = &mut self.ledger.health;
        let Some(taken) = slot.was_written(result, health, &mut self.shared.at(now)) else {
            return;
        };
        if self.shared.draining {
            return self.release_all(channel, now);
        }
        match taken {
            Taken::Fresh => self.send(channel, now),
            Taken::Stale { tries } => self.take_slot(channel, tries + 1, now),
        }
    }

    /// Orders the post in hand. Leases are checked once more, because the process may have been
    /// suspended since it asked for the slot.
    fn send(&mut self, channel: usize, now: Now) {
        self.release_late(channel, now);
        let d = &mut self.destinations[channel];
        let Some(mut post) = d.in_hand.take() else { return };
        if post.alerts().is_empty() {
            return;
        }
        if !d.slot.take_own_pace(now.mono) {
            // The slot is not used. Another is taken when this process's own pace allows.
            d.in_hand = Some(post);
            return;
        }
        let (alerts, settings) = (&self.buffer.alerts, &self.shared.settings);
        let select = Select { alerts, destinations: &self.destinations, settings };
        let sent = compose(channel, &mut post, &select, &mut self.notes, now);
        self.shared.output.order(Order::Post { destination: channel, post: sent });
        post.alerts().iter().for_each(|id| self.buffer.alerts.post(*id));
        post.start_posting();
        self.destinations[channel].in_hand = Some(post);
    }

    /// Slack has answered a post.
    pub(super) fn posted(&mut self, channel: usize, verdict: Verdict, now: Now) {
        let Some(post) = self.destinations[channel].in_hand.take() else { return };
        let mut result = PostResult {
            channel,
            post: &post,
            alerts: &mut self.buffer.alerts,
            destinations: &mut self.destinations,
            notes: &mut self.notes,
            cx: &mut self.shared.at(now),
        };
        match result.judge(verdict) {
            Followup::Record => self.marking(now).record_post(post.post_id(), post.alerts()),
            Followup::Release { ambiguous, alerts } => {
                for (id, after) in alerts {
                    self.release(id, ambiguous, after, now);
                }
            }
        }
    }

    /// Releases claims that are too old to post under.
    fn release_late(&mut self, channel: usize, now: Now) {
        let budget = &self.shared.settings.budget;
        let needed = budget.post_timeout() + TimeBudget::AROUND_A_POST;
        let Some(post) = &mut self.destinations[channel].in_hand else { return };
        let alerts = &self.buffer.alerts;
        let late = |id| alerts.lease_until(id).is_some_and(|end| end.since(now.wall) < needed);
        for id in post.take_out(late) {
            self.release(id, false, AfterRelease::Wait, now);
        }
    }

    fn release_all(&mut self, channel: usize, now: Now) {
        let Some(post) = self.destinations[channel].in_hand.take() else { return };
        for &id in post.alerts() {
            self.release(id, false, AfterRelease::Wait, now);
        }
    }

    /// Gives up the claim of an alert, if it has one.
    fn release(&mut self, id: AlertId, ambiguous: bool, after: AfterRelease, now: Now) {
        let ambiguous = ambiguous && !mutation::is(Mutation::AmbiguityForgotten);
        if ambiguous {
            self.buffer.alerts.perhaps_posted(id);
        }
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        let terms = &self.shared.settings.terms;
        let Some(write) = alert.release_order(id, ambiguous, terms, now.wall) else {
            return self.set_free(id, after, now);
        };
        self.buffer.alerts.release(id, after);
        self.shared.output.order(Order::Release(write));
    }

    /// The ledger has answered a release. A release without effect does little harm: the record
    /// stays ours until the lease ends, and the next claim finds it so.
    pub(super) fn released(
        &mut self,
        id: AlertId,
        result: Result<Written<AlertRecord>, LedgerError>,
        now: Now,
    ) {
        let cx = &mut self.shared.at(now);
        self.ledger.health.note(&result, cx);
        let Some(alert) = self.buffer.alerts.get(id) else { return };
        if let Err(error) = result {
            let subject = Subject::Record(&alert.key);
            cx.output.ledger_failed("release", subject, &error, Duration::ZERO);
        }
        if let Some(after) = self.buffer.alerts.released(id) {
            self.set_free(id, after, now);
        }
    }

    fn set_free(&mut self, id: AlertId, after: AfterRelease, now: Now) {
        match after {
            AfterRelease::Wait => self.wait_again(id, None, now),
            AfterRelease::Quarantine { detail } => {
                self.resolve(id, Resolution::Quarantine { detail }, now);
            }
        }
    }

    /// The alert waits again, at once or from a time on. If its delivery is to leave, it returns.
    fn wait_again(&mut self, id: AlertId, from: Option<Mono>, now: Now) {
        let Some(delivery) = self.buffer.alerts.wait_again(id) else { return };
        if let Some(reason) = self.buffer.deliveries.leaving(delivery) {
            let due = self.due_in(delivery, now);
            return self.resolve(id, Resolution::Return(reason, due), now);
        }
        match from {
            Some(at) => self.shared.timers.set(at, Timer::Ready(id)),
            None => self.buffer.alerts.make_ready(id),
        }
    }

    /// The delay of a delivery that returns because the desk ends.
    pub(super) fn due_in(&mut self, delivery: DeliveryId, now: Now) -> Duration {
        let (alerts, destinations) = (&self.buffer.alerts, &self.destinations);
        let outlook = Outlook { alerts, destinations, health: &self.ledger.health };
        outlook.due_in(delivery, &self.shared.at(now))
    }

    fn settle(&mut self, id: AlertId, settled: Settled, by: KnownFrom, now: Now) {
        self.buffer.settle(id, settled, by, &mut self.notes, &mut self.shared.at(now));
    }

    fn resolve(&mut self, id: AlertId, resolution: Resolution, now: Now) {
        self.buffer.resolve(id, resolution, &mut self.notes, &mut self.shared.at(now));
    }

    fn select(&self) -> Select<'_> {
        let (alerts, destinations) = (&self.buffer.alerts, &self.destinations);
        Select { alerts, destinations, settings: &self.shared.settings }
    }
}
