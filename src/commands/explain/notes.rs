//! Notes below the answer: what the evidence can't tell, and where to look further. Pure.

use crate::config::{Backend, duration};
use crate::finding::Text;

use super::answer::ExplainedFinding;
use super::context::Context;
use super::gather::Evidence;

/// The longest error of a service in a note, in characters.
const GAP_CHARS_MAX: usize = 1000;

pub(super) fn notes(
    context: &Context<'_>,
    evidence: &Evidence,
    findings: &[ExplainedFinding],
) -> Vec<String> {
    let mut notes = no_trace(context, evidence, findings);
    notes.extend(fallbacks(context, evidence));
    let mut records = evidence.alert_records();
    if records.any(|(_, record)| record.fence > 1 || record.attempts > 0) {
        notes.push(
            "The ledger keeps only the last post. Earlier posts at lower levels, and the reasons of \
             failed attempts, are in the log: search it for the finding, and for \"post failed\"."
                .to_owned(),
        );
    }
    notes.extend(evidence.gaps.iter().map(|gap| Text::new(gap, GAP_CHARS_MAX).to_string()));
    notes
}

/// Notes on findings without any trace.
fn no_trace(
    context: &Context<'_>,
    evidence: &Evidence,
    findings: &[ExplainedFinding],
) -> Vec<String> {
    let unknown = || findings.iter().filter(|finding| !finding.known);
    let may_be_owed =
        |finding: &ExplainedFinding| finding.destinations.iter().any(|d| d.owed != Some(false));
    let mut notes = Vec::new();
    if unknown().any(may_be_owed) {
        let level_is_unknown = unknown().any(|f| f.destinations.iter().any(|d| d.owed.is_none()));
        notes.push(possible_reasons(context, evidence, level_is_unknown));
    }
    if unknown().any(|finding| !may_be_owed(finding)) {
        notes.push(
            "A finding that is owed to no destination leaves no trace, so nothing tells whether it \
             was received. The thresholds and rules above are the present ones. Earlier ones are \
             not recorded."
                .to_owned(),
        );
    }
    notes
}

/// Posts may be in the fallback of a destination.
fn fallbacks(context: &Context<'_>, evidence: &Evidence) -> Vec<String> {
    let all = &context.config.destinations;
    let mut notes = Vec::new();
    for destination in all {
        let name = destination.name.as_str();
        let posted =
            evidence.alert_records().any(|(d, record)| d == name && record.accepted().is_some());
        let fallback = destination.fallback.and_then(|index| all.get(index)).filter(|_| posted);
        notes.extend(fallback.map(|fallback| {
            format!(
                "If the webhook of {name} was dead, its posts went to {}. Such a card says \"meant for \
                 {name}\", and the log line \"posted\" has the field `channel`.",
                fallback.name
            )
        }));
    }
    notes
}

/// Why there may be no trace of a finding.
fn possible_reasons(context: &Context<'_>, evidence: &Evidence, level_is_unknown: bool) -> String {
    let mut reasons = vec!["it never reached the queues".to_owned()];
    if level_is_unknown {
        reasons.push("it was below the threshold, which leaves no trace".to_owned());
    }
    let silences = context.config.silences.get().in_force(context.now);
    if silences > 0 {
        let which = match silences {
            1 => "the silence in force".to_owned(),
            _ => format!("one of the {silences} silences"),
        };
        reasons.push(format!("{which} kept it back, which leaves no trace"));
    }
    reasons.push(format!(
        "it was posted, and its record expired {} after the last change",
        duration::format(context.config.retention)
    ));
    if matches!(context.config.backend, Backend::Aws(_)) {
        reasons.push("it is in a dead-letter queue, which is not searched".to_owned());
    }
    // The counts are approximate. Empty queues are not worth a search.
    if evidence.depths.iter().any(|(_, depth)| !depth.is_empty()) {
        let lanes = evidence.depths.iter().map(|(lane, depth)| {
            format!("{}: {} visible, {} hidden", lane.as_str(), depth.visible, depth.hidden)
        });
        let lanes: Vec<String> = lanes.collect();
        reasons.push(format!("it waits in a queue ({})", lanes.join("; ")));
    }
    if evidence.depths.is_empty() && !evidence.lanes_searched {
        reasons.push("it waits in a queue, as the queues were not searched".to_owned());
    }
    if !evidence.quarantine_searched {
        reasons.push("it is in quarantine, which was not searched to its end".to_owned());
    }
    format!("There is no trace of it. Possible reasons: {}.", reasons.join("; "))
}
