//! I12 and I18: a worker posts only alerts that it has, owes and has claimed. It soon records the
//! true result in the ledger. The cards say what the ledger knows.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::Desks;
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Entry, PostForm, RowNote, Shown, What, Who};

/// A post starts only while so much of its lease is left.
const LEFT_MS: i64 = 15_000;
const LEASE_MS: i64 = 45_000;
/// The longest time until the ledger receives the result of a post. A slow ledger takes 4 s.
const RECORDED_MS: u64 = 20_000;
/// Criticals may be posted without a claim after this time without an answer of the ledger.
const UNREACHABLE_MS: u64 = 110_000;
const CRITICAL: u8 = 4;
/// Two clocks are at most so far apart, each of them half of it off.
const SKEWS_MS: u64 = 10_000;
/// The destination that may have a fallback.
const FIRST: u8 = 0;
/// An alert that was claimed for the fallback may be posted so much later than it was needed.
const UNDER_WAY_MS: u64 = 20_000;
const NEVER: u64 = u64::MAX / 2;
const CARDS_MAX: usize = 10;
const LINES_MAX: usize = 50;

struct Claim {
    lease_until: i64,
    level_sent: Option<u8>,
    closed: bool,
    fence: u64,
    ambiguous: u32,
}

struct Post<'a> {
    who: Who,
    destination: u8,
    cards: &'a [Shown],
    accepted: bool,
}

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    claims: BTreeMap<(Who, Alert), Claim>,
    posts: BTreeMap<u32, Post<'a>>,
    /// Accepted, and the mark is not written.
    unmarked: BTreeMap<(Who, Alert), u32>,
    /// The ledger has to receive a write about an alert by then.
    to_record: BTreeSet<(u64, Who, Alert)>,
    /// The last answer was ambiguous.
    perhaps_taken: BTreeSet<(Who, Alert)>,
    rows: BTreeMap<Alert, (Who, &'a RowNote)>,
    /// The posts that the ledger knows.
    marked: BTreeSet<(Alert, Option<u32>)>,
    /// The highest level that the ledger ever received.
    known: BTreeMap<Alert, u8>,
    /// When a worker's post was accepted, and its level.
    accepted: BTreeMap<(Who, Alert), (u64, u8)>,
    /// When an operator had an alert made free last.
    rewound: BTreeMap<Alert, u64>,
    /// Alerts whose post may have been accepted as far as the worker knows, whatever the ledger
    /// knows.
    perhaps_posted: BTreeSet<(Who, Alert)>,
    /// When the destination that has a fallback last took a post of a worker, if nothing went wrong
    /// there since; 0 where it has not been tried.
    first_works: BTreeMap<Who, u64>,
    /// Since when a worker had no good answer of the ledger.
    without_ledger: BTreeMap<Who, u64>,
    /// The same, before a call whose answer may be lost.
    before: BTreeMap<(Who, Option<Alert>), u64>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        state.overdue(entry.at, verdict);
        state.see(rules, entry, verdict);
        state.desks.see(rules, entry);
    }
}

