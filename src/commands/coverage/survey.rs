//! Reads the estate: regions side by side, within bounds. A call that fails leaves the rest whole.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use crate::estate::detector::MemberDetector;
use crate::estate::matrix::{AccountFacts, Matrix, Place, Reads, RegionFacts};
use crate::estate::{
    ACCOUNTS_MAX, Caller, Detector, FORWARDER_RULE, Fact, GUARDDUTY_PRINCIPAL, Member,
    OrganisationAccount, REGIONS_MAX, RegionStatus, Relationship, Unreadable,
};
use crate::finding::Text;
use crate::ports::estate::{EstateSource, Login, MEMBERS_PAGE_MAX, RegionsOf};

/// Regions that are read at the same time.
const REGIONS_AT_A_TIME: usize = 8;
/// Accounts that are read at the same time, in each of these regions.
const ACCOUNTS_AT_A_TIME: usize = 4;

const NO_DETECTOR: &str = "the administrator has no detector there, so it has no members";
const NO_REGION: &str = "the administrator has not enabled the region";

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// None: all regions that an account has enabled.
    pub regions: Option<Vec<String>>,
    /// These accounts. Empty: all.
    pub accounts: BTreeSet<String>,
    /// Accounts that are known without the organisation, with their names.
    pub known: BTreeMap<String, Text>,
    /// There is a role in each member.
    pub with_member_role: bool,
    /// Which regions each account has enabled is not read.
    pub without_regions: bool,
    pub without_forwarder: bool,
}

/// What the administrator sees in a region.
struct RegionReads {
    facts: RegionFacts,
    members: Fact<BTreeMap<String, Member>>,
    seen: BTreeMap<String, Fact<MemberDetector>>,
}

/// Reads the matrix.
///
/// # Errors
/// Nobody knows who the own account is or which regions there are, or there are too many.
pub async fn survey<S: EstateSource>(source: &S, ask: &Survey) -> Fact<Matrix> {
    let caller = source.caller().await?;
    let listed = source.accounts().await;
    let delegated = match &listed {
        Ok(None) => None,
        _ => Some(source.delegated(GUARDDUTY_PRINCIPAL).await),
    };
    let mut accounts = known_accounts(ask, &caller, &listed);
    let management = listed.iter().flatten().flatten().find(|account| account.is_management);
    let management = management.map(|account| account.id.as_str());
    enabled_regions(source, ask, &caller, management, &mut accounts).await;
    let regions = regions(ask, &caller, &accounts)?;
    let own = accounts.get(&caller.account).cloned();
    let administers = |region: &str| own.as_ref().is_none_or(|own| has_region(own, region));
    let reads = regions.iter().map(|region| async move {
        let read = match administers(region) {
            true => read_region(source, ask, region).await,
            false => region_without_administrator(),
        };
        (region.clone(), read)
    });
    let reads: BTreeMap<String, RegionReads> =
        stream::iter(reads).buffered(REGIONS_AT_A_TIME).collect().await;
    add_members(ask, &listed, &reads, &mut accounts);
    enabled_regions(source, ask, &caller, management, &mut accounts).await;
    if accounts.len() > ACCOUNTS_MAX {
        let why = format!("there are more than {ACCOUNTS_MAX} accounts: name some with --account");
        return Err(Unreadable::new(&why));
    }
    let places = places(source, ask, &caller, &accounts, &reads).await;
    Ok(Matrix {
        caller,
        in_organisation: listed.map(|listed| listed.is_some()),
        delegated,
        accounts,
        regions: reads.into_iter().map(|(region, read)| (region, read.facts)).collect(),
        places,
        regions_given: ask.regions.is_some(),
    })
}

fn wants(ask: &Survey, account: &str) -> bool {
    ask.accounts.is_empty() || ask.accounts.contains(account)
}

fn known_accounts(
    ask: &Survey,
    caller: &Caller,
    listed: &Fact<Option<Vec<OrganisationAccount>>>,
) -> BTreeMap<String, AccountFacts> {
    let mut names = BTreeMap::new();
    match listed {
        // Nothing runs in an account that is suspended or closed.
        Ok(Some(listed)) => {
            names.extend(listed.iter().filter(|a| a.active).map(|a| (a.id.clone(), a.name.clone())))
        }
        _ => names.extend(ask.known.clone()),
    }
    names.extend(
        ask.accounts
            .iter()
            .map(|id| {
                let name = names.get(id).or_else(|| ask.known.get(id)).cloned();
                (id.clone(), name.unwrap_or_default())
            })
            .collect::<Vec<_>>(),
    );
    names.entry(caller.account.clone()).or_default();
    let facts = |name| AccountFacts { name, regions: None };
    let wanted = names.into_iter().filter(|(id, _)| *id == caller.account || wants(ask, id));
    wanted.map(|(id, name)| (id, facts(name))).collect()
}

