//! Validates the `[[destination]]` sections.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::mistake::Gathered;
use crate::config::model::{DESTINATIONS_MAX, Destination, routes};
use crate::config::raw::{Raw, RawDestination, RawMention};
use crate::config::reference::Reference;
use crate::config::values::{self, DestinationName};
use crate::finding::Level;
use crate::policy::filter::Threshold;
use crate::slack::Mentions;

use super::{matchers, on_call};

const PACE_DEFAULT: Duration = Duration::from_millis(1_100);
const PACE_MAX: Duration = Duration::from_secs(60 * 60);

/// The names and webhooks of the destinations so far.
#[derive(Default)]
struct Seen {
    names: BTreeSet<DestinationName>,
    webhooks: BTreeSet<Reference>,
}

pub fn destinations(raw: &Raw, threshold: Threshold, gathered: &mut Gathered) -> Vec<Destination> {
    check_count(raw.destination.len(), gathered);
    let mut seen = Seen::default();
    let mut all: Vec<Destination> = raw
        .destination
        .iter()
        .zip(1..)
        .take(DESTINATIONS_MAX)
        .filter_map(|(given, number)| destination(given, number, threshold, &mut seen, gathered))
        .collect();
    // With a destination missing, the indices of the two lists differ.
    if all.len() == raw.destination.len() {
        for (i, given) in raw.destination.iter().enumerate() {
            all[i].fallback = fallback(given, i, &all, threshold, gathered);
        }
    }
    all
}

fn check_count(count: usize, gathered: &mut Gathered) {
    if count == 0 {
        gathered.mistake(
            "destination",
            "there is none: set SLACK_WEBHOOK_URL in the environment, or write a [[destination]] \
             with a name and a webhook",
        );
    }
    if count > DESTINATIONS_MAX {
        let what = format!(
            "there are more than {DESTINATIONS_MAX}: run a second worker with a queue of its own \
             for the others"
        );
        gathered.mistake("destination", what);
    }
}

/// One destination, counted from 1, without its fallback. None if its name or webhook is a mistake.
fn destination(
    given: &RawDestination,
    number: usize,
    threshold: Threshold,
    seen: &mut Seen,
    gathered: &mut Gathered,
) -> Option<Destination> {
    let key = format!("destination[{number}]");
    let name = gathered.need(&format!("{key}.name"), &given.name, "", values::destination_name);
    if name.as_ref().is_some_and(|name| !seen.names.insert(name.clone())) {
        let what = "must be another name than those above it: it is part of the ledger's keys";
        gathered.mistake(format!("{key}.name"), what);
    }
    let webhook = gathered.need(&format!("{key}.webhook"), &given.webhook, "", values::reference);
    if webhook.as_ref().is_some_and(|webhook| !seen.webhooks.insert(webhook.clone())) {
        let what = "is that of another destination too: findings of both are posted twice there";
        gathered.warning(format!("{key}.webhook"), what);
    }
    let own = own_threshold(given, &key, threshold, gathered);
    let pace = pace(given, &key, gathered);
    let mut mentions = mentions(&given.mention, &key, gathered);
    mentions.on_call = on_call::on_call(given.on_call.as_ref(), &key, gathered);
    let matcher = given.matcher.as_ref();
    let matcher = matcher.map(|rules| matchers::matcher(rules, &format!("{key}.match"), gathered));
    let matcher = matcher.unwrap_or_default();
    let continues = format!("{key}.continue");
    let ends = gathered.read(&continues, &given.continues, values::true_or_false) == Some(false);
    let resolved = format!("{key}.resolved");
    let tells_closings =
        gathered.read(&resolved, &given.resolved, values::quiet_or_off).unwrap_or_default();
    let (name, webhook) = (name?, webhook?);
    let threshold = own;
    Some(Destination {
        name,
        webhook,
        mentions,
        threshold,
        matcher,
        ends,
        pace,
        fallback: None,
        tells_closings,
    })
}

