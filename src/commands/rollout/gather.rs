//! Reads what is: regions side by side, within bounds. A call that fails leaves the rest whole.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use crate::estate::detector::MemberDetector;
use crate::estate::{FORWARDER_RULE, Fact, Member, RegionStatus, Relationship};
use crate::ports::estate::{EstateSource, Login, MEMBERS_PAGE_MAX, RegionsOf};
use crate::ports::rollout::RolloutCalls;
use crate::rollout::{
    Actual, CODE_STACK, Desired, FORWARDER_STACK, Invitee, Mode, PIPELINE_STACK, RegionFacts,
    StackState, WORKER_ECS_STACK, WORKER_STACK,
};

use super::{BUS, SECRET};

/// Regions that are read at the same time.
const REGIONS_AT_A_TIME: usize = 8;
/// Accounts that are read at the same time, in each of these regions.
const ACCOUNTS_AT_A_TIME: usize = 4;

/// The ports that are read.
pub struct Sources<'a, S, R> {
    pub estate: &'a S,
    pub calls: &'a R,
}

/// Reads everything that a plan needs. `known` has the regions of the security account.
pub async fn gather<S: EstateSource, R: RolloutCalls>(
    sources: &Sources<'_, S, R>,
    desired: &Desired,
    regions: &BTreeMap<String, bool>,
    known: &BTreeMap<String, RegionStatus>,
) -> Actual {
    let reads = regions.iter().map(|(region, enabled)| async move {
        let facts = match enabled {
            true => region_facts(sources, desired, region).await,
            false => RegionFacts::default(),
        };
        (region.clone(), facts)
    });
    let (read, closed, (bus, pipeline), secret, worker) = tokio::join!(
        stream::iter(reads).buffered(REGIONS_AT_A_TIME).collect(),
        closed(sources.estate, desired, known),
        pipeline(sources.calls, &desired.home),
        sources.calls.secret(&desired.home, SECRET),
        worker(sources.calls, &desired.home),
    );
    let (bus, secret) = (Some(bus), Some(secret));
    Actual { regions: read, closed, bus, secret, pipeline, ..worker }
}

/// The bus, and its stack where there is no bus.
async fn pipeline<R: RolloutCalls>(
    calls: &R,
    home: &str,
) -> (Fact<bool>, Option<Fact<Option<StackState>>>) {
    let bus = calls.bus(home, BUS).await;
    let stack = match bus {
        Ok(false) => Some(calls.stack(home, PIPELINE_STACK).await),
        _ => None,
    };
    (bus, stack)
}

/// The worker on Lambda, else the one on ECS. Where there is none, the stack of the bucket for its
/// code.
async fn worker<R: RolloutCalls>(calls: &R, home: &str) -> Actual {
    let mut actual = Actual::default();
    let mut worker = calls.stack(home, WORKER_STACK).await;
    if matches!(worker, Ok(None)) {
        worker = calls.stack(home, WORKER_ECS_STACK).await;
        actual.worker_on_ecs = matches!(worker, Ok(Some(_)));
    }
    if matches!(worker, Ok(None)) {
        actual.code = Some(calls.stack(home, CODE_STACK).await);
    }
    actual.worker = Some(worker);
    actual
}

/// The regions that are off by default and that a member has not enabled. What can't be read
/// counts as enabled: GuardDuty then says what is wrong.
async fn closed<S: EstateSource>(
    estate: &S,
    desired: &Desired,
    known: &BTreeMap<String, RegionStatus>,
) -> BTreeSet<(String, String)> {
    let is_opt_in = |region: &&String| known.get(*region) == Some(&RegionStatus::Enabled);
    let opt_in: Vec<&String> = desired.regions.iter().filter(is_opt_in).collect();
    if opt_in.is_empty() || desired.mode == Mode::Invitation {
        return BTreeSet::new();
    }
    // Nobody may ask for the management account in this way.
    let others = desired.targets.keys().filter(|id| Some(*id) != desired.management.as_ref());
    let asked = others
        .map(|account| async move { (account, estate.regions(RegionsOf::Account(account)).await) });
    let answers: Vec<_> = stream::iter(asked).buffered(ACCOUNTS_AT_A_TIME).collect().await;
    let mut closed = BTreeSet::new();
    for (account, answer) in answers {
        let Ok(has) = answer else { continue };
        for region in &opt_in {
            if has.get(*region).is_some_and(|status| !status.is_enabled()) {
                closed.insert((account.clone(), (*region).clone()));
            }
        }
    }
    closed
}

