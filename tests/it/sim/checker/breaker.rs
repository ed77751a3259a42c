//! I13: a failing destination is tried seldom, with one alert. A worker that can post nowhere
//! receives nothing more.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::Desks;
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Entry, Shown, What, Who};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// The least delay after the fifth failure: 16 s, shortened by up to half.
const REST_MS: u64 = 7_990;
/// The most tries within an hour: one in half a minute, once the delays have grown.
const TRIES_AN_HOUR: usize = 130;
const HOUR_MS: u64 = 3_600_000;
/// The most messages that the receives in flight on a lane bring: four receives of ten messages,
/// and one message of each twice.
const IN_FLIGHT_MAX: usize = 4 * 11;

#[derive(Default)]
struct Channel {
    failures: u32,
    last_answer: u64,
    /// When it was tried while the breaker was open.
    tries: Vec<u64>,
    /// It may be tried at once: a new address was read since the last answer, or the last answer
    /// came from a working destination.
    invited: bool,
    /// The last post was not sent, because the address could not be read. Slack is not failing.
    lacks_address: bool,
}

impl Channel {
    fn is_open(&self) -> bool {
        self.failures >= FAILURES
    }
}

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    channels: BTreeMap<(Who, u8), Channel>,
    posts: BTreeMap<u32, (u8, &'a [Shown])>,
    /// Alerts that no longer wait at a worker: posted, refused, or not claimed.
    done: BTreeSet<(Who, Alert)>,
    /// The messages that a worker has received since all its breakers are open, while it had some.
    taken: BTreeMap<Who, usize>,
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
        let Some(who) = entry.who else { return };
        let mut breaks = |what| verdict.breaks("I13", entry.at, None, what);
        match &entry.what {
            What::PostCalled { post, destination, cards, .. } => {
                self.posts.insert(*post, (*destination, cards));
                let channel = self.channels.entry((who, *destination)).or_default();
                if !channel.is_open() {
                    return;
                }
                if cards.len() > 1 {
                    breaks(format!("post {post} tries a failing destination with many alerts"));
                }
                let rested = entry.at >= channel.last_answer + REST_MS || channel.invited;
                if !rested {
                    breaks(format!("post {post} tries a failing destination too soon"));
                }
                channel.tries.retain(|at| at + HOUR_MS > entry.at);
                channel.tries.push(entry.at);
                if channel.tries.len() == TRIES_AN_HOUR {
                    breaks(format!("{who} tries {destination} {TRIES_AN_HOUR} times an hour"));
                }
            }
            What::PostAnswered { post, answer } => {
                let Some((destination, cards)) = self.posts.get(post) else { return };
                if matches!(answer, Answer::Accepted | Answer::Refused) {
                    self.done.extend(cards.iter().map(|card| (who, card.alert())));
                }
                let channel = self.channels.entry((who, *destination)).or_default();
                channel.last_answer = entry.at;
                channel.invited = matches!(answer, Answer::Pause(_) | Answer::Refused);
                // A refusal says nothing about the address that was read for it.
                if *answer != Answer::Refused {
                    channel.lacks_address = *answer == Answer::NoAddress;
                }
                channel.failures = match answer {
                    Answer::Accepted => 0,
                    Answer::Failed | Answer::NoAddress | Answer::Ambiguous => channel.failures + 1,
                    Answer::Dead => channel.failures.max(FAILURES),
                    Answer::Pause(_) | Answer::Refused => channel.failures,
                };
                if !self.all_open(rules, who) {
                    self.taken.remove(&who);
                }
            }
            What::Write { alert, done: false, .. } => {
                self.done.insert((who, *alert));
            }
            What::Refreshed { destination, changed: Some(changed) } => {
                let channel = self.channels.entry((who, *destination)).or_default();
                channel.invited |= *changed || channel.lacks_address;
                if channel.lacks_address {
                    channel.failures = 0;
                }
            }
            What::Received { .. } if self.all_open(rules, who) => {
                // Only a post closes a breaker, so the worker must hold an alert for each
                // destination.
                let holds = (0..rules.destinations).all(|d| self.holds_for(rules, who, d));
                let taken = self.taken.entry(who).or_default();
                *taken = if holds { *taken + 1 } else { 0 };
                if *taken == IN_FLIGHT_MAX * rules.lanes + 1 {
                    breaks(format!("{who} still receives, but can post nowhere"));
                }
            }
            _ => {}
        }
    }

    fn holds_for(&self, rules: &Rules, who: Who, destination: u8) -> bool {
        let held = self.desks.all.get(&who).into_iter().flat_map(|desk| desk.held.keys());
        held.flat_map(|message| self.desks.owes(rules, who, *message))
            .any(|(n, _)| n.destination == destination && !self.done.contains(&(who, n)))
    }

    fn all_open(&self, rules: &Rules, who: Who) -> bool {
        let open = |d| self.channels.get(&(who, d)).is_some_and(Channel::is_open);
        (0..rules.destinations).all(open)
    }
}
