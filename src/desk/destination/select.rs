//! Selects the alerts that share the next post of a destination.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::finding::Level;
use crate::mutation::{self, Mutation};
use crate::ports::Form;

use crate::desk::alert::Alert;
use crate::desk::alerts::Alerts;
use crate::desk::ids::AlertId;
use crate::desk::ready::{Age, Rank, Ready};
use crate::desk::settings::Settings;

use super::{Destinations, STORM_FROM};

/// How many of the ready alerts are considered for a post. The number is large enough to pass over
/// a few that can't go now, and bounded, so that a long queue costs no more than a short one.
const CONSIDER_MAX: usize = 64;

/// The view from which alerts are selected.
pub(in crate::desk) struct Select<'a> {
    pub alerts: &'a Alerts,
    pub destinations: &'a Destinations,
    pub settings: &'a Settings,
}

/// What goes into the next post.
pub(in crate::desk) struct Selected {
    pub alerts: Vec<AlertId>,
    pub form: Form,
    pub from_oldest: bool,
}

/// Limits of one selection.
#[derive(Clone, Copy)]
pub(in crate::desk) struct Limits {
    /// No alert below this level.
    pub least: Level,
    /// The post is a probe of a service that fails, and carries one alert.
    pub probe: bool,
}

impl Select<'_> {
    /// The destinations whose alerts this channel receives as the fallback of a dead destination.
    fn stands_in_for(&self, channel: usize) -> impl Iterator<Item = usize> {
        let all = self.destinations.iter().enumerate();
        let serves = !mutation::is(Mutation::FallbackForgotten);
        let always = mutation::is(Mutation::FallbackServesTheLiving);
        all.filter(move |(_, d)| {
            serves && (d.breaker.is_dead() || always) && d.fallback() == Some(channel)
        })
        .map(|(i, _)| i)
    }

    /// The alerts that wait for a channel and can go, destination by destination, in this order in
    /// each. An alert that the channel receives by its own route is not posted there a second time
    /// for another destination. A copy of an alert in hand waits for that alert, and must not hide
    /// others behind it.
    fn waiting_for<'a, I: Iterator<Item = Rank> + 'a>(
        &'a self,
        channel: usize,
        order: fn(&'a Ready) -> I,
    ) -> impl Iterator<Item = impl Iterator<Item = Rank>> {
        let strays = move |rank: &Rank| {
            let alert = self.alerts.get(rank.1.1);
            alert.is_some_and(|n| !self.settings.routes.owes(channel, &n.finding))
        };
        let lists = std::iter::once((channel, None))
            .chain(self.stands_in_for(channel).map(move |other| (other, Some(strays))));
        lists.map(move |(i, only)| {
            order(self.alerts.ready(i)).filter(move |rank| {
                only.is_none_or(|only| only(rank)) && self.can_go(channel, rank)
            })
        })
    }

    /// No other alert of the same finding is in hand, unless that alert waits here for its slot
    /// and may be overtaken.
    fn can_go(&self, channel: usize, rank: &Rank) -> bool {
        let Some(alert) = self.alerts.get(rank.1.1) else { return false };
        if !self.alerts.is_key_in_hand(&alert.key) {
            return true;
        }
        let post = self.destinations[channel].in_hand.as_ref().filter(|post| !post.is_posting());
        let same = |id: &AlertId| self.alerts.get(*id).is_some_and(|n| n.key == alert.key);
        post.is_some_and(|post| post.alerts().iter().any(same))
    }

    /// The most severe level that waits for a channel.
    pub fn most_severe_for(&self, channel: usize) -> Option<Level> {
        let lists = self.waiting_for(channel, Ready::most_severe_first);
        let firsts = lists.filter_map(|mut ranks| ranks.next());
        firsts.min().map(|rank| rank.0.0)
    }

    pub fn level_in_hand(&self, channel: usize) -> Option<Level> {
        let post = self.destinations[channel].in_hand.as_ref()?;
        post.alerts().iter().filter_map(|id| Some(self.alerts.get(*id)?.level())).max()
    }

    /// How many alerts wait for a channel, counted up to one more than a storm in each list.
    pub fn count_waiting(&self, channel: usize) -> usize {
        let lists = self.waiting_for(channel, Ready::most_severe_first);
        lists.map(|ranks| ranks.take(STORM_FROM + 1).count()).sum()
    }

    /// The most severe alert that waits, and those that may share its post. Critical alerts share
    /// with critical alerts alone.
    pub fn choose(&self, channel: usize, limits: Limits) -> Selected {
        let lists = self.waiting_for(channel, Ready::most_severe_first);
        let mut ready: Vec<Rank> = lists.flat_map(|ranks| ranks.take(CONSIDER_MAX)).collect();
        ready.sort_unstable();
        let oldest = self.oldest_if_its_turn(channel, ready.first());
        let from_oldest = oldest.is_some();
        let considered = oldest.into_iter().chain(ready.into_iter().take(CONSIDER_MAX));
        let (mut alerts, plain) = self.fill(considered, limits);
        if plain {
            return Selected { alerts, form: Form::Plain, from_oldest };
        }
        let form = self.cards_or_digest(channel, &mut alerts);
        Selected { alerts, form, from_oldest }
    }

    /// One post in a few starts from the oldest alert, but never before a critical one.
    fn oldest_if_its_turn(&self, channel: usize, first: Option<&Rank>) -> Option<Rank> {
        let critical_waits = first.is_some_and(|rank| rank.0.0 == Level::Critical);
        if !starts_from_oldest(self.destinations[channel].is_turn_of_oldest(), critical_waits) {
            return None;
        }
        let lists = self.waiting_for(channel, Ready::oldest_first);
        lists.filter_map(|mut ranks| ranks.next()).min_by_key(|rank| rank.1)
    }

    /// Fills a post. True beside the alerts if it is one alert as plain text.
    fn fill(&self, considered: impl Iterator<Item = Rank>, limits: Limits) -> (Vec<AlertId>, bool) {
        let mut share_max = if limits.probe { 1 } else { self.settings.capacity.lines_max };
        let mut alerts: Vec<AlertId> = Vec::new();
        let mut keys = BTreeSet::new();
        let mut first_level = Level::Informational;
        for Rank(Reverse(level), Age(_, id)) in considered {
            let Some(alert) = self.alerts.get(id) else { continue };
            if keys.contains(&alert.key) || level < limits.least {
                continue;
            }
            if alerts.is_empty() {
                if alert.constraints.plain {
                    return (vec![id], true);
                }
                first_level = level;
            } else if !may_join(alert, first_level) {
                continue;
            }
            share_max = share_max.min(alert.constraints.share_max);
            if !alerts.is_empty() && alerts.len() >= share_max {
                break;
            }
            keys.insert(&alert.key);
            alerts.push(id);
        }
        (alerts, false)
    }

    /// Full cards, as many as fit. In a storm one digest with a line for each alert.
    fn cards_or_digest(&self, channel: usize, alerts: &mut Vec<AlertId>) -> Form {
        let fitting = self.fitting(alerts).max(1);
        if self.destinations[channel].is_storm() && alerts.len() > fitting {
            return Form::Digest;
        }
        alerts.truncate(fitting);
        Form::Cards
    }

    /// All of these alerts fit one post as cards.
    pub fn all_fit(&self, alerts: &[AlertId]) -> bool {
        self.fitting(alerts) == alerts.len()
    }

    /// How many of these cards, from the first on, fit one post.
    fn fitting(&self, alerts: &[AlertId]) -> usize {
        let mut sum = 0;
        let fits = |id: &&AlertId| {
            sum += self.weight(**id);
            sum <= self.settings.capacity.weight_max
        };
        alerts.iter().take(self.settings.capacity.cards_max).take_while(fits).count()
    }

    /// The most that the card of an alert takes of a post.
    pub fn weight(&self, id: AlertId) -> usize {
        let Some(alert) = self.alerts.get(id) else { return 0 };
        let has_fallback = self.destinations[alert.destination].fallback().is_some();
        alert.weight(&self.settings.capacity, has_fallback)
    }
}

fn starts_from_oldest(is_turn: bool, critical_waits: bool) -> bool {
    let turn = is_turn && !mutation::is(Mutation::AgeingForgotten);
    let held_up = critical_waits && !mutation::is(Mutation::AgeingOvertakesCriticals);
    (turn && !held_up) || mutation::is(Mutation::PriorityIgnored)
}

/// The alert may join a post whose first alert has this level.
fn may_join(alert: &Alert, first: Level) -> bool {
    let same_urgency = (first == Level::Critical) == (alert.level() == Level::Critical);
    !alert.constraints.plain && (same_urgency || mutation::is(Mutation::CriticalsShareWithLesser))
}
