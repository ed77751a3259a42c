//! Which alerts share the next post of a destination, and their claims.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::finding::Level;
use crate::instants::Now;
use crate::mutation::{self, Mutation};
use crate::policy::budget::TimeBudget;
use crate::policy::ledger::{RecordKey, Row};
use crate::ports::{Card, Form, Post};

use super::destination::{InHand, Won};
use super::order::{AlertId, ClaimOrder, ClaimOutcome, Order};
use super::ready::{Age, Rank, Ready};
use super::report::{KnownFrom, Report, ReturnReason};
use super::settling::Resolution;
use super::{AfterRelease, Alert, Capacity, Desk, RETRY_FIRST, RETRY_MAX, Stage};

/// How many of the ready are looked at to fill a post: enough to pass over a few that can't go now,
/// and bounded, so that a long queue costs no more than a short one.
const LOOK_MAX: usize = 64;
/// Every so many posts one starts from what has waited longest, so that nothing starves under a
/// stream of what is worse.
const AGEING_TURN: u32 = 5;
/// With more than so many waiting, in all workers, it is a storm: told in digests until it is over. What full cards
/// tell within a minute or so is told in full cards.
const STORM_FROM: usize = 200;
/// The storm is over when no more than so many wait.
const STORM_UNTIL: usize = 16;

/// What goes into the next post.
struct Picked {
    alerts: Vec<AlertId>,
    form: Form,
    from_oldest: bool,
}

impl Desk {
    /// Those whose alerts this channel takes because it is the fallback of a dead destination.
    fn stands_in_for(&self, channel: usize) -> impl Iterator<Item = usize> {
        let all = self.destinations.iter().enumerate();
        let serves = !mutation::is(Mutation::FallbackForgotten);
        let always = mutation::is(Mutation::FallbackServesTheLiving);
        all.filter(move |(_, d)| serves && (d.dead || always) && d.fallback == Some(channel))
            .map(|(i, _)| i)
    }

