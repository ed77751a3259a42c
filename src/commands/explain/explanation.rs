//! Puts the evidence together: for each finding its events in the order of time, and its state at
//! each destination. Pure.

use std::collections::BTreeMap;

use crate::config::{Config, Destination};
use crate::finding::{Finding, Level, Remark, Text};
use crate::instants::Wall;
use crate::policy::record::{AlertRecord, Closed, Record, Versioned};
use crate::policy::route::is_unmatched;

use super::answer::{
    About, DestinationState, ExplainedFinding, Explanation, HistoryEvent, LaneDepth, RejectedPart,
    clean,
};
use super::context::Context;
use super::gather::{Evidence, Subject};
use super::{history, incidents, notes, outlook};

/// The longest fingerprint, in characters.
const FINGERPRINT_CHARS_MAX: usize = 2048;

/// Explains the evidence. `text` is the question, cleaned.
pub fn explain(config: &Config, evidence: &Evidence, text: &str, now: Wall) -> Explanation {
    let context = Context::new(config, now);
    let quarantined = evidence.quarantined.iter().map(history::quarantined);
    let waiting = evidence.waiting.iter().map(|message| history::waiting(&context, message));
    let mut events: Vec<HistoryEvent> = quarantined.chain(waiting).collect();
    events.sort_by_key(|event| event.order);
    let findings: Vec<ExplainedFinding> =
        evidence.subjects.iter().map(|subject| explain_finding(&context, subject)).collect();
    let lanes = evidence.depths.iter().map(|(lane, depth)| LaneDepth {
        lane: lane.as_str(),
        visible: depth.visible,
        hidden: depth.hidden,
    });
    let rejected = evidence
        .rejections
        .iter()
        .map(|r| RejectedPart { reason: r.code.as_str(), detail: r.to_string() });
    let mut ignored = BTreeMap::new();
    for event in &evidence.ignored {
        *ignored.entry(event.as_str()).or_default() += 1;
    }
    Explanation {
        asked: text.to_owned(),
        backend: config.backend.as_str(),
        known: !events.is_empty() || findings.iter().any(|finding| finding.known),
        rejected: rejected.collect(),
        ignored,
        events,
        lanes: lanes.collect(),
        notes: notes::notes(&context, evidence, &findings),
        findings,
    }
}

fn explain_finding(context: &Context<'_>, subject: &Subject) -> ExplainedFinding {
    let finding = subject.finding.as_ref();
    let mut events: Vec<HistoryEvent> = finding.into_iter().flat_map(history::source).collect();
    events.extend(subject.waiting.iter().map(|message| history::waiting(context, message)));
    events.extend(subject.quarantined.iter().map(history::quarantined));
    // A canary is owed to no destination by its level.
    let is_canary = subject.records.iter().any(|(_, record)| matches!(record, Record::Canary(_)));
    let level = most_severe(subject);
    let mut destinations = Vec::new();
    for (index, destination) in context.config.destinations.iter().enumerate() {
        let name = destination.name.as_str();
        let owed = finding.map(|finding| context.routes.owes(index, finding));
        let record = subject.records.iter().find(|(d, _)| d == name);
        let record = record.and_then(|(_, record)| alert_record(record));
        let happened = record.into_iter().flat_map(|record| history::record(context, record));
        events.extend(happened.map(|event| event.of(name)));
        if !is_canary {
            let now = outlook::outlook(context, index, finding, level, record);
            events.extend(now.map(|event| event.of(name)));
        }
        destinations.push(state(context, name, Some(destination), owed, record));
    }
    for (name, record) in &subject.records {
        if let Some(event) = history::of_hansho(record) {
            events.push(event);
        } else if let Some(record) = alert_record(record)
            && !context.config.destinations.iter().any(|d| d.name.as_str() == name)
        {
            let happened = history::record(context, record).into_iter();
            events.extend(happened.map(|event| event.of(name)));
            let removed = "the configuration has no such destination now";
            events.push(HistoryEvent::now("unconfigured", removed).of(name));
            destinations.push(state(context, name, None, None, Some(record)));
        }
    }
    events.sort_by_key(|event| event.order);
    ExplainedFinding {
        finding: Text::new(&subject.fingerprint, FINGERPRINT_CHARS_MAX).to_string(),
        account_name: account_name(context, &subject.fingerprint),
        known: subject.is_known(),
        unmatched: finding.map(|finding| {
            !finding.condition.is_closed() && is_unmatched(&context.routes.explain(finding))
        }),
        about: finding.map(about),
        destinations,
        events,
    }
}

