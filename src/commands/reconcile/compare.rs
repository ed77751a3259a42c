//! One finding as GuardDuty has it, against what the ledger knows: the pure part.

use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use crate::finding::{self, Finding};
use crate::instants::Wall;
use crate::policy::filter::Threshold;
use crate::policy::ledger::{self, Claim, RecordKey, Terms, Want};
use crate::policy::route::Routes;
use crate::ports::inlet::MESSAGE_BYTES_MAX;

/// A finding that is younger may still be on its way here, and is left to the next run.
/// Less than [`crate::policy::watermark::OVERLAP`], so that the next run looks at it again.
pub const SETTLE: Duration = Duration::from_secs(600);

/// What a message says of itself, beside GuardDuty's own detail-type, by which it is read.
const SOURCE: &str = "hansho.reconcile";

/// What is to be done about a finding that the source holds.
#[derive(Debug)]
pub enum Standing {
    /// It can't be read, or can't be put into a queue; why.
    Unreadable(String),
    /// It was archived between the list and the look at it.
    Archived,
    /// It is owed to nobody.
    BelowThreshold,
    /// Made less than [`SETTLE`] ago.
    Young,
    /// It is owed: compare the ledger's rows.
    Owed(Box<Owed>),
}

/// A finding that is owed to somebody.
#[derive(Debug)]
pub struct Owed {
    pub finding: Finding,
    /// One for each destination that it is owed to.
    pub alerts: Vec<RecordKey>,
    /// What to put into the queue if the ledger does not know them all.
    pub message: String,
}

/// Looks at the text of one finding. Also answers its `updatedAt`, if it has one.
pub fn look(text: &str, routes: &Routes, now: Wall) -> (Option<Wall>, Standing) {
    // Read as a worker would read it.
    let message = message(text);
    let mut parsed = finding::parse(&message);
    let (Some(finding), 0) = (parsed.findings.pop(), parsed.findings.len()) else {
        let why = parsed.rejections.first().map_or_else(
            || "it is not one finding".to_owned(),
            |rejection| format!("{}, {rejection}", rejection.code.as_str()),
        );
        return (None, Standing::Unreadable(why));
    };
    (finding.updated_at, standing(finding, message, routes, now))
}

fn standing(finding: Finding, message: String, routes: &Routes, now: Wall) -> Standing {
    let owed = routes.owed(&finding.severity);
    if finding.archived {
        return Standing::Archived;
    }
    if owed.is_empty() {
        return Standing::BelowThreshold;
    }
    if finding.created_at.is_some_and(|made| made > now.minus(SETTLE)) {
        return Standing::Young;
    }
    // The queue would refuse it each time.
    if message.len() > MESSAGE_BYTES_MAX {
        let why = format!("{}: longer than a message may be", finding.fingerprint);
        return Standing::Unreadable(why);
    }
    let destinations = owed.into_iter().filter_map(|i| routes.routes.get(i));
    let key = |destination: &str| RecordKey::alert(&finding.fingerprint, destination);
    let alerts = destinations.map(|route| key(&route.destination)).collect();
    Standing::Owed(Box::new(Owed { finding, alerts, message }))
}

/// Whether the ledger knows of an alert: it was told at this level or above, or somebody is at it.
/// Decided by the ledger's own protocol, so that nothing is missing here that a worker would not
/// post.
pub fn known(
    row: Option<&ledger::AlertRecord>,
    finding: &Finding,
    terms: &Terms,
    now: Wall,
) -> bool {
    // Without a revision no reminder is owed: whether one is due is for the worker, which gets each
    // update anyway.
    let want = Want { owner: SOURCE, level: finding.severity.level, revision: None };
    !matches!(ledger::claim(row, &want, terms, now), Claim::Write { .. })
}

/// The message for a finding that is missing: an envelope like EventBridge's around it, without an
/// account, because nobody else sent it. All characters beyond ASCII are written as escapes, for
/// there are some that JSON allows and SQS does not.
pub fn message(finding: &str) -> String {
    let finding = ascii(finding);
    // Whoever calls has read it as JSON before.
    let Ok(detail) = serde_json::from_str::<&RawValue>(&finding) else { return finding };
    let head = json!({"detail-type": "GuardDuty Finding", "source": SOURCE, "version": "0"});
    let head = head.to_string();
    format!("{},\"detail\":{}}}", head.trim_end_matches('}'), detail.get())
}

/// The same JSON: what is beyond ASCII can only stand in strings.
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

/// The least severity that any route admits, as the source can filter by it: a whole number, rounded
/// down. What it lets through too much, the routes hold back.
pub fn severity_floor(routes: &Routes) -> u8 {
    let least = |threshold: &Threshold| threshold.floor().max(routes.min_severity.floor());
    let of_routes =
        routes.routes.iter().map(|route| route.min_severity.as_ref().map_or(0.0, least));
    let floor = of_routes.fold(Threshold::SCORE_MAX, f64::min).max(routes.min_severity.floor());
    floor.floor() as u8
}

#[cfg(test)]
mod tests;