    /// What waits for a channel and can go, destination by destination, in this order in each. What
    /// the channel is told anyway it is not told again for another; a copy of what is in hand waits
    /// for that, and must hide nothing that is behind it.
    fn waiting_for<'a, I: Iterator<Item = Rank> + 'a>(
        &'a self,
        channel: usize,
        order: fn(&'a Ready) -> I,
    ) -> impl Iterator<Item = impl Iterator<Item = Rank>> {
        let strays = move |rank: &Rank| {
            let alert = self.alerts.get(&rank.1.1);
            alert.is_some_and(|n| !self.settings.routes.admits(channel, &n.finding.severity))
        };
        let lists = std::iter::once((channel, None))
            .chain(self.stands_in_for(channel).map(move |other| (other, Some(strays))));
        lists.map(move |(i, only)| {
            order(&self.destinations[i].ready).filter(move |rank| {
                only.is_none_or(|only| only(rank)) && self.can_go(channel, rank)
            })
        })
    }

    /// No other alert of the same finding is in hand, unless it is one that waits here for its slot
    /// and may be overtaken.
    fn can_go(&self, channel: usize, rank: &Rank) -> bool {
        let Some(alert) = self.alerts.get(&rank.1.1) else { return false };
        if !self.keys_in_hand.contains(&alert.key) {
            return true;
        }
        let hand = self.destinations[channel].in_hand.as_ref().filter(|hand| !hand.posting);
        let same = |won: &Won| self.alerts.get(&won.alert).is_some_and(|n| n.key == alert.key);
        hand.is_some_and(|hand| hand.won.iter().any(same))
    }

    /// The worst level that waits for a channel.
    pub(super) fn worst_for(&self, channel: usize) -> Option<Level> {
        let lists = self.waiting_for(channel, Ready::worst_first);
        let firsts = lists.filter_map(|mut ranks| ranks.next());
        firsts.min().map(|rank| rank.0.0)
    }

    pub(super) fn level_in_hand(&self, channel: usize) -> Option<Level> {
        let hand = self.destinations[channel].in_hand.as_ref()?;
        let level = |won: &Won| Some(self.alerts.get(&won.alert)?.finding.severity.level);
        hand.won.iter().filter_map(level).max()
    }

    pub(super) fn start_claims(&mut self, channel: usize, now: Now) {
        let Some(picked) = self.take_up(channel, Level::Informational, now) else { return };
        for id in picked {
            let Some(alert) = self.alerts.get(&id) else { continue };
            // It may have been told since it came, as a copy of what was in hand then.
            if let Some(level) = self.remembers(alert, now) {
                if let Some(hand) = &mut self.destinations[channel].in_hand {
                    hand.claims_open = hand.claims_open.saturating_sub(1);
                }
                self.covered(id, level, KnownFrom::Memory, now);
                continue;
            }
            self.output.order(Order::Claim(ClaimOrder {
                alert: id,
                key: alert.key.clone(),
                owner: alert.owner.clone(),
                level: alert.finding.severity.level,
                revision: alert.finding.updated_at,
            }));
        }
    }

    /// Takes criticals in hand as they are. False if none can go now.
    pub(super) fn take_without_claims(&mut self, channel: usize, now: Now) -> bool {
        let Some(picked) = self.take_up(channel, Level::Critical, now) else { return false };
        let told = |id: &AlertId| {
            let alert = self.alerts.get(id).filter(|alert| !alert.again)?;
            self.recent.covered(&alert.key, &alert.want(), &self.settings.terms, now)
        };
        let (told, untold): (Vec<_>, Vec<_>) =
            picked.into_iter().map(|id| (id, told(&id))).partition(|(_, level)| level.is_some());
        if let Some(hand) = &mut self.destinations[channel].in_hand {
            hand.claims_open = 0;
            hand.won = untold.into_iter().map(|(alert, _)| Won { alert, claim: None }).collect();
        }
        for (id, level) in told {
            self.covered(id, level.unwrap_or(Level::Critical), KnownFrom::Memory, now);
        }
        true
    }

    pub(super) fn covered(&mut self, id: AlertId, level: Level, by: KnownFrom, now: Now) {
        let Some(alert) = self.alerts.get(&id) else { return };
        self.report_covered(alert.key.clone(), level, by);
        self.resolve(id, Resolution::Settled, now);
    }

    pub(super) fn report_covered(&mut self, key: RecordKey, level: Level, by: KnownFrom) {
        let RecordKey { fingerprint: finding, destination } = key;
        self.output.count().already_posted += 1;
        self.output.report(Report::AlreadyPosted { finding, destination, level, by });
    }

    /// Takes in hand what goes into the next post, nothing of it below `least`.
    fn take_up(&mut self, channel: usize, least: Level, now: Now) -> Option<Vec<AlertId>> {
        // More than a storm need not be counted, or each post would cost more the more wait.
        let lists = self.waiting_for(channel, Ready::worst_first);
        let here: usize = lists.map(|ranks| ranks.take(STORM_FROM + 1).count()).sum();
        // The other workers hold about as much.
        let fleet = usize::try_from(self.settings.fleet).unwrap_or(1);
        let waiting = here.saturating_mul(fleet) + self.outranked.unseen_for(channel, now);
        let d = &mut self.destinations[channel];
        d.storm = waiting > STORM_FROM || (d.storm && waiting > STORM_UNTIL);
        let Picked { alerts: picked, form, from_oldest } = self.pick(channel, least);
        if picked.is_empty() {
            return None;
        }
        let serial = self.new_id();
        let digest = format!("{}-{serial}", self.settings.worker_id);
        for &id in &picked {
            let Some(alert) = self.alerts.get_mut(&id) else { continue };
            alert.stage = Stage::InHand;
            alert.channel = channel;
            let rank = alert.rank(id);
            self.destinations[alert.destination].ready.remove(rank);
            self.keys_in_hand.insert(alert.key.clone());
        }
        self.destinations[channel].in_hand = Some(InHand {
            digest,
            form,
            from_oldest,
            claims_open: picked.len(),
            won: Vec::new(),
            words: Vec::new(),
            posting: false,
        });
        Some(picked)
    }

    /// The worst that waits, and what may share its post. Criticals share with criticals alone.
    fn pick(&mut self, channel: usize, least: Level) -> Picked {
        let d = &self.destinations[channel];
        let lists = self.waiting_for(channel, Ready::worst_first);
        let mut ready: Vec<Rank> = lists.flat_map(|ranks| ranks.take(LOOK_MAX)).collect();
        ready.sort_unstable();
        // Once in a while the oldest goes before the worst; but never before a critical one.
        let worst_is_critical = ready.first().is_some_and(|r| r.0.0 == Level::Critical)
            && !mutation::is(Mutation::AgeingOvertakesCriticals);
        let turn = d.posts_by_level >= AGEING_TURN && !mutation::is(Mutation::AgeingForgotten);
        let oldest = (turn && !worst_is_critical || mutation::is(Mutation::PriorityIgnored))
            .then(|| {
                let lists = self.waiting_for(channel, Ready::oldest_first);
                lists.filter_map(|mut ranks| ranks.next()).min_by_key(|rank| rank.1)
            })
            .flatten();
        let from_oldest = oldest.is_some();
        let mut alerts: Vec<AlertId> = Vec::new();
        let mut keys = BTreeSet::new();
        let lines_max = self.settings.capacity.lines_max;
        // What goes without claims asks nothing of the ledger.
        let unclaimed = least == Level::Critical;
        let probing = d.is_open() || (self.ledger.is_failing() && !unclaimed);
        let mut share_max = if probing { 1 } else { lines_max };
        let mut critical = false;
        for Rank(Reverse(level), Age(_, id)) in
            oldest.into_iter().chain(ready.into_iter().take(LOOK_MAX))
        {
            let Some(alert) = self.alerts.get(&id) else { continue };
            if keys.contains(&alert.key) || level < least {
                continue;
            }
            if alerts.is_empty() {
                if alert.plain {
                    return Picked { alerts: vec![id], form: Form::Plain, from_oldest };
                }
                critical = level == Level::Critical;
            } else if alert.plain
                || (critical != (level == Level::Critical)
                    && !mutation::is(Mutation::CriticalsShareWithLesser))
            {
                continue;
            }
            share_max = share_max.min(alert.share_max);
            if !alerts.is_empty() && alerts.len() >= share_max {
                break;
            }
            keys.insert(&alert.key);
            alerts.push(id);
        }
        let form = self.cards_or_digest(channel, &mut alerts);
        Picked { alerts, form, from_oldest }
    }

    /// Full cards, as many as fit; in a storm one digest with a line for each.
    fn cards_or_digest(&mut self, channel: usize, alerts: &mut Vec<AlertId>) -> Form {
        let fitting = self.fitting(alerts).max(1);
        if self.destinations[channel].storm && alerts.len() > fitting {
            return Form::Digest;
        }
        alerts.truncate(fitting);
        Form::Cards
    }

    /// How many of these cards, from the first on, fit one post.
    fn fitting(&mut self, alerts: &[AlertId]) -> usize {
        let Capacity { cards_max, weight_max, .. } = self.settings.capacity;
        let mut sum = 0;
        let fits = |id: &&AlertId| {
            sum += self.weight(**id);
            sum <= weight_max
        };
        alerts.iter().take(cards_max).take_while(fits).count()
    }

    /// What the card of an alert takes of a post, at most. To weigh a card is to draw it, so that is
    /// done once.
    pub(super) fn weight(&mut self, id: AlertId) -> usize {
        let Some(alert) = self.alerts.get_mut(&id) else { return 0 };
        let has_fallback = self.destinations[alert.destination].fallback.is_some();
        let weigh = self.settings.capacity.weigh;
        *alert.weight.get_or_insert_with(|| {
            // At its longest: what the claim will say of it, and where it will be posted, is not known.
            weigh(&Card {
                finding: Arc::clone(&alert.finding),
                escalated_from: Some(Level::Informational),
                reminder: true,
                perhaps_repeated: true,
                meant_for: has_fallback.then(|| alert.key.destination.clone()),
            })
        })
    }

    /// The name of the alert's own destination, where another one takes its place.
    fn meant_for(&self, alert: &Alert, channel: usize) -> Option<String> {
        (alert.destination != channel).then(|| alert.key.destination.clone())
    }

    pub(super) fn claimed(&mut self, id: AlertId, outcome: ClaimOutcome, now: Now) {
        if !matches!(outcome, ClaimOutcome::Failed { answered: false, .. }) {
            self.ledger_worked(now);
        }
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        let finding = alert.key.fingerprint.clone();
        let name = alert.key.destination.clone();
        let hand = &mut self.destinations[alert.channel].in_hand;
        if let Some(hand) = hand {
            hand.claims_open = hand.claims_open.saturating_sub(1);
        }
        match outcome {
            ClaimOutcome::Won(row) => {
                self.recent.forget(&alert.key);
                alert.failures = 0;
                alert.reminder = row.is_reminder();
                alert.escalated = row.escalated_from().is_some();
                if let Some(hand) = hand {
                    hand.won.push(Won { alert: id, claim: Some(row) });
                }
            }
            ClaimOutcome::AlreadyPosted { level, told } => {
                if let Some(told) = told {
                    self.recent.learn(&alert.key, told, now);
                }
                self.covered(id, level, KnownFrom::Claim, now);
            }
            ClaimOutcome::Busy { until } => {
                // A little more, so that it does not come back a moment too early.
                let delay = until.since(now.wall) + Duration::from_secs(1);
                let alone = self.deliveries.get(&alert.delivery).is_none_or(|h| h.open <= 1);
                if alone {
                    self.resolve(id, Resolution::Return(ReturnReason::Busy, delay), now);
                } else {
                    // The message stays here for another destination, which may take long.
                    self.wait_again(id, Some(now.mono.plus(delay)), now);
                }
            }
            ClaimOutcome::Failed { error, .. } => {
                alert.failures += 1;
                self.ledger.failed(now.mono, error.0.kind, self.timers.retry());
                let delay = self.timers.retry_delay(alert.failures).min(RETRY_MAX / 2);
                self.output.report(Report::LedgerFailed {
                    call: "claim",
                    finding: Some(finding),
                    destination: Some(name),
                    reason: error.as_str(),
                    detail: error.to_string(),
                    delay,
                });
                // Where the ledger fails altogether, all wait for it together. Another one tries it
                // next: it may be the row of this one alone that fails.
                let together = self.ledger.rests_until(now.mono).map(|at| at.plus(RETRY_FIRST));
                self.wait_again(id, together.or(Some(now.mono.plus(delay))), now);
            }
        }
    }

    /// Gives up claims that are too old to post under.
    pub(super) fn release_late(&mut self, channel: usize, now: Now) {
        let needed = self.settings.budget.post_timeout() + TimeBudget::AROUND_A_POST;
        let Some(hand) = &mut self.destinations[channel].in_hand else { return };
        let late = |won: &mut Won| {
            won.claim.as_ref().is_some_and(|row: &Row| row.lease_until.since(now.wall) < needed)
        };
        let late: Vec<Won> = hand.won.extract_if(.., late).collect();
        for won in late {
            self.release(won, false, AfterRelease::Wait, now);
        }
    }

    /// Posts what is in hand, now. Leases are looked at once more: the process may have stood still
    /// since the slot was asked for.
    pub(super) fn send(&mut self, channel: usize, now: Now) {
        self.release_late(channel, now);
        let Some(mut hand) = self.destinations[channel].in_hand.take() else { return };
        if hand.won.is_empty() {
            return;
        }
        if self.destinations[channel].pace.take(now.mono).is_err() {
            // The slot goes by unused; another one is taken when this process's own pace allows.
            self.destinations[channel].in_hand = Some(hand);
            return;
        }
        let cards: Vec<Card> = hand.won.iter().filter_map(|won| self.card(won)).collect();
        if hand.form == Form::Digest {
            let won: Vec<AlertId> = hand.won.iter().map(|won| won.alert).collect();
            if self.fitting(&won) == won.len() {
                // Most of what was picked had been told before: what is left fits as cards.
                hand.form = Form::Cards;
            }
        }
        hand.words = self.words_for(channel, &hand, now);
        let words = hand.words.iter();
        let notes = words.filter_map(|word| self.note(channel, *word, now)).collect();
        let d = &mut self.destinations[channel];
        self.output.order(Order::Post {
            destination: channel,
            digest: Post {
                id: hand.digest.clone(),
                destination: d.name.clone(),
                form: hand.form,
                cards,
                notes,
            },
        });
        hand.posting = true;
        d.last_post_at = Some(now.mono);
        d.in_hand = Some(hand);
    }

    fn card(&self, won: &Won) -> Option<Card> {
        let alert = self.alerts.get(&won.alert)?;
        Some(Card {
            finding: Arc::clone(&alert.finding),
            escalated_from: won.claim.as_ref().and_then(Row::escalated_from),
            reminder: alert.reminder,
            // Without a claim nobody knows whether it was posted before.
            perhaps_repeated: won.claim.as_ref().is_none_or(|row| {
                row.perhaps_repeats() || (alert.perhaps && row.level_sent.is_none())
            }),
            meant_for: self.meant_for(alert, alert.channel),
        })
    }
}
