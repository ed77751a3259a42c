//! Posts without a claim: the ledger learns of them once it is reachable again.

use super::{AlertRecord, Expect, Terms, Versioned};
use crate::instants::Wall;
use crate::policy::record::{AcceptedPost, AlertRecordState, Earlier, Effect, Sighting};

/// A post that was made without a claim, because the ledger was unreachable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclaimedPost {
    pub post_id: String,
    /// The finding as it was posted.
    pub sighting: Sighting,
    pub sent_at: Wall,
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
    let known = seen.map_or_else(|| AlertRecord::unposted(0), |seen| seen.unexpired(now));
    let (incident, effect) = known.incident.see(&post.sighting, known.accepted());
    let came_back = effect == Effect::Opens && known.accepted().is_some();
    let before = known.accepted().filter(|_| !came_back);
    let level = post.sighting.level;
    // The latest post counts, even at a lower level: a reminder is due so long after it.
    let known_since = before.is_some_and(|b| b.level >= level && b.sent_at >= post.sent_at);
    // The post of a state in an earlier incident says nothing about this one.
    if known_since
        || is_rewound_since(&known, post, terms)
        || known.incident.ended_before(&post.sighting).is_some()
    {
        return Recording::Known;
    }
    let expect = match seen {
        None => Expect::Absent,
        Some(seen) => {
            let busy_until = terms.busy_until(seen, now);
            if let Some(until) = busy_until.filter(|_| seen.owner() != Some(owner)) {
                return Recording::Busy { until };
            }
            seen.as_seen()
        }
    };
    let accepted = AcceptedPost {
        level: before.map_or(level, |before| before.level.max(level)),
        revision: before.and_then(|before| before.revision).max(post.sighting.at.updated_at),
        sent_at: post.sent_at,
        due_at: terms.remind_after.map(|after| post.sent_at.plus(after)),
        post_id: post.post_id.clone(),
    };
    let record = AlertRecord {
        state: AlertRecordState::Posted { post: accepted, marked_by: Some(owner.to_owned()) },
        fence: known.fence.saturating_add(1),
        // The post of an older state leaves the incident closed.
        incident: match known.incident.is_closed() && effect != Effect::Opens {
            true => incident,
            false => incident.open(post.sent_at, came_back),
        },
        about: post.sighting.about.clone(),
        expires_at: terms.expiry(now),
        ..known
    };
    Recording::Write { expect, record }
}

/// Whether an operator had the record freed after the post. If that is unclear, the operator wins:
/// a post too many is better than one that was asked for and never came.
fn is_rewound_since(known: &AlertRecord, post: &UnclaimedPost, terms: &Terms) -> bool {
    let is_rewound = match &known.state {
        AlertRecordState::Free { rewound } => rewound.is_some(),
        AlertRecordState::Claimed { earlier, .. } => matches!(earlier, Earlier::Rewound { .. }),
        AlertRecordState::Posted { .. } => false,
    };
    // Each write of the record moves its expiry, so it was freed at this time or before.
    let changed_at = known.expires_at.minus(terms.retention);
    is_rewound && post.sent_at <= changed_at.plus(terms.skew)
}
