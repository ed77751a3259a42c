//! What happened to a finding, as events. Pure.

use crate::finding::{Finding, Text};
use crate::policy::record::{AlertRecord, AlertRecordState, CanaryPost, Record};
use crate::ports::DeadLetter;
use crate::ports::inquiry::WaitingMessage;
use crate::words::number_of;

use super::answer::{HistoryEvent, clean};
use super::context::Context;
use super::incidents;

const DETAIL_CHARS_MAX: usize = 500;

/// The events that the source of a finding reports.
pub(super) fn source(finding: &Finding) -> Vec<HistoryEvent> {
    let mut events = Vec::new();
    if let Some(at) = finding.created_at {
        events.push(HistoryEvent::at(Some(at), "created", "according to its source"));
    }
    if let Some(at) = finding.updated_at.filter(|at| Some(*at) != finding.created_at) {
        let counted =
            finding.count.map(|n| format!(", seen {}", number_of(n, "time"))).unwrap_or_default();
        let detail = format!("according to its source{counted}");
        events.push(HistoryEvent::at(Some(at), "updated", detail));
    }
    events
}

/// The events in the record of an alert.
pub(super) fn record(context: &Context<'_>, record: &AlertRecord) -> Vec<HistoryEvent> {
    let mut events = incidents::events(record);
    if let Some(post) = record.accepted() {
        let (level, id) = (post.level, clean(&post.post_id));
        let id = or_dash(&id);
        let mut detail = format!("as {level}, in post {id}; Slack accepted it (HTTP 200, ok)");
        if record.is_posted() {
            detail.push_str(&failed_attempts(record));
        }
        events.push(HistoryEvent::at(Some(post.sent_at), "posted", detail));
    }
    events.extend(match record.state {
        AlertRecordState::Claimed { .. } => Some(claim(context, record)),
        AlertRecordState::Free { rewound: None }
            if record.fence == 1 && record.incident.is_closed() =>
        {
            // It closed before anybody claimed it.
            None
        }
        AlertRecordState::Free { .. } => Some(release(context, record)),
        AlertRecordState::Posted { .. } => None,
    });
    if record.expires_at < context.now {
        events.push(HistoryEvent::at(
            Some(record.expires_at),
            "expired",
            "the record may be deleted from then on; if the finding comes again, it is posted as new",
        ));
    }
    events
}

fn claim(context: &Context<'_>, record: &AlertRecord) -> HistoryEvent {
    // The owner is the id of the worker, then that of the alert.
    let owner = record.owner().unwrap_or_default();
    let worker = clean(owner.split('/').next().unwrap_or(owner));
    let level = record.level_claimed().map_or("", |level| level.as_str());
    let lease_end = record.lease_until.plus(context.terms.skew);
    let failed = failed_attempts(record);
    if context.now < lease_end {
        let claimed_at = record.lease_until.minus(context.terms.lease);
        let lease_end = lease_end.to_rfc3339();
        let detail = format!(
            "as {level} by worker {worker}, which posts it now; no other worker may until \
             {lease_end}{failed}"
        );
        return HistoryEvent::at(Some(claimed_at), "claimed", detail);
    }
    let detail = format!(
        "worker {worker} claimed it as {level} and recorded no result, so it may be posted; the worker \
         that receives its message next posts it again{failed}"
    );
    HistoryEvent::at(Some(record.lease_until), "lease_ended", detail)
}

fn release(context: &Context<'_>, record: &AlertRecord) -> HistoryEvent {
    let changed_at = record.expires_at.minus(context.terms.retention);
    // Only `replay send --force` frees a record without an attempt.
    if record.attempts == 0 && record.ambiguous > 0 {
        let detail = format!(
            "around this time, by hansho replay send --force; it was posted before, in post {}; a worker \
             posts it again when its message comes",
            or_dash(&clean(record.post_id().unwrap_or_default()))
        );
        return HistoryEvent::at(Some(changed_at), "reset", detail);
    }
    let detail = format!(
        "around this time, by a worker that claimed it and did not post it; its message is in a queue or \
         with a worker, for a retry{}",
        failed_attempts(record)
    );
    HistoryEvent::at(Some(changed_at), "released", detail)
}

