//! I1 and I7: nothing is lost, and quarantine holds what belongs there.

use std::collections::{BTreeMap, BTreeSet};

use super::desks::{Desks, Message};
use super::{Rules, Verdict};
use crate::sim::history::{Alert, Carried, Entry, Shown, What};

type LastPost = BTreeMap<Alert, u8>;

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut desks = Desks::default();
    let mut posts: BTreeMap<u32, &[Shown]> = BTreeMap::new();
    let mut posted = LastPost::new();
    // The levels posted since an operator requested one more post.
    let mut posted_since = LastPost::new();
    let mut quarantined = BTreeSet::new();
    for entry in history {
        match &entry.what {
            What::Rewound { alert } => {
                posted_since.remove(alert);
            }
            What::PostCalled { post, cards, .. } => {
                posts.insert(*post, cards);
            }
            What::PostTaken { post } => {
                for card in posts.get(post).copied().unwrap_or_default() {
                    for posted in [&mut posted, &mut posted_since] {
                        let level = posted.entry(card.alert()).or_default();
                        *level = card.level.max(*level);
                    }
                }
            }
            What::DeadLetter { message, reason } => {
                quarantined.insert(*message);
                let Some(m) = desks.messages.get(message) else { continue };
                if reason.contains("changed on the way") {
                    let what = format!("m{message} was changed before it was quarantined");
                    verdict.breaks("I7", entry.at, None, what);
                }
                if !m.junk && !m.carries.iter().any(|c| owes_poison(rules, c)) {
                    let finding = m.carries.first().map(|c| c.finding);
                    let what = format!(
                        "m{message} was quarantined ({reason}), and is neither poison nor junk"
                    );
                    verdict.breaks("I7", entry.at, finding, what);
                }
            }
            What::Delete { message, gone: true, .. } => {
                let (Some(m), Some(who)) = (desks.messages.get(message), entry.who) else {
                    continue;
                };
                let posted = if m.again { &posted_since } else { &posted };
                let kept_back = |c: &&Carried| desks.is_kept_back(who, *message, c);
                let owed: Vec<&Carried> = m.carries.iter().filter(|c| !kept_back(c)).collect();
                let is_quarantined = quarantined.contains(message);
                deleted(rules, m, &owed, *message, entry.at, is_quarantined, posted, verdict);
            }
            _ => {}
        }
        desks.see(rules, entry);
    }
}

fn owes_poison(rules: &Rules, carried: &Carried) -> bool {
    rules.is_poison(carried.finding) && rules.owed(carried.finding, carried.level).next().is_some()
}

#[allow(clippy::too_many_arguments, reason = "one message, whole")]
fn deleted(
    rules: &Rules,
    m: &Message<'_>,
    owed: &[&Carried],
    message: u32,
    at: u64,
    quarantined: bool,
    posted: &LastPost,
    verdict: &mut Verdict,
) {
    let belongs = m.junk || owed.iter().any(|c| owes_poison(rules, c));
    if belongs && !quarantined {
        let finding = m.carries.first().map(|c| c.finding);
        verdict.breaks("I7", at, finding, format!("m{message} was deleted and not quarantined"));
    }
    for c in owed {
        // A quarantined message is not lost, but only the poison in it may stay without a post.
        // I21 judges findings that close.
        if rules.is_poison(c.finding) || rules.lives(c.finding) {
            continue;
        }
        for destination in rules.owed(c.finding, c.level) {
            let alert = Alert { finding: c.finding, destination };
            if posted.get(&alert).is_none_or(|level| *level < c.level) {
                let what =
                    format!("m{message} was deleted, but {c} was not accepted at {destination}");
                verdict.breaks("I1", at, Some(c.finding), what);
            }
        }
    }
}
