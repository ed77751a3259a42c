//! Claiming an alert: the right to post it, for one worker at a time.

use super::last_post::LastPost;
use super::want::{ClaimKind, Want};
use super::{AlertRecord, Expect, Terms, Versioned};
use crate::finding::Level;
use crate::instants::Wall;
use crate::mutation::{self, Mutation};
use crate::policy::record::{AlertRecordState, Closed, Earlier, Effect, Incident};

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
    /// As [`Claim::AlreadyPosted`], but the record does not know this state yet. Replace it by this
    /// one first, if it is still as expected: a closing that is older and comes later changes
    /// nothing then.
    Join { expect: Expect, record: AlertRecord, level: Level },
    /// The finding is closed, as far as is known: settle without a post.
    Closed(Closed),
    /// Another worker may be posting the alert: ask again then, and settle nothing before.
    Busy { until: Wall },
}

/// Picks the transition for an alert that a worker wants to post, from the record as it was read.
///
/// First decides whether a post is needed, and then looks at who holds the lease. An accepted post
/// is a fact: an alert that was posted at the wanted level or above, in the incident that is open,
/// is settled even while another worker raises it. If that worker fails, its own message is
/// delivered again. As long as a post is needed, nothing is settled while another worker's lease
/// may be alive, not even on a record that has expired.
pub fn claim(seen: Option<&AlertRecord>, want: &Want<'_>, terms: &Terms, now: Wall) -> Claim {
    let Some(seen) = seen else {
        if let Some(closed) = want.sighting.closed() {
            return Claim::Closed(closed);
        }
        let record = claimed(AlertRecord::unposted(0), want, terms, now);
        return Claim::Write { expect: Expect::Absent, record, kind: ClaimKind::New };
    };
    if seen.is_claimed() && seen.owner() == Some(want.owner) {
        return renewed(seen, want, terms, now);
    }
    let mut known = seen.unexpired(now);
    if seen.is_claimed() {
        // An owner whose lease is over may have posted before it could say so.
        known.ambiguous = known.ambiguous.saturating_add(1);
    }
    let (incident, effect) = known.incident.see(&want.sighting, known.accepted());
    let next = match next(&known, effect, want, terms, now) {
        Next::Closed(closed) => return Claim::Closed(closed),
        Next::AlreadyPosted(level) if effect != Effect::Noted => {
            return Claim::AlreadyPosted { level };
        }
        next => next,
    };
    if let Some(until) = terms.busy_until(seen, now) {
        return Claim::Busy { until };
    }
    let expect = seen.as_seen();
    match next {
        Next::Post(kind) => Claim::Write { expect, record: claimed(known, want, terms, now), kind },
        Next::AlreadyPosted(level) => {
            Claim::Join { expect, record: noted(known, incident, terms, now), level }
        }
        Next::Closed(closed) => Claim::Closed(closed),
    }
}

/// What is owed, whoever holds the lease.
enum Next {
    Post(ClaimKind),
    AlreadyPosted(Level),
    Closed(Closed),
}

fn next(known: &AlertRecord, effect: Effect, want: &Want<'_>, terms: &Terms, now: Wall) -> Next {
    let closed = known.incident.closed.or(want.sighting.closed());
    match (closed, known.accepted()) {
        (Some(closed), _) if mutation::is(Mutation::ComebackForgotten) => Next::Closed(closed),
        (Some(closed), Some(_)) if effect == Effect::Opens => {
            Next::Post(ClaimKind::CameBack(closed))
        }
        (Some(closed), _) if effect != Effect::Opens => Next::Closed(closed),
        (_, None) => Next::Post(ClaimKind::TakeOver),
        (_, Some(post)) => {
            let needed = LastPost::of(post).post_needed(want, terms, now);
            // A late state of an earlier incident raises nothing in this one.
            let ended = known.incident.ended_before(&want.sighting);
            match (needed, ended) {
                (Some(_), Some(closed)) => Next::Closed(closed),
                (Some(kind), None) => Next::Post(kind),
                (None, _) => Next::AlreadyPosted(post.level),
            }
        }
    }
}

/// The record with new facts about its incident. Nobody posts it. The fence grows, so that whoever
/// read the record before does not overwrite the facts.
pub(super) fn noted(
    known: AlertRecord,
    incident: Incident,
    terms: &Terms,
    now: Wall,
) -> AlertRecord {
    AlertRecord {
        state: match known.state {
            AlertRecordState::Claimed { earlier, .. } => super::outcome::before(&earlier),
            state => state,
        },
        fence: known.fence.saturating_add(1),
        expires_at: terms.expiry(now),
        incident,
        ..known
    }
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
            level: want.level(),
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
