//! I21 and I22: a finding that comes back is posted again, and a finding known to be closed is
//! not posted.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::Desks;
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Carried, Entry, Shown, What, Who};

/// Two clocks are at most so far apart, and a record's time is rounded up.
const SKEW_MS: u64 = 10_000;

/// A closed state that the ledger knows.
struct Closing {
    level: u8,
    revision: u8,
    at: u64,
}

impl Closing {
    /// A destination that is not owed such a finding keeps no trace of its end, unless an alert of
    /// it was posted before.
    fn is_owed_to(&self, rules: &Rules, finding: u32, destination: u8) -> bool {
        rules.owed(finding, self.level).any(|owed| owed == destination)
    }
}

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    /// The newest open and the newest closed state of each finding that a worker received.
    open: BTreeMap<u32, u8>,
    closed: BTreeMap<u32, u8>,
    /// The closings that were settled before any newer open state was received.
    closings: BTreeMap<u32, Vec<Closing>>,
    posts: BTreeMap<u32, &'a [Shown]>,
    /// With the times at which Slack accepted them.
    accepted: BTreeMap<Alert, Vec<(u64, Shown)>>,
    /// When a worker claimed an alert last.
    claimed: BTreeMap<(Who, Alert), u64>,
    quarantined: BTreeSet<u32>,
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
        match (&entry.what, entry.who) {
            (What::Received { message, .. }, _) => {
                for c in self.desks.carries(*message) {
                    let newest = if c.closed { &mut self.closed } else { &mut self.open };
                    let revision = newest.entry(c.finding).or_default();
                    *revision = c.revision.max(*revision);
                }
            }
            (What::Write { alert, row, done }, Some(who)) => {
                match *done && row.state == "claimed" {
                    true => self.claimed.insert((who, *alert), entry.at),
                    false => self.claimed.remove(&(who, *alert)),
                };
            }
            (What::WriteFailed { alert, .. }, Some(who)) => {
                self.claimed.remove(&(who, *alert));
            }
            (What::PostCalled { post, cards, .. }, Some(who)) => {
                self.posts.insert(*post, cards);
                for card in cards {
                    self.posted(rules, entry.at, who, card, verdict);
                }
            }
            (What::PostTaken { post }, _) => {
                for card in self.posts.get(post).copied().unwrap_or_default() {
                    self.accepted.entry(card.alert()).or_default().push((entry.at, *card));
                }
            }
            (What::DeadLetter { message, .. }, _) => {
                self.quarantined.insert(*message);
            }
            (What::Delete { message, gone: true, .. }, Some(who))
                if !self.quarantined.contains(message) =>
            {
                // An old receipt may delete a message that this worker no longer holds.
                let Some(since) = self.desks.since(who, *message) else { return };
                for c in self.desks.carries(*message).iter().filter(|c| rules.lives(c.finding)) {
                    match c.closed {
                        true => self.closed(c, entry.at),
                        false if self.desks.is_kept_back(who, *message, c) => {}
                        false => self.settled(rules, entry.at, since, c, verdict),
                    }
                }
            }
            _ => {}
        }
    }

    fn closed(&mut self, c: &Carried, at: u64) {
        let closings = self.closings.entry(c.finding).or_default();
        // A copy does not prolong the life of the record.
        let newest = closings.last().is_none_or(|closing| closing.revision < c.revision);
        if newest && self.open.get(&c.finding).is_none_or(|open| *open < c.revision) {
            let Carried { level, revision, .. } = *c;
            closings.push(Closing { level, revision, at });
        }
    }

    /// An open state owes nothing more. It was posted in the incident that was open when it came,
    /// or it was known to be closed since.
    fn settled(&self, rules: &Rules, at: u64, since: u64, c: &Carried, verdict: &mut Verdict) {
        if self.closed.get(&c.finding).is_some_and(|closed| *closed > c.revision) {
            return;
        }
        for destination in rules.owed(c.finding, c.level) {
            let alert = Alert { finding: c.finding, destination };
            let posts = self.accepted.get(&alert).map_or(&[][..], Vec::as_slice);
            let known = |closing: &&Closing| {
                let posted = posts.iter().any(|(at, _)| *at < closing.at);
                let kept = closing.at + rules.retention_ms > since + SKEW_MS;
                closing.at < since
                    && kept
                    && (posted || closing.is_owed_to(rules, c.finding, destination))
            };
            let closings = self.closings.get(&c.finding).into_iter().flatten().filter(known);
            let ended = closings.map(|closing| closing.revision).filter(|r| *r < c.revision).max();
            let mut posts = posts.iter().filter(|(_, post)| Some(post.revision) > ended);
            if !posts.any(|(_, post)| post.level >= c.level) {
                let what = format!("{c} was settled for {destination} without a post");
                verdict.breaks("I21", at, Some(c.finding), what);
            }
        }
    }

    fn posted(&self, rules: &Rules, at: u64, who: Who, card: &Shown, verdict: &mut Verdict) {
        let mut breaks = |why: String| {
            let what = format!("{who} posts {card} to {}: {why}", card.owed_to);
            verdict.breaks("I22", at, Some(card.finding), what);
        };
        if card.closed {
            return breaks("it is closed".to_owned());
        }
        // Without the ledger nobody knows which findings are closed.
        let Some(claimed) = self.claimed.get(&(who, card.alert())).copied() else { return };
        let open = self.open.get(&card.finding).copied().unwrap_or(0);
        let kept = |closing: &Closing| closing.at + rules.retention_ms > claimed + SKEW_MS;
        let closings = self.closings.get(&card.finding).into_iter().flatten();
        let mut known = closings.filter(|closing| closing.at < claimed && closing.revision > open);
        if let Some(closing) = known
            .find(|closing| kept(closing) && closing.is_owed_to(rules, card.finding, card.owed_to))
        {
            breaks(format!("it is known to be closed since {} ms", closing.at));
        }
    }
}
