//! Whether the last post of an alert is enough.

use super::{ClaimKind, LastPost, Terms, Want};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};

impl LastPost {
    /// No further post is needed. [`super::claim`] would say the same of the record. A worker may
    /// act on this without reading the record, because an accepted post is a fact. ARCHITECTURE.md,
    /// "Shortcuts", says what can make it untrue.
    pub fn already_posted(&self, want: &Want<'_>, terms: &Terms, now: Wall) -> bool {
        self.post_needed(want, terms, now).is_none()
    }

    /// Why a further post is needed, if it is.
    pub(super) fn post_needed(
        &self,
        want: &Want<'_>,
        terms: &Terms,
        now: Wall,
    ) -> Option<ClaimKind> {
        if self.expires_at < now && !mutation::is(Mutation::ExpiryForgotten) {
            return Some(ClaimKind::TakeOver);
        }
        if self.level < want.level && !mutation::is(Mutation::SettledByLowerLevel) {
            return Some(ClaimKind::Escalate { from: self.level });
        }
        // A reminder is for a finding that changed: its `updatedAt` is newer than the posted one,
        // or the posted one had none.
        let reminds = terms.remind_after.is_some()
            && self.due_at.is_some_and(|due| due <= now)
            && want.revision > self.revision;
        reminds.then_some(ClaimKind::Remind)
    }
}
