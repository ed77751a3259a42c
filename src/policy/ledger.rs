//! The ledger protocol: what is known of an alert, and which transition comes next.
//!
//! A row is only ever changed by one conditional write that replaces it whole. [`claim`] picks the
//! transition from what was seen; the adapter carries it out if the row is still as seen, and else
//! answers with the row as it is, from which the next transition is picked. So two workers can
//! never both win, and none of them ever acts on a row that it has not seen.

use std::time::Duration;

use crate::finding::{Fingerprint, Level};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};

/// An alert's identity: a finding, owed to a destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The partition key: [`Fingerprint`] as text.
    pub fingerprint: String,
    /// The sort key: the destination's name.
    pub destination: String,
}

impl RecordKey {
    pub fn new(fingerprint: &Fingerprint, destination: &str) -> RecordKey {
        RecordKey { fingerprint: fingerprint.to_string(), destination: destination.to_owned() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nobody is posting it, and it was never posted.
    Free,
    /// Somebody holds the right to post it until `lease_until`.
    Claimed,
    /// It was posted at `level_sent`.
    Sent,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Free => "free",
            State::Claimed => "claimed",
            State::Sent => "sent",
        }
    }

    pub fn from_name(word: &str) -> Option<State> {
        [State::Free, State::Claimed, State::Sent].into_iter().find(|s| s.as_str() == word)
    }
}

/// What is known of an alert. An empty `owner` means nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub state: State,
    /// Unique to one residence of an alert at one desk. It stays after a mark, so that a mark whose
    /// answer was lost can be recognised, and goes with a release.
    pub owner: String,
    /// Grows by one with every claim, and never shrinks while the row lives.
    pub fence: u64,
    pub lease_until: Wall,
    /// What is being posted; only a claimed row has it.
    pub level_claimed: Option<Level>,
    pub level_sent: Option<Level>,
    /// The newest `updatedAt` of the finding that was posted.
    pub revision_sent: Option<Wall>,
    pub sent_at: Option<Wall>,
    /// When a reminder is due, if reminders are configured.
    pub due_at: Option<Wall>,
    /// Posts tried under this row that were not accepted.
    pub attempts: u32,
    /// Tries that may have been accepted all the same: posts without a clear answer, and claims whose
    /// owner was never heard of again.
    pub ambiguous: u32,
    /// The id of the last post that carried it.
    pub digest: String,
    /// When the row may be forgotten. The TTL attribute, in whole seconds.
    pub expires_at: Wall,
}

/// What a conditional write expects to find. Together the parts of `Seen` change with every write,
/// so a write that expects them replaces exactly the row that was looked at: a fence alone would
/// let a claim overwrite a mark that came in between, because a mark keeps the fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    Absent,
    Seen {
        state: State,
        fence: u64,
        lease_until: Wall,
    },
    /// The row is claimed by this owner under this fence.
    Held {
        owner: String,
        fence: u64,
    },
}

impl Expect {
    /// The condition itself, for adapters that evaluate it in Rust.
    pub fn holds(&self, row: Option<&Row>) -> bool {
        match (self, row) {
            (Expect::Absent, row) => row.is_none(),
            (Expect::Seen { .. } | Expect::Held { .. }, None) => false,
            (Expect::Seen { state, fence, lease_until }, Some(row)) => {
                row.state == *state && row.fence == *fence && row.lease_until == *lease_until
            }
            (Expect::Held { owner, fence }, Some(row)) => {
                row.state == State::Claimed && row.owner == *owner && row.fence == *fence
            }
        }
    }
}

/// How long rights and rows last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub lease: Duration,
    /// How far apart two machines' clocks may be.
    pub skew: Duration,
    /// How long a row is kept after its last write.
    pub retention: Duration,
    /// Post again at the same level after so long, if the finding changed. None: never.
    pub remind_after: Option<Duration>,
}

impl Terms {
    /// When a row written at `now` may be forgotten. In whole seconds, rounded up, because that is
    /// all that a TTL attribute can hold: so a row is read as it was written.
    pub(super) fn expiry(&self, now: Wall) -> Wall {
        let ms = now.plus(self.retention).0.saturating_add(999);
        Wall(ms.div_euclid(1000).saturating_mul(1000))
    }
}

/// Somebody wants to post an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want<'a> {
    /// See [`Row::owner`]. Never empty.
    pub owner: &'a str,
    pub level: Level,
    /// The finding's `updatedAt`.
    pub revision: Option<Wall>,
}

