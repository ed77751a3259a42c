//! Facts about an attack sequence: what it was made of, and what gave it away.

use super::super::super::fact::Facts;
use super::super::super::phrase::{Phrase, joined, part, several};
use super::super::sequence::{Indicator, Sequence, Signal, plain_kind};

const TACTIC: &str = "ATTACK_TACTIC";
const TECHNIQUE: &str = "ATTACK_TECHNIQUE";
/// The type of signals that are findings of their own.
const FINDING: &str = "FINDING";

pub(super) fn add(facts: &mut Facts, sequence: &Sequence<'_>) {
    facts.add("Signals", sequence.describe_signals());
    facts.add("Tactics", sequence.describe_tactics());
    facts.add("Indicators", sequence.describe_indicators());
}

/// Signals of one type and name, and how often they were seen.
struct Seen<'s> {
    kind: &'s str,
    name: &'s str,
    times: u64,
}

impl Sequence<'_> {
    /// `3: UnauthorizedAccess:IAMUser/TorIPCaller; CloudTrail CreateAccessKey ×2, StopLogging`.
    fn describe_signals(&self) -> Option<String> {
        let mut seen: Vec<Seen<'_>> = Vec::new();
        for signal in &self.signals.items {
            let Signal { kind, name, count, .. } = signal;
            let kind = kind.as_deref().unwrap_or_default();
            let name = name.as_deref().unwrap_or_default();
            let times = count.unwrap_or(1);
            match seen.iter_mut().find(|seen| seen.kind == kind && seen.name == name) {
                Some(seen) => seen.times = seen.times.saturating_add(times),
                None => seen.push(Seen { kind, name, times }),
            }
        }
        seen.sort_by_key(|seen| (seen.kind != FINDING, seen.kind));
        let groups = seen.chunk_by(|a, b| a.kind == b.kind).map(|group| {
            let names: Vec<String> = group.iter().map(Seen::describe).collect();
            let kind = plain_kind(group[0].kind);
            let label = if group[0].kind == FINDING { "" } else { &*part(&kind) };
            Phrase::of_list(label, Some(names.join(", "))).build()
        });
        Some(format!("{}: {}", self.signals.total, joined(groups, "; ")?))
    }

    /// `Persistence, Impact (T1098, T1485)`: the tactics and techniques of MITRE ATT&CK.
    fn describe_tactics(&self) -> Option<String> {
        let values = |key: &str| {
            let found = self.indicators.items.iter().find(|one| one.is(key))?;
            // `T1098 - Account Manipulation`
            let short = |value| str::split(value, " - ").next().unwrap_or(value);
            let values = found.values.items.iter().map(|value| short(value.as_ref()));
            several(values, found.values.total)
        };
        Phrase::of_list("", values(TACTIC)).with_list("", values(TECHNIQUE)).build()
    }

    /// `Tor exit node 198.51.100.7; high risk API cloudtrail:StopLogging`.
    fn describe_indicators(&self) -> Option<String> {
        let mut others: Vec<_> = self.indicators.items.iter().collect();
        others.retain(|one| !one.is(TACTIC) && !one.is(TECHNIQUE));
        others.sort_by_key(|one| one.rank());
        joined(others.into_iter().map(Indicator::describe), "; ")
    }
}

impl Seen<'_> {
    fn describe(&self) -> String {
        let name = part(self.name);
        if self.times > 1 { format!("{name} ×{}", self.times) } else { name.into_owned() }
    }
}

impl Indicator<'_> {
    fn is(&self, key: &str) -> bool {
        self.key.as_deref() == Some(key)
    }

    /// What is known to be bad comes first, then what may do harm, then what is only unusual.
    fn rank(&self) -> u8 {
        let key = self.key.as_deref().unwrap_or_default();
        let begins_with = |starts: &[&str]| starts.iter().any(|start| key.starts_with(start));
        match () {
            () if begins_with(&["MALICIOUS", "TOR", "CRYPTOMINING"]) => 0,
            () if begins_with(&["HIGH_RISK"]) => 1,
            () if begins_with(&["SUSPICIOUS"]) => 2,
            () => 3,
        }
    }

    fn describe(&self) -> Option<String> {
        let label = plain_kind(self.key.as_deref()?);
        let values = self.values.items.iter().map(AsRef::as_ref);
        Phrase::of_list(&part(&label), several(values, self.values.total)).build()
    }
}