async fn region_facts<S: EstateSource, R: RolloutCalls>(
    sources: &Sources<'_, S, R>,
    desired: &Desired,
    region: &str,
) -> RegionFacts {
    let Sources { estate, calls } = sources;
    let (detector, forwarder) =
        tokio::join!(estate.detector(Login::Own, region), estate.forwarder(region, FORWARDER_RULE));
    let mut facts = RegionFacts { enabled: true, ..RegionFacts::default() };
    if matches!(forwarder, Ok(None)) {
        facts.forwarder_stack = Some(calls.stack(region, FORWARDER_STACK).await);
    }
    facts.forwarder = Some(forwarder);
    let id = detector.as_ref().ok().and_then(Option::as_ref).map(|detector| detector.id.clone());
    facts.detector = Some(detector);
    if let Some(id) = &id {
        let members = estate.members(region, id).await;
        facts.members = Some(members.map(|members| by_account(desired, members)));
        if desired.mode == Mode::Organisation {
            facts.configuration = Some(estate.organisation_configuration(region, id).await);
        }
        facts.member_detectors = member_detectors(*estate, region, id, &facts).await;
    }
    if desired.mode == Mode::Organisation && desired.management_login {
        if !matches!(facts.configuration, Some(Ok(Some(_)))) {
            facts.administrator = Some(calls.administrator(region).await);
        }
        let management = desired.management.as_ref();
        if management.is_some_and(|id| desired.targets.contains_key(id)) {
            facts.management_detector = Some(calls.management_detector(region).await);
        }
    }
    if desired.mode == Mode::Invitation && desired.member_role {
        facts.invitees = invitees(sources, desired, region, &facts).await;
    }
    facts
}

/// The members that the rollout is about.
fn by_account(desired: &Desired, members: Vec<Member>) -> BTreeMap<String, Member> {
    let wanted = members.into_iter().filter(|one| desired.targets.contains_key(&one.account));
    wanted.map(|member| (member.account.clone(), member)).collect()
}

/// What the administrator sees of the detectors of enabled members.
async fn member_detectors<S: EstateSource>(
    estate: &S,
    region: &str,
    detector: &str,
    facts: &RegionFacts,
) -> BTreeMap<String, Fact<MemberDetector>> {
    let Some(Ok(members)) = &facts.members else { return BTreeMap::new() };
    let enabled = members
        .values()
        .filter(|member| member.relationship == Relationship::Enabled && member.detector.is_some());
    let accounts: Vec<String> = enabled.map(|member| member.account.clone()).collect();
    let mut all = BTreeMap::new();
    for asked in accounts.chunks(MEMBERS_PAGE_MAX) {
        match estate.member_detectors(region, detector, asked).await {
            Ok(found) => {
                all.extend(found.unprocessed.into_iter().map(|(id, why)| (id, Err(why))));
                all.extend(found.read.into_iter().map(|(id, one)| (id, Ok(one))));
            }
            Err(why) => all.extend(asked.iter().map(|id| (id.clone(), Err(why.clone())))),
        }
    }
    all
}

/// What the role in each member that has not accepted yet sees there.
async fn invitees<S: EstateSource, R: RolloutCalls>(
    sources: &Sources<'_, S, R>,
    desired: &Desired,
    region: &str,
    facts: &RegionFacts,
) -> BTreeMap<String, Fact<Invitee>> {
    let members = facts.members.as_ref().and_then(|members| members.as_ref().ok());
    let is_member = |account: &&String| {
        let member = members.and_then(|members| members.get(*account));
        member.is_some_and(|member| {
            matches!(member.relationship, Relationship::Enabled | Relationship::Suspended)
        })
    };
    let asked = desired.targets.keys().filter(|account| !is_member(account));
    let reads = asked
        .map(|account| async move { (account.clone(), invitee(sources, account, region).await) });
    stream::iter(reads).buffered(ACCOUNTS_AT_A_TIME).collect().await
}

async fn invitee<S: EstateSource, R: RolloutCalls>(
    sources: &Sources<'_, S, R>,
    account: &str,
    region: &str,
) -> Fact<Invitee> {
    let detector = sources.estate.detector(Login::Member(account), region).await?;
    let administrator = match &detector {
        Some(_) => sources.calls.administrator_of(account, region).await?,
        None => None,
    };
    Ok(Invitee { detector, administrator })
}