/// The event in a record that is not that of an alert.
pub(super) fn of_hansho(record: &Record) -> Option<HistoryEvent> {
    match record {
        Record::Enqueued(enqueued) => {
            let level = enqueued.level;
            let detail =
                format!("as {level} by hansho reconcile: GuardDuty had it, and the ledger did not");
            Some(HistoryEvent::at(Some(enqueued.enqueued_at), "enqueued", detail))
        }
        Record::Canary(canary) => {
            let passed = canary.passed;
            let detail = format!(
                "a canary, not a finding: put on the bus at {}, received at {}{}",
                passed.put_at.to_rfc3339(),
                passed.received_at.to_rfc3339(),
                match passed.post {
                    CanaryPost::No => "",
                    CanaryPost::Yes => "; to be posted as a test",
                    CanaryPost::TooMany => {
                        "; not posted as a test, because the worker has posted too many canaries"
                    }
                }
            );
            Some(HistoryEvent::at(Some(passed.put_at), "canary", detail))
        }
        Record::Alert(_)
        | Record::Pace(_)
        | Record::Watermark(_)
        | Record::Document(_)
        | Record::DocumentPart(_)
        | Record::DayCounts(_) => None,
    }
}

/// A message in a lane.
pub(super) fn waiting(context: &Context<'_>, message: &WaitingMessage) -> HistoryEvent {
    let received = match message.receive_count {
        0 => "not received yet".to_owned(),
        1 => "received once".to_owned(),
        n => format!("received {n} times"),
    };
    let visible = match message.visible_at > context.now {
        true => format!(
            "hidden until {}, because a worker has it or returned it",
            message.visible_at.to_rfc3339()
        ),
        false => "visible to workers".to_owned(),
    };
    let (lane, id) = (clean(&message.lane), clean(&message.message_id));
    let detail = format!("in the {lane} queue as message {id}; {received}; {visible}");
    let event = HistoryEvent::at(Some(message.enqueued_at), "queued", detail);
    HistoryEvent { lane: Some(lane), message_id: Some(id), ..event }
}

/// A message in quarantine.
pub(super) fn quarantined(message: &DeadLetter) -> HistoryEvent {
    let optional = |text: Option<&str>| text.map(clean).filter(|text| !text.is_empty());
    let id = optional(Some(&message.original_id.as_ref().unwrap_or(&message.id).0));
    let lane = message.lane.map(|lane| lane.as_str().to_owned());
    let reason = optional(message.reason.as_deref());
    let mut detail = format!("reason: {}", reason.as_deref().unwrap_or("none given"));
    let why = message.detail.as_deref().map(|detail| Text::new(detail, DETAIL_CHARS_MAX));
    if let Some(why) = why.filter(|why| !why.is_empty()) {
        detail.push_str(&format!(" ({why})"));
    }
    if let Some(id) = &id {
        detail.push_str(&format!("; was message {id}"));
    }
    if let Some(lane) = &lane {
        detail.push_str(&format!(" of the {lane} queue"));
    }
    match message.attempts {
        None | Some(0) => {}
        Some(1) => detail.push_str(", received once"),
        Some(count) => detail.push_str(&format!(", received {count} times")),
    }
    detail.push_str("; not posted until somebody sends it again (hansho replay)");
    let event = HistoryEvent::at(message.quarantined_at, "quarantined", detail);
    HistoryEvent { lane, message_id: id, reason, ..event }
}

fn failed_attempts(record: &AlertRecord) -> String {
    let mut text = match record.attempts {
        0 => String::new(),
        1 => "; one attempt failed".to_owned(),
        n => format!("; {n} attempts failed"),
    };
    match record.ambiguous {
        0 => {}
        1 => text.push_str("; Slack's answer was lost once, so it may have been posted then"),
        n => text.push_str(&format!(
            "; Slack's answer was lost {n} times, so it may have been posted then"
        )),
    }
    text
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
