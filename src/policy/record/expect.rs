//! The conditions of writes.

use crate::instants::Wall;

/// The state of a record as the ledger stores it. Each kind of record gives the words a meaning of
/// its own; an alert's are [`super::AlertRecordState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Free,
    Claimed,
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

/// The parts of a record that the condition of a write compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    pub state: State,
    /// Empty: nobody.
    pub owner: &'a str,
    pub fence: u64,
    pub lease_until: Wall,
}

/// A record whose writes are conditional.
pub trait Versioned {
    fn version(&self) -> Version<'_>;

    /// Expects the record to be exactly this one still.
    fn as_seen(&self) -> Expect {
        let Version { state, fence, lease_until, .. } = self.version();
        Expect::Seen { state, fence, lease_until }
    }
}

/// What a conditional write expects to find.
///
/// Together the parts of `Seen` change with every write, so a write that expects them replaces
/// exactly the record that was read. The fence alone is not enough: a mark keeps the fence, so a
/// claim could overwrite a mark that came in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    Absent,
    Seen {
        state: State,
        fence: u64,
        lease_until: Wall,
    },
    /// The record is claimed by this owner under this fence.
    Held {
        owner: String,
        fence: u64,
    },
}

impl Expect {
    /// Evaluates the condition, for adapters that do so in Rust.
    pub fn holds<V: Versioned>(&self, record: Option<&V>) -> bool {
        match (self, record.map(Versioned::version)) {
            (Expect::Absent, found) => found.is_none(),
            (Expect::Seen { .. } | Expect::Held { .. }, None) => false,
            (Expect::Seen { state, fence, lease_until }, Some(found)) => {
                found.state == *state && found.fence == *fence && found.lease_until == *lease_until
            }
            (Expect::Held { owner, fence }, Some(found)) => {
                found.state == State::Claimed && found.owner == *owner && found.fence == *fence
            }
        }
    }
}
