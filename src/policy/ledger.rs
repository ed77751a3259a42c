//! The ledger protocol: what is known of a notice, and which transition comes next.
//!
//! A row is only ever changed by one conditional write that replaces it whole. [`claim`] picks the
//! transition from what was seen; the adapter carries it out if the row is still as seen, and else
//! answers with the row as it is, from which the next transition is picked. So two workers can
//! never both win, and none of them ever acts on a row that it has not seen.

use std::time::Duration;

use crate::finding::{Fingerprint, Level};
use crate::instants::Wall;

/// A notice's identity: a finding, owed to a destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeKey {
    /// The partition key: [`Fingerprint`] as text.
    pub fingerprint: String,
    /// The sort key: the destination's name.
    pub destination: String,
}

impl NoticeKey {
    pub fn new(fingerprint: &Fingerprint, destination: &str) -> NoticeKey {
        NoticeKey { fingerprint: fingerprint.to_string(), destination: destination.to_owned() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody is posting it, and it was never posted.
    Free,
    /// Somebody holds the right to post it until `lease_until`.
    Claimed,
    /// It was posted at `level_sent`.
    Sent,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Free => "free",
            State::Claimed => "claimed",
            State::Sent => "sent",
        }
    }

    pub fn from_word(word: &str) -> Option<State> {
        [State::Free, State::Claimed, State::Sent].into_iter().find(|s| s.word() == word)
    }
}

/// What is known of a notice. An empty `owner` means nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub state: State,
    /// Unique to one residence of a notice at one desk.
    pub owner: String,
    /// Grows by one with every claim, and never shrinks while the row lives.
    pub fence: u64,
    pub lease_until: Wall,
    pub level_claimed: Option<Level>,
    pub level_sent: Option<Level>,
    /// The finding's `updatedAt` as of the last post.
    pub revision_sent: Option<Wall>,
    pub sent_at: Option<Wall>,
    /// When a reminder is due, if reminders are configured.
    pub due_at: Option<Wall>,
    /// Posts tried under this row that were not accepted.
    pub attempts: u32,
    /// Those of them that may have been accepted all the same.
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
    Seen { state: State, fence: u64, lease_until: Wall },
    /// The row is claimed by this owner under this fence, however far the lease was renewed.
    Held { owner: String, fence: u64 },
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
