//! The answer as data, as `--json` prints it. Fields have the names of the log and the ledger. All
//! text is cleaned.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::finding::Text;
use crate::instants::Wall;

/// The longest text from a queue or a record, in characters.
const TEXT_CHARS_MAX: usize = 100;

/// The answer to the whole question.
#[derive(Debug, Serialize)]
pub struct Explanation {
    pub asked: String,
    pub backend: &'static str,
    /// Something is known: a ledger record or a message in a queue.
    pub known: bool,
    pub findings: Vec<ExplainedFinding>,
    /// Parts of the message that are not findings.
    pub rejected: Vec<RejectedPart>,
    /// Events that are known to be no findings: how many of each name.
    pub ignored: BTreeMap<&'static str, usize>,
    /// The events of messages without a finding.
    pub events: Vec<HistoryEvent>,
    pub lanes: Vec<LaneDepth>,
    pub notes: Vec<String>,
}

/// The history of one finding.
#[derive(Debug, Serialize)]
pub struct ExplainedFinding {
    pub finding: String,
    /// The name of its account in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    pub known: bool,
    /// No destination's rules name it now, so a worker drops it. None: its text is not known.
    pub unmatched: Option<bool>,
    /// None: the text of the finding is not known.
    pub about: Option<About>,
    pub destinations: Vec<DestinationState>,
    /// In the order of time.
    pub events: Vec<HistoryEvent>,
}

#[derive(Debug, Serialize)]
pub struct About {
    pub title: String,
    pub kind: String,
    pub account: String,
    pub region: String,
    pub level: &'static str,
    pub score: Option<f64>,
    /// Its severity can't be read, and counts as high.
    pub severity_unreadable: bool,
    pub sample: bool,
    /// The event says that it is closed.
    pub closed: Option<ClosedState>,
    /// The custom action by which a person sent it.
    pub requested_by: Option<String>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
}

/// The state of a finding at one destination.
#[derive(Debug, Serialize)]
pub struct DestinationState {
    pub destination: String,
    /// The configuration has this destination now.
    pub configured: bool,
    /// The finding is owed to it now. None: its severity is not known.
    pub owed: Option<bool>,
    /// The present threshold of the destination.
    pub min_severity: Option<String>,
    /// The state of the ledger record; `none` without one.
    pub state: &'static str,
    /// The record has expired, and counts no more.
    pub expired: bool,
    /// The claim still holds. None: there is no claim.
    pub lease_alive: Option<bool>,
    pub level_sent: Option<&'static str>,
    pub level_claimed: Option<&'static str>,
    pub sent_at: Option<String>,
    pub post_id: Option<String>,
    pub revision_sent: Option<String>,
    pub due_at: Option<String>,
    pub attempts: Option<u32>,
    pub ambiguous: Option<u32>,
    pub owner: Option<String>,
    pub fence: Option<u64>,
    pub lease_until: Option<String>,
    pub expires_at: Option<String>,
    /// The life of the finding, as the record knows it. None: there is no record.
    pub incident: Option<IncidentState>,
}

/// An incident: a finding from opening to closing.
#[derive(Debug, Serialize)]
pub struct IncidentState {
    pub open: bool,
    /// The first post of this incident.
    pub opened_at: Option<String>,
    /// How often the finding came back and was posted again.
    pub comebacks: u32,
    pub closed: Option<ClosedState>,
    /// The end of the incident before, also if that was never posted.
    pub closed_before: Option<ClosedState>,
    /// The findings of one control, if they share the alert.
    pub members: Vec<MemberState>,
}

#[derive(Debug, Serialize)]
pub struct ClosedState {
    pub at: Option<String>,
    /// `resolved` or `suppressed`.
    pub why: &'static str,
    /// `product` or `person`.
    pub by: &'static str,
    /// The same for people.
    #[serde(skip)]
    pub(super) words: String,
}

#[derive(Debug, Serialize)]
pub struct MemberState {
    pub member: String,
    pub standard: Option<String>,
    pub closed: Option<ClosedState>,
}

/// One thing that happened, or the state now.
#[derive(Debug, Serialize)]
pub struct HistoryEvent {
    /// None: now.
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
    /// Details for people.
    pub detail: String,
    #[serde(skip)]
    pub(super) order: i64,
}

#[derive(Debug, Serialize)]
pub struct RejectedPart {
    pub reason: &'static str,
    pub detail: String,
}

#[derive(Debug, Serialize)]
pub struct LaneDepth {
    pub lane: &'static str,
    pub visible: u64,
    pub hidden: u64,
}

impl HistoryEvent {
    pub(super) fn at(
        at: Option<Wall>,
        event: &'static str,
        detail: impl Into<String>,
    ) -> HistoryEvent {
        let detail = detail.into();
        let order = at.map_or(i64::MAX, |at| at.0);
        let at = at.map(Wall::to_rfc3339);
        let (destination, lane, message_id, reason) = (None, None, None, None);
        HistoryEvent { at, event, destination, lane, message_id, reason, detail, order }
    }

    /// The state now. It sorts after everything that happened.
    pub(super) fn now(event: &'static str, detail: impl Into<String>) -> HistoryEvent {
        HistoryEvent::at(None, event, detail)
    }

    pub(super) fn of(mut self, destination: &str) -> HistoryEvent {
        self.destination = Some(clean(destination));
        self
    }
}

/// Cleans a text from a queue or a record, and bounds it.
pub(super) fn clean(text: &str) -> String {
    Text::new(text, TEXT_CHARS_MAX).to_string()
}