impl<'a> State<'a> {
    fn see(&mut self, rules: &Rules, entry: &'a Entry, verdict: &mut Verdict) {
        let Some(who) = entry.who else {
            if let What::Expired { alert } | What::Rewound { alert } = &entry.what {
                self.rows.remove(alert);
            }
            if let What::Rewound { alert } = &entry.what {
                self.rewound.insert(*alert, entry.at);
                self.unmarked.retain(|(_, unmarked), _| unmarked != alert);
            }
            return;
        };
        match &entry.what {
            What::Write { alert, row, done } => {
                self.seems_answered(who, Some(*alert));
                self.recorded(who, *alert);
                self.written(rules, entry, who, *alert, row, *done, verdict);
            }
            What::WriteFailed { alert, closes, fence } => {
                self.not_answered(who, Some(*alert), entry.at);
                self.recorded(who, *alert);
                // A release has the fence of its claim. A closing belongs to no claim.
                let claim = self.claims.get(&(who, *alert));
                if !closes || claim.is_some_and(|claim| claim.fence == *fence) {
                    self.claims.remove(&(who, *alert));
                    self.perhaps_taken.remove(&(who, *alert));
                }
            }
            What::ReadFailed { alert } => self.not_answered(who, Some(*alert), entry.at),
            What::PaceWrite { .. } => self.seems_answered(who, None),
            What::PaceFailed { .. } => self.not_answered(who, None, entry.at),
            What::PostCalled { post, destination, cards, form, .. } => {
                self.posts
                    .insert(*post, Post { who, destination: *destination, cards, accepted: false });
                self.shape(entry, *post, cards, *form, verdict);
                for card in cards {
                    self.card(rules, entry, who, *destination, card, verdict);
                }
            }
            What::PostAnswered { post, answer } => self.answered(entry.at, who, *post, *answer),
            What::Delete { message, gone: true, .. } => {
                self.deleted(rules, entry.at, who, *message, verdict);
            }
            What::Frozen { .. } => self.to_record.retain(|(_, w, _)| *w != who),
            What::Crashed | What::Ended => {
                self.to_record.retain(|(_, w, _)| *w != who);
                self.claims.retain(|(w, _), _| *w != who);
                self.unmarked.retain(|(w, _), _| *w != who);
            }
            _ => {}
        }
    }

    /// The ledger received a call. Its answer may still be lost.
    fn seems_answered(&mut self, who: Who, alert: Option<Alert>) {
        match self.without_ledger.remove(&who) {
            Some(since) => self.before.insert((who, alert), since),
            None => self.before.remove(&(who, alert)),
        };
    }

    /// The ledger did not answer, or the answer was lost.
    fn not_answered(&mut self, who: Who, alert: Option<Alert>, at: u64) {
        let since = self.before.remove(&(who, alert)).unwrap_or(at);
        let known = self.without_ledger.entry(who).or_insert(since);
        *known = since.min(*known);
    }

    fn recorded(&mut self, who: Who, alert: Alert) {
        self.to_record.retain(|(_, w, n)| (*w, *n) != (who, alert));
    }