/// The name of the account in a fingerprint, its second part.
fn account_name(context: &Context<'_>, fingerprint: &str) -> Option<String> {
    let account = fingerprint.split('/').nth(1)?;
    context.config.guide.accounts.get().name(account).map(str::to_owned)
}

/// The most severe level in any record of a finding.
fn most_severe(subject: &Subject) -> Option<Level> {
    let levels = subject.records.iter().map(|(_, record)| match record {
        Record::Alert(alert) => alert.level_posted().max(alert.level_claimed()),
        Record::Canary(canary) => Some(canary.level),
        Record::Enqueued(enqueued) => Some(enqueued.level),
        Record::Pace(_)
        | Record::Watermark(_)
        | Record::Document(_)
        | Record::DocumentPart(_)
        | Record::DayCounts(_) => None,
    });
    levels.max().flatten()
}

fn alert_record(record: &Record) -> Option<&AlertRecord> {
    match record {
        Record::Alert(alert) => Some(alert),
        _ => None,
    }
}

fn state(
    context: &Context<'_>,
    name: &str,
    destination: Option<&Destination>,
    owed: Option<bool>,
    record: Option<&AlertRecord>,
) -> DestinationState {
    let claimed = record.filter(|record| record.is_claimed());
    let post = record.and_then(AlertRecord::accepted);
    let level = |level: Level| level.as_str();
    let time = |at: Option<Wall>| at.map(Wall::to_rfc3339);
    let text = |text: &str| (!text.is_empty()).then(|| clean(text));
    DestinationState {
        destination: clean(name),
        configured: destination.is_some(),
        owed,
        min_severity: destination.map(|destination| context.threshold(destination)),
        state: record.map_or("none", |record| record.version().state.as_str()),
        expired: record.is_some_and(|record| record.expires_at < context.now),
        lease_alive: claimed
            .map(|record| context.now < record.lease_until.plus(context.terms.skew)),
        level_sent: post.map(|post| level(post.level)),
        level_claimed: record.and_then(AlertRecord::level_claimed).map(level),
        sent_at: time(post.map(|post| post.sent_at)),
        post_id: record.and_then(AlertRecord::post_id).and_then(text),
        revision_sent: time(post.and_then(|post| post.revision)),
        due_at: time(post.and_then(|post| post.due_at)),
        attempts: record.map(|record| record.attempts),
        ambiguous: record.map(|record| record.ambiguous),
        owner: record.and_then(AlertRecord::owner).and_then(text),
        fence: record.map(|record| record.fence),
        lease_until: time(claimed.map(|record| record.lease_until)),
        expires_at: time(record.map(|record| record.expires_at)),
        incident: record.map(|record| incidents::state(&record.incident)),
    }
}

fn about(finding: &Finding) -> About {
    let unreadable = |remark: &Remark| matches!(remark, Remark::UnreadableSeverity(_));
    About {
        title: finding.title.to_string(),
        kind: finding.kind.to_string(),
        account: finding.account.to_string(),
        region: finding.region.to_string(),
        level: finding.severity.level.as_str(),
        score: finding.severity.score,
        severity_unreadable: finding.remarks.iter().any(unreadable),
        sample: finding.sample,
        closed: Closed::of(&finding.condition, finding.updated_at).map(incidents::closed),
        requested_by: finding.requested_by.as_ref().map(Text::to_string),
        created_at: finding.created_at.map(Wall::to_rfc3339),
        updated_at: finding.updated_at.map(Wall::to_rfc3339),
    }
}
