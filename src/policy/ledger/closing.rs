//! Closing an incident: a finding is closed, and nothing is posted.

use super::claim::noted;
use super::{AlertRecord, Expect, Recording, Terms, Versioned};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};
use crate::policy::record::{AlertRecordState, Effect, Sighting};

/// The answer to an event that says that a finding is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub enum ClosingStep {
    /// Write or wait, as with any other fact.
    Record(Recording<AlertRecord>),
    /// The finding is more severe than what a person handled, so it is open all the same: claim it.
    Owed,
}

/// Picks the transition for a finding that its event says is closed.
///
/// A record that does not exist is written only if `leaves_trace`: the finding is so young that its
/// open state may still wait in a queue. The trace keeps that late state from being posted. Other
/// closings of findings that were never posted leave no trace, so a patch day costs no write.
pub fn close(
    seen: Option<&AlertRecord>,
    sighting: &Sighting,
    leaves_trace: bool,
    terms: &Terms,
    now: Wall,
) -> ClosingStep {
    let is_known = seen.is_some_and(|seen| seen.expires_at >= now);
    let leaves_trace = leaves_trace && !mutation::is(Mutation::ClosingLeavesNoTrace);
    if !is_known && !leaves_trace || mutation::is(Mutation::ClosingIgnored) {
        return ClosingStep::Record(Recording::Known);
    }
    let mut record = seen.map_or_else(|| AlertRecord::unposted(0), |seen| seen.unexpired(now));
    let (incident, effect) = record.incident.see(sighting, record.accepted());
    let incident = match effect {
        Effect::Opens => return ClosingStep::Owed,
        Effect::None => return ClosingStep::Record(Recording::Known),
        Effect::Noted => incident,
        Effect::Closes(closed) => incident.close(closed),
    };
    let busy_until = seen.and_then(|seen| terms.busy_until(seen, now));
    if let Some(until) = busy_until.filter(|_| !mutation::is(Mutation::ClosingBreaksClaim)) {
        return ClosingStep::Record(Recording::Busy { until });
    }
    if seen.is_some_and(AlertRecord::is_claimed) {
        // Its owner may have posted before it could say so.
        record.ambiguous = record.ambiguous.saturating_add(1);
    }
    let expect = seen.map_or(Expect::Absent, AlertRecord::as_seen);
    let mut record = noted(record, incident, terms, now);
    if mutation::is(Mutation::ClosingForgetsPost) {
        record.state = AlertRecordState::Free { rewound: None };
    }
    ClosingStep::Record(Recording::Write { expect, record })
}

#[cfg(test)]
mod life;
#[cfg(test)]
mod tests;
