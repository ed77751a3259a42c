//! That hansho itself was in trouble, said where people look: a word at the end of a post, once,
//! never in the place of a finding.
//!
//! A destination is in trouble from the first of the failures that opened its breaker until a post is
//! accepted again. If that took long, its people are told for how long and why, when nothing that was
//! held for it waits here any more; and while its webhook is gone, those of its fallback are told that.

use std::time::Duration;

use crate::instants::{Mono, Now, Wall};
use crate::mutation::{self, Mutation};
use crate::ports::{Form, NOTE_WEIGHT_MAX, Note, Trouble as Why};

use super::destination::InHand;
use super::order::AlertId;
use super::{Alert, Desk, Stage};

/// A shorter trouble is nobody's concern: everything was told within minutes.
const WORTH_A_WORD: Duration = Duration::from_secs(5 * 60);
/// What was so long ago is no news.
const NEWS_FOR: Duration = Duration::from_secs(24 * 3600);

/// How a destination fares, for the word at the end of a post.
#[derive(Default)]
pub(super) struct Trouble {
    /// The first failure since the last post that was accepted.
    since: Option<Mono>,
    /// What the last failure was, once the breaker was open.
    why: Option<Why>,
    /// LastPost by the fallback since then.
    elsewhere: usize,
    /// The people of the fallback know that its webhook is gone.
    fallback_knows: bool,
    /// It is over, and its people are to be told.
    over: Option<Over>,
}

struct Over {
    lasted: Duration,
    why: Why,
    /// By both clocks, because one of them is shown.
    ended: (Mono, Wall),
    held: usize,
    elsewhere: usize,
    /// Of what was held, alerts that went back to the queue instead of being told.
    returned: usize,
    /// The youngest that was held.
    last: AlertId,
}

/// What a post says at its end, besides findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// That the channel's own trouble is over.
    Over,
    /// That the webhook of this destination is gone.
    StandsIn(usize),
}

impl Trouble {
    pub fn failed(&mut self, now: Mono) {
        self.since.get_or_insert(now);
    }

    /// Its breaker is open.
    pub fn is_away(&mut self, why: Why) {
        self.why = Some(why);
    }
}

impl Desk {
    /// A post to this channel was accepted, with what is in hand.
    pub(super) fn works_again(&mut self, channel: usize, hand: &InHand, now: Now) {
        self.words_are_told(channel, &hand.words);
        let accepted = hand.won.iter().filter_map(|won| self.alerts.get(&won.alert));
        let mut others = vec![0; self.destinations.len()];
        accepted.filter(|n| n.destination != channel).for_each(|n| others[n.destination] += 1);
        for (destination, told) in self.destinations.iter_mut().zip(others) {
            destination.trouble.elsewhere += told;
        }
        let held = self.held_for(channel);
        let last = held.iter().max().copied();
        let last_id = AlertId(self.next_id);
        let trouble = &mut self.destinations[channel].trouble;
        let (since, why) = (trouble.since.take(), trouble.why.take());
        let elsewhere = std::mem::take(&mut trouble.elsewhere);
        trouble.fallback_knows = false;
        let (Some(since), Some(why)) = (since, why) else { return };
        let mut lasted = now.mono.since(since);
        if let Some(earlier) = trouble.over.take() {
            // It did not last: what was not said yet is said with it.
            lasted += earlier.lasted;
        }
        if lasted >= WORTH_A_WORD || mutation::is(Mutation::WordsForTrifles) {
            trouble.over = Some(Over {
                lasted,
                why,
                ended: (now.mono, now.wall),
                held: held.len(),
                elsewhere,
                returned: 0,
                last: last.unwrap_or(last_id),
            });
        }
    }

    /// What waits for a destination, the post that was just accepted included.
    fn held_for(&self, destination: usize) -> Vec<AlertId> {
        let told = |n: &Alert| matches!(n.stage, Stage::Marking(_) | Stage::Recording(_));
        let held = self.alerts.iter().filter(|(_, n)| n.destination == destination && !told(n));
        held.map(|(id, _)| *id).collect()
    }

    /// An alert went back to the queue.
    pub(super) fn went_back(&mut self, alert: AlertId, destination: usize) {
        if let Some(over) = &mut self.destinations[destination].trouble.over
            && alert <= over.last
        {
            over.returned += 1;
        }
    }

    /// What the post that is about to go may say at its end. Only where there is room for it.
    pub(super) fn words_for(&mut self, channel: usize, hand: &InHand, now: Now) -> Vec<Word> {
        if hand.form != Form::Cards {
            return Vec::new();
        }
        let mut words = Vec::new();
        if self.is_over(channel, hand, now) {
            words.push(Word::Over);
        }
        for (i, d) in self.destinations.iter().enumerate() {
            let long = d.trouble.since.is_some_and(|at| now.mono.since(at) >= WORTH_A_WORD);
            let meant_for_it =
                |id: &AlertId| self.alerts.get(id).is_some_and(|n| n.destination == i);
            if i != channel
                && d.dead
                && long
                && !d.trouble.fallback_knows
                && hand.won.iter().any(|won| meant_for_it(&won.alert))
            {
                words.push(Word::StandsIn(i));
            }
        }
        if words.is_empty() {
            return words;
        }
        let weight: usize = hand.won.iter().map(|won| self.weight(won.alert)).sum();
        let left = self.settings.capacity.weight_max.saturating_sub(weight);
        words.truncate(left / NOTE_WEIGHT_MAX);
        words
    }

    /// The channel's trouble is over and worth a word, and nothing that it held waits besides what is
    /// in hand.
    fn is_over(&mut self, channel: usize, hand: &InHand, now: Now) -> bool {
        let trouble = &mut self.destinations[channel].trouble;
        if trouble.over.as_ref().is_some_and(|o| now.mono.since(o.ended.0) >= NEWS_FOR) {
            trouble.over = None;
        }
        let Some(last) = trouble.over.as_ref().map(|over| over.last) else { return false };
        let in_hand = |id: &AlertId| hand.won.iter().any(|won| won.alert == *id);
        self.held_for(channel).iter().all(|id| *id > last || in_hand(id))
    }

    pub(super) fn note(&self, channel: usize, word: Word, now: Now) -> Option<Note> {
        match word {
            Word::Over => {
                let over = self.destinations[channel].trouble.over.as_ref()?;
                Some(Note::WasAway {
                    lasted: over.lasted,
                    until: over.ended.1,
                    why: over.why,
                    held: over.held,
                    elsewhere: over.elsewhere,
                    returned: over.returned,
                })
            }
            Word::StandsIn(i) => {
                let d = self.destinations.get(i)?;
                let gone_for = now.mono.since(d.trouble.since?);
                Some(Note::StandsIn { destination: d.name.clone(), gone_for })
            }
        }
    }

    fn words_are_told(&mut self, channel: usize, words: &[Word]) {
        if mutation::is(Mutation::WordsRepeated) {
            return;
        }
        for word in words {
            match *word {
                Word::Over => self.destinations[channel].trouble.over = None,
                Word::StandsIn(i) => self.destinations[i].trouble.fallback_knows = true,
            }
        }
    }

    /// A post was refused that had something to say at its end: the findings in it are not to suffer
    /// for that, so it is not said again. True if there was something.
    pub(super) fn words_are_dropped(&mut self, channel: usize, words: &[Word]) -> bool {
        self.words_are_told(channel, words);
        !words.is_empty()
    }
}
