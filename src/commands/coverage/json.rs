//! The report as JSON.

use serde_json::{Value, json};

use crate::estate::gap::{Gap, Unread, regions_unasked, unlisted_by_default};
use crate::estate::matrix::{Place, PlaceFacts, RegionFacts};
use crate::estate::{Fact, Forwarder, Plan, Relationship};

use super::last::LastFindings;
use super::report::{Counts, Report};

/// Stands for a fact that can't be read. The list `unreadable` says why.
pub const UNREADABLE: &str = "unreadable";
/// No relationship.
pub const NONE: &str = "none";

pub fn json(report: &Report) -> Value {
    let matrix = &report.matrix;
    let Counts { complete, with_gap, unread, not_enabled } = report.counts();
    let accounts = matrix.accounts.iter().map(|(id, facts)| {
        let name = Some(facts.name.as_str()).filter(|name| !name.is_empty());
        json!({ "id": id, "name": name })
    });
    let places = matrix.places.iter();
    let places = places.map(|((region, account), place)| match place {
        Place::NotEnabled => json!({ "account": account, "region": region, "enabled": false }),
        Place::Enabled(facts) => {
            let is_administrator = matrix.is_administrator(account);
            let mut shown = of_place(account, region, is_administrator, facts);
            if let Some(Ok(last)) = &report.last {
                shown["last_finding"] = json!(last.of(region, account));
            }
            shown
        }
    });
    json!({
        "at": report.at.to_rfc3339(),
        "administrator": matrix.caller.account,
        "organisation": matrix.in_organisation.as_ref().ok(),
        "complete": report.gaps.is_empty() && report.unread.is_empty(),
        "places_complete": complete,
        "places_with_gap": with_gap,
        "places_unreadable": unread,
        "places_not_enabled": not_enabled,
        "gaps": report.gaps.iter().map(of_gap).collect::<Vec<_>>(),
        "unreadable": report.unread.iter().map(of_unread).collect::<Vec<_>>(),
        "default_regions_not_listed": unlisted_by_default(matrix),
        "enabled_regions_not_read": regions_unasked(matrix),
        "accounts": accounts.collect::<Vec<_>>(),
        "regions": matrix.regions.iter().map(|(name, facts)| of_region(name, facts)).collect::<Vec<_>>(),
        "places": places.collect::<Vec<_>>(),
        "last_findings": report.last.as_ref().map(of_last),
    })
}

/// What was read for the last findings. Each enabled place has its own.
fn of_last(last: &Fact<LastFindings>) -> Value {
    match last {
        Ok(last) => json!({
            "reads": last.pages, "records": last.records,
            "unreadable_records": last.unreadable, "all_read": !last.cut,
        }),
        Err(_) => json!(UNREADABLE),
    }
}

fn of_gap(gap: &Gap) -> Value {
    let detail = Some(gap.detail.as_str()).filter(|detail| !detail.is_empty());
    json!({
        "kind": gap.kind.as_str(), "account": gap.account, "region": gap.region, "detail": detail,
    })
}

fn of_unread(one: &Unread) -> Value {
    json!({
        "fact": one.fact, "account": one.account, "region": one.region, "why": one.why.why(),
        "denied": one.why.denied,
    })
}

fn of_region(name: &str, facts: &RegionFacts) -> Value {
    let configuration = match &facts.configuration {
        Ok(Some(configuration)) => json!({
            "auto_enable": configuration.members.as_str(),
            "plans": configuration.plans.iter()
                .map(|(name, auto)| (name.clone(), json!(auto.as_str())))
                .collect::<serde_json::Map<_, _>>(),
            "member_limit_reached": configuration.limit_reached,
        }),
        Ok(None) => Value::Null,
        Err(_) => json!(UNREADABLE),
    };
    let targets = match &facts.forwarder {
        Some(Ok(Some(forwarder))) => {
            forwarder.targets.iter().map(|target| target.arn.as_str()).collect()
        }
        _ => Vec::new(),
    };
    json!({
        "region": name, "organisation_configuration": configuration,
        "forwarder": facts.forwarder.as_ref().map(forwarder), "forwarder_targets": targets,
    })
}

/// The state of a forwarder in one word.
pub fn forwarder(fact: &Fact<Option<Forwarder>>) -> &'static str {
    match fact {
        Ok(Some(forwarder)) if forwarder.enabled => "enabled",
        Ok(Some(_)) => "disabled",
        Ok(None) => "missing",
        Err(_) => UNREADABLE,
    }
}

fn of_place(account: &str, region: &str, is_administrator: bool, facts: &PlaceFacts) -> Value {
    let plans = match &facts.plans {
        Ok(plans) => plans
            .iter()
            .map(|(name, plan)| (name.clone(), json!(plan_word(plan))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Err(_) => json!(UNREADABLE),
    };
    json!({
        "account": account, "region": region, "enabled": true, "detector": detector(facts),
        "member": member(is_administrator, facts), "plans": plans, "frequency": frequency(facts),
    })
}

fn plan_word(plan: &Plan) -> &'static str {
    match (plan.on, plan.by_policy) {
        (true, false) => "on",
        (true, true) => "on by policy",
        (false, false) => "off",
        (false, true) => "off by policy",
    }
}

pub fn detector(facts: &PlaceFacts) -> &'static str {
    facts.detector.as_ref().map_or(UNREADABLE, |state| state.as_str())
}

pub fn member(is_administrator: bool, facts: &PlaceFacts) -> &str {
    match &facts.member {
        _ if is_administrator => "administrator",
        Ok(relationship) => relationship.as_ref().map_or(NONE, Relationship::as_str),
        Err(_) => UNREADABLE,
    }
}

/// None: GuardDuty does not say.
pub fn frequency(facts: &PlaceFacts) -> Option<&'static str> {
    match &facts.frequency {
        Ok(frequency) => frequency.map(|frequency| frequency.as_str()),
        Err(_) => Some(UNREADABLE),
    }
}
