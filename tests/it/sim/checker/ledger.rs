//! I8: what a row knows only grows while it lives.

use std::collections::BTreeMap;

use super::Verdict;
use crate::sim::history::{Entry, Notice, RowNote, What};

const SKEW_MS: i64 = 2_500;

pub fn check(history: &[Entry], verdict: &mut Verdict) {
    let mut rows: BTreeMap<Notice, &RowNote> = BTreeMap::new();
    for entry in history {
        match &entry.what {
            What::Expired { notice } | What::Rewound { notice } => {
                rows.remove(notice);
            }
            What::Write { notice, row, done: true } => {
                let lived = |old: &&RowNote| old.expires_at > entry.at as i64 + SKEW_MS;
                if let Some(old) = rows.insert(*notice, row).filter(lived) {
                    shrunk(old, row, *notice, entry.at, verdict);
                    misused(old, row, *notice, entry.at, verdict);
                }
            }
            _ => {}
        }
    }
}

/// What a write must do to a row that lives, beside what may not shrink.
fn misused(old: &RowNote, new: &RowNote, notice: Notice, at: u64, verdict: &mut Verdict) {
    let of = format!("f{} at {}", notice.finding, notice.destination);
    if new.state == "claimed" && new.fence == old.fence {
        let what = format!("the claim of {of} keeps the fence {}", old.fence);
        verdict.breaks("I8", at, Some(notice.finding), what);
    }
    let given_up = new.state != "claimed" && !new.owned;
    if given_up && (new.state == "sent") != new.level_sent.is_some() {
        let what = format!("the row of {of} is {} at level {:?}", new.state, new.level_sent);
        verdict.breaks("I8", at, Some(notice.finding), what);
    }
}

fn shrunk(old: &RowNote, new: &RowNote, notice: Notice, at: u64, verdict: &mut Verdict) {
    let of = format!("f{} at {}", notice.finding, notice.destination);
    if new.fence < old.fence {
        let what = format!("the fence of {of} went from {} to {}", old.fence, new.fence);
        verdict.breaks("I8", at, Some(notice.finding), what);
    }
    if new.level_sent < old.level_sent {
        let what = format!(
            "the level sent of {of} went from {:?} to {:?}",
            old.level_sent, new.level_sent
        );
        verdict.breaks("I8", at, Some(notice.finding), what);
    }
}
