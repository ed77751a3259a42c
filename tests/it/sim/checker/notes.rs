//! I20: what a post says about hansho itself is true, worth it, and said once.

use std::collections::{BTreeMap, BTreeSet};

use super::Verdict;
use crate::sim::history::{Answer, Entry, Look, Said, What, Who};

/// Shorter trouble needs no note.
const WORTH_A_WORD_MS: u64 = 5 * 60_000;

#[derive(Default)]
struct Destination {
    /// The first failure since the last post that was accepted.
    failing_since: Option<u64>,
    /// The trouble that is over took so long in all, and no post has named it yet.
    over_ms: u64,
    /// A post to its fallback has said that this destination is dead.
    stood_in: bool,
}

#[derive(Default)]
struct State<'a> {
    destinations: BTreeMap<(Who, u8), Destination>,
    posts: BTreeMap<u32, (u8, &'a [Said])>,
}

pub fn check(history: &[Entry], verdict: &mut Verdict) {
    let mut state = State::default();
    for entry in history {
        let Some(who) = entry.who else { continue };
        match &entry.what {
            What::PostCalled { post, destination, look, said, .. } => {
                state.posts.insert(*post, (*destination, said));
                if !said.is_empty() && *look != Look::Cards {
                    let what = format!("post {post} says something and is not of cards");
                    verdict.breaks("I20", entry.at, None, what);
                }
                if said.iter().collect::<BTreeSet<_>>().len() < said.len() {
                    verdict.breaks("I20", entry.at, None, format!("post {post} says it twice"));
                }
                for &said in said {
                    if let Some(why) = state.untrue(who, *destination, said, entry.at) {
                        let what = format!("post {post} of {who} says {said:?}: {why}");
                        verdict.breaks("I20", entry.at, None, what);
                    }
                }
            }
            What::PostAnswered { post, answer } => state.answered(who, *post, *answer, entry.at),
            _ => {}
        }
    }
}

impl State<'_> {
    fn untrue(&mut self, who: Who, to: u8, said: Said, at: u64) -> Option<&'static str> {
        match said {
            Said::WasAway => {
                let own = self.destinations.entry((who, to)).or_default();
                (own.over_ms < WORTH_A_WORD_MS).then_some("it was not, or this was said before")
            }
            Said::StandsInFor(other) => {
                let other = self.destinations.entry((who, other)).or_default();
                match other.failing_since {
                    None => Some("that one works"),
                    Some(since) if at - since < WORTH_A_WORD_MS => Some("not for long yet"),
                    Some(_) if other.stood_in => Some("this was said before"),
                    Some(_) => None,
                }
            }
        }
    }

    fn answered(&mut self, who: Who, post: u32, answer: Answer, at: u64) {
        let Some(&(to, said)) = self.posts.get(&post) else { return };
        // A refused post is tried without what it said.
        if matches!(answer, Answer::Accepted | Answer::Refused) {
            for said in said {
                match *said {
                    Said::WasAway => self.destinations.entry((who, to)).or_default().over_ms = 0,
                    Said::StandsInFor(other) => {
                        self.destinations.entry((who, other)).or_default().stood_in = true;
                    }
                }
            }
        }
        let own = self.destinations.entry((who, to)).or_default();
        match answer {
            Answer::Accepted => {
                if let Some(since) = own.failing_since.take() {
                    own.over_ms += at - since;
                }
                own.stood_in = false;
            }
            Answer::Refused => {}
            Answer::Pause(_) | Answer::Failed | Answer::Ambiguous | Answer::Dead => {
                own.failing_since.get_or_insert(at);
            }
        }
    }
}
