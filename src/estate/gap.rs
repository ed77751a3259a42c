//! Gaps: how the matrix differs from what is wanted. Pure.
//!
//! Where something can't be read there is no gap, but it is listed ([`unread`]), so that nobody
//! takes silence for coverage.

use std::collections::{BTreeMap, BTreeSet};

use super::matrix::{Matrix, Place, PlaceFacts, RegionFacts};
use super::{
    AutoEnable, DetectorState, Fact, Forwarder, Frequency, RegionStatus, Relationship, Unreadable,
};
use crate::finding::Text;
use crate::words::words;

/// The end of the ARN of the bus that forwarders send to. `infra/pipeline.yaml` makes it.
const BUS: &str = ":event-bus/hansho";

/// The longest detail of a gap, in characters. It may be a name from AWS.
const DETAIL_CHARS_MAX: usize = 200;

words! {
    /// The kind of a gap, the most severe first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum GapKind {
        Administrator = "administrator",
        DetectorMissing = "detector_missing",
        DetectorSuspended = "detector_suspended",
        NotAMember = "not_a_member",
        ForwarderMissing = "forwarder_missing",
        ForwarderDisabled = "forwarder_disabled",
        ForwarderTarget = "forwarder_target",
        RegionUnlisted = "region_unlisted",
        PlanOff = "plan_off",
        AutoEnable = "auto_enable",
        Frequency = "frequency",
    }
}

impl GapKind {
    pub const ALL: [GapKind; 11] = [
        Self::Administrator,
        Self::DetectorMissing,
        Self::DetectorSuspended,
        Self::NotAMember,
        Self::ForwarderMissing,
        Self::ForwarderDisabled,
        Self::ForwarderTarget,
        Self::RegionUnlisted,
        Self::PlanOff,
        Self::AutoEnable,
        Self::Frequency,
    ];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            GapKind::Administrator => "not the administrator",
            GapKind::DetectorMissing => "no detector",
            GapKind::DetectorSuspended => "detector suspended",
            GapKind::NotAMember => "not a member",
            GapKind::ForwarderMissing => "no forwarder",
            GapKind::ForwarderDisabled => "forwarder disabled",
            GapKind::ForwarderTarget => "forwarder's target",
            GapKind::RegionUnlisted => "region not listed",
            GapKind::PlanOff => "plan off",
            GapKind::AutoEnable => "auto-enable",
            GapKind::Frequency => "frequency",
        }
    }

    /// One letter for a matrix.
    pub fn letter(self) -> char {
        match self {
            GapKind::Administrator => 'A',
            GapKind::DetectorMissing => 'D',
            GapKind::DetectorSuspended => 'S',
            GapKind::NotAMember => 'M',
            GapKind::ForwarderMissing | GapKind::ForwarderDisabled | GapKind::ForwarderTarget => {
                'F'
            }
            GapKind::RegionUnlisted => 'R',
            GapKind::PlanOff => 'P',
            GapKind::AutoEnable => 'E',
            GapKind::Frequency => 'Q',
        }
    }
}

/// Something that is not as wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    pub kind: GapKind,
    /// None: the organisation as a whole.
    pub region: Option<String>,
    /// None: the region as a whole.
    pub account: Option<String>,
    /// What there is instead, such as the relationship, the plan or the target. May be empty.
    pub detail: String,
}

/// A fact that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    pub region: Option<String>,
    pub account: Option<String>,
    /// Such as `detector`.
    pub fact: &'static str,
    pub why: Unreadable,
}

/// What there should be. A detector and a membership are always wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// The plans that must be on, where GuardDuty offers them. None: those that the organisation's
    /// configuration switches on for all accounts, or else those of the administrator's detector.
    pub plans: Option<BTreeSet<String>>,
    pub frequency: Option<Frequency>,
    /// The ARN that each forwarder sends to. None: a hansho bus, the same as most forwarders.
    pub target: Option<String>,
}

/// All gaps, sorted by severity, region and account.
pub fn gaps(matrix: &Matrix, wanted: &Wanted) -> Vec<Gap> {
    let mut all = Vec::new();
    delegation(matrix, &mut all);
    let usual = usual_target(matrix);
    for (region, facts) in &matrix.regions {
        of_region(matrix, region, facts, wanted, usual.as_deref(), &mut all);
    }
    unlisted(matrix, &mut all);
    all.sort();
    all
}

fn gap(kind: GapKind, region: Option<&str>, account: Option<&str>, detail: &str) -> Gap {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let detail = Text::new(detail, DETAIL_CHARS_MAX).into_string();
    Gap { kind, region: owned(region), account: owned(account), detail }
}

fn delegation(matrix: &Matrix, all: &mut Vec<Gap>) {
    let Some(Ok(delegated)) = &matrix.delegated else { return };
    if !delegated.contains(&matrix.caller.account) {
        let detail = match delegated.first() {
            Some(other) => format!("GuardDuty's delegated administrator is {other}"),
            None => "GuardDuty has no delegated administrator".to_owned(),
        };
        all.push(gap(GapKind::Administrator, None, None, &detail));
    }
}

