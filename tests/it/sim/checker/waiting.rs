//! I14: no alert waits while a later one that is no more severe is posted. No alert starves.
//! When all is well, every alert is posted soon.

use std::collections::BTreeMap;

use super::desks::{Desks, owes};
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Entry, Shown, What, Who};

const CRITICAL: u8 = 4;
/// The fewest posts that break the rule by going before an alert that is more severe than all in
/// them, or as severe and older.
const PASSED_MAX: u32 = 4;
/// The fewest posts without a critical that break the rule by going before the oldest alert: five
/// by level, and a few that were in flight.
const STARVED_MAX: u32 = 9;

/// The fewest posts in a row that break the rule by carrying one alert while others wait. Cards
/// that fill a post alone are rare.
const ALONE_MAX: u32 = 8;

/// A finding of some level at a worker's desk, to be posted to a destination.
struct Want {
    finding: u32,
    level: u8,
    since: u64,
    passed: u32,
    starved: u32,
    /// How many criticals waited there when it came.
    criticals: u64,
}

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    /// By the age of their messages, and then by the order in which they came to this worker.
    wants: BTreeMap<(Who, u8), BTreeMap<(u64, u64), Want>>,
    enqueued: BTreeMap<u32, u64>,
    /// The level at which the ledger knows an alert as posted. A copy of it does not wait: a
    /// worker's memory, a prefetch or a claim settles it. The first two leave no trace here.
    level_posted: BTreeMap<Alert, u8>,
    /// Posts in a row that carried one alert though more could have been posted.
    alone: BTreeMap<(Who, u8), u32>,
    next: u64,
    posts: BTreeMap<u32, (u8, &'a [Shown])>,
    /// The level at which a worker has posted an alert. A copy of it waits until the ledger knows
    /// of that post.
    posted_here: BTreeMap<(Who, Alert), u8>,
    slowest: [u64; 2],
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        state.see(rules, entry, verdict);
        state.desks.see(rules, entry);
    }
    verdict.counts.slowest_critical = state.slowest[0];
    verdict.counts.slowest_lesser = state.slowest[1];
}

impl<'a> State<'a> {
    fn see(&mut self, rules: &Rules, entry: &'a Entry, verdict: &mut Verdict) {
        // The simulated queue counts what comes back after its delete as new.
        if let What::Enqueued { message, .. } | What::CameBack { message } = &entry.what {
            self.enqueued.insert(*message, entry.at);
        }
        match &entry.what {
            What::Rewound { alert } | What::Expired { alert } => {
                self.level_posted.remove(alert);
                self.posted_here.retain(|(_, posted), _| posted != alert);
            }
            What::Write { alert, row, done: true } if row.state == "sent" => {
                let level = row.level_sent.unwrap_or(0);
                self.level_posted.insert(*alert, level);
                for ((_, destination), wants) in &mut self.wants {
                    if *destination == alert.destination {
                        wants.retain(|_, w| w.finding != alert.finding || w.level > level);
                    }
                }
            }
            _ => {}
        }
        let Some(who) = entry.who else { return };
        match &entry.what {
            What::Received { message, .. }
                if self.desks.since(who, *message).is_none()
                    && !self.desks.is_deleted(*message) =>
            {
                self.received(rules, who, *message, entry.at);
            }
            What::PostCalled { post, destination, cards, .. } => {
                self.posts.insert(*post, (*destination, cards));
                self.posted(rules, entry, who, *destination, *post, cards, verdict);
            }
            What::PostAnswered { post, answer } => {
                let Some((destination, cards)) = self.posts.get(post).copied() else { return };
                if *answer == Answer::Accepted {
                    let posted = cards.iter().map(|card| ((who, card.alert()), card.level));
                    return self.posted_here.extend(posted);
                }
                self.alone.remove(&(who, destination));
                // The promise is for when Slack is well, and begins again. Only alerts that
                // meet no failure are timed, and all workers share the slots.
                for ((worker, channel), wants) in &mut self.wants {
                    if *worker == who && *channel == destination {
                        wants.values_mut().for_each(|w| (w.passed, w.starved) = (0, 0));
                    }
                    if rules.gentle && *channel == destination {
                        wants.clear();
                    }
                }
            }
            What::PaceFailed { .. } => self.alone.retain(|(w, _), _| *w != who),
            // The ledger refused the write or did not answer, so the finding waits for the ledger.
            What::Write { alert, done: false, .. } | What::WriteFailed { alert, .. } => {
                self.alone.retain(|(w, _), _| *w != who);
                if let Some(wants) = self.wants.get_mut(&(who, alert.destination)) {
                    wants.retain(|_, w| w.finding != alert.finding);
                }
            }
            What::KeptBack { carried, .. } => {
                for (_, wants) in self.wants.iter_mut().filter(|((w, _), _)| *w == who) {
                    wants.retain(|_, w| (w.finding, w.level) != (carried.finding, carried.level));
                }
            }
            What::Hide { message, ms, .. } if *ms != rules.visibility_ms => {
                self.left(rules, who, *message);
            }
            What::Delete { message, .. } | What::DeadLetter { message, .. } => {
                self.left(rules, who, *message);
            }
            What::Frozen { .. } | What::StopAsked | What::Crashed | What::Ended => {
                self.wants.retain(|(w, _), _| *w != who);
            }
            _ => {}
        }
    }

