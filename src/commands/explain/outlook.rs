//! What happens at a destination if the finding comes now. Pure.

use crate::finding::{Finding, Level, Severity};
use crate::policy::ledger::{self, Claim, ClaimKind, Want};
use crate::policy::matcher::Check;
use crate::policy::record::{AlertRecord, Closed, ClosedBy, Sighting};
use crate::policy::route::{Reasons, Verdict};
use crate::policy::silence::Silence;

use super::answer::HistoryEvent;
use super::context::Context;

/// Decides what happens at a destination, or what can't be known of it. `level` is the most severe
/// level in any record of the finding.
pub(super) fn outlook(
    context: &Context<'_>,
    index: usize,
    finding: Option<&Finding>,
    level: Option<Level>,
    record: Option<&AlertRecord>,
) -> Option<HistoryEvent> {
    let destination = context.config.destinations.get(index)?;
    let threshold = context.threshold(destination);
    let admits = |severity: &Severity| context.routes.admits(index, severity);
    match (finding, record) {
        (Some(finding), _) if !context.routes.owes(index, finding) => {
            Some(HistoryEvent::now("not_owed", why_not(context, index, finding, &threshold)))
        }
        (Some(finding), _) => match context.routes.silenced_by(finding, context.now) {
            Some(silence) => Some(HistoryEvent::now("silenced", silenced(&silence))),
            None => Some(next(context, finding, record)),
        },
        (None, Some(record)) => settled(context, record),
        (None, None) => {
            let has_rules = context.routes.all().get(index).is_some_and(|route| route.has_rules());
            Some(without_record(level, admits, has_rules, &threshold))
        }
    }
}

/// Which silence keeps a finding back, whose it is, and why.
fn silenced(silence: &Silence) -> String {
    let Silence { id, covers, until, because, owner, .. } = silence;
    let owner = owner.as_ref().map(|owner| format!(" of {owner}")).unwrap_or_default();
    let worse = match Level::ALL.into_iter().find(|level| level > covers) {
        Some(level) => format!(", or {level}"),
        None => String::new(),
    };
    let until = until.to_rfc3339();
    format!(
        "by the silence {id}{owner}, because: {because}; posted if an update comes after {until}{worse}"
    )
}

/// Why a finding is not owed to a destination.
fn why_not(context: &Context<'_>, index: usize, finding: &Finding, threshold: &str) -> String {
    let reasons = context.routes.explain(finding).into_iter().nth(index);
    let Some(Reasons { verdict, checks }) = reasons else { return String::new() };
    match verdict {
        Verdict::EndedBy(other) => {
            let other = context.routes.all().get(other).map_or("", |route| &route.destination);
            format!("{other} got it, and ends the search (continue = false)")
        }
        Verdict::NoMatch => {
            let checks: Vec<String> = checks.iter().map(Check::signed).collect();
            format!("its match rules leave it out: {}", checks.join("; "))
        }
        _ => format!("{} is below the present threshold ({threshold})", severity(finding)),
    }
}

fn without_record(
    level: Option<Level>,
    admits: impl Fn(&Severity) -> bool,
    has_rules: bool,
    threshold: &str,
) -> HistoryEvent {
    match level {
        Some(level) if !admits(&Severity::of_level(level)) => HistoryEvent::now(
            "not_owed",
            format!("its level is {level}, below the present threshold ({threshold})"),
        ),
        Some(_) if has_rules => HistoryEvent::now(
            "no_record",
            "not posted there: its match rules may leave it out, which the finding's text alone \
             tells (hansho explain FILE), or the message waits, or a silence kept it back"
                .to_owned(),
        ),
        Some(level) => HistoryEvent::now(
            "no_record",
            format!(
                "not posted there, although {level} is owed to it now: the message waits, or the \
                 threshold was higher then, or the destination is newer than the post"
            ),
        ),
        None => HistoryEvent::now(
            "no_record",
            format!("not posted there; its level is unknown, and the threshold is {threshold}"),
        ),
    }
}

