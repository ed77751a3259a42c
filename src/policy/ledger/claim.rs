//! Claiming an alert: the right to post it, for one worker at a time.

use super::{AlertRecord, Expect, Terms, Versioned};
use crate::finding::Level;
use crate::instants::Wall;
use crate::mutation::{self, Mutation};
use crate::policy::record::{AlertRecordState, Earlier, LastPost};

/// A worker wants to post an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want<'a> {
    /// See [`AlertRecordState::Claimed`]. Never empty.
    pub owner: &'a str,
    pub level: Level,
    /// The finding's `updatedAt`.
    pub revision: Option<Wall>,
}

/// The answer to a [`Want`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Replace the record by this one, if it is still as expected. If that succeeds the owner may
    /// post until the new record's `lease_until`. [`AlertRecord::escalated_from`] and
    /// [`AlertRecord::is_reminder`] of the new record say how to draw the card, also after a
    /// renewal.
    Write { expect: Expect, record: AlertRecord, kind: ClaimKind },
    /// The alert was posted at this level, which is at least the wanted one: settle without a post.
    AlreadyPosted { level: Level },
    /// Another worker may be posting the alert: ask again then, and settle nothing before.
    Busy { until: Wall },
}

/// Why a record is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// There is no record.
    New,
    /// As far as is known the alert was never posted, or the record has expired. An earlier owner
    /// gave up or its lease is over.
    TakeOver,
    /// The alert was posted, but at the lower level `from`.
    Escalate { from: Level },
    /// The alert was posted at this level, the reminder is due, and the finding changed since.
    Remind,
    /// The claim is the owner's already: the answer to an earlier write was lost.
    Renew,
}

impl ClaimKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ClaimKind::New => "new",
            ClaimKind::TakeOver => "take_over",
            ClaimKind::Escalate { .. } => "escalate",
            ClaimKind::Remind => "remind",
            ClaimKind::Renew => "renew",
        }
    }
}

/// Picks the transition for an alert that a worker wants to post, from the record as it was read.
///
/// First decides whether a post is needed, and then looks at who holds the lease. An accepted post
/// is a fact: an alert that was posted at the wanted level or above is settled even while another
/// worker raises it. If that worker fails, its own message is delivered again. As long as a post is
/// needed, nothing is settled while another worker's lease may be alive, not even on a record that
/// has expired.
pub fn claim(seen: Option<&AlertRecord>, want: &Want<'_>, terms: &Terms, now: Wall) -> Claim {
    let Some(seen) = seen else {
        let record = claimed(AlertRecord::unposted(0), want, terms, now);
        return Claim::Write { expect: Expect::Absent, record, kind: ClaimKind::New };
    };
    if seen.is_claimed() && seen.owner() == Some(want.owner) {
        return renewed(seen, want, terms, now);
    }
    let mut known = match seen.expires_at < now {
        true => AlertRecord::unposted(seen.fence),
        false => seen.clone(),
    };
    if seen.is_claimed() {
        // An owner whose lease is over may have posted before it could say so.
        known.ambiguous = known.ambiguous.saturating_add(1);
    }
    let kind = match post_needed(&known, want, terms, now) {
        Ok(kind) => kind,
        Err(level) => return Claim::AlreadyPosted { level },
    };
    // The lease is its owner's until the slowest clock says that it is over.
    let until = seen.lease_until.plus(terms.skew);
    if seen.is_claimed() && now < until {
        return Claim::Busy { until };
    }
    Claim::Write { expect: seen.as_seen(), record: claimed(known, want, terms, now), kind }
}

/// Why a post is needed. The error is the level at which the alert was posted already.
fn post_needed(
    known: &AlertRecord,
    want: &Want<'_>,
    terms: &Terms,
    now: Wall,
) -> Result<ClaimKind, Level> {
    let Some(post) = known.accepted() else { return Ok(ClaimKind::TakeOver) };
    let last = LastPost {
        level: post.level,
        revision: post.revision,
        due_at: post.due_at,
        expires_at: known.expires_at,
    };
    last.post_needed(want, terms, now).ok_or(last.level)
}

/// The fence grows here too: a release of the earlier claim that is still under way must not undo
/// this one. The level is the wanted one, as the post will show that, and not the earlier claim's.
/// A lease that is over may be renewed as well: if another worker took the record over meanwhile,
/// the condition fails.
fn renewed(seen: &AlertRecord, want: &Want<'_>, terms: &Terms, now: Wall) -> Claim {
    let record = claimed(seen.clone(), want, terms, now);
    let expect = Expect::Held { owner: want.owner.to_owned(), fence: seen.fence };
    Claim::Write { expect, record, kind: ClaimKind::Renew }
}

pub(super) fn claimed(
    known: AlertRecord,
    want: &Want<'_>,
    terms: &Terms,
    now: Wall,
) -> AlertRecord {
    AlertRecord {
        state: AlertRecordState::Claimed {
            owner: want.owner.to_owned(),
            level: want.level,
            earlier: earlier(known.state),
        },
        fence: match mutation::is(Mutation::FenceKept) {
            true => known.fence.max(1),
            false => known.fence.saturating_add(1),
        },
        lease_until: now.plus(terms.lease),
        expires_at: terms.expiry(now),
        ..known
    }
}

/// What a claim keeps of the state before it.
pub(super) fn earlier(state: AlertRecordState) -> Earlier {
    match state {
        AlertRecordState::Free { rewound: None } => Earlier::None,
        AlertRecordState::Free { rewound: Some(post_id) } => Earlier::Rewound { post_id },
        AlertRecordState::Claimed { earlier, .. } => earlier,
        AlertRecordState::Posted { post, .. } => Earlier::Posted(post),
    }
}
