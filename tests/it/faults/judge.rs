//! Judges what was seen. `README.md` beside this file says which of the simulator's invariants a
//! history over real sockets can show, and why the others can't be judged here.

use std::collections::{BTreeMap, BTreeSet};

use super::load::{Books, DESTINATIONS, owed};
use super::observe::{Row, Seen, Slot};
use super::workers::{PACE_MS, SKEW_MS, VISIBILITY_MS};
use crate::sim::checker::{Rules, Verdict, check_observed};
use crate::sim::history::{Alert, Answer, Carried, Entry, RowNote, Shown, What, Who};
use crate::sim::plan::Plan;

const CRITICAL: u8 = 4;
/// A worker posts critical findings without a claim and a slot after 2 min without the ledger.
const UNREACHABLE_MS: u64 = 110_000;
/// All times are whole milliseconds.
const ROUNDING_MS: u64 = 3;

pub fn rules(books: &Books) -> Rules {
    let each = [0, 1, 2, 3, 4].map(owed);
    Rules {
        destinations: DESTINATIONS.len() as u8,
        workers: 0,
        pace_ms: PACE_MS,
        visibility_ms: VISIBILITY_MS,
        findings_max: 0,
        bytes_max: 0,
        lanes: 2,
        poison: books.poison.clone(),
        remind_after_ms: None,
        retention_ms: 90 * 24 * 3_600_000,
        gentle: false,
        fallback: None,
        lives_from: u32::MAX,
        requested_from: u32::MAX,
        owed: vec![each; books.poison.len()],
        plan: Plan::of(0),
        accounts: Vec::new(),
        titles: Vec::new(),
    }
}

pub fn judge(rules: &Rules, owed: &BTreeMap<Alert, u8>, seen: &Seen) -> Verdict {
    let mut verdict = check_observed(rules, &seen.history);
    paced(rules, seen, &mut verdict);
    Protocol::default().check(rules, &seen.history, &mut verdict);
    rows(rules, owed, seen, &mut verdict);
    let end = seen.history.last().map_or(0, |entry| entry.at);
    for what in &seen.oddities {
        verdict.breaks("oddity", end, None, what.clone());
    }
    verdict.violations.sort_by_key(|violation| violation.at);
    verdict
}

/// I4: slots keep their distance and the pauses, each post has a slot of its own, and a worker that
/// was answered with `Retry-After` waits.
///
/// Only bounds that no delay can break are judged. A worker counts from the moment when it saw the
/// last slot, which is after that slot was written. So the next write comes later still.
fn paced(rules: &Rules, seen: &Seen, verdict: &mut Verdict) {
    let mut posts: BTreeMap<u32, (u8, Who, &[Shown])> = BTreeMap::new();
    let mut called_at: BTreeMap<u32, u64> = BTreeMap::new();
    for entry in &seen.history {
        if let (What::PostCalled { post, destination, cards, .. }, Some(who)) =
            (&entry.what, entry.who)
        {
            posts.insert(*post, (*destination, who, cards));
            called_at.insert(*post, entry.at);
        }
    }
    slots_keep_their_distance(rules, seen, &posts, verdict);
    let ledger = Ledger::of(&seen.history);
    for (post, (destination, who, cards)) in &posts {
        let at = called_at[post];
        let has_slot = seen
            .slots
            .iter()
            .any(|slot| slot.post == Some(*post) && slot.who == *who && slot.before <= at);
        let alone = cards.iter().all(|card| card.level == CRITICAL);
        let needs_none = alone && ledger.was_unreachable(*who, at);
        if !has_slot && !needs_none {
            let what = format!("post {post} of {who} to {destination} has no slot of its own");
            verdict.breaks("I4", at, cards.first().map(|card| card.finding), what);
        }
    }
    let mut pauses: BTreeMap<(Who, u8), u64> = BTreeMap::new();
    for entry in &seen.history {
        match (&entry.what, entry.who) {
            (What::PostAnswered { post, answer: Answer::Pause(ms) }, Some(who)) => {
                let Some((destination, ..)) = posts.get(post) else { continue };
                pauses.insert((who, *destination), entry.at + ms);
            }
            (What::PostCalled { post, destination, cards, .. }, Some(who)) => {
                let until = pauses.get(&(who, *destination)).copied().unwrap_or(0);
                if entry.at + ROUNDING_MS < until {
                    let early = until - entry.at;
                    let what =
                        format!("post {post} of {who} comes {early} ms before its pause ends");
                    verdict.breaks("I4", entry.at, cards.first().map(|c| c.finding), what);
                }
            }
            _ => {}
        }
    }
}

