//! I23 to I26: a finding is kept back by a silence in force and by nothing else, changes are seen
//! soon and kept, and what a person wants posted is posted.

use std::collections::{BTreeMap, BTreeSet};

use hansho::instants::Wall;

use super::desks::Desks;
use super::{Rules, Verdict};
use crate::sim::history::{Carried, Entry, Shown, What, Who};
use crate::support::fakes::BEGAN;
use crate::support::naive::Silenced;

/// A change is seen within this time while the ledger answers.
const SEEN_MS: u64 = 30_000;
/// A read that failed is made up for within this time while the ledger answers: after 5 s, by a
/// read that may be slow.
const AGAIN_MS: u64 = 12_000;
/// Silences begin and end at whole seconds.
const ROUNDED_MS: i64 = 1_000;

/// A time in which a worker may have missed a change.
struct Gap {
    from: u64,
    /// It has read the silences since then.
    until: u64,
}

/// A life of a worker, as far as it reads silences.
struct Reader {
    started: u64,
    skew_ms: i64,
    /// When reads failed or were late, or nothing of it ran.
    gaps: Vec<Gap>,
}

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    /// The silences that the ledger had from a time on.
    versions: Vec<(u64, &'a [Silenced])>,
    readers: BTreeMap<Who, Reader>,
    /// Findings that had to be kept back when a worker took their message up.
    covered: BTreeMap<(Who, u32), BTreeSet<Carried>>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        state.see(rules, entry, verdict);
        state.desks.see(rules, entry);
    }
}

impl<'a> State<'a> {
    fn see(&mut self, rules: &Rules, entry: &'a Entry, verdict: &mut Verdict) {
        let at = entry.at;
        match (&entry.what, entry.who) {
            (What::Silences { all }, _) => {
                let before = self.versions.last().map_or(&[][..], |(_, all)| all);
                judge_change(at, before, all, verdict);
                self.versions.push((at, all));
            }
            (What::Started { skew_ms }, Some(who)) => {
                let reader = Reader { started: at, skew_ms: *skew_ms, gaps: Vec::new() };
                self.readers.insert(who, reader);
            }
            (What::SilencesUnread, Some(who)) => self.gap(who, at, at + AGAIN_MS),
            (What::Frozen { ms }, Some(who)) => self.gap(who, at, at + ms + SEEN_MS),
            (What::Received { message, .. }, Some(who))
                if self.desks.since(who, *message).is_none() =>
            {
                let carries = self.desks.carries(*message).iter();
                let covered =
                    carries.filter(|c| self.must_be_kept_back(rules, who, at, *message, c));
                let covered = covered.copied().collect();
                self.covered.insert((who, *message), covered);
            }
            (What::KeptBack { carried, silence }, Some(who)) => {
                self.kept_back(rules, at, who, carried, silence, verdict);
            }
            (What::PostCalled { cards, .. }, Some(who)) => {
                for card in cards {
                    self.posted(at, who, card, verdict);
                }
            }
            _ => {}
        }
    }

    fn gap(&mut self, who: Who, from: u64, until: u64) {
        if let Some(reader) = self.readers.get_mut(&who) {
            reader.gaps.push(Gap { from, until });
        }
    }