fn of_region(
    matrix: &Matrix,
    region: &str,
    facts: &RegionFacts,
    wanted: &Wanted,
    usual: Option<&str>,
    all: &mut Vec<Gap>,
) {
    let here = Some(region);
    let has_detector = matches!(facts.detector, Ok(Some(_)));
    match &facts.configuration {
        Ok(Some(configuration)) if configuration.members == AutoEnable::None => {
            let detail = "new accounts of the organisation are not enrolled";
            all.push(gap(GapKind::AutoEnable, here, None, detail));
        }
        Ok(None) if has_detector && matrix.in_organisation == Ok(true) => {
            let detail = "this account does not administer GuardDuty there";
            all.push(gap(GapKind::Administrator, here, None, detail));
        }
        _ => {}
    }
    let own = matrix.places.get(&(region.to_owned(), matrix.caller.account.clone()));
    if own == Some(&Place::NotEnabled) && matrix.enabled(region).next().is_some() {
        let detail = "this account has not enabled the region";
        all.push(gap(GapKind::Administrator, here, None, detail));
    }
    let target = wanted.target.as_deref().or(usual);
    all.extend(facts.forwarder.as_ref().and_then(|fact| forwarder(fact, region, target)));
    let plans = wanted_plans(matrix, region, facts, wanted);
    for (account, place) in matrix.enabled(region) {
        let is_administrator = matrix.is_administrator(account);
        of_place(region, account, is_administrator, place, &plans, wanted.frequency, all);
    }
}

fn of_place(
    region: &str,
    account: &str,
    is_administrator: bool,
    place: &PlaceFacts,
    plans: &BTreeSet<String>,
    frequency: Option<Frequency>,
    all: &mut Vec<Gap>,
) {
    let mut add = |kind, detail: &str| all.push(gap(kind, Some(region), Some(account), detail));
    match place.detector {
        Ok(DetectorState::Missing) => add(GapKind::DetectorMissing, ""),
        Ok(DetectorState::Suspended) => add(GapKind::DetectorSuspended, ""),
        _ => {}
    }
    let is_member = place.member == Ok(Some(Relationship::Enabled));
    match &place.member {
        // A suspended member is a suspended detector.
        Ok(Some(Relationship::Enabled | Relationship::Suspended)) | Err(_) => {}
        _ if is_administrator => {}
        Ok(Some(other)) => add(GapKind::NotAMember, other.as_str()),
        Ok(None) => add(GapKind::NotAMember, ""),
    }
    if place.detector != Ok(DetectorState::On) {
        return;
    }
    for name in plans {
        match place.plans.as_ref().map(|plans| plans.get(name)) {
            Ok(Some(plan)) if plan.on => {}
            Ok(Some(plan)) if plan.by_policy => {
                add(GapKind::PlanOff, &format!("{name} (an Organizations policy manages it)"));
            }
            Ok(_) => add(GapKind::PlanOff, name),
            Err(_) => {}
        }
    }
    // A member has the administrator's frequency, and the gap is the administrator's.
    if let (Some(wanted), Ok(Some(is)), false) = (frequency, &place.frequency, is_member)
        && wanted != *is
    {
        add(GapKind::Frequency, &format!("{} instead of {}", is.as_str(), wanted.as_str()));
    }
}

/// The plans that must be on in a region. A plan that no detector there knows, and the
/// organisation's configuration does not either, is not offered in the region.
fn wanted_plans(
    matrix: &Matrix,
    region: &str,
    facts: &RegionFacts,
    wanted: &Wanted,
) -> BTreeSet<String> {
    let configured = match &facts.configuration {
        Ok(Some(configuration)) => configuration.plans.clone(),
        _ => BTreeMap::new(),
    };
    let Some(named) = &wanted.plans else {
        let for_all = configured.iter().filter(|(_, auto)| **auto == AutoEnable::All);
        let for_all: BTreeSet<String> = for_all.map(|(name, _)| name.clone()).collect();
        if !for_all.is_empty() {
            return for_all;
        }
        let own = facts.detector.iter().flatten().flat_map(|detector| &detector.plans);
        return own.filter(|(_, plan)| plan.on).map(|(name, _)| name.clone()).collect();
    };
    let offered = |name: &String| {
        let known = |place: &PlaceFacts| place.plans.iter().any(|plans| plans.contains_key(name));
        configured.contains_key(name) || matrix.enabled(region).any(|(_, place)| known(place))
    };
    named.iter().filter(|name| offered(name)).cloned().collect()
}

