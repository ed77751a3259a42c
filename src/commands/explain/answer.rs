//! The answer as data: what `--json` prints. The fields have the names that the log and the ledger
//! use. All text in it is cleaned.

use serde::Serialize;

use super::story::clean;
use crate::instants::Wall;

/// The answer to the question.
#[derive(Debug, Serialize)]
pub struct Story {
    pub asked: String,
    pub backend: &'static str,
    /// Whether there is any trace of it, in the ledger or in a queue.
    pub known: bool,
    pub findings: Vec<Chapter>,
    /// What in the message is no finding.
    pub rejected: Vec<Rejected>,
    /// Messages in which no finding can be read.
    pub events: Vec<Event>,
    pub lanes: Vec<LaneDepth>,
    pub notes: Vec<String>,
}

/// What became of one finding.
#[derive(Debug, Serialize)]
pub struct Chapter {
    pub finding: String,
    pub known: bool,
    /// What it says of itself; None where there is no text of it.
    pub about: Option<About>,
    pub destinations: Vec<Standing>,
    pub events: Vec<Event>,
}

#[derive(Debug, Serialize)]
pub struct About {
    pub title: String,
    pub kind: String,
    pub account: String,
    pub region: String,
    pub level: &'static str,
    pub score: Option<f64>,
    /// It had no severity that can be read, and counts as high.
    pub severity_unreadable: bool,
    pub sample: bool,
    pub archived: bool,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
}

/// How a finding stands with a destination.
#[derive(Debug, Serialize)]
pub struct Standing {
    pub destination: String,
    /// Whether the configuration has it now.
    pub configured: bool,
    /// Whether the finding is owed to it now. None where its severity is not known.
    pub owed: Option<bool>,
    /// The least severity that is posted there now.
    pub min_severity: Option<String>,
    /// `none` without a row.
    pub state: &'static str,
    /// The row may be forgotten: it counts no more.
    pub expired: bool,
    /// Whether the claim still holds. None where there is no claim.
    pub lease_alive: Option<bool>,
    pub level_sent: Option<&'static str>,
    pub level_claimed: Option<&'static str>,
    pub sent_at: Option<String>,
    pub digest: Option<String>,
    pub revision_sent: Option<String>,
    pub due_at: Option<String>,
    pub attempts: Option<u32>,
    pub ambiguous: Option<u32>,
    pub owner: Option<String>,
    pub fence: Option<u64>,
    pub lease_until: Option<String>,
    pub expires_at: Option<String>,
}

/// One thing that happened, or that is so now.
#[derive(Debug, Serialize)]
pub struct Event {
    /// None: it is so now.
    pub at: Option<String>,
    pub event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A sentence for people.
    pub detail: String,
    #[serde(skip)]
    pub(super) order: i64,
}

#[derive(Debug, Serialize)]
pub struct Rejected {
    pub reason: &'static str,
    pub detail: String,
}

#[derive(Debug, Serialize)]
pub struct LaneDepth {
    pub lane: &'static str,
    pub visible: u64,
    pub hidden: u64,
}

impl Event {
    pub(super) fn at(at: Option<Wall>, event: &'static str, detail: String) -> Event {
        let order = at.map_or(i64::MAX, |at| at.0);
        let at = at.map(Wall::to_rfc3339);
        let (destination, lane, message_id, reason) = (None, None, None, None);
        Event { at, event, destination, lane, message_id, reason, detail, order }
    }

    /// What is so now, after all that happened.
    pub(super) fn now(event: &'static str, detail: String) -> Event {
        Event::at(None, event, detail)
    }

    pub(super) fn of(mut self, destination: &str) -> Event {
        self.destination = Some(clean(destination));
        self
    }
}