/// Adds members that the organisation does not list: accounts that accepted an invitation.
fn add_members(
    ask: &Survey,
    listed: &Fact<Option<Vec<OrganisationAccount>>>,
    reads: &BTreeMap<String, RegionReads>,
    accounts: &mut BTreeMap<String, AccountFacts>,
) {
    let inactive: BTreeSet<&str> = match listed {
        Ok(Some(all)) => all.iter().filter(|a| !a.active).map(|a| a.id.as_str()).collect(),
        _ => BTreeSet::new(),
    };
    for member in reads.values().flat_map(|read| &read.members).flat_map(BTreeMap::values) {
        let left = matches!(member.relationship, Relationship::Removed | Relationship::Resigned);
        let id = &member.account;
        if left || inactive.contains(id.as_str()) || !wants(ask, id) || accounts.contains_key(id) {
            continue;
        }
        let name = ask.known.get(id).cloned().unwrap_or_default();
        accounts.insert(id.clone(), AccountFacts { name, regions: None });
    }
}

/// Reads the regions of the accounts of which they are not known yet. An account has its own ones
/// by its own login, or by the right of a delegated administrator of Account Management.
/// Source: Account Management API reference, ListRegions, `AccountId`.
async fn enabled_regions<S: EstateSource>(
    source: &S,
    ask: &Survey,
    caller: &Caller,
    management: Option<&str>,
    accounts: &mut BTreeMap<String, AccountFacts>,
) {
    let unknown = accounts.iter().filter(|(id, facts)| {
        // AWS shows the management account's regions to itself alone.
        let is_hidden = management == Some(id.as_str()) && !ask.with_member_role;
        let wanted = !ask.without_regions && !is_hidden;
        facts.regions.is_none() && (wanted || **id == caller.account)
    });
    let ids: Vec<String> = unknown.map(|(id, _)| id.clone()).collect();
    let reads = ids.into_iter().map(|id| async move {
        let read = match id == caller.account {
            true => source.regions(RegionsOf::Login(Login::Own)).await,
            false => match source.regions(RegionsOf::Account(&id)).await {
                Err(_) if ask.with_member_role => {
                    source.regions(RegionsOf::Login(Login::Member(&id))).await
                }
                read => read,
            },
        };
        (id, read)
    });
    let reads: Vec<_> = stream::iter(reads).buffered(ACCOUNTS_AT_A_TIME).collect().await;
    for (id, read) in reads {
        if let Some(facts) = accounts.get_mut(&id) {
            // The list of regions is all that the own account's are needed for.
            let needed = !ask.without_regions || read.is_ok();
            facts.regions = needed.then_some(read);
        }
    }
}

/// Whether an account has a region. Where that can't be read, it counts as enabled.
fn has_region(account: &AccountFacts, region: &str) -> bool {
    match &account.regions {
        Some(Ok(regions)) => regions.get(region).is_none_or(|status| status.is_enabled()),
        _ => true,
    }
}

fn regions(
    ask: &Survey,
    caller: &Caller,
    accounts: &BTreeMap<String, AccountFacts>,
) -> Fact<BTreeSet<String>> {
    let names: BTreeSet<String> = match &ask.regions {
        Some(given) => given.iter().cloned().collect(),
        None => {
            let own = accounts.get(&caller.account).and_then(|own| own.regions.clone());
            let own = own.unwrap_or_else(|| Ok(BTreeMap::new()));
            own.map_err(|why| Unreadable::new(&format!("{why}: give --region")))?;
            let all = accounts.values().flat_map(|facts| &facts.regions).flatten().flatten();
            let enabled = all.filter(|(_, status): &(&String, &RegionStatus)| status.is_enabled());
            enabled.map(|(region, _)| region.clone()).collect()
        }
    };
    match names.len() {
        0 => Err(Unreadable::new("no region is enabled: give --region")),
        n if n > REGIONS_MAX => {
            Err(Unreadable::new(&format!("there are more than {REGIONS_MAX} regions")))
        }
        _ => Ok(names),
    }
}

fn region_without_administrator() -> RegionReads {
    RegionReads {
        facts: RegionFacts { detector: Ok(None), configuration: Ok(None), forwarder: None },
        members: Err(Unreadable::new(NO_REGION)),
        seen: BTreeMap::new(),
    }
}

