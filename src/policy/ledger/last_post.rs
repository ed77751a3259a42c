//! Whether the last post of an incident is enough.

use super::Terms;
use super::want::{ClaimKind, Want};
use crate::finding::Level;
use crate::instants::Wall;
use crate::mutation::{self, Mutation};
use crate::policy::record::AcceptedPost;

/// The parts of the last post that decide whether a further one is owed in the same incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPost {
    pub level: Level,
    /// [`AcceptedPost::revision`].
    pub revision: Option<Wall>,
    pub due_at: Option<Wall>,
}

impl LastPost {
    pub fn of(post: &AcceptedPost) -> LastPost {
        LastPost { level: post.level, revision: post.revision, due_at: post.due_at }
    }

    /// Why a further post is needed, if it is.
    pub(in crate::policy) fn post_needed(
        &self,
        want: &Want<'_>,
        terms: &Terms,
        now: Wall,
    ) -> Option<ClaimKind> {
        if self.level < want.level() && !mutation::is(Mutation::SettledByLowerLevel) {
            return Some(ClaimKind::Escalate { from: self.level });
        }
        // A reminder is for a finding that changed: its `updatedAt` is newer than the posted one,
        // or the posted one had none.
        let reminds = terms.remind_after.is_some()
            && self.due_at.is_some_and(|due| due <= now)
            && want.revision() > self.revision;
        reminds.then_some(ClaimKind::Remind)
    }
}