    fn overdue(&mut self, at: u64, verdict: &mut Verdict) {
        while let Some(&(due, who, alert)) = self.to_record.first().filter(|(due, ..)| *due < at) {
            self.to_record.remove(&(due, who, alert));
            let what = format!("{who} does not record the result of its post in the ledger");
            verdict.breaks("I12", due, Some(alert.finding), what);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one write, whole")]
    fn written(
        &mut self,
        rules: &Rules,
        entry: &Entry,
        who: Who,
        alert: Alert,
        row: &'a RowNote,
        done: bool,
        verdict: &mut Verdict,
    ) {
        let mut breaks = |invariant, what: String| {
            verdict.breaks(invariant, entry.at, Some(alert.finding), what);
        };
        // A new fact about the incident that another write came before is decided again. It ends no
        // claim.
        let fact = row.closed || self.marked.contains(&(alert, row.post));
        if fact && row.state != "claimed" && !done {
            return;
        }
        let claim = self.claims.remove(&(who, alert));
        let perhaps_taken = self.perhaps_taken.remove(&(who, alert));
        match row.state {
            "claimed" => {
                if row.lease_until > entry.at as i64 + LEASE_MS {
                    breaks("I12", format!("{who} takes a lease that is too long"));
                }
                if done {
                    let Some((before, old)) = self.rows.get(&alert).copied() else {
                        return self.hold(who, alert, row);
                    };
                    let alive = old.expires_at > entry.at as i64 + LEASE_MS;
                    let taken_over = old.state == "claimed" && before != who;
                    if taken_over && old.lease_until > entry.at as i64 {
                        breaks("I12", format!("{who} takes the claim of {before} before its end"));
                    }
                    if taken_over && alive && row.ambiguous <= old.ambiguous {
                        breaks("I18", format!("{before} may have posted, and {who} forgets it"));
                    }
                    if alive && row.ambiguous < old.ambiguous {
                        breaks("I18", format!("{who} forgets that a post may have been taken"));
                    }
                }
            }
            // Not a mark: a new fact about the incident, beside the post that was marked before.
            "sent" if row.owned && self.marked.contains(&(alert, row.post)) => {}
            "sent" if row.owned => {
                self.unmarked.remove(&(who, alert));
                let post = row.post.and_then(|post| self.posts.get(&post));
                let shows = |p: &&Post<'_>| {
                    let card = p.cards.iter().find(|c| c.alert() == alert);
                    p.who == who
                        && p.accepted
                        && card.is_some_and(|c| row.level_sent >= Some(c.level))
                };
                if post.filter(shows).is_none() {
                    breaks("I12", format!("{who} marks an alert whose post Slack did not accept"));
                }
            }
            _ => {
                if perhaps_taken && claim.is_some_and(|c| row.ambiguous <= c.ambiguous) {
                    breaks("I18", format!("{who} does not say that its post may have been taken"));
                }
            }
        }
        let frozen = self.desks.frozen_until(who) + 10_000 > entry.at;
        let kept = rules.retention_ms as i64 - (row.expires_at - entry.at as i64);
        // A process may be frozen for half an hour between the two.
        if !frozen && !(-10_000..2_000_000).contains(&kept) {
            breaks("I8", format!("the row is kept for {kept} ms less than configured"));
        }
        if done {
            match row.state {
                "claimed" => self.hold(who, alert, row),
                "sent" => {
                    self.marked.insert((alert, row.post));
                }
                _ => {}
            }
            self.rows.insert(alert, (who, row));
            if let Some(level) = row.level_sent {
                let known = self.known.entry(alert).or_default();
                *known = level.max(*known);
            }
        }
    }

    fn hold(&mut self, who: Who, alert: Alert, row: &'a RowNote) {
        let RowNote { lease_until, level_sent, closed, fence, ambiguous, .. } = *row;
        self.claims
            .insert((who, alert), Claim { lease_until, level_sent, closed, fence, ambiguous });
        self.rows.insert(alert, (who, row));
    }

    /// Judges a post as a whole: its size, its distinct alerts, its time.
    fn shape(
        &self,
        entry: &Entry,
        post: u32,
        cards: &[Shown],
        form: PostForm,
        verdict: &mut Verdict,
    ) {
        let finding = cards.first().map(|c| c.finding);
        let most = match form {
            PostForm::Cards => CARDS_MAX,
            PostForm::Digest => LINES_MAX,
            PostForm::Plain => 1,
        };
        if cards.is_empty() || cards.len() > most {
            let what = format!("post {post} carries {} alerts", cards.len());
            verdict.breaks("I12", entry.at, finding, what);
        }
        let distinct: BTreeSet<Alert> = cards.iter().map(Shown::alert).collect();
        if distinct.len() < cards.len() {
            let what = format!("post {post} carries an alert twice");
            verdict.breaks("I12", entry.at, finding, what);
        }
        let stop = entry.who.and_then(|who| self.desks.asked_to_stop(who));
        if stop.is_some_and(|stop| stop < entry.at) {
            let what = format!("post {post} starts after its worker was asked to stop");
            verdict.breaks("I12", entry.at, finding, what);
        }
    }

    fn card(
        &self,
        rules: &Rules,
        entry: &Entry,
        who: Who,
        destination: u8,
        card: &Shown,
        verdict: &mut Verdict,
    ) {
        let alert = card.alert();
        let mut breaks = |invariant, what: &str| {
            let what = format!("{who} posts f{} to {destination}: {what}", card.finding);
            verdict.breaks(invariant, entry.at, Some(card.finding), what);
        };
        let stands_in = rules.fallback == Some(destination) && card.owed_to == 0;
        let works = self.first_works.get(&who).copied().unwrap_or(0);
        if stands_in && works + UNDER_WAY_MS < entry.at {
            breaks("I12", "the destination that it stands in for works");
        }
        if card.owed_to != destination && !stands_in {
            breaks("I12", "the alert is owed to another destination");
        }
        if !rules.owed(card.finding, card.level).any(|d| d == card.owed_to) {
            breaks("I12", "the destination is not owed the alert");
        }
        let same = |c: &Shown, (_, carried): (u32, &crate::sim::history::Carried)| {
            (carried.level, carried.revision) == (c.level, c.revision)
        };
        if !self.desks.carriers(who, card.finding).any(|carried| same(card, carried)) {
            breaks("I12", "the worker holds no such message");
        }
        if self.unmarked.contains_key(&(who, alert)) {
            breaks("I12", "an accepted post of it is not marked yet");
        }
        let without =
            self.without_ledger.get(&who).is_some_and(|since| since + UNREACHABLE_MS < entry.at);
        let Some(claim) = self.claims.get(&(who, alert)) else {
            if !(without && card.level == CRITICAL) {
                breaks("I12", "it has no claim");
            }
            return;
        };
        if claim.lease_until - (entry.at as i64) < LEFT_MS {
            breaks("I12", "little is left of its lease");
        }
        if card.came_back != (claim.closed && claim.level_sent.is_some()) {
            breaks("I18", "the card is wrong about having come back");
        }
        // A finding that came back is posted whatever its level was before.
        let level_sent = claim.level_sent.filter(|_| !card.came_back);
        if card.escalated_from != level_sent.filter(|level| *level < card.level) {
            breaks("I18", "the card is wrong about the level posted before");
        }
        if card.reminder != (level_sent >= Some(card.level)) {
            breaks("I18", "the card is wrong about being a reminder");
        }
        let perhaps = claim.ambiguous > 0 || self.perhaps_posted.contains(&(who, alert));
        let here = claim.ambiguous == 0 && !card.perhaps_repeated;
        if card.perhaps_repeated != (perhaps && claim.level_sent.is_none()) && !here {
            breaks("I18", "the card is wrong about being a repeat");
        }
    }

    fn answered(&mut self, at: u64, who: Who, post: u32, answer: Answer) {
        let due = at.max(self.desks.frozen_until(who)) + RECORDED_MS;
        let Some(post_of) = self.posts.get_mut(&post) else { return };
        post_of.accepted = answer == Answer::Accepted;
        match answer {
            Answer::Accepted if post_of.destination == FIRST => {
                self.first_works.insert(who, at);
            }
            Answer::Dead | Answer::Failed | Answer::NoAddress if post_of.destination == FIRST => {
                self.first_works.insert(who, NEVER);
            }
            _ => {}
        }
        for card in post_of.cards {
            let alert = card.alert();
            if self.claims.contains_key(&(who, alert)) {
                self.to_record.insert((due, who, alert));
            }
            if answer == Answer::Accepted {
                self.unmarked.insert((who, alert), post);
                self.accepted.insert((who, alert), (at, card.level));
            }
            if answer == Answer::Ambiguous {
                self.perhaps_taken.insert((who, alert));
                self.perhaps_posted.insert((who, alert));
            }
        }
    }

    /// A message is deleted only when the ledger knows all its alerts, so that no copy is posted
    /// again.
    fn deleted(&self, rules: &Rules, at: u64, who: Who, message: u32, verdict: &mut Verdict) {
        for (alert, carried) in self.desks.owes(rules, who, message) {
            let known = self.known.get(&alert).is_some_and(|level| *level >= carried.level);
            let known = known || rules.lives(carried.finding);
            // A post of before an operator had the record made free is not recorded.
            let rewound = self.rewound.get(&alert).map(|at| at + SKEWS_MS);
            let accepted = self.accepted.get(&(who, alert));
            let known = known
                || accepted
                    .is_some_and(|(at, level)| *level >= carried.level && Some(*at) <= rewound);
            if !known && !rules.is_poison(carried.finding) {
                let what = format!("m{message} was deleted before the ledger knew of {carried}");
                verdict.breaks("I12", at, Some(carried.finding), what);
            }
        }
    }
}
