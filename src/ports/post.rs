//! A post: what the desk asks a notifier to say.

use std::sync::Arc;
use std::time::Duration;

use super::RetryReason;
use crate::finding::{Closing, Finding, Level};
use crate::instants::Wall;
use crate::policy::record::Closed;

/// One alert as it goes into a post.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub finding: Arc<Finding>,
    /// The level that was posted before, if this post raises it.
    pub escalated_from: Option<Level>,
    /// The alert was posted before at this level, and a reminder is due.
    pub reminder: bool,
    /// The finding is open again: the end of the incident before.
    pub came_back: Option<Closed>,
    /// Slack may have accepted an earlier try, so that this post may repeat it.
    pub perhaps_repeated: bool,
    /// Set if the alert waited for the destination's outage to end.
    pub late: Option<Late>,
    /// The name of the destination that the alert is owed to, if its fallback takes its place.
    pub meant_for: Option<String>,
}

impl Card {
    /// A finding that is posted for the first time.
    pub fn of(finding: Arc<Finding>) -> Card {
        Card {
            finding,
            escalated_from: None,
            reminder: false,
            came_back: None,
            perhaps_repeated: false,
            late: None,
            meant_for: None,
        }
    }
}

/// How long an alert waited because posts to its destination failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    pub by: Duration,
    pub why: OutageCause,
}

/// The form of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A card for each alert.
    Cards,
    /// For more alerts than cards fit into a post: a line for each group of alike alerts.
    Digest,
    /// Text alone, for an alert whose card Slack refused.
    Plain,
    /// [`Note::Own`] alone, without an alert.
    Note,
}

/// One post to one destination. The footer shows its id, so that people recognise a duplicate post.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub id: String,
    /// The destination's name in the configuration.
    pub destination: String,
    /// When it was composed. It decides who is on call.
    pub at: Wall,
    pub form: Form,
    pub cards: Vec<Card>,
    /// Notes below the cards. Only [`Form::Cards`] shows them, and [`Form::Note`] its own.
    pub notes: Vec<Note>,
}

impl Post {
    /// A post that is about no finding.
    pub fn note(
        id: String,
        destination: &str,
        at: Wall,
        title: String,
        lines: Vec<String>,
    ) -> Post {
        let notes = vec![Note::Own { title, lines }];
        let destination = destination.to_owned();
        Post { id, destination, at, form: Form::Note, cards: Vec::new(), notes }
    }
}

/// The most that a note about hansho itself may weigh, in the unit of the weights of cards.
pub const NOTE_WEIGHT_MAX: usize = 600;
/// The most that each line of [`Note::Closed`] weighs, and the note without its lines.
pub const NOTE_LINE_WEIGHT_MAX: usize = 160;

/// A note for the readers of a destination, below the cards.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The recovery note: posts to this destination failed for long, and work again.
    Recovered {
        lasted: Duration,
        until: Wall,
        why: OutageCause,
        /// How many alerts this worker held for it.
        held: usize,
        /// How many its fallback posted meanwhile.
        elsewhere: usize,
        /// Of those held, how many were returned to the queue instead of being posted.
        returned: usize,
    },
    /// Another destination is dead, and its alerts are posted here.
    StandsIn { destination: String, dead_for: Duration },
    /// Findings that were posted here are closed, and `more` that are not named.
    Closed { lines: Vec<ClosedLine>, more: usize },
    /// A note in the narrow sense: a post that is about no finding. Its texts are shown as they
    /// are written, cut to a title and lines of a bounded length. It never mentions anybody.
    Own { title: String, lines: Vec<String> },
}

/// A finding that was posted and is closed.
#[derive(Clone, Debug, PartialEq)]
pub struct ClosedLine {
    pub finding: Arc<Finding>,
    pub why: Closing,
    /// How long it was open, counted from its post. None: not known.
    pub after: Option<Duration>,
}

/// Why posts to a destination failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutageCause {
    /// The posts failed; the last one for this reason.
    Failing(RetryReason),
    /// Slack rejected the webhook for good.
    Dead,
}