/// The index of the fallback of the destination `of`, both counted from 0.
fn fallback(
    given: &RawDestination,
    of: usize,
    all: &[Destination],
    overall: Threshold,
    gathered: &mut Gathered,
) -> Option<usize> {
    let key = format!("destination[{}].fallback", of + 1);
    let name = gathered.read(&key, &given.fallback, values::destination_name)?;
    let found = all.iter().position(|d| d.name == name).filter(|&i| i != of);
    let Some(found) = found else {
        gathered.mistake(key, no_fallback(&name, of, all));
        return None;
    };
    let takes_all = all[found].matcher.is_everything() && !ends_before(found, all);
    if takes_all && floor(&all[found], overall) <= floor(&all[of], overall) {
        let what = "has nothing to take over: it gets all of these findings for itself, and none \
                    is posted twice in one channel; alerts of this destination alone wait for it";
        gathered.warning(key, what);
    }
    Some(found)
}

/// The least severity that a destination gets.
fn floor(destination: &Destination, overall: Threshold) -> f64 {
    destination.threshold.unwrap_or(overall).floor().max(overall.floor())
}

/// Whether a destination above this one may end the search.
fn ends_before(index: usize, all: &[Destination]) -> bool {
    all.iter().take(index).any(|d| d.ends)
}

/// Refuses rules for findings that leave a finding without a destination, and warns of a
/// destination that gets nothing.
pub fn reach(all: &[Destination], overall: Threshold, drops: bool, gathered: &mut Gathered) {
    let has_rules = all.iter().any(|d| !d.matcher.is_everything());
    if has_rules && !drops && !routes(overall, all).reach_all() {
        let what = format!(
            "some findings would reach nobody: each destination has match rules, or a higher \
             min_severity than {overall}; add a [[destination]] with neither, or raise \
             min_severity, or write unmatched = \"drop\" to drop what matches no destination"
        );
        gathered.mistake("destination", what);
    }
    for (i, destination) in all.iter().enumerate() {
        let takes_all = |d: &&Destination| {
            d.ends && d.matcher.is_everything() && floor(d, overall) <= floor(destination, overall)
        };
        if let Some(above) = all.iter().take(i).find(takes_all) {
            let what = format!(
                "gets nothing: {} above it gets everything, and ends the search by continue = false",
                above.name
            );
            gathered.warning(format!("destination[{}]", i + 1), what);
        }
    }
}

fn no_fallback(name: &DestinationName, of: usize, all: &[Destination]) -> String {
    let own = all[of].name.as_str();
    let others = all.iter().map(|d| d.name.as_str()).filter(|other| *other != own);
    let others = others.collect::<Vec<_>>().join(", ");
    match (name.as_str() == own, others.as_str()) {
        (_, "") => "must name another destination, and there is none".to_owned(),
        (true, others) => format!("must be another destination than itself: {others}"),
        (false, others) => format!("is no destination; known are {others}"),
    }
}

fn own_threshold(
    given: &RawDestination,
    key: &str,
    overall: Threshold,
    gathered: &mut Gathered,
) -> Option<Threshold> {
    let key = format!("{key}.min_severity");
    let own = gathered.read(&key, &given.min_severity, values::threshold)?;
    if own.floor() < overall.floor() {
        let what = "is lower than min_severity and has no effect: it can only raise the threshold";
        gathered.warning(key, what);
    }
    Some(own)
}

fn pace(given: &RawDestination, key: &str, gathered: &mut Gathered) -> Duration {
    let read = gathered.read(&format!("{key}.pace"), &given.pace, |given| {
        values::duration_within(given, Duration::ZERO, PACE_MAX)
    });
    read.unwrap_or(PACE_DEFAULT)
}

fn mentions(given: &RawMention, key: &str, gathered: &mut Gathered) -> Mentions {
    let mut mentions = Mentions::none();
    for level in Level::ALL {
        let text = match level {
            Level::Informational => &given.informational,
            Level::Low => &given.low,
            Level::Medium => &given.medium,
            Level::High => &given.high,
            Level::Critical => &given.critical,
        };
        let key = format!("{key}.mention.{level}");
        if let Some(mention) = gathered.read(&key, text, values::mention) {
            mentions.set(level, mention);
        }
    }
    mentions
}
