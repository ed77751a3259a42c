//! The record of one alert: who may post it, and what was posted.

use super::about::About;
use super::accepted_post::AcceptedPost;
use super::expect::{State, Version, Versioned};
use super::incident::{Closed, Incident};
use crate::finding::Level;
use crate::instants::Wall;

/// What the ledger knows of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRecord {
    pub state: AlertRecordState,
    /// Grows by one with every claim, and never shrinks while the record lives.
    pub fence: u64,
    /// When the claim ends. It stays after the claim, as a part of [`super::Expect::Seen`].
    pub lease_until: Wall,
    /// Posts under this record that Slack did not accept.
    pub attempts: u32,
    /// Tries that Slack may have accepted all the same: posts without a clear answer, and claims
    /// whose owner never said what came of them.
    pub ambiguous: u32,
    /// Whether the finding is open, and how its incident went.
    pub incident: Incident,
    /// The type and the resource of the finding when it was last posted.
    pub about: About,
    /// When the record may be forgotten. The TTL attribute, in whole seconds.
    pub expires_at: Wall,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertRecordState {
    /// Nobody is posting it, and as far as is known it was never posted.
    Free {
        /// The id of a post from before an operator had the alert posted again.
        rewound: Option<String>,
    },
    /// One worker has the right to post it until [`AlertRecord::lease_until`].
    Claimed {
        /// Unique to one residence of an alert at one desk. Never empty.
        owner: String,
        /// The level that is being posted.
        level: Level,
        earlier: Earlier,
    },
    /// It was posted, and nobody is posting it.
    Posted {
        post: AcceptedPost,
        /// Whose mark or record it was, so that a mark whose answer was lost is recognised. None
        /// after a release: a later claim was given up.
        marked_by: Option<String>,
    },
}

/// What a claim keeps of the posts before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// As far as is known there was none.
    None,
    /// An operator had the alert posted again: only the id of the earlier post is kept.
    Rewound {
        post_id: String,
    },
    Posted(AcceptedPost),
}

impl AlertRecord {
    /// A record that knows nothing but its fence.
    pub fn unposted(fence: u64) -> AlertRecord {
        AlertRecord {
            state: AlertRecordState::Free { rewound: None },
            fence,
            lease_until: Wall(0),
            attempts: 0,
            ambiguous: 0,
            incident: Incident::default(),
            about: About::default(),
            expires_at: Wall(0),
        }
    }

    /// This record, or if it has expired one that knows nothing but its fence.
    pub fn unexpired(&self, now: Wall) -> AlertRecord {
        match self.expires_at < now {
            true => AlertRecord::unposted(self.fence),
            false => self.clone(),
        }
    }

    pub fn is_claimed(&self) -> bool {
        matches!(self.state, AlertRecordState::Claimed { .. })
    }

    /// Nobody is posting it, and it was posted.
    pub fn is_posted(&self) -> bool {
        matches!(self.state, AlertRecordState::Posted { .. })
    }

    /// The last accepted post, be the alert claimed again or not.
    pub fn accepted(&self) -> Option<&AcceptedPost> {
        match &self.state {
            AlertRecordState::Posted { post, .. }
            | AlertRecordState::Claimed { earlier: Earlier::Posted(post), .. } => Some(post),
            AlertRecordState::Free { .. } | AlertRecordState::Claimed { .. } => None,
        }
    }

    /// The highest level that was posted.
    pub fn level_posted(&self) -> Option<Level> {
        self.accepted().map(|post| post.level)
    }

    /// The level that is being posted.
    pub fn level_claimed(&self) -> Option<Level> {
        match self.state {
            AlertRecordState::Claimed { level, .. } => Some(level),
            AlertRecordState::Free { .. } | AlertRecordState::Posted { .. } => None,
        }
    }

    /// Who claimed it, or marked the last post.
    pub fn owner(&self) -> Option<&str> {
        match &self.state {
            AlertRecordState::Claimed { owner, .. } => Some(owner),
            AlertRecordState::Posted { marked_by, .. } => marked_by.as_deref(),
            AlertRecordState::Free { .. } => None,
        }
    }

    /// The id of the last accepted post, and after a rewind of the one before it.
    pub fn post_id(&self) -> Option<&str> {
        match &self.state {
            AlertRecordState::Free { rewound } => rewound.as_deref(),
            AlertRecordState::Claimed { earlier: Earlier::None, .. } => None,
            AlertRecordState::Claimed { earlier: Earlier::Rewound { post_id }, .. } => {
                Some(post_id)
            }
            AlertRecordState::Claimed { earlier: Earlier::Posted(post), .. }
            | AlertRecordState::Posted { post, .. } => Some(&post.post_id),
        }
    }

    /// The end of the incident before, if the post of this claimed record says that it came back.
    pub fn came_back(&self) -> Option<Closed> {
        self.incident.closed.filter(|_| self.is_claimed() && self.accepted().is_some())
    }

    /// The level that was posted before, if the post of this claimed record raises it.
    pub fn escalated_from(&self) -> Option<Level> {
        let posted = self.level_posted().filter(|_| self.came_back().is_none());
        posted.filter(|posted| Some(*posted) < self.level_claimed())
    }

    /// The post of this claimed record repeats a level that was posted before.
    pub fn is_reminder(&self) -> bool {
        self.is_claimed()
            && self.came_back().is_none()
            && self.level_posted() >= self.level_claimed()
    }

    /// Slack may have accepted an earlier try at the first post, so that this one may repeat it.
    pub fn perhaps_repeats(&self) -> bool {
        self.ambiguous > 0 && self.accepted().is_none()
    }
}

impl Versioned for AlertRecord {
    fn version(&self) -> Version<'_> {
        let state = match self.state {
            AlertRecordState::Free { .. } => State::Free,
            AlertRecordState::Claimed { .. } => State::Claimed,
            AlertRecordState::Posted { .. } => State::Sent,
        };
        let owner = self.owner().unwrap_or_default();
        Version { state, owner, fence: self.fence, lease_until: self.lease_until }
    }
}
