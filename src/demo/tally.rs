//! Holds what went out against what came in. It trusts nothing that the worker says of itself: it
//! reads the night's events, and the messages that the stand-in accepted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::embedded::Parked;

use super::night::{Event, Role};
use super::slack_standin::{Answered, Received};

/// What came in, what went out, and whether they fit.
#[derive(Debug, Serialize)]
pub struct Verdict {
    pub messages: usize,
    pub below_threshold: usize,
    pub repeats: usize,
    pub updates: usize,
    pub escalations: usize,
    pub malformed: usize,
    /// Findings at or above the threshold, and escalations of them: what has to be told.
    pub owed: usize,
    /// Of those, told.
    pub told: usize,
    pub posts: usize,
    pub rate_limited: usize,
    pub quarantined: usize,
    /// Owed and not told.
    pub lost: usize,
    /// Told more often than owed.
    pub twice: usize,
    /// Told and not owed.
    pub uncalled: usize,
    /// Left in the queue at the end, by the worker's own account.
    pub pending: u64,
}

impl Verdict {
    /// Every promise was kept.
    pub fn kept(&self) -> bool {
        self.lost == 0
            && self.twice == 0
            && self.uncalled == 0
            && self.quarantined == self.malformed
            && self.pending == 0
    }
}

pub fn judge(
    events: &[Event],
    posts: &[Arc<Received>],
    parked: &[Parked],
    summary: &Value,
) -> Verdict {
    let count = |role| events.iter().filter(|e| e.role == role).count();
    let mut owed: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events.iter().filter(|e| matches!(e.role, Role::Alert | Role::Escalation)) {
        *owed.entry(&event.finding).or_default() += 1;
    }
    let accepted: Vec<&Arc<Received>> = posts.iter().filter(|p| p.accepted).collect();
    let told = |id: &str| accepted.iter().map(|p| cards_with(&p.payload, id)).sum::<usize>();
    let (mut lost, mut twice, mut right) = (0, 0, 0);
    for (id, owed) in &owed {
        let told = told(id);
        lost += owed.saturating_sub(told);
        twice += told.saturating_sub(*owed);
        right += told.min(*owed);
    }
    let noise = events.iter().filter(|e| e.role == Role::Noise);
    Verdict {
        messages: events.len(),
        below_threshold: count(Role::Noise),
        repeats: count(Role::Repeat),
        updates: count(Role::Update),
        escalations: count(Role::Escalation),
        malformed: count(Role::Malformed),
        owed: owed.values().sum(),
        told: right,
        posts: accepted.len(),
        rate_limited: posts
            .iter()
            .filter(|p| matches!(p.answered, Answered::Status { status: 429, .. }))
            .count(),
        quarantined: parked.len(),
        lost,
        twice,
        uncalled: noise.filter(|e| told(&e.finding) > 0).count(),
        pending: summary["pending"].as_u64().unwrap_or(u64::MAX),
    }
}

/// How many of a message's cards show this finding id.
fn cards_with(payload: &Value, id: &str) -> usize {
    let cards = payload["attachments"].as_array().map(Vec::as_slice).unwrap_or_default();
    cards.iter().filter(|card| card["blocks"].to_string().contains(id)).count()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = |good: bool| if good { "✓" } else { "✗" };
        writeln!(f, "{:>6}  messages came in:", self.messages)?;
        writeln!(f, "{:>6}    below the threshold", self.below_threshold)?;
        writeln!(f, "{:>6}    repeats and {} updates, told before", self.repeats, self.updates)?;
        writeln!(f, "{:>6}    to be told, {} of them escalations", self.owed, self.escalations)?;
        writeln!(f, "{:>6}    malformed", self.malformed)?;
        writeln!(f)?;
        writeln!(
            f,
            "{:>6}  told, in {} posts; {} answered 429",
            self.told, self.posts, self.rate_limited
        )?;
        writeln!(f, "{:>6}  lost                 {}", self.lost, mark(self.lost == 0))?;
        writeln!(f, "{:>6}  told twice           {}", self.twice, mark(self.twice == 0))?;
        writeln!(f, "{:>6}  told without need    {}", self.uncalled, mark(self.uncalled == 0))?;
        writeln!(
            f,
            "{:>6}  in quarantine, with the reason  {}",
            self.quarantined,
            mark(self.quarantined == self.malformed)
        )?;
        write!(f, "{:>6}  left in the queue    {}", self.pending, mark(self.pending == 0))
    }
}
