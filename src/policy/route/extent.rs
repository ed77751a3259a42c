//! How many of the findings of an account and a level each destination gets.

use crate::finding::Level;
use crate::policy::filter::Threshold;
use crate::policy::matcher::{AccountFacts, Extent, Known, MatchKey, Subject};

use super::Routes;

/// Findings of a level in an account.
#[derive(Clone, Copy)]
pub struct Class<'a> {
    pub level: Level,
    /// None: any account that the directory does not have.
    pub account: Option<&'a str>,
    pub facts: Option<&'a dyn AccountFacts>,
}

impl Class<'_> {
    /// Whether the findings have one value for a key, and it is known.
    pub fn knows(&self, key: MatchKey) -> bool {
        match key {
            MatchKey::Level | MatchKey::Ou | MatchKey::AccountName | MatchKey::AccountTag => true,
            MatchKey::Account => self.account.is_some(),
            MatchKey::Region
            | MatchKey::Product
            | MatchKey::ResourceType
            | MatchKey::Type
            | MatchKey::ResourceTag => false,
        }
    }
}

impl Routes {
    /// How many of the findings of a class each destination gets.
    pub fn extents(&self, class: &Class<'_>) -> Vec<Extent> {
        let account = class.account.unwrap_or_default();
        let subject = Subject::from(Known::of_account(class.level, account, class.facts));
        // How many findings still come to the next destination.
        let mut left = Extent::All;
        let extents = self.routes.iter().map(|route| {
            let severe = route.min_severity.map_or(Extent::All, |own| of(own, class.level));
            let extent = route
                .matcher
                .extent(&subject, |key| class.knows(key))
                .min(severe)
                .min(of(self.min_severity, class.level))
                .min(left);
            if route.ends {
                left = match extent {
                    Extent::All => Extent::None,
                    Extent::Some => left.min(Extent::Some),
                    Extent::None => left,
                };
            }
            extent
        });
        extents.collect()
    }
}

impl Routes {
    /// Which findings of a class a destination gets, if it gets some: the rules for what the class
    /// leaves open, its threshold, and the destinations above it that end the search.
    pub fn condition(&self, destination: usize, class: &Class<'_>) -> String {
        let Some(route) = self.routes.get(destination) else { return String::new() };
        let partly = |threshold: &Threshold| of(*threshold, class.level) == Extent::Some;
        let thresholds = [Some(self.min_severity), route.min_severity];
        let thresholds = thresholds.into_iter().flatten().filter(partly);
        let thresholds = thresholds.map(|threshold| format!("severity {threshold} and above"));
        let rules = route.matcher.in_words(|key| !class.knows(key));
        let extents = self.extents(class);
        let above = self.routes.iter().zip(&extents).take(destination);
        let ended = above.filter(|(above, extent)| above.ends && **extent == Extent::Some);
        let ended = ended.map(|(above, _)| format!("not what {} got", above.destination));
        rules.into_iter().chain(thresholds).chain(ended).collect::<Vec<_>>().join("; ")
    }
}

/// How many findings of a level a threshold admits.
fn of(threshold: Threshold, level: Level) -> Extent {
    let (floor, lowest) = (threshold.floor(), Threshold::Level(level).floor());
    let next = Level::from_rank(level.rank() + 1).map(|next| Threshold::Level(next).floor());
    match (floor <= lowest, next) {
        (true, _) => Extent::All,
        (false, Some(next)) if floor >= next => Extent::None,
        (false, _) => Extent::Some,
    }
}
