//! I4 for the fleet: the posts of all workers to a destination keep their distance, lesser ones
//! leave a part of the pace to critical ones, and `Retry-After` holds for everybody.

use std::collections::BTreeMap;

use super::{Rules, Verdict};
use crate::sim::history::{Answer, Entry, Shown, What, Who};

/// Slack allows a post a second. The tenth above is for the way from the slot to the post.
const DISTANCE_MS: u64 = 1_000;
/// A lesser post comes 1.375 s after the slot before it; the same tenth is left.
const LESSER_MS: u64 = 1_275;
/// All workers know a pause after this time: the write takes a moment, and a post whose slot was
/// taken before may still be sent.
const KNOWN_MS: u64 = 2_500;
/// An earlier event has no effect on a post any more: a lease and a slow call have ended.
const EFFECT_MS: u64 = 60_000;
const CRITICAL: u8 = 4;

#[derive(Default)]
struct State<'a> {
    posts: BTreeMap<u32, (Who, u8, &'a [Shown])>,
    /// The last post to a destination.
    last: BTreeMap<u8, (u64, Who)>,
    /// Who has to pause, from when, until when.
    pauses: BTreeMap<u8, (u64, u64, Who)>,
    /// When an event last excused a worker: it was frozen, or the ledger was slow or failed.
    excuse: BTreeMap<Who, u64>,
    frozen_until: BTreeMap<Who, u64>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        state.see(rules, entry, verdict);
    }
}

impl<'a> State<'a> {
    fn see(&mut self, rules: &Rules, entry: &'a Entry, verdict: &mut Verdict) {
        let Some(who) = entry.who else { return };
        match &entry.what {
            What::PostCalled { post, destination, cards, .. } => {
                self.called(rules, entry.at, who, *destination, *post, cards, verdict);
                self.posts.insert(*post, (who, *destination, cards));
                self.last.insert(*destination, (entry.at, who));
            }
            What::PostAnswered { post, answer: Answer::Pause(ms) } => {
                let Some((_, destination, _)) = self.posts.get(post) else { return };
                let until = entry.at + ms;
                if self.pauses.get(destination).is_none_or(|(_, old, _)| *old < until) {
                    self.pauses.insert(*destination, (entry.at, until, who));
                }
            }
            What::Frozen { ms } => {
                self.frozen_until.insert(who, entry.at + ms);
                self.excuse.insert(who, entry.at + ms);
            }
            What::LedgerSlow
            | What::ReadFailed { .. }
            | What::WriteFailed { .. }
            | What::PaceFailed { .. } => {
                let at = self.excuse.entry(who).or_default();
                *at = entry.at.max(*at);
            }
            // Its pause may not have been written.
            What::Crashed => {
                self.excuse.insert(who, u64::MAX - EFFECT_MS);
            }
            _ => {}
        }
    }

    /// Whether an event excuses a worker at that time.
    fn is_excused(&self, who: Who, at: u64) -> bool {
        self.excuse.get(&who).is_some_and(|last| last + EFFECT_MS >= at)
    }

    #[allow(clippy::too_many_arguments, reason = "one post, whole")]
    fn called(
        &self,
        rules: &Rules,
        at: u64,
        who: Who,
        destination: u8,
        post: u32,
        cards: &[Shown],
        verdict: &mut Verdict,
    ) {
        let finding = cards.first().map(|c| c.finding);
        let lesser = cards.iter().all(|c| c.level < CRITICAL);
        if let Some((last, other)) = self.last.get(&destination) {
            let distance = if lesser { LESSER_MS } else { DISTANCE_MS.min(rules.pace_ms) };
            let excused = self.is_excused(who, at) || self.is_excused(*other, at);
            if at < last + distance && !excused {
                let what = format!("post {post} of {who} comes {} ms after {other}'s", at - last);
                verdict.breaks("I4", at, finding, what);
            }
        }
        if let Some((from, until, paused)) = self.pauses.get(&destination) {
            let excused = self.is_excused(who, at) || self.is_excused(*paused, *from);
            if at > from + KNOWN_MS && at < *until && !excused {
                let what = format!(
                    "post {post} of {who} comes {} ms before the end of the pause that {paused} was \
                     asked for",
                    until - at
                );
                verdict.breaks("I4", at, finding, what);
            }
        }
    }
}
