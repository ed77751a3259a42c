//! I4 and I5: the distance between posts, and the most severe first.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rules, Verdict};
use crate::sim::history::{Answer, Carried, Entry, Shown, What, Who};

const CRITICAL: u8 = 4;

/// A worker's dealings with a destination.
#[derive(Default)]
struct Channel {
    last_call: Option<u64>,
    paused_until: u64,
    /// Critical findings that the worker has, and how many lesser posts went before.
    waiting: BTreeMap<u32, u32>,
}

#[derive(Default)]
struct State<'a> {
    channels: BTreeMap<(Who, u8), Channel>,
    posts: BTreeMap<u32, (Who, u8, &'a [Shown])>,
    carries: BTreeMap<u32, &'a [Carried]>,
    /// Findings that were accepted as critical, by the destination that they are owed to: people
    /// know them.
    known: BTreeSet<(u32, u8)>,
    held: BTreeSet<(Who, u32)>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        match (&entry.what, entry.who) {
            (What::Enqueued { message, carries, .. }, _) => {
                state.carries.insert(*message, carries);
            }
            (What::Received { message, .. }, Some(who)) => state.received(rules, who, *message),
            (What::PostCalled { post, destination, cards, .. }, Some(who)) => {
                state.posts.insert(*post, (who, *destination, cards));
                let channel = state.channels.entry((who, *destination)).or_default();
                channel.distance(rules, entry.at, *post, cards, verdict);
                channel.precedence(entry.at, *post, cards, verdict);
                let criticals = cards.iter().filter(|c| c.level == CRITICAL).count();
                if criticals > 0 && criticals < cards.len() {
                    let what = format!("post {post} mixes criticals with lesser findings");
                    verdict.breaks("I5", entry.at, None, what);
                }
            }
            (What::PostTaken { post }, _) => {
                if let Some((_, _, cards)) = state.posts.get(post) {
                    let critical = cards.iter().filter(|c| c.level == CRITICAL);
                    state.known.extend(critical.map(|c| (c.finding, c.owed_to)));
                }
            }
            (What::PostAnswered { post, answer }, Some(_)) => {
                state.answered(*post, entry.at, *answer);
            }
            // The ledger refused the write or did not answer, so the finding waits for the ledger.
            (
                What::Write { alert, done: false, .. } | What::WriteFailed { alert, .. },
                Some(who),
            ) => {
                let channel = state.channels.entry((who, alert.destination)).or_default();
                channel.waiting.remove(&alert.finding);
            }
            // The ledger knows the post, so no copy of the finding waits any more.
            (What::Write { alert, row, done: true }, _)
                if row.state == "sent" && row.level_sent == Some(CRITICAL) =>
            {
                for ((_, destination), channel) in &mut state.channels {
                    if *destination == alert.destination {
                        channel.waiting.remove(&alert.finding);
                    }
                }
            }
            (What::KeptBack { carried, .. }, Some(who)) => state.kept_back(who, carried.finding),
            (What::Hide { message, ms, .. }, Some(who)) if *ms != rules.visibility_ms => {
                state.left(who, *message);
            }
            (What::Delete { message, .. } | What::DeadLetter { message, .. }, Some(who)) => {
                state.left(who, *message);
            }
            (What::Frozen { .. } | What::StopAsked, Some(who)) => {
                for (_, channel) in state.channels.iter_mut().filter(|((w, _), _)| *w == who) {
                    channel.waiting.clear();
                }
            }
            _ => {}
        }
    }
}

impl State<'_> {
    fn received(&mut self, rules: &Rules, who: Who, message: u32) {
        if !self.held.insert((who, message)) {
            return;
        }
        for c in self.carries.get(&message).copied().unwrap_or_default() {
            // A finding that is known to be closed waits for no post.
            let lives = rules.lives(c.finding);
            if c.level < CRITICAL || lives || rules.is_poison(c.finding) {
                continue;
            }
            let unknown = |d: &u8| !self.known.contains(&(c.finding, *d));
            for destination in rules.owed(c.finding, c.level).filter(unknown) {
                let channel = self.channels.entry((who, destination)).or_default();
                channel.waiting.entry(c.finding).or_insert(0);
            }
        }
    }

    fn left(&mut self, who: Who, message: u32) {
        self.held.remove(&(who, message));
        let carries = self.carries.get(&message).copied().unwrap_or_default();
        for (_, channel) in self.channels.iter_mut().filter(|((w, _), _)| *w == who) {
            for c in carries {
                channel.waiting.remove(&c.finding);
            }
        }
    }

    fn kept_back(&mut self, who: Who, finding: u32) {
        for (_, channel) in self.channels.iter_mut().filter(|((w, _), _)| *w == who) {
            channel.waiting.remove(&finding);
        }
    }

    fn answered(&mut self, post: u32, at: u64, answer: Answer) {
        let Some((who, destination, cards)) = self.posts.get(&post) else { return };
        let channel = self.channels.entry((*who, *destination)).or_default();
        if let Answer::Pause(ms) = answer {
            channel.paused_until = channel.paused_until.max(at + ms);
        }
        if answer != Answer::Accepted && answer != Answer::Refused {
            // The promise holds only while Slack is well.
            return channel.waiting.clear();
        }
        for card in *cards {
            channel.waiting.remove(&card.finding);
        }
    }
}

impl Channel {
    fn distance(
        &mut self,
        rules: &Rules,
        at: u64,
        post: u32,
        cards: &[Shown],
        verdict: &mut Verdict,
    ) {
        let finding = cards.first().map(|c| c.finding);
        if let Some(last) = self.last_call.filter(|last| at < last + rules.pace_ms) {
            let what = format!("post {post} comes {} ms after another", at - last);
            verdict.breaks("I4", at, finding, what);
        }
        if at < self.paused_until {
            let what = format!("post {post} comes {} ms too early", self.paused_until - at);
            verdict.breaks("I4", at, finding, what);
        }
        self.last_call = Some(at);
    }

    fn precedence(&mut self, at: u64, post: u32, cards: &[Shown], verdict: &mut Verdict) {
        let is_lesser = cards.iter().all(|c| c.level < CRITICAL);
        for card in cards {
            // The worker is posting it, or must finish a lower level of it first.
            self.waiting.remove(&card.finding);
        }
        if !is_lesser {
            return;
        }
        for (finding, before) in &mut self.waiting {
            *before += 1;
            if *before == 2 {
                let what = format!("post {post} is the second that goes before f{finding}");
                verdict.breaks("I5", at, Some(*finding), what);
            }
        }
    }
}
