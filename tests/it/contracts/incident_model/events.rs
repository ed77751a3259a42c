//! The events of one finding, and what they say about it whoever has read them in which order.

use hansho::finding::{Closing, FindingState, Level};
use hansho::instants::Wall;
use hansho::policy::record::{Sighting, Stamp};

/// How many messages a scenario has, at most.
pub const MESSAGES: usize = 4;

/// A set of messages.
pub type Set = u8;

pub fn set(message: usize) -> Set {
    1 << message
}

/// The product says that the finding is open.
pub fn open(at: i64, level: Level) -> Sighting {
    Sighting::open(level, Some(Wall(at)))
}

/// The product says that the finding is closed.
pub fn closed(at: i64) -> Sighting {
    Sighting { product: FindingState::Closed(Closing::Resolved), ..open(at, Level::High) }
}

/// Security Hub says how people have handled the finding, in the state that the product gave it
/// before.
pub fn handled(state: FindingState, updated: i64, at: i64) -> Sighting {
    let at = Stamp { updated_at: Some(Wall(updated)), observed_at: Some(Wall(at)) };
    Sighting { handling: Some(state), at, ..open(0, Level::High) }
}

/// One message for each event.
pub struct Events(pub Vec<Sighting>);

/// The order of states. Of two equal times open wins, and an open state without a time is newest.
fn order(sighting: &Sighting, state: FindingState) -> (bool, Stamp, bool) {
    let open = state.closed().is_none();
    (open && sighting.at == Stamp::default(), sighting.at, open)
}

impl Events {
    pub fn messages(&self) -> std::ops::Range<usize> {
        0..self.0.len()
    }

    pub fn closings(&self, among: Set) -> impl Iterator<Item = usize> {
        self.messages().filter(move |m| among & set(*m) != 0 && self.is_closing(*m))
    }

    pub fn is_closing(&self, message: usize) -> bool {
        self.0[message].is_closed()
    }

    /// The open state is older than the closing.
    pub fn is_older(&self, message: usize, closing: usize) -> bool {
        let (open, closed) = (&self.0[message], &self.0[closing]);
        let closing = closed.closed().expect("a closing");
        order(open, FindingState::Open) < order(closed, FindingState::Closed(closing.why))
    }

    /// Whether the finding is open, if no more is known than these events and that of the message.
    /// The product's state and people's handling each have their newest event. Handling gives way
    /// to a message that is newer and more severe.
    pub fn is_open_by(&self, known: Set, message: usize) -> bool {
        let known = known | set(message);
        let known = || self.messages().filter(|m| known & set(*m) != 0).map(|m| &self.0[m]);
        let product = known().max_by_key(|event| order(event, event.product));
        let handling = known().filter(|event| event.handling.is_some());
        let handling = handling.max_by_key(|event| event.handling.map(|state| order(event, state)));
        let this = &self.0[message];
        let is_handled = handling.is_some_and(|event| {
            let handled = event.handling.is_some_and(|state| state.closed().is_some());
            handled && !(this.level > event.level && this.at > event.at)
        });
        product.is_some_and(|event| event.product.closed().is_none()) && !is_handled
    }
}
