//! Posts without a claim: the ledger learns of them once it is reachable again.

use super::{AlertRecord, Expect, LastPost, Terms, Versioned};
use crate::finding::Level;
use crate::instants::Wall;
use crate::policy::record::{AcceptedPost, AlertRecordState};

/// A post that was made without a claim, because the ledger was unreachable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclaimedPost {
    pub level: Level,
    pub post_id: String,
    /// The posted finding's `updatedAt`.
    pub revision: Option<Wall>,
    pub sent_at: Wall,
}

impl UnclaimedPost {
    /// At least so much the record says once the ledger knows of the post.
    pub fn last_post(&self, terms: &Terms) -> LastPost {
        LastPost {
            level: self.level,
            revision: self.revision,
            due_at: terms.remind_after.map(|after| self.sent_at.plus(after)),
            expires_at: terms.expiry(self.sent_at),
        }
    }
}

/// How to record a fact that the ledger does not know yet, in a record of type `R`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recording<R> {
    /// Replace the record by this one, if it is still as expected.
    Write { expect: Expect, record: R },
    /// The record says so already, or says more.
    Known,
    /// Another worker may be posting the alert: ask again then.
    Busy { until: Wall },
}

/// Picks the transition for a post that was made without a claim. `owner` is the alert's own: a
/// claim from before the ledger was unreachable does not stand in its way.
pub fn record(
    seen: Option<&AlertRecord>,
    owner: &str,
    post: &UnclaimedPost,
    terms: &Terms,
    now: Wall,
) -> Recording<AlertRecord> {
    let known = match seen {
        Some(seen) if seen.expires_at >= now => seen.clone(),
        other => AlertRecord::unposted(other.map_or(0, |seen| seen.fence)),
    };
    let before = known.accepted();
    // The latest post counts, even at a lower level: a reminder is due so long after it.
    if before.is_some_and(|b| b.level >= post.level && b.sent_at >= post.sent_at) {
        return Recording::Known;
    }
    let expect = match seen {
        None => Expect::Absent,
        Some(seen) => {
            let until = seen.lease_until.plus(terms.skew);
            if seen.is_claimed() && seen.owner() != Some(owner) && now < until {
                return Recording::Busy { until };
            }
            seen.as_seen()
        }
    };
    let accepted = AcceptedPost {
        level: before.map_or(post.level, |before| before.level.max(post.level)),
        revision: before.and_then(|before| before.revision).max(post.revision),
        sent_at: post.sent_at,
        due_at: terms.remind_after.map(|after| post.sent_at.plus(after)),
        post_id: post.post_id.clone(),
    };
    let record = AlertRecord {
        state: AlertRecordState::Posted { post: accepted, marked_by: Some(owner.to_owned()) },
        fence: known.fence.saturating_add(1),
        expires_at: terms.expiry(now),
        ..known
    };
    Recording::Write { expect, record }
}
