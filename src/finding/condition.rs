//! Whether a finding is open or closed, as one event says.

use crate::instants::Wall;
use crate::words::words;

/// The state of a finding in one event: what its product says, and how people handled it.
///
/// The two are kept apart because a finding can be seen from two sides. GuardDuty's own event knows
/// nothing of Security Hub's workflow. So GuardDuty's next update, which says "not archived", does
/// not undo what a person resolved or suppressed in Security Hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// What the product that made the finding says.
    pub product: FindingState,
    /// How people handled the finding in Security Hub: open is NEW or NOTIFIED. None: the event
    /// does not say.
    pub handling: Option<FindingState>,
    /// When this state was seen: Security Hub's `ProcessedAt`, or else the event's own time. It
    /// orders two states of one `updated_at`, because a person's change of the workflow leaves
    /// `UpdatedAt` as it was.
    /// Source: Security Hub user guide, "BatchUpdateFindings for customers".
    pub observed_at: Option<Wall>,
}

/// A state that is missing or unknown counts as open: a post too many is better than one too few.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FindingState {
    #[default]
    Open,
    Closed(Closing),
}

words! {
    /// Why a finding is closed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Closing {
        /// The problem is gone.
        Resolved = "resolved",
        /// Somebody does not want to hear of it.
        Suppressed = "suppressed",
    }
}

impl Condition {
    /// What the product says, when nothing else is known.
    pub(super) fn of_product(product: FindingState) -> Condition {
        Condition { product, ..Condition::default() }
    }

    /// The same state, seen `at` unless it says itself when.
    pub(super) fn or_observed_at(self, at: Option<Wall>) -> Condition {
        Condition { observed_at: self.observed_at.or(at), ..self }
    }

    /// Why the finding is closed, if it is: by its product first, then by a person.
    pub fn closed(&self) -> Option<Closing> {
        self.product.closed().or_else(|| self.handling?.closed())
    }

    pub fn is_closed(&self) -> bool {
        self.closed().is_some()
    }
}

impl FindingState {
    /// Closed if `closed`, otherwise open.
    pub(super) fn closed_if(closed: bool, closing: Closing) -> FindingState {
        if closed { FindingState::Closed(closing) } else { FindingState::Open }
    }

    /// Reads a source's word for the state. `resolved` and `suppressed` are its words for closed,
    /// in any case. Without a word, or with any other word, the finding is open.
    pub(super) fn of_word(word: Option<&str>, resolved: &str, suppressed: &str) -> FindingState {
        match word.map(str::trim) {
            Some(word) if word.eq_ignore_ascii_case(resolved) => {
                FindingState::Closed(Closing::Resolved)
            }
            Some(word) if word.eq_ignore_ascii_case(suppressed) => {
                FindingState::Closed(Closing::Suppressed)
            }
            _ => FindingState::Open,
        }
    }

    pub fn closed(self) -> Option<Closing> {
        match self {
            FindingState::Open => None,
            FindingState::Closed(closing) => Some(closing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_case() {
        use Closing::{Resolved, Suppressed};
        use FindingState::{Closed, Open};
        for (word, state) in [
            (Some("CLOSED"), Closed(Resolved)),
            (Some(" closed "), Closed(Resolved)),
            (Some("Suppressed"), Closed(Suppressed)),
            (Some("ACTIVE"), Open),
            (Some("CLOSED?"), Open),
            (Some(""), Open),
            (None, Open),
        ] {
            assert_eq!(FindingState::of_word(word, "CLOSED", "SUPPRESSED"), state, "{word:?}");
        }
    }

    #[test]
    fn closed_by_the_product_or_by_a_person() {
        use Closing::{Resolved, Suppressed};
        use FindingState::{Closed, Open};
        for (product, handling, closed) in [
            (Open, None, None),
            (Open, Some(Open), None),
            (Closed(Resolved), None, Some(Resolved)),
            (Closed(Resolved), Some(Open), Some(Resolved)),
            (Open, Some(Closed(Suppressed)), Some(Suppressed)),
            (Closed(Resolved), Some(Closed(Suppressed)), Some(Resolved)),
        ] {
            let condition = Condition { product, handling, observed_at: None };
            assert_eq!(condition.closed(), closed, "{condition:?}");
        }
    }
}