    /// The versions that a worker may know at a time. None stands for no silences.
    fn may_know(&self, who: Who, at: u64) -> Vec<Option<&'a [Silenced]>> {
        let Some(reader) = self.readers.get(&who) else { return Vec::new() };
        let mut since = at.saturating_sub(SEEN_MS);
        // What it knew when the gap began, or before one that goes over into that.
        let mut unread_since = at;
        for gap in reader.gaps.iter().rev().filter(|gap| gap.from <= at) {
            if gap.until >= unread_since {
                unread_since = unread_since.min(gap.from);
                since = since.min(gap.from.saturating_sub(SEEN_MS));
            }
        }
        let may_know_none = unread_since < at && since < reader.started;
        let since = since.max(reader.started);
        // The last version before is the one that was there then.
        let first = self.versions.partition_point(|(from, _)| *from <= since).saturating_sub(1);
        let later = self.versions.iter().skip(first);
        let none_before = self.versions.first().is_none_or(|(from, _)| *from > since);
        let none = (may_know_none || none_before).then_some(None);
        none.into_iter().chain(later.map(|(_, all)| Some(*all))).collect()
    }

    /// The time by the worker's clock.
    fn by_its_clock(&self, who: Who, at: u64) -> i64 {
        at as i64 + self.readers.get(&who).map_or(0, |reader| reader.skew_ms)
    }

    /// Whether each version that the worker may know keeps the finding back.
    fn must_be_kept_back(
        &self,
        rules: &Rules,
        who: Who,
        at: u64,
        message: u32,
        c: &Carried,
    ) -> bool {
        let is_again = self.desks.messages.get(&message).is_some_and(|message| message.again);
        if c.closed || is_again || rules.is_requested(c.finding) {
            return false;
        }
        let now = self.by_its_clock(who, at);
        let keeps_back = |silence: &Silenced| {
            let (from, until) = (time(&silence.from), time(&silence.until));
            from + ROUNDED_MS <= now
                && now + ROUNDED_MS < until
                && rules.names(silence, c.finding, c.level)
        };
        let known = self.may_know(who, at);
        let by_all = known.iter().all(|all| all.is_some_and(|all| all.iter().any(keeps_back)));
        by_all && !known.is_empty()
    }

    fn kept_back(
        &self,
        rules: &Rules,
        at: u64,
        who: Who,
        c: &Carried,
        id: &str,
        verdict: &mut Verdict,
    ) {
        let mut breaks = |invariant, why: &str| {
            let what = format!("{who} keeps {c} back by {id}: {why}");
            verdict.breaks(invariant, at, Some(c.finding), what);
        };
        if rules.is_requested(c.finding) {
            breaks("I25", "a person sent it on purpose");
        }
        let from = self.desks.taken_up_with(who, c);
        if from.and_then(|message| self.desks.messages.get(&message)).is_some_and(|m| m.again) {
            breaks("I25", "an operator sent it again");
        }
        let now = self.by_its_clock(who, at);
        let keeps_back = |silence: &Silenced| {
            let (from, until) = (time(&silence.from), time(&silence.until));
            silence.id == id
                && from - ROUNDED_MS <= now
                && now < until + ROUNDED_MS
                && rules.names(silence, c.finding, c.level)
        };
        let known = self.may_know(who, at);
        if !known.iter().flatten().any(|all| all.iter().any(keeps_back)) {
            breaks("I23", "no such silence was in force");
        }
        if c.closed {
            breaks("I23", "it is closed");
        }
    }

    /// A finding is posted. The worker did not have to keep it back each time that it took it up.
    fn posted(&self, at: u64, who: Who, card: &Shown, verdict: &mut Verdict) {
        let is_shown = |c: &Carried| (c.level, c.revision) == (card.level, card.revision);
        let carriers = self.desks.carriers(who, card.finding);
        let mut carriers = carriers.filter(|(_, c)| is_shown(c)).peekable();
        let covered = |(message, c): (u32, &Carried)| {
            self.covered.get(&(who, message)).is_some_and(|covered| covered.contains(c))
        };
        if carriers.peek().is_some() && carriers.all(covered) {
            let what = format!("{who} posts {card}, which a silence has to keep back");
            verdict.breaks("I24", at, Some(card.finding), what);
        }
    }
}

/// I26: a change keeps the other silences as they were.
fn judge_change(at: u64, before: &[Silenced], after: &[Silenced], verdict: &mut Verdict) {
    let gone = before.iter().find(|silence| !after.iter().any(|other| other.id == silence.id));
    let changed = after.iter().filter(|silence| !before.contains(silence)).count();
    if let Some(silence) = gone {
        verdict.breaks("I26", at, None, format!("the silence {} is gone", silence.id));
    }
    if changed > 1 {
        verdict.breaks("I26", at, None, format!("{changed} silences changed at once"));
    }
}

/// In simulated milliseconds.
fn time(written: &str) -> i64 {
    Wall::parse_rfc3339(written).map_or(i64::MIN, |at| at.0 - BEGAN.0)
}