async fn read_region<S: EstateSource>(source: &S, ask: &Survey, region: &str) -> RegionReads {
    let forwarder = match ask.without_forwarder {
        true => None,
        false => Some(source.forwarder(region, FORWARDER_RULE).await),
    };
    let detector = source.detector(Login::Own, region).await;
    let (id, missing) = match &detector {
        Ok(Some(detector)) => (detector.id.clone(), None),
        Ok(None) => (String::new(), Some(Unreadable::new(NO_DETECTOR))),
        Err(why) => (String::new(), Some(why.clone())),
    };
    if let Some(why) = missing {
        // Without a detector there is nothing that could have a configuration.
        let configuration = match &detector {
            Err(why) => Err(why.clone()),
            Ok(_) => Ok(None),
        };
        let facts = RegionFacts { detector, configuration, forwarder };
        return RegionReads { facts, members: Err(why), seen: BTreeMap::new() };
    }
    let configuration = source.organisation_configuration(region, &id).await;
    let members = source.members(region, &id).await;
    let members = members.map(|all| -> BTreeMap<String, Member> {
        all.into_iter().map(|member| (member.account.clone(), member)).collect()
    });
    let seen = match &members {
        Ok(members) => seen(source, ask, region, &id, members).await,
        Err(_) => BTreeMap::new(),
    };
    RegionReads { facts: RegionFacts { detector, configuration, forwarder }, members, seen }
}

/// The detectors of the members, fifty in a call. A member without a detector is left out: the list
/// of members names none, and GuardDuty does not process it.
async fn seen<S: EstateSource>(
    source: &S,
    ask: &Survey,
    region: &str,
    detector: &str,
    members: &BTreeMap<String, Member>,
) -> BTreeMap<String, Fact<MemberDetector>> {
    let active = members.values().filter(|member| {
        member.relationship == Relationship::Enabled && wants(ask, &member.account)
    });
    let ids: Vec<String> = active.map(|member| member.account.clone()).collect();
    let reads = ids
        .chunks(MEMBERS_PAGE_MAX)
        .map(|ids| async move { (ids, source.member_detectors(region, detector, ids).await) });
    let reads: Vec<_> = stream::iter(reads).buffered(ACCOUNTS_AT_A_TIME).collect().await;
    let mut all = BTreeMap::new();
    for (ids, read) in reads {
        for id in ids {
            let has_detector = members.get(id).is_some_and(|member| member.detector.is_some());
            let left_out = || Unreadable::new("guardduty:GetMemberDetectors left the account out");
            let fact = match &read {
                Err(why) => Err(why.clone()),
                Ok(read) => match (read.read.get(id), read.unprocessed.get(id)) {
                    (Some(seen), _) => Ok(seen.clone()),
                    (None, _) if !has_detector => continue,
                    (None, why) => Err(why.cloned().unwrap_or_else(left_out)),
                },
            };
            all.insert(id.clone(), fact);
        }
    }
    all
}

/// Every account in every region.
async fn places<S: EstateSource>(
    source: &S,
    ask: &Survey,
    caller: &Caller,
    accounts: &BTreeMap<String, AccountFacts>,
    reads: &BTreeMap<String, RegionReads>,
) -> BTreeMap<(String, String), Place> {
    let regions = reads.iter().map(|(region, read)| async move {
        let places = accounts.iter().map(|(account, facts)| async move {
            let place = match has_region(facts, region) {
                false => Place::NotEnabled,
                true => place(source, ask, caller, account, region, read).await,
            };
            ((region.clone(), account.clone()), place)
        });
        stream::iter(places).buffered(ACCOUNTS_AT_A_TIME).collect::<Vec<_>>().await
    });
    let all: Vec<_> = stream::iter(regions).buffered(REGIONS_AT_A_TIME).collect().await;
    all.into_iter().flatten().collect()
}

async fn place<S: EstateSource>(
    source: &S,
    ask: &Survey,
    caller: &Caller,
    account: &str,
    region: &str,
    read: &RegionReads,
) -> Place {
    let is_administrator = caller.account == account;
    let administrator = read.facts.detector.as_ref().ok().and_then(Option::as_ref);
    let own: Option<Fact<Option<Detector>>> = match is_administrator {
        true => Some(read.facts.detector.clone()),
        false if ask.with_member_role => {
            Some(source.detector(Login::Member(account), region).await)
        }
        false => None,
    };
    let members = read.members.as_ref().map_err(Clone::clone);
    let reads = Reads {
        own,
        is_administrator,
        member: members.map(|members| members.get(account)),
        seen: read.seen.get(account).cloned(),
        administrator: administrator.and_then(|detector| detector.frequency),
    };
    Place::Enabled(Box::new(reads.facts()))
}