/// What to do about an alert that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Replace the row by this one, if it is still as expected. If that succeeds the right to post
    /// is yours until the new row's `lease_until`; draw the card by the new row's
    /// [`Row::escalated_from`] and [`Row::is_reminder`], which also hold after a renewal.
    Write { expect: Expect, row: Row, kind: ClaimKind },
    /// It was posted at this level, which is at least the wanted one: settle without a post.
    AlreadyPosted { level: Level },
    /// Somebody else may be posting it: ask again then, and settle nothing before.
    Busy { until: Wall },
}

/// Why a row is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// There was no row.
    New,
    /// It was never posted, as far as is known, or so long ago that it is forgotten; whoever
    /// claimed it before gave up or is gone.
    TakeOver,
    /// It was posted, but at the lower level `from`.
    Escalate { from: Level },
    /// It was posted at this level, the reminder is due, and the finding changed since.
    Remind,
    /// The claim is mine already: the answer to an earlier write was lost.
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

/// What a row says of the posts of its alert: all that matters for whether it is owed once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPost {
    pub level: Level,
    /// [`Row::revision_sent`].
    pub revision: Option<Wall>,
    pub due_at: Option<Wall>,
    pub expires_at: Wall,
}

impl LastPost {
    /// From the parts of a row. None unless the row says that it was posted, and that nobody is at it:
    /// a claim is a promise, and no post.
    pub fn of(
        state: State,
        level_sent: Option<Level>,
        revision: Option<Wall>,
        due_at: Option<Wall>,
        expires_at: Wall,
    ) -> Option<LastPost> {
        let level = match state {
            State::Sent => level_sent,
            State::Claimed if mutation::is(Mutation::ClaimedTakenForTold) => Some(Level::Critical),
            State::Free | State::Claimed => None,
        };
        level.map(|level| LastPost { level, revision, due_at, expires_at })
    }

    /// It covers an alert that is wanted: what [`claim`] would find, were the row still like this. That
    /// may be acted on although the row is not asked, since a post that was accepted is a fact; what can
    /// make it untrue is told in ARCHITECTURE.md, "Shortcuts".
    pub fn covers(&self, want: &Want<'_>, terms: &Terms, now: Wall) -> bool {
        self.owes(want, terms, now).is_none()
    }

    /// Why the alert is owed all the same, if it is.
    fn owes(&self, want: &Want<'_>, terms: &Terms, now: Wall) -> Option<ClaimKind> {
        if self.expires_at < now && !mutation::is(Mutation::ExpiryForgotten) {
            return Some(ClaimKind::TakeOver);
        }
        if self.level < want.level && !mutation::is(Mutation::CoveredByLowerLevel) {
            return Some(ClaimKind::Escalate { from: self.level });
        }
        // A reminder is for what has changed: an `updatedAt` that is newer than the posted one, or
        // there at all where the posted finding had none.
        let reminds = terms.remind_after.is_some()
            && self.due_at.is_some_and(|due| due <= now)
            && want.revision > self.revision;
        reminds.then_some(ClaimKind::Remind)
    }
}

/// Picks the transition for an alert that is wanted, from the row as it was seen.
///
/// What is owed is decided first, and who is at it second. A post that was accepted is a fact, so a
/// row that was sent at the wanted level or above covers the alert even while somebody is busy
/// raising it: if they fail, their own message comes again. Whatever is still owed is never settled
/// while another's lease may be alive, not even on a row that has expired.
pub fn claim(row: Option<&Row>, want: &Want<'_>, terms: &Terms, now: Wall) -> Claim {
    let Some(seen) = row else {
        let row = taken(blank(0), want, terms, now);
        return Claim::Write { expect: Expect::Absent, row, kind: ClaimKind::New };
    };
    if seen.state == State::Claimed && seen.owner == want.owner {
        return renewed(seen, want, terms, now);
    }
    let mut known = if seen.expires_at < now { blank(seen.fence) } else { seen.clone() };
    if seen.state == State::Claimed {
        // Whoever is gone may have posted before it could say so.
        known.ambiguous = known.ambiguous.saturating_add(1);
    }
    let Row { revision_sent: revision, due_at, expires_at, .. } = known;
    let told = known.level_sent.map(|level| LastPost { level, revision, due_at, expires_at });
    let kind = match told.map(|told| (told.level, told.owes(want, terms, now))) {
        None => ClaimKind::TakeOver,
        Some((_, Some(kind))) => kind,
        Some((level, None)) => return Claim::AlreadyPosted { level },
    };
    // The lease is its owner's until the slowest clock says that it is over.
    let until = seen.lease_until.plus(terms.skew);
    if seen.state == State::Claimed && now < until {
        return Claim::Busy { until };
    }
    Claim::Write { expect: seen.as_seen(), row: taken(known, want, terms, now), kind }
}