fn slots_keep_their_distance(
    rules: &Rules,
    seen: &Seen,
    posts: &BTreeMap<u32, (u8, Who, &[Shown])>,
    verdict: &mut Verdict,
) {
    let mut last: BTreeMap<u8, &Slot> = BTreeMap::new();
    for slot in &seen.slots {
        let old = last.insert(slot.destination, slot);
        // A slot that took long to take is taken again for the same post, and a pause has the post
        // of the slot before it.
        let Some(old) = old.filter(|old| old.post != slot.post) else { continue };
        let cards = slot.post.and_then(|post| posts.get(&post)).map_or(&[][..], |post| post.2);
        let finding = cards.first().map(|card| card.finding);
        if slot.length < rules.pace_ms {
            let what = format!("{} takes a slot of {} ms alone", slot.who, slot.length);
            verdict.breaks("I4", slot.after, finding, what);
        }
        let lesser = cards.iter().any(|card| card.level < CRITICAL);
        let share = if lesser { rules.pace_ms / 4 } else { 0 };
        let written = i64::try_from(old.before).unwrap_or(0).min(old.from + SKEW_MS as i64);
        let due = written + (old.length + share) as i64;
        if (slot.after + ROUNDING_MS) as i64 >= due {
            continue;
        }
        let what = format!(
            "{} takes a slot of {} {} ms before it is due",
            slot.who,
            slot.destination,
            due - slot.after as i64
        );
        verdict.breaks("I4", slot.after, finding, what);
    }
}

/// When which worker had no good answer of the ledger.
struct Ledger {
    good: BTreeMap<Who, Vec<u64>>,
}

impl Ledger {
    fn of(history: &[Entry]) -> Ledger {
        let mut good: BTreeMap<Who, Vec<u64>> = BTreeMap::new();
        for entry in history {
            let known = matches!(
                entry.what,
                What::Write { .. } | What::PaceWrite { .. } | What::Started { .. }
            );
            if let Some(who) = entry.who.filter(|_| known) {
                good.entry(who).or_default().push(entry.at);
            }
        }
        Ledger { good }
    }

    fn was_unreachable(&self, who: Who, at: u64) -> bool {
        let lately = |good: &u64| *good <= at && good + UNREACHABLE_MS >= at;
        !self.good.get(&who).is_some_and(|all| all.iter().any(lately))
    }
}

/// I12: a worker posts only what it has claimed, marks only what Slack accepted, and deletes a
/// message only when the ledger knows its alerts.
#[derive(Default)]
struct Protocol<'a> {
    carries: BTreeMap<u32, &'a [Carried]>,
    /// Findings, and the levels at which messages carry them.
    sent: BTreeSet<(u32, u8)>,
    claims: BTreeMap<(Who, Alert), (u64, i64)>,
    taken: BTreeSet<u32>,
    known: BTreeMap<Alert, u8>,
    quarantined: BTreeSet<u32>,
    frozen: BTreeMap<Who, u64>,
}