fn forwarder(fact: &Fact<Option<Forwarder>>, region: &str, target: Option<&str>) -> Option<Gap> {
    let of = |kind, detail: &str| Some(gap(kind, Some(region), None, detail));
    let forwarder = match fact {
        Err(_) => return None,
        Ok(None) => return of(GapKind::ForwarderMissing, ""),
        Ok(Some(forwarder)) => forwarder,
    };
    if !forwarder.enabled {
        return of(GapKind::ForwarderDisabled, "");
    }
    let good = |arn: &str| arn.ends_with(BUS) && target.is_none_or(|target| target == arn);
    let good = |arn: &str| target == Some(arn) || good(arn);
    let mut arns = forwarder.targets.iter().map(|target| target.arn.as_str());
    match forwarder.targets.first() {
        None => of(GapKind::ForwarderTarget, "the rule has no target"),
        Some(_) if arns.any(good) => None,
        Some(first) => of(GapKind::ForwarderTarget, &format!("the rule sends to {}", first.arn)),
    }
}

/// The target of more than half of the forwarders.
fn usual_target(matrix: &Matrix) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let facts = matrix.regions.values().filter_map(|facts| facts.forwarder.as_ref());
    for forwarder in facts.filter_map(|fact| fact.as_ref().ok()?.as_ref()) {
        for target in forwarder.targets.iter().filter(|target| target.arn.ends_with(BUS)) {
            *counts.entry(&target.arn).or_default() += 1;
        }
    }
    let all: usize = counts.values().sum();
    counts.into_iter().find(|(_, count)| count * 2 > all).map(|(arn, _)| arn.to_owned())
}

/// Regions that an account enabled, and that are in nobody's list.
fn unlisted(matrix: &Matrix, all: &mut Vec<Gap>) {
    if !matrix.regions_given {
        return;
    }
    for (account, facts) in &matrix.accounts {
        for (region, status) in facts.regions.iter().flatten().flatten() {
            let opted = matches!(status, RegionStatus::Enabled | RegionStatus::Enabling);
            if opted && !matrix.regions.contains_key(region) {
                let detail = status.as_str();
                all.push(gap(GapKind::RegionUnlisted, Some(region), Some(account), detail));
            }
        }
    }
}

/// Regions that every account has, and that are in nobody's list. That is no gap, because a policy
/// of the organisation may deny them, but findings from there reach nobody.
pub fn unlisted_by_default(matrix: &Matrix) -> BTreeSet<&str> {
    if !matrix.regions_given {
        return BTreeSet::new();
    }
    let facts = matrix.accounts.values().flat_map(|facts| &facts.regions).flatten().flatten();
    let by_default = facts.filter(|(_, status)| **status == RegionStatus::ByDefault);
    let names = by_default.map(|(region, _)| region.as_str());
    names.filter(|region| !matrix.regions.contains_key(*region)).collect()
}

/// Accounts of which nobody may ask for the enabled regions, while others were asked.
pub fn regions_unasked(matrix: &Matrix) -> BTreeSet<&str> {
    let others = matrix.accounts.iter().filter(|(id, _)| !matrix.is_administrator(id));
    let unasked = others.clone().filter(|(_, facts)| facts.regions.is_none());
    let unasked: BTreeSet<&str> = unasked.map(|(id, _)| id.as_str()).collect();
    if unasked.len() == others.count() { BTreeSet::new() } else { unasked }
}

/// All facts that could not be read, sorted. A place that is no member is left out: the gap says
/// why nothing more is known.
pub fn unread(matrix: &Matrix) -> Vec<Unread> {
    let mut all = Vec::new();
    let mut add = |region: Option<&str>, account: Option<&str>, fact, why: &Unreadable| {
        let (region, account) = (region.map(str::to_owned), account.map(str::to_owned));
        all.push(Unread { region, account, fact, why: why.clone() });
    };
    if let Err(why) = &matrix.in_organisation {
        add(None, None, "accounts", why);
    }
    if let Some(Err(why)) = &matrix.delegated {
        add(None, None, "delegated administrators", why);
    }
    for (account, facts) in &matrix.accounts {
        if let Some(Err(why)) = &facts.regions {
            add(None, Some(account), "enabled regions", why);
        }
    }
    for (region, facts) in &matrix.regions {
        if let Err(why) = &facts.configuration {
            add(Some(region), None, "organisation configuration", why);
        }
        if let Some(Err(why)) = &facts.forwarder {
            add(Some(region), None, "forwarder", why);
        }
        for (account, place) in matrix.enabled(region) {
            let is_outside = !matrix.is_administrator(account)
                && !matches!(
                    place.member,
                    Ok(Some(Relationship::Enabled | Relationship::Suspended))
                );
            match (&place.member, &place.detector, &place.plans) {
                // The gap of the administrator says it.
                (Err(_), ..) if facts.detector == Ok(None) => {}
                (Err(why), ..) => add(Some(region), Some(account), "member", why),
                (_, Err(why), _) if !is_outside => {
                    add(Some(region), Some(account), "detector", why)
                }
                (_, Ok(_), Err(why)) => add(Some(region), Some(account), "plans", why),
                _ => {}
            }
        }
    }
    all.sort();
    all
}

#[cfg(test)]
#[path = "gap_tests.rs"]
mod tests;