/// The claimed row `held`, after its post was accepted as the post `digest`. `revision` is the
/// posted finding's `updatedAt`.
pub fn mark(
    held: &Row,
    digest: &str,
    revision: Option<Wall>,
    terms: &Terms,
    now: Wall,
) -> (Expect, Row) {
    let row = Row {
        state: State::Sent,
        level_claimed: None,
        level_sent: held.level_sent.max(held.level_claimed),
        revision_sent: held.revision_sent.max(revision),
        sent_at: Some(now),
        due_at: terms.remind_after.map(|after| now.plus(after)),
        digest: digest.to_owned(),
        expires_at: terms.expiry(now),
        ..held.clone()
    };
    (held_as(held), row)
}

/// The claimed row `held`, after its post was not accepted, or perhaps was (`ambiguous`): as it was
/// before the claim, but for the counts.
pub fn release(held: &Row, ambiguous: bool, terms: &Terms, now: Wall) -> (Expect, Row) {
    let row = Row {
        state: match held.level_sent {
            Some(_) if !mutation::is(Mutation::ReleaseFreesTheSent) => State::Sent,
            _ => State::Free,
        },
        owner: String::new(),
        level_claimed: None,
        attempts: held.attempts.saturating_add(1),
        ambiguous: held.ambiguous.saturating_add(u32::from(ambiguous)),
        expires_at: terms.expiry(now),
        ..held.clone()
    };
    (held_as(held), row)
}

/// A post that was made without a claim, because the ledger was away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclaimed {
    pub level: Level,
    /// The post's id.
    pub digest: String,
    /// The posted finding's `updatedAt`.
    pub revision: Option<Wall>,
    pub sent_at: Wall,
}

impl Unclaimed {
    /// What its row says when the ledger knows of it, or less.
    pub fn told(&self, terms: &Terms) -> LastPost {
        LastPost {
            level: self.level,
            revision: self.revision,
            due_at: terms.remind_after.map(|after| self.sent_at.plus(after)),
            expires_at: terms.expiry(self.sent_at),
        }
    }
}

/// What to do about a post that the ledger does not know of yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Replace the row by this one, if it is still as expected.
    Write { expect: Expect, row: Row },
    /// The row says so already, or that more was posted.
    Known,
    /// Somebody else may be posting it: ask again then.
    Busy { until: Wall },
}

/// Picks the transition for a post that was made without a claim. `owner` is the alert's own: a
/// claim that it had before the ledger went away does not stand in its way.
pub fn record(
    row: Option<&Row>,
    owner: &str,
    post: &Unclaimed,
    terms: &Terms,
    now: Wall,
) -> Record {
    let known = match row {
        Some(seen) if seen.expires_at >= now => seen.clone(),
        other => blank(other.map_or(0, |seen| seen.fence)),
    };
    // The latest post counts, though not at a higher level: a reminder is due so long after it.
    if known.level_sent >= Some(post.level) && known.sent_at >= Some(post.sent_at) {
        return Record::Known;
    }
    let expect = match row {
        None => Expect::Absent,
        Some(seen) => {
            let until = seen.lease_until.plus(terms.skew);
            if seen.state == State::Claimed && seen.owner != owner && now < until {
                return Record::Busy { until };
            }
            seen.as_seen()
        }
    };
    let row = Row {
        state: State::Sent,
        owner: owner.to_owned(),
        fence: known.fence.saturating_add(1),
        level_claimed: None,
        level_sent: known.level_sent.max(Some(post.level)),
        revision_sent: known.revision_sent.max(post.revision),
        sent_at: Some(post.sent_at),
        due_at: terms.remind_after.map(|after| post.sent_at.plus(after)),
        digest: post.digest.clone(),
        expires_at: terms.expiry(now),
        ..known
    };
    Record::Write { expect, row }
}

/// What to do so that an alert which was posted is posted once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewind {
    /// Replace the row by this one, if it is still as expected.
    Write { expect: Expect, row: Row },
    /// Nothing stands in its way: as far as is known it was never posted.
    Nothing,
    /// Somebody may be posting it right now: ask again then.
    Busy { until: Wall },
}

