//! I16: a post that Slack refuses for its content is halved until the guilty alert stands alone.
//! That alert is tried as text, and only then quarantined, once.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::{Desks, owes};
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Entry, PostForm, Shown, What, Who};

/// How an alert may be tried next.
#[derive(Clone, Copy)]
struct Next {
    share_max: usize,
    plain: bool,
}

struct Post<'a> {
    cards: &'a [Shown],
    form: PostForm,
    /// It had notes, which Slack may have refused.
    with_notes: bool,
}

#[derive(Default)]
struct State<'a> {
    desks: Desks<'a>,
    posts: BTreeMap<u32, Post<'a>>,
    next: BTreeMap<(Who, Alert), Next>,
    /// Refused as text, standing alone.
    guilty: BTreeSet<(Who, u32)>,
    quarantined: BTreeSet<(Who, u32)>,
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
        match &entry.what {
            What::PostCalled { post, cards, form, said, .. } => {
                let with_notes = !said.is_empty();
                self.posts.insert(*post, Post { cards, form: *form, with_notes });
                for card in cards {
                    self.tried(entry.at, who, card, cards.len(), *form, verdict);
                }
            }
            What::PostAnswered { post, answer: Answer::Refused } => self.refused(who, *post),
            // A message that was being returned may arrive again while its worker still has it.
            What::Received { message, .. } => {
                for (alert, _) in owes(rules, self.desks.carries(*message)) {
                    self.next.remove(&(who, alert));
                }
            }
            What::DeadLetter { message, reason } => {
                let carries = self.desks.carries(*message);
                let finding = carries.first().map(|c| c.finding);
                let guilty = carries.iter().any(|c| self.guilty.contains(&(who, c.finding)));
                if reason.starts_with("slack_refused") && !guilty {
                    let what = format!(
                        "m{message} is quarantined, and none of its alerts was tried alone"
                    );
                    verdict.breaks("I16", entry.at, finding, what);
                }
                if !self.quarantined.insert((who, *message)) {
                    let what = format!("m{message} is quarantined twice by {who}");
                    verdict.breaks("I16", entry.at, finding, what);
                }
            }
            What::QueueFailed => self.quarantined.retain(|(w, _)| *w != who),
            What::Hide { message, ms, .. } if *ms != rules.visibility_ms => {
                self.quarantined.remove(&(who, *message));
            }
            What::Delete { message, .. } => {
                self.quarantined.remove(&(who, *message));
            }
            _ => {}
        }
    }

    fn tried(
        &self,
        at: u64,
        who: Who,
        card: &Shown,
        together: usize,
        form: PostForm,
        verdict: &mut Verdict,
    ) {
        let alone = self.desks.carriers(who, card.finding).count() == 1;
        let next = self.next.get(&(who, card.alert())).filter(|_| alone);
        let Some(next) = next else { return };
        let mut breaks = |what: String| {
            let what = format!("{who} tries f{} again {what}", card.finding);
            verdict.breaks("I16", at, Some(card.finding), what);
        };
        if together > next.share_max {
            breaks(format!(
                "in a post of {together} alerts, though it was refused in as large a post"
            ));
        }
        if next.plain != (form == PostForm::Plain) {
            breaks(
                "in the wrong form: as a card that was refused, or as text without a refusal"
                    .to_owned(),
            );
        }
    }

    fn refused(&mut self, who: Who, post: u32) {
        let Some(Post { cards, form, with_notes }) = self.posts.get(&post) else { return };
        let alone = cards.len() == 1;
        let share_max = cards.len().div_ceil(2);
        for card in *cards {
            if alone && *form == PostForm::Plain {
                self.guilty.insert((who, card.finding));
            }
            // If two messages carry the alert, the history does not show which one was tried.
            match self.desks.carriers(who, card.finding).count() {
                // Slack may have refused the notes, so the card is unchanged.
                1 if alone && *with_notes => self.next.remove(&(who, card.alert())),
                1 => self.next.insert((who, card.alert()), Next { share_max, plain: alone }),
                _ => self.next.remove(&(who, card.alert())),
            };
        }
    }
}
