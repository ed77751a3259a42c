//! A post: what the desk asks a notifier to say.

use std::sync::Arc;
use std::time::Duration;

use super::RetryReason;
use crate::finding::{Finding, Level};
use crate::instants::Wall;

/// One alert as it goes into a post.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub finding: Arc<Finding>,
    /// The level that was posted before, if this post raises it.
    pub escalated_from: Option<Level>,
    /// It was posted before at this level, and is due again.
    pub reminder: bool,
    /// An earlier try may have been accepted, though nobody knows: this may be a repeat.
    pub perhaps_repeated: bool,
    /// The name of the destination that it was meant for, if another one takes its place.
    pub meant_for: Option<String>,
}

/// How a post is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A card for each alert.
    Cards,
    /// More wait than cards fit: counts of what they have in common, and a line for each alert.
    Digest,
    /// Text alone, for an alert whose card was refused.
    Plain,
}

/// One post to one destination. Its id is shown in the footer, so that a duplicate post can be
/// recognised as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub id: String,
    /// The destination's name in the configuration.
    pub destination: String,
    pub form: Form,
    pub cards: Vec<Card>,
    /// What is to be said about hansho itself, below the cards. Only where [`Form::Cards`] are drawn.
    pub notes: Vec<Note>,
}

/// How much of what a post may weigh a notifier may take for a note, at most.
pub const NOTE_WEIGHT_MAX: usize = 600;

/// A word about hansho itself, for whoever relies on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// This destination could not be posted to for long, and can be again.
    WasAway {
        lasted: Duration,
        until: Wall,
        why: Trouble,
        /// How many alerts this worker held for it.
        held: usize,
        /// How many its fallback told meanwhile.
        elsewhere: usize,
        /// Of those held, how many went back to the queue instead of being told.
        returned: usize,
    },
    /// Another destination's webhook is gone, and this one is told in its place.
    StandsIn { destination: String, gone_for: Duration },
}

/// Why a destination could not be posted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its posts failed, the last one so.
    Failing(RetryReason),
    /// Its webhook was gone.
    Dead,
}