/// Picks the transition by which an operator has an alert posted again: the row is free as if it had
/// never been posted, under a new fence, so that a mark or a release still under way comes too late.
/// The next post says that it may repeat an earlier one, which is what it does. Whoever does this
/// sends the message after it, never before: in between nothing is owed that is not in a queue.
pub fn rewind(row: Option<&Row>, terms: &Terms, now: Wall) -> Rewind {
    let Some(seen) = row.filter(|seen| seen.expires_at >= now && seen.level_sent.is_some()) else {
        return Rewind::Nothing;
    };
    let until = seen.lease_until.plus(terms.skew);
    if seen.state == State::Claimed && now < until {
        return Rewind::Busy { until };
    }
    let row = Row {
        ambiguous: seen.ambiguous.saturating_add(1),
        attempts: seen.attempts,
        digest: seen.digest.clone(),
        lease_until: seen.lease_until,
        expires_at: terms.expiry(now),
        ..blank(seen.fence.saturating_add(1))
    };
    Rewind::Write { expect: seen.as_seen(), row }
}

/// The row is claimed by this owner under this fence.
pub fn held_by(row: &Row, owner: &str, fence: u64) -> bool {
    row.state == State::Claimed && row.owner == owner && row.fence == fence
}

/// The mark was done: what to ask of the row that answers a mark which was lost, because the answer
/// to an earlier try of the same mark may have been lost on the way.
pub fn marked_by(row: &Row, owner: &str, fence: u64, digest: &str) -> bool {
    row.state == State::Sent && row.owner == owner && row.fence == fence && row.digest == digest
}

impl Row {
    /// What it says of the posts of its alert.
    pub fn told(&self) -> Option<LastPost> {
        let Row { state, level_sent, revision_sent, due_at, expires_at, .. } = *self;
        LastPost::of(state, level_sent, revision_sent, due_at, expires_at)
    }

    /// The row is still exactly this one.
    pub fn as_seen(&self) -> Expect {
        Expect::Seen { state: self.state, fence: self.fence, lease_until: self.lease_until }
    }

    /// The level that was posted before, if the post of this claimed row raises it.
    pub fn escalated_from(&self) -> Option<Level> {
        self.level_sent.filter(|_| self.level_sent < self.level_claimed)
    }

    /// An earlier try at the first post may have been accepted, so that this one may repeat it.
    pub fn perhaps_repeats(&self) -> bool {
        self.ambiguous > 0 && self.level_sent.is_none()
    }

    /// The post of this claimed row repeats a level that was posted before.
    pub fn is_reminder(&self) -> bool {
        self.level_claimed.is_some() && self.level_sent >= self.level_claimed
    }
}

/// The fence grows here too: a release of the earlier claim that is still under way must not undo
/// this one. The level is the wanted one, not the earlier claim's: it is what the post will show.
/// A lease that ran out may be renewed as well: if somebody took the row over meanwhile, the
/// condition says so.
fn renewed(seen: &Row, want: &Want<'_>, terms: &Terms, now: Wall) -> Claim {
    let row = taken(seen.clone(), want, terms, now);
    Claim::Write { expect: held_as(seen), row, kind: ClaimKind::Renew }
}

fn taken(known: Row, want: &Want<'_>, terms: &Terms, now: Wall) -> Row {
    Row {
        state: State::Claimed,
        owner: want.owner.to_owned(),
        fence: match mutation::is(Mutation::FenceKept) {
            true => known.fence.max(1),
            false => known.fence.saturating_add(1),
        },
        lease_until: now.plus(terms.lease),
        level_claimed: Some(want.level),
        expires_at: terms.expiry(now),
        ..known
    }
}

/// A row that knows nothing but its fence.
pub(super) fn blank(fence: u64) -> Row {
    Row {
        state: State::Free,
        owner: String::new(),
        fence,
        lease_until: Wall(0),
        level_claimed: None,
        level_sent: None,
        revision_sent: None,
        sent_at: None,
        due_at: None,
        attempts: 0,
        ambiguous: 0,
        digest: String::new(),
        expires_at: Wall(0),
    }
}

fn held_as(held: &Row) -> Expect {
    Expect::Held { owner: held.owner.clone(), fence: held.fence }
}

#[cfg(test)]
mod tests;
