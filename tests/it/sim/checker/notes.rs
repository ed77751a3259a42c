//! I20: a note about hansho itself is true, follows an outage of minutes, and is posted once.

use std::collections::{BTreeMap, BTreeSet};

use super::Verdict;
use crate::sim::history::{Answer, Entry, PostForm, Said, What, Who};

/// A shorter outage needs no note.
const WORTH_A_NOTE_MS: u64 = 5 * 60_000;

#[derive(Default)]
struct Destination {
    /// The first failure since the last post that was accepted.
    failing_since: Option<u64>,
    /// The length of the outages that are over and that no post has named yet.
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
            What::PostCalled { post, destination, form, said, .. } => {
                state.posts.insert(*post, (*destination, said));
                if !said.is_empty() && *form != PostForm::Cards {
                    let what = format!("post {post} has a note and is not made of cards");
                    verdict.breaks("I20", entry.at, None, what);
                }
                if said.iter().collect::<BTreeSet<_>>().len() < said.len() {
                    verdict.breaks("I20", entry.at, None, format!("post {post} has a note twice"));
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
            Said::Recovered => {
                let own = self.destinations.entry((who, to)).or_default();
                (own.over_ms < WORTH_A_NOTE_MS).then_some("it was not, or this was said before")
            }
            Said::StandsInFor(other) => {
                let other = self.destinations.entry((who, other)).or_default();
                match other.failing_since {
                    None => Some("that one works"),
                    Some(since) if at - since < WORTH_A_NOTE_MS => Some("not for long yet"),
                    Some(_) if other.stood_in => Some("this was said before"),
                    Some(_) => None,
                }
            }
        }
    }

    fn answered(&mut self, who: Who, post: u32, answer: Answer, at: u64) {
        let Some(&(to, said)) = self.posts.get(&post) else { return };
        // A refused post is retried without its notes.
        if matches!(answer, Answer::Accepted | Answer::Refused) {
            for said in said {
                match *said {
                    Said::Recovered => self.destinations.entry((who, to)).or_default().over_ms = 0,
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
            Answer::Pause(_)
            | Answer::Failed
            | Answer::NoAddress
            | Answer::Ambiguous
            | Answer::Dead => {
                own.failing_since.get_or_insert(at);
            }
        }
    }
}
