//! The incidents of a finding, as its record knows them. Pure.

use crate::instants::Wall;
use crate::policy::record::{AlertRecord, Closed, ClosedBy, Incident, Member};

use super::answer::{ClosedState, HistoryEvent, IncidentState, MemberState, clean};
use super::outlook::{closed_by, closed_text};

/// When the incident opened and closed, after which one it came back, and the state of its members.
/// The opening is left out if it was the last post.
pub(super) fn events(record: &AlertRecord) -> Vec<HistoryEvent> {
    let incident = &record.incident;
    let mut events = Vec::new();
    if let Some(before) = &incident.closed_before {
        events.push(HistoryEvent::at(before.at.at(), "closed", closed_by(before)));
    }
    let posted_at = record.accepted().map(|post| post.sent_at);
    match incident.comebacks {
        0 if incident.opened_at == posted_at => {}
        0 => events.extend(incident.opened_at.map(|at| {
            HistoryEvent::at(Some(at), "opened", "with the first post of this incident")
        })),
        times => {
            let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
            let detail = format!("open again, and posted again; it came back {times}");
            events.push(HistoryEvent::at(incident.opened_at, "came_back", detail));
        }
    }
    events.extend(incident.members.iter().filter(|member| !member.name.is_empty()).map(member));
    if let Some(closed) = &incident.closed {
        let never_posted = if posted_at.is_none() { " before it was posted" } else { "" };
        let detail = format!("{}{never_posted}", closed_by(closed));
        events.push(HistoryEvent::at(closed.at.at(), "closed", detail));
    }
    events
}

fn member(member: &Member) -> HistoryEvent {
    let (at, state) = match member.closed() {
        Some(closed) => (closed.at, closed_by(&closed)),
        None => (member.product_at.max(member.handling_at), "open".to_owned()),
    };
    let name = match clean(&member.standard) {
        unknown if unknown.is_empty() => "a standard without a name".to_owned(),
        standard => standard,
    };
    HistoryEvent::at(at.at(), "member", format!("{name} ({}): {state}", clean(&member.name)))
}

/// The incident as data.
pub(super) fn state(incident: &Incident) -> IncidentState {
    let named = incident.members.iter().filter(|member| !member.name.is_empty());
    IncidentState {
        open: !incident.is_closed(),
        opened_at: incident.opened_at.map(Wall::to_rfc3339),
        comebacks: incident.comebacks,
        closed: incident.closed.map(closed),
        closed_before: incident.closed_before.map(closed),
        members: named
            .map(|member| MemberState {
                member: clean(&member.name),
                standard: Some(clean(&member.standard)).filter(|name| !name.is_empty()),
                closed: member.closed().map(closed),
            })
            .collect(),
    }
}

pub(super) fn closed(closed: Closed) -> ClosedState {
    ClosedState {
        words: closed_text(&closed),
        at: closed.at.at().map(Wall::to_rfc3339),
        why: closed.why.as_str(),
        by: match closed.by {
            ClosedBy::Product => "product",
            ClosedBy::Person => "person",
        },
    }
}
