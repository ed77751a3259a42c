//! Having an alert posted again that was posted already.

use super::{AlertRecord, Expect, Terms, Versioned};
use crate::instants::Wall;
use crate::policy::record::AlertRecordState;

/// The answer to an operator who wants an alert posted again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub enum Rewind {
    /// Replace the record by this one, if it is still as expected.
    Write { expect: Expect, record: AlertRecord },
    /// Nothing stands in the way: as far as is known the alert was never posted.
    Nothing,
    /// A worker may be posting the alert right now: ask again then.
    Busy { until: Wall },
}

/// Picks the transition by which an operator has an alert posted again.
///
/// The record becomes free as if the alert had never been posted, under a new fence, so that a mark
/// or a release still under way comes too late. The next post says that it may repeat an earlier
/// one. The caller rewinds first and sends the message afterwards, never the other way round: in
/// between, no post is owed whose message is not in a queue.
pub fn rewind(seen: Option<&AlertRecord>, terms: &Terms, now: Wall) -> Rewind {
    let Some(seen) = seen.filter(|seen| seen.expires_at >= now) else { return Rewind::Nothing };
    let Some(post) = seen.accepted() else { return Rewind::Nothing };
    if let Some(until) = terms.busy_until(seen, now) {
        return Rewind::Busy { until };
    }
    let record = AlertRecord {
        state: AlertRecordState::Free { rewound: Some(post.post_id.clone()) },
        fence: seen.fence.saturating_add(1),
        lease_until: seen.lease_until,
        attempts: seen.attempts,
        ambiguous: seen.ambiguous.saturating_add(1),
        incident: seen.incident.clone(),
        about: seen.about.clone(),
        expires_at: terms.expiry(now),
    };
    Rewind::Write { expect: seen.as_seen(), record }
}
