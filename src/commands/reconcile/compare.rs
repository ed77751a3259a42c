//! Compares one finding of GuardDuty with the routes and its ledger records. Pure.

use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use crate::finding::{self, Finding};
use crate::instants::Wall;
use crate::policy::filter::Threshold;
use crate::policy::ledger::{self, Claim, RecordKey, Terms, Want};
use crate::policy::record::{AlertRecord, Sighting};
use crate::policy::route::Routes;
use crate::ports::inlet::MESSAGE_BYTES_MAX;

/// A younger finding may still arrive, and is left to the next run. Less than
/// [`crate::policy::watermark::OVERLAP`], so that the next run compares it.
pub const SETTLE: Duration = Duration::from_secs(600);

/// The `source` of the messages, beside GuardDuty's own detail-type.
const SOURCE: &str = "hansho.reconcile";

/// The verdict on a finding of the source.
#[derive(Debug)]
pub enum FindingVerdict {
    /// It can't be read, or is too large for a queue.
    Unreadable(String),
    /// It was archived after it was listed.
    Archived,
    /// Its severity is too low for every destination.
    BelowThreshold,
    /// It matches no destination.
    Unmatched,
    /// A silence keeps it back.
    Silenced,
    /// It was created less than [`SETTLE`] ago.
    Young,
    /// It is owed: compare its ledger records.
    Owed(Box<OwedFinding>),
}

/// A finding that is owed to at least one destination.
#[derive(Debug)]
pub struct OwedFinding {
    pub finding: Finding,
    /// A key for each destination that it is owed to.
    pub alerts: Vec<RecordKey>,
    /// The message to enqueue if the ledger does not know all alerts.
    pub message: String,
}

/// Judges the text of one finding. Also returns its `updatedAt`, if it has one.
pub fn judge(text: &str, routes: &Routes, now: Wall) -> (Option<Wall>, FindingVerdict) {
    // Parsed as a worker would parse it.
    let message = message(text);
    let mut parsed = finding::parse(&message);
    let (Some(finding), 0) = (parsed.findings.pop(), parsed.findings.len()) else {
        let why = parsed.rejections.first().map_or_else(
            || "it is not exactly one finding".to_owned(),
            |rejection| format!("{}, {rejection}", rejection.code.as_str()),
        );
        return (None, FindingVerdict::Unreadable(why));
    };
    (finding.updated_at, verdict(finding, message, routes, now))
}

fn verdict(finding: Finding, message: String, routes: &Routes, now: Wall) -> FindingVerdict {
    let owed = routes.owed(&finding);
    if finding.condition.is_closed() {
        return FindingVerdict::Archived;
    }
    if owed.is_empty() {
        return match routes.admit(&finding.severity) {
            true => FindingVerdict::Unmatched,
            false => FindingVerdict::BelowThreshold,
        };
    }
    if routes.silenced_by(&finding, now).is_some() {
        return FindingVerdict::Silenced;
    }
    if finding.created_at.is_some_and(|made| made > now.minus(SETTLE)) {
        return FindingVerdict::Young;
    }
    // The queue would reject it each time.
    if message.len() > MESSAGE_BYTES_MAX {
        let why = format!("{}: too large for a message", finding.fingerprint);
        return FindingVerdict::Unreadable(why);
    }
    let destinations = owed.into_iter().filter_map(|i| routes.all().get(i));
    let key = |destination: &str| RecordKey::alert(&finding.fingerprint, destination);
    let alerts = destinations.map(|route| key(&route.destination)).collect();
    FindingVerdict::Owed(Box::new(OwedFinding { finding, alerts, message }))
}

/// Returns true if the alert is already posted at this level or above, or if a worker has claimed
/// it. The ledger's own protocol decides, so a finding is missing only if a worker would post it.
pub fn known(record: Option<&AlertRecord>, finding: &Finding, terms: &Terms, now: Wall) -> bool {
    // No reminder is owed here. Workers decide on reminders, as they get each update.
    let terms = Terms { remind_after: None, ..*terms };
    let want = Want { owner: SOURCE, sighting: Sighting::of(finding) };
    !matches!(ledger::claim(record, &want, &terms, now), Claim::Write { .. })
}

/// The message for a missing finding, in an envelope like that of EventBridge. It names no account,
/// because no other account sent it. Characters beyond ASCII are escaped, because SQS rejects some
/// that JSON allows.
pub fn message(finding: &str) -> String {
    let finding = ascii(finding);
    // The caller passes valid JSON.
    let Ok(detail) = serde_json::from_str::<&RawValue>(&finding) else { return finding };
    let head = json!({"detail-type": "GuardDuty Finding", "source": SOURCE, "version": "0"});
    let head = head.to_string();
    format!("{},\"detail\":{}}}", head.trim_end_matches('}'), detail.get())
}

/// The same JSON in ASCII. Other characters can only be in strings, where they can be escaped.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// The least severity that any route admits, rounded down, because the source filters by whole
/// numbers. The routes filter exactly.
pub fn severity_floor(routes: &Routes) -> u8 {
    let least = |threshold: &Threshold| threshold.floor().max(routes.min_severity.floor());
    let of_routes = routes.all().iter().map(|route| route.min_severity.as_ref().map_or(0.0, least));
    let floor = of_routes.fold(Threshold::SCORE_MAX, f64::min).max(routes.min_severity.floor());
    floor.floor() as u8
}

#[cfg(test)]
mod tests;
