//! The matrix account × region, made of what the administrator sees and what each account sees.

use std::collections::BTreeMap;

use super::detector::MemberDetector;
use super::{
    Caller, Detector, DetectorState, Fact, Forwarder, Frequency, Member, OrganisationConfiguration,
    Plans, RegionStatus, Relationship, Unreadable,
};
use crate::finding::Text;

/// An account of the matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountFacts {
    /// Empty if nobody knows it.
    pub name: Text,
    /// The regions that it has. None: nobody asked.
    pub regions: Option<Fact<BTreeMap<String, RegionStatus>>>,
}

/// A region of the matrix, as the administrator sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionFacts {
    /// The detector of the administrator.
    pub detector: Fact<Option<Detector>>,
    /// None: the administrator is not the delegated administrator of an organisation there.
    pub configuration: Fact<Option<OrganisationConfiguration>>,
    /// None: nobody asked. The inner None: there is no such rule.
    pub forwarder: Option<Fact<Option<Forwarder>>>,
}

/// One account in one region.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// The account has not enabled the region, so nothing can run there.
    NotEnabled,
    Enabled(Box<PlaceFacts>),
}

/// What there is in a place.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceFacts {
    pub detector: Fact<DetectorState>,
    /// None: the administrator has no such member. Always None of the administrator itself.
    pub member: Fact<Option<Relationship>>,
    /// Empty if there is no detector.
    pub plans: Fact<Plans>,
    /// None: GuardDuty does not say. Of a member, the administrator's.
    pub frequency: Fact<Option<Frequency>>,
}

/// All that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// The administrator: the account that hansho was started in.
    pub caller: Caller,
    /// Whether the administrator is in an organisation.
    pub in_organisation: Fact<bool>,
    /// The delegated administrators of GuardDuty. None: there is no organisation.
    pub delegated: Option<Fact<Vec<String>>>,
    pub accounts: BTreeMap<String, AccountFacts>,
    pub regions: BTreeMap<String, RegionFacts>,
    /// By region, then by account.
    pub places: BTreeMap<(String, String), Place>,
    /// The regions were given, not found.
    pub regions_given: bool,
}

impl Matrix {
    pub fn is_administrator(&self, account: &str) -> bool {
        self.caller.account == account
    }

    /// The enabled places of a region, with their accounts.
    pub fn enabled<'a>(
        &'a self,
        region: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a PlaceFacts)> {
        let of_region = self.places.iter().filter(move |((name, _), _)| name == region);
        of_region.filter_map(|((_, account), place)| match place {
            Place::Enabled(facts) => Some((account.as_str(), &**facts)),
            Place::NotEnabled => None,
        })
    }
}

/// What was read of one account in one region.
#[derive(Clone, Debug)]
pub struct Reads<'a> {
    /// By the account itself. None: it has no login.
    pub own: Option<Fact<Option<Detector>>>,
    pub is_administrator: bool,
    /// The administrator's member. None: it lists no such account.
    pub member: Fact<Option<&'a Member>>,
    /// By the administrator. None: it was not asked, or knows of no detector.
    pub seen: Option<Fact<MemberDetector>>,
    /// The frequency of the administrator's detector.
    pub administrator: Option<Frequency>,
}

const NO_MEMBER: &str = "only members show their detector to the administrator; give --member-role \
                         to read it with the account's own rights";

impl Reads<'_> {
    /// What the account itself says wins.
    pub fn facts(self) -> PlaceFacts {
        let relationship = self.member.clone().map(|m| m.map(|m| m.relationship.clone()));
        let is_member = relationship == Ok(Some(Relationship::Enabled));
        let (detector, plans, own_frequency) = match &self.own {
            Some(Ok(Some(own))) => (Ok(own.state()), Ok(own.plans.clone()), own.frequency),
            Some(Ok(None)) => (Ok(DetectorState::Missing), Ok(Plans::new()), None),
            Some(Err(why)) if self.is_administrator => (Err(why.clone()), Err(why.clone()), None),
            _ => {
                let detector = self.seen_state();
                let plans = match (&detector, &self.seen) {
                    (Ok(DetectorState::Missing), _) => Ok(Plans::new()),
                    (_, Some(seen)) => seen.clone().map(|seen| seen.plans),
                    (Err(why), None) => Err(why.clone()),
                    (Ok(_), None) => Err(Unreadable::new("the administrator was not asked")),
                };
                (detector, plans, None)
            }
        };
        let frequency = match &detector {
            Ok(_) if is_member => Ok(self.administrator),
            Ok(_) => Ok(own_frequency),
            Err(why) => Err(why.clone()),
        };
        let member = if self.is_administrator { Ok(None) } else { relationship };
        PlaceFacts { detector, member, plans, frequency }
    }

    /// The state of the detector as the administrator sees it.
    fn seen_state(&self) -> Fact<DetectorState> {
        let own_why = match &self.own {
            Some(Err(why)) => Some(why.clone()),
            _ => None,
        };
        let Some(member) = self.member.clone()? else {
            return Err(own_why.unwrap_or_else(|| Unreadable::new(NO_MEMBER)));
        };
        match member.relationship {
            Relationship::Suspended => Ok(DetectorState::Suspended),
            Relationship::Enabled => match &self.seen {
                Some(Ok(seen)) if seen.on => Ok(DetectorState::On),
                Some(Ok(_)) => Ok(DetectorState::Suspended),
                Some(Err(why)) => Err(why.clone()),
                // GuardDuty names no detector of a member that has none.
                None if member.detector.is_none() => Ok(DetectorState::Missing),
                None => Err(Unreadable::new("the administrator was not asked")),
            },
            _ => Err(own_why.unwrap_or_else(|| Unreadable::new(NO_MEMBER))),
        }
    }
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
