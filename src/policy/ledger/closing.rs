//! Closing an incident: a finding is closed, and nothing is posted.

use super::claim::noted;
use super::{AlertRecord, Expect, Recording, Terms, Versioned};
use crate::instants::Wall;
use crate::policy::record::{Effect, Sighting};

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
    let (expect, known) = match seen {
        None => (Expect::Absent, None),
        Some(seen) => (seen.as_seen(), Some(seen).filter(|seen| seen.expires_at >= now)),
    };
    if known.is_none() && !leaves_trace {
        return ClosingStep::Record(Recording::Known);
    }
    let fence = seen.map_or(0, |seen| seen.fence);
    let mut record = known.cloned().unwrap_or_else(|| AlertRecord::unposted(fence));
    let (incident, effect) = record.incident.see(sighting, record.accepted());
    let incident = match effect {
        Effect::Opens => return ClosingStep::Owed,
        Effect::None => return ClosingStep::Record(Recording::Known),
        Effect::Noted => incident,
        Effect::Closes(closed) => incident.close(closed),
    };
    if let Some(seen) = seen.filter(|seen| seen.is_claimed()) {
        let until = seen.lease_until.plus(terms.skew);
        if now < until {
            return ClosingStep::Record(Recording::Busy { until });
        }
        // Its owner may have posted before it could say so.
        record.ambiguous = record.ambiguous.saturating_add(1);
    }
    let record = noted(record, incident, terms, now);
    ClosingStep::Record(Recording::Write { expect, record })
}

#[cfg(test)]
mod tests;