impl<'a> Protocol<'a> {
    fn check(mut self, rules: &Rules, history: &'a [Entry], verdict: &mut Verdict) {
        let ledger = Ledger::of(history);
        for entry in history {
            match (&entry.what, entry.who) {
                (What::Enqueued { message, carries, .. }, _) => {
                    self.carries.insert(*message, carries);
                    self.sent.extend(carries.iter().map(|c| (c.finding, c.level)));
                }
                (What::PostTaken { post }, _) => {
                    self.taken.insert(*post);
                }
                (What::DeadLetter { message, .. }, _) => {
                    self.quarantined.insert(*message);
                }
                (What::Frozen { ms }, Some(who)) => {
                    self.frozen.insert(who, entry.at + ms);
                }
                (What::Write { alert, row, done: true }, Some(who)) => {
                    self.written(entry.at, who, *alert, row, verdict);
                }
                (What::PostCalled { destination, cards, .. }, Some(who)) => {
                    for card in cards {
                        let critical = card.level == CRITICAL;
                        let excused = critical && ledger.was_unreachable(who, entry.at);
                        self.posted(rules, entry.at, who, *destination, card, excused, verdict);
                    }
                }
                (What::Delete { message, gone: true, .. }, _) => {
                    self.deleted(rules, entry.at, *message, verdict);
                }
                _ => {}
            }
        }
    }

    fn written(&mut self, at: u64, who: Who, alert: Alert, row: &RowNote, verdict: &mut Verdict) {
        match row.state {
            "claimed" => drop(self.claims.insert((who, alert), (at, row.lease_until))),
            "sent" if row.owned => {
                let accepted = row.post.is_some_and(|post| self.taken.contains(&post));
                if !accepted {
                    let what = format!("{who} marks an alert whose post Slack did not accept");
                    verdict.breaks("I12", at, Some(alert.finding), what);
                }
                self.claims.remove(&(who, alert));
            }
            _ => drop(self.claims.remove(&(who, alert))),
        }
        if let Some(level) = row.level_sent {
            let known = self.known.entry(alert).or_default();
            *known = level.max(*known);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one card, whole")]
    fn posted(
        &self,
        rules: &Rules,
        at: u64,
        who: Who,
        destination: u8,
        card: &Shown,
        excused: bool,
        verdict: &mut Verdict,
    ) {
        let mut breaks = |why: &str| {
            let what = format!("{who} posts f{} to {destination}: {why}", card.finding);
            verdict.breaks("I12", at, Some(card.finding), what);
        };
        if !self.sent.contains(&(card.finding, card.level)) {
            breaks("no message has the finding at this level");
        }
        if !rules.owed(card.finding, card.level).any(|d| d == destination) {
            breaks("the destination is not owed the alert");
        }
        let claim = self.claims.get(&(who, Alert { finding: card.finding, destination }));
        match claim {
            None if !excused => breaks("it has no claim"),
            Some((since, lease_until)) => {
                let frozen = self.frozen.get(&who).is_some_and(|until| until >= since);
                if *lease_until < at as i64 && !frozen {
                    breaks("its lease is over");
                }
            }
            None => {}
        }
    }

    fn deleted(&self, rules: &Rules, at: u64, message: u32, verdict: &mut Verdict) {
        if self.quarantined.contains(&message) {
            return;
        }
        for carried in self.carries.get(&message).copied().unwrap_or_default() {
            for destination in rules.owed(carried.finding, carried.level) {
                let alert = Alert { finding: carried.finding, destination };
                if self.known.get(&alert).is_none_or(|level| *level < carried.level) {
                    let what = format!("m{message} was deleted before the ledger knew {carried}");
                    verdict.breaks("I12", at, Some(carried.finding), what);
                }
            }
        }
    }
}

/// I8: at the end the ledger knows every alert at its level, and holds no claim.
fn rows(rules: &Rules, owed: &BTreeMap<Alert, u8>, seen: &Seen, verdict: &mut Verdict) {
    let end = seen.history.last().map_or(0, |entry| entry.at);
    for (alert, level) in owed.iter().filter(|(alert, _)| !rules.is_poison(alert.finding)) {
        let row = seen.rows.get(alert);
        let is_settled = row.is_some_and(|Row { state, level_sent }| {
            state == "sent" && *level_sent >= Some(*level)
        });
        if !is_settled {
            let what = format!(
                "the ledger ends with {row:?} for f{} at {}, owed at level {level}",
                alert.finding, alert.destination
            );
            verdict.breaks("I8", end, Some(alert.finding), what);
        }
    }
}
