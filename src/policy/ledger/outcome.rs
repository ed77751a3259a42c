//! The end of a claim: a mark or a release.

use super::{AlertRecord, Expect, Terms, Versioned};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};
use crate::policy::record::{AcceptedPost, AlertRecordState, Earlier, Sighting};

/// The claimed record `held`, after Slack accepted the post `post_id` of the finding as it was
/// sighted. A record that is not claimed stays as it is, and the condition fails.
pub fn mark(
    held: &AlertRecord,
    post_id: &str,
    sighting: &Sighting,
    terms: &Terms,
    now: Wall,
) -> (Expect, AlertRecord) {
    let mut record = held.clone();
    if let AlertRecordState::Claimed { owner, level, .. } = &held.state {
        // A finding that came back is posted whatever its level was before.
        let came_back = held.came_back().is_some();
        let before = held.accepted().filter(|_| !came_back);
        let post = AcceptedPost {
            level: before.map_or(*level, |before| before.level.max(*level)),
            revision: before.and_then(|before| before.revision).max(sighting.at.updated_at),
            sent_at: now,
            due_at: terms.remind_after.map(|after| now.plus(after)),
            post_id: post_id.to_owned(),
        };
        record.state = AlertRecordState::Posted { post, marked_by: Some(owner.clone()) };
        let (incident, _) = held.incident.see(sighting, held.accepted());
        record.incident = incident.open(now, came_back);
        record.about = sighting.about.clone();
        record.expires_at = terms.expiry(now);
    }
    (held_as(held), record)
}

/// The claimed record `held`, after its post was not accepted, or perhaps was (`ambiguous`). The
/// record is as it was before the claim, but for the counts. A record that is not claimed stays as
/// it is, and the condition fails.
pub fn release(
    held: &AlertRecord,
    ambiguous: bool,
    terms: &Terms,
    now: Wall,
) -> (Expect, AlertRecord) {
    let mut record = held.clone();
    if let AlertRecordState::Claimed { earlier, .. } = &held.state {
        record.state = before(earlier);
        record.attempts = held.attempts.saturating_add(1);
        record.ambiguous = held.ambiguous.saturating_add(u32::from(ambiguous));
        record.expires_at = terms.expiry(now);
    }
    (held_as(held), record)
}

/// The state before a claim that was given up.
pub(super) fn before(earlier: &Earlier) -> AlertRecordState {
    match earlier {
        Earlier::None => AlertRecordState::Free { rewound: None },
        Earlier::Rewound { post_id } => AlertRecordState::Free { rewound: Some(post_id.clone()) },
        Earlier::Posted(post) if mutation::is(Mutation::ReleaseFreesTheSent) => {
            AlertRecordState::Free { rewound: Some(post.post_id.clone()) }
        }
        Earlier::Posted(post) => AlertRecordState::Posted { post: post.clone(), marked_by: None },
    }
}

/// The record is claimed by this owner under this fence.
pub fn held_by(record: &AlertRecord, owner: &str, fence: u64) -> bool {
    record.is_claimed() && record.owner() == Some(owner) && record.fence == fence
}

/// The mark was done. A mark that finds another record than expected asks this of it, because the
/// answer to an earlier try of the same mark may have been lost. The fence may have grown since,
/// with facts about the incident.
pub fn marked_by(record: &AlertRecord, owner: &str, fence: u64, post_id: &str) -> bool {
    record.is_posted()
        && record.owner() == Some(owner)
        && record.fence >= fence
        && record.post_id() == Some(post_id)
}

fn held_as(held: &AlertRecord) -> Expect {
    Expect::Held { owner: held.version().owner.to_owned(), fence: held.fence }
}