    fn received(&mut self, rules: &Rules, who: Who, message: u32, since: u64) {
        for (alert, c) in owes(rules, self.desks.carries(message)) {
            let posted = [self.level_posted.get(&alert), self.posted_here.get(&(who, alert))];
            let known = posted.into_iter().flatten().any(|level| *level >= c.level);
            // A finding that is known to be closed waits for no post.
            if known || rules.lives(c.finding) {
                continue;
            }
            let wants = self.wants.entry((who, alert.destination)).or_default();
            let criticals = wants.values().filter(|w| w.level == CRITICAL).count() as u64;
            let (finding, level, passed, starved) = (c.finding, c.level, 0, 0);
            self.next += 1;
            let age = self.enqueued.get(&message).copied().unwrap_or(since);
            wants.insert(
                (age, self.next),
                Want { finding, level, since, passed, starved, criticals },
            );
        }
    }

    fn left(&mut self, rules: &Rules, who: Who, message: u32) {
        for (alert, _) in owes(rules, self.desks.carries(message)) {
            if let Some(wants) = self.wants.get_mut(&(who, alert.destination)) {
                wants.retain(|_, w| w.finding != alert.finding);
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one post, whole")]
    fn posted(
        &mut self,
        rules: &Rules,
        entry: &Entry,
        who: Who,
        destination: u8,
        post: u32,
        cards: &[Shown],
        verdict: &mut Verdict,
    ) {
        let Some(wants) = self.wants.get_mut(&(who, destination)) else { return };
        let at = entry.at;
        let shown = |w: &Want| cards.iter().any(|c| c.finding == w.finding);
        let mut youngest_shown = BTreeMap::new();
        for (order, want) in wants.iter().filter(|(_, w)| shown(w)) {
            youngest_shown.insert(want.finding, *order);
            let slowest = &mut self.slowest[usize::from(want.level < CRITICAL)];
            if rules.gentle {
                *slowest = (at - want.since).max(*slowest);
                let (bound, what) = bound(rules, want);
                if at - want.since > bound {
                    let what = format!("{what} f{} waits for {} ms", want.finding, at - want.since);
                    verdict.breaks("I14", at, Some(want.finding), what);
                }
            }
        }
        // A retried alert may have waited longer than all that wait for their first try.
        let fresh = cards.iter().all(|c| wants.values().any(|w| w.finding == c.finding));
        wants.retain(|_, w| !shown(w));
        if !fresh {
            wants.values_mut().for_each(|w| w.starved = 0);
        }
        let worst = cards.iter().map(|c| c.level).max().unwrap_or(0);
        // A closed breaker lets alerts share their posts again.
        let class = worst == CRITICAL;
        let more =
            wants.values().filter(|w| (w.level == CRITICAL) == class && w.since + 5_000 < at);
        let alone = self.alone.entry((who, destination)).or_default();
        *alone = if fresh && cards.len() == 1 && more.count() > 3 { *alone + 1 } else { 0 };
        if *alone == ALONE_MAX {
            let what = format!("post {post} is the {ALONE_MAX}th that carries one alert alone");
            verdict.breaks("I13", at, None, what);
        }
        let oldest_shown = youngest_shown.values().min().copied();
        // The post shows no alert that is known to wait here.
        let Some(oldest_shown) = oldest_shown else { return };
        for (order, want) in wants.iter_mut() {
            let lesser = worst < want.level || (worst == want.level && oldest_shown > *order);
            want.passed += u32::from(lesser);
            if lesser && want.passed == PASSED_MAX {
                let what = format!(
                    "post {post} is the {PASSED_MAX}th that goes before a more severe or older alert"
                );
                verdict.breaks("I14", at, Some(want.finding), what);
            }
        }
        if fresh
            && worst < CRITICAL
            && let Some(want) = wants.values_mut().next()
        {
            want.starved += 1;
            if want.starved == STARVED_MAX {
                let what =
                    format!("post {post} is the {STARVED_MAX}th that goes before the oldest");
                verdict.breaks("I14", at, Some(want.finding), what);
            }
        }
    }
}

/// How long a finding may wait when all is well.
fn bound(rules: &Rules, want: &Want) -> (u64, &'static str) {
    match want.level {
        CRITICAL => (5_000 + want.criticals * rules.pace_ms, "the critical"),
        _ => (180_000, "the finding"),
    }
}