/// The worker's own decision, for a finding that is owed.
fn next(context: &Context<'_>, finding: &Finding, record: Option<&AlertRecord>) -> HistoryEvent {
    let level = finding.severity.level;
    let want = Want { owner: "explain", sighting: Sighting::of(finding) };
    let (event, detail) = match ledger::claim(record, &want, &context.terms, context.now) {
        Claim::Closed(closed) => ("closed", format!("{}; nothing is posted", closed_text(&closed))),
        Claim::AlreadyPosted { level } | Claim::Join { level, .. } => (
            "already_posted",
            format!("as {level}; nothing more is posted{}", unless(level, record)),
        ),
        Claim::Busy { until } => {
            ("busy", format!("waits until {}: a worker has claimed it", until.to_rfc3339()))
        }
        Claim::Write { kind: ClaimKind::Escalate { from }, .. } => {
            ("owed", format!("{level} is more severe than {from}, as posted before: posted again"))
        }
        Claim::Write { kind: ClaimKind::Remind, .. } => (
            "owed",
            "already posted, but it has changed since and a reminder is due: posted again"
                .to_owned(),
        ),
        Claim::Write { kind: ClaimKind::CameBack(closed), .. } => {
            ("owed", format!("{}, and came back: posted again", closed_text(&closed)))
        }
        Claim::Write { kind: ClaimKind::New, .. } => {
            ("owed", format!("{}; no record: never claimed, so never posted", severity(finding)))
        }
        Claim::Write { .. } => ("owed", format!("{}; posted when it comes", severity(finding))),
    };
    HistoryEvent::now(event, detail)
}

/// A finding that is already posted, and whose text is not known. None: it is not posted, or the
/// record has expired.
fn settled(context: &Context<'_>, record: &AlertRecord) -> Option<HistoryEvent> {
    let level = record.level_posted().filter(|_| record.expires_at >= context.now)?;
    if let Some(closed) = &record.incident.closed {
        let detail = format!("{}; posted again if it comes back", closed_text(closed));
        return Some(HistoryEvent::now("closed", detail));
    }
    let until = record.expires_at.to_rfc3339();
    let unless = unless(level, Some(record));
    let detail = format!("as {level}; nothing more is posted until {until}{unless}");
    Some(HistoryEvent::now("already_posted", detail))
}

/// `resolved by its product since 2026-11-20T10:00:00Z`
pub(super) fn closed_text(closed: &Closed) -> String {
    let since = closed.at.at().map_or_else(String::new, |at| format!(" since {}", at.to_rfc3339()));
    format!("{}{since}", closed_by(closed))
}

/// `resolved by its product`
pub(super) fn closed_by(closed: &Closed) -> String {
    let by = match closed.by {
        ClosedBy::Product => "its product",
        ClosedBy::Person => "a person in Security Hub",
    };
    format!("{} by {by}", closed.why.as_str())
}

/// The conditions under which a finding is posted again.
fn unless(level: Level, record: Option<&AlertRecord>) -> String {
    let higher = match level {
        Level::Critical => None,
        Level::High => Some("it becomes critical".to_owned()),
        lower => {
            let next = Level::ALL.into_iter().find(|next| *next > lower);
            next.map(|next| format!("it becomes {next} or more severe"))
        }
    };
    let due = record.and_then(AlertRecord::accepted).and_then(|post| post.due_at);
    let reminder = due.map(|due| format!("it changes and comes after {}", due.to_rfc3339()));
    let conditions: Vec<String> = higher.into_iter().chain(reminder).collect();
    match conditions.is_empty() {
        true => String::new(),
        false => format!(" unless {}", conditions.join(", or ")),
    }
}

/// `high (8)`
fn severity(finding: &Finding) -> String {
    match finding.severity.score {
        Some(score) => format!("{} ({score})", finding.severity.level),
        None => finding.severity.level.to_string(),
    }
}
