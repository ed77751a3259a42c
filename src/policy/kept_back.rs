//! What silences kept back in some days, from the counts of these days.

use std::collections::BTreeMap;

use super::day_counts::{Day, DayCounts, OTHER_SILENCES, SilencedKey};
use super::silence::Silence;

/// How many alerts each silence kept from each destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptBack {
    counts: BTreeMap<SilencedKey, u64>,
    /// The first day on which workers counted anything.
    counted_from: Option<Day>,
    /// There were more silences on a day than are counted apart.
    has_other: bool,
}

/// A number that may be too small, if some of what it counts was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtLeast {
    pub number: u64,
    pub exact: bool,
}

impl KeptBack {
    /// From the counts of days in a row. None: nobody counted on that day.
    pub fn of<'a>(days: impl IntoIterator<Item = &'a (Day, Option<DayCounts>)>) -> KeptBack {
        let mut kept = KeptBack::default();
        for (day, counts) in days {
            let Some(counts) = counts else { continue };
            kept.counted_from.get_or_insert(*day);
            kept.has_other |= counts.has_other_silences();
            for (key, number) in counts.silenced() {
                let sum = kept.counts.entry(key.clone()).or_default();
                *sum = sum.saturating_add(number);
            }
        }
        kept
    }

    /// What the silence kept from the destination since it began.
    pub fn from(&self, silence: &Silence, destination: &str) -> AtLeast {
        let key = SilencedKey::new(&silence.id, destination);
        self.at_least(silence, self.counts.get(&key).copied().unwrap_or_default())
    }

    /// What the silence kept back since it began, from all destinations.
    pub fn by(&self, silence: &Silence) -> AtLeast {
        let of_it = self.counts.iter().filter(|(key, _)| key.silence == silence.id);
        self.at_least(
            silence,
            of_it.map(|(_, number)| number).fold(0_u64, |a, b| a.saturating_add(*b)),
        )
    }

    /// Not exact if the silence is older than the counts, or was counted among others.
    fn at_least(&self, silence: &Silence, number: u64) -> AtLeast {
        let counted = self.counted_from.is_some_and(|from| from <= Day::of(silence.from));
        AtLeast { number, exact: counted && !self.has_other }
    }

    /// What each silence kept from a destination, the most first.
    pub fn from_destination(&self, destination: &str) -> Vec<(&str, u64)> {
        let of_it = self.counts.iter().filter(|(key, _)| key.destination == destination);
        let mut all: Vec<(&str, u64)> =
            of_it.map(|(key, number)| (key.silence.as_str(), *number)).collect();
        all.sort_by_key(|(id, number)| (std::cmp::Reverse(*number), *id));
        all
    }

    /// How many were counted without their silence and destination.
    pub fn other(&self) -> u64 {
        let others = self.counts.iter().filter(|(key, _)| key.silence == OTHER_SILENCES);
        others.map(|(_, number)| number).fold(0_u64, |a, b| a.saturating_add(*b))
    }
}

impl std::fmt::Display for AtLeast {
    /// Writes `3` or `at least 3`, and of nothing `0` or `none counted`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.number, self.exact) {
            (number, true) => write!(f, "{number}"),
            (0, false) => f.write_str("none counted"),
            (number, false) => write!(f, "at least {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Level, Text};
    use crate::instants::Wall;
    use crate::policy::matcher::Matcher;

    fn day(text: &str) -> Day {
        Day::of(Wall::parse_rfc3339(&format!("{text}T12:00:00Z")).unwrap())
    }

    fn silence(id: &str, from: &str) -> Silence {
        Silence {
            id: id.to_owned(),
            matcher: Matcher::default(),
            findings: Vec::new(),
            resources: Vec::new(),
            covers: Level::High,
            from: day(from).start(),
            until: day("2026-12-31").start(),
            because: Text::new("x", 9),
            owner: None,
        }
    }

    fn counts(of: &[(&str, &str, u64)]) -> Option<DayCounts> {
        let mut counts = DayCounts::default();
        for (silence, destination, number) in of {
            counts.count_silenced(SilencedKey::new(silence, destination), *number);
        }
        Some(counts)
    }

    #[test]
    fn counts_are_added_by_silence_and_destination() {
        let days = [
            (day("2026-11-01"), None),
            (day("2026-11-02"), counts(&[("scan", "security", 2), ("scan", "shop", 1)])),
            (day("2026-11-03"), None),
            (day("2026-11-04"), counts(&[("scan", "security", 3), ("test", "security", 9)])),
        ];
        let kept = KeptBack::of(&days);
        let (old, new) = (silence("scan", "2026-11-01"), silence("scan", "2026-11-02"));
        assert_eq!(kept.from(&new, "security"), AtLeast { number: 5, exact: true });
        assert_eq!(kept.from(&old, "security").to_string(), "at least 5");
        assert_eq!(kept.by(&new).to_string(), "6");
        assert_eq!(kept.from(&new, "elsewhere").number, 0);
        assert_eq!(kept.from_destination("security"), [("test", 9), ("scan", 5)]);
        assert_eq!((kept.from_destination("x"), kept.other()), (Vec::new(), 0));
        assert_eq!(KeptBack::of(&[]).by(&new).to_string(), "none counted");
        assert_eq!(kept.by(&silence("idle", "2026-11-02")).to_string(), "0");
    }

    #[test]
    fn what_is_counted_among_others_makes_a_number_too_small() {
        let days = [(day("2026-11-02"), counts(&[(OTHER_SILENCES, "", 4), ("scan", "d", 1)]))];
        let kept = KeptBack::of(&days);
        assert_eq!(kept.by(&silence("scan", "2026-11-05")).to_string(), "at least 1");
        assert_eq!(kept.other(), 4);
    }
}
