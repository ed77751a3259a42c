//! The numbers of one row.

use std::ops::AddAssign;

use crate::policy::day_counts::CountedAs;

const KINDS: usize = CountedAs::ALL.len();

/// How much of what there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Findings with an alert whose last post is in the period.
    pub findings: u64,
    /// Alerts whose last post is in the period.
    pub alerts: u64,
    /// Posts that were the last of such an alert. A post of several alerts counts once in a row.
    pub posts: u64,
    /// From the day counts, by the place in [`CountedAs::ALL`].
    counted: [u64; KINDS],
}

impl Numbers {
    pub fn counted(&self, what: CountedAs) -> u64 {
        self.counted.get(place(what)).copied().unwrap_or_default()
    }

    /// Each kind of count with its number.
    pub fn all_counted(&self) -> impl Iterator<Item = (CountedAs, u64)> {
        CountedAs::ALL.into_iter().zip(self.counted)
    }

    pub(super) fn count(&mut self, what: CountedAs, number: u64) {
        if let Some(count) = self.counted.get_mut(place(what)) {
            *count = count.saturating_add(number);
        }
    }

    pub fn is_zero(&self) -> bool {
        *self == Numbers::default()
    }

    /// The order of rows: those with the most alerts first, then those with the most counts.
    pub(super) fn weight(&self) -> (u64, u64) {
        let of = |what| self.counted(what);
        let counts = [CountedAs::Posted, CountedAs::Silenced, CountedAs::Quarantined];
        (self.alerts, counts.into_iter().map(of).fold(of(CountedAs::Received), u64::saturating_add))
    }
}

impl AddAssign<&Numbers> for Numbers {
    fn add_assign(&mut self, other: &Numbers) {
        for (sum, number) in [
            (&mut self.findings, other.findings),
            (&mut self.alerts, other.alerts),
            (&mut self.posts, other.posts),
        ] {
            *sum = sum.saturating_add(number);
        }
        for (what, number) in other.all_counted() {
            self.count(what, number);
        }
    }
}

fn place(what: CountedAs) -> usize {
    CountedAs::ALL.into_iter().position(|one| one == what).unwrap_or(KINDS)
}
