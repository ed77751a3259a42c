//! I8: the fence and the level of a record only grow while it lives.

use std::collections::BTreeMap;

use super::Verdict;
use crate::sim::history::{Alert, Entry, RowNote, What};

const SKEW_MS: i64 = 2_500;

pub fn check(history: &[Entry], verdict: &mut Verdict) {
    let mut rows: BTreeMap<Alert, &RowNote> = BTreeMap::new();
    for entry in history {
        match &entry.what {
            What::Expired { alert } | What::Rewound { alert } => {
                rows.remove(alert);
            }
            What::Write { alert, row, done: true } => {
                let lived = |old: &&RowNote| old.expires_at > entry.at as i64 + SKEW_MS;
                if let Some(old) = rows.insert(*alert, row).filter(lived) {
                    shrunk(old, row, *alert, entry.at, verdict);
                    misused(old, row, *alert, entry.at, verdict);
                }
            }
            _ => {}
        }
    }
}

/// What a write must do to a row that lives, beside what may not shrink.
fn misused(old: &RowNote, new: &RowNote, alert: Alert, at: u64, verdict: &mut Verdict) {
    let of = format!("f{} at {}", alert.finding, alert.destination);
    if new.state == "claimed" && new.fence == old.fence {
        let what = format!("the claim of {of} keeps the fence {}", old.fence);
        verdict.breaks("I8", at, Some(alert.finding), what);
    }
    let given_up = new.state != "claimed" && !new.owned;
    if given_up && (new.state == "sent") != new.level_sent.is_some() {
        let what = format!("the row of {of} is {} at level {:?}", new.state, new.level_sent);
        verdict.breaks("I8", at, Some(alert.finding), what);
    }
}

fn shrunk(old: &RowNote, new: &RowNote, alert: Alert, at: u64, verdict: &mut Verdict) {
    let of = format!("f{} at {}", alert.finding, alert.destination);
    if new.fence < old.fence {
        let what = format!("the fence of {of} went from {} to {}", old.fence, new.fence);
        verdict.breaks("I8", at, Some(alert.finding), what);
    }
    if new.comebacks < old.comebacks {
        let what = format!("the row of {of} forgot that it came back");
        verdict.breaks("I8", at, Some(alert.finding), what);
    }
    // A finding that came back may be less severe than before.
    if new.level_sent < old.level_sent && new.comebacks == old.comebacks {
        let what = format!(
            "the level sent of {of} went from {:?} to {:?}",
            old.level_sent, new.level_sent
        );
        verdict.breaks("I8", at, Some(alert.finding), what);
    }
}
