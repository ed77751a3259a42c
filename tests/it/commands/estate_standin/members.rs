//! GuardDuty: members and invitations.
//! Source: GuardDuty API reference, CreateMembers, InviteMembers, ListMembers, GetMemberDetectors,
//! UpdateMemberDetectors, ListInvitations, AcceptAdministratorInvitation.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::guardduty::{detector_features, named};
use super::request::{Answer, Call};
use super::state::{Held, Member, place};

const BATCH_MAX: usize = 50;

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    let entries = call.list("accountIds").len().max(call.list("accountDetails").len());
    const WITHOUT: [&str; 3] =
        ["ListMembers", "GetAdministratorAccount", "AcceptAdministratorInvitation"];
    let takes_a_batch = !WITHOUT.contains(&call.operation.as_str());
    if takes_a_batch && !(1..=BATCH_MAX).contains(&entries) {
        return Answer::bad_request("because one or more input parameters have invalid values.");
    }
    match call.operation.as_str() {
        "ListMembers" => list(held, call),
        "CreateMembers" => create(held, call),
        "InviteMembers" => invite(held, call),
        "GetMemberDetectors" => get_detectors(held, call),
        "UpdateMemberDetectors" => update_detectors(held, call),
        "AcceptAdministratorInvitation" => accept(held, call),
        "GetAdministratorAccount" => administrator_of(held, call),
        "StartMonitoringMembers" => start_monitoring(held, call),
        other => panic!("the stand-in does not know {other}"),
    }
}

fn list(held: &Held, call: &Call) -> Answer {
    let associated = call.query.get("onlyAssociated").is_none_or(|only| only != "false");
    let members = held.members.get(&place(&call.account, &call.region));
    let shown = members.into_iter().flatten().filter(|(_, member)| {
        !associated || member.relationship == "Enabled" || member.relationship == "Disabled"
    });
    let shown = shown.map(|(id, member)| {
        let detector = held.detectors.get(&place(id, &call.region));
        json!({
            "accountId": id,
            "administratorId": call.account,
            "masterId": call.account,
            "email": member.email,
            "relationshipStatus": member.relationship,
            "detectorId": detector.map(|detector| &detector.id),
            "updatedAt": "2026-01-01T00:00:00.000Z",
        })
    });
    let asked = call.query.get("maxResults").map(|n| n.parse().unwrap());
    let token = call.query.get("nextToken").map(String::as_str);
    let (page, next) = held.paged(shown.collect(), asked, token);
    Answer::ok(json!({ "members": page, "nextToken": next }))
}

fn create(held: &mut Held, call: &Call) -> Answer {
    let mut unprocessed = Vec::new();
    for detail in call.list("accountDetails") {
        let id = detail["accountId"].as_str().unwrap().to_owned();
        let email = detail["email"].as_str().unwrap().to_owned();
        let organisation = held.organisation.as_ref();
        let administrator = organisation.and_then(|o| o.administrators.get(&call.region));
        let here = place(&call.account, &call.region);
        let known = held.members.get(&here).and_then(|all| all.get(&id));
        let why = match known.map(|member| member.relationship.as_str()) {
            _ if id == call.account => Some("an account can't be its own member"),
            Some("Enabled" | "Invited") => Some("the account is a member already"),
            _ => None,
        };
        if let Some(why) = why {
            unprocessed.push(json!({ "accountId": id, "result": why }));
        } else if administrator == Some(&call.account) && held.accounts.contains_key(&id) {
            let administrator = call.account.clone();
            held.enrol(&administrator, &call.region, &id);
        } else {
            let member = Member { email, relationship: "Created".to_owned() };
            held.members.entry(here).or_default().insert(id, member);
        }
    }
    Answer::ok(json!({ "unprocessedAccounts": unprocessed }))
}

fn ids(call: &Call) -> Vec<String> {
    let ids = call.list("accountIds");
    ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn invite(held: &mut Held, call: &Call) -> Answer {
    let members = held.members.entry(place(&call.account, &call.region)).or_default();
    let mut unprocessed = Vec::new();
    for id in ids(call) {
        match members.get_mut(&id) {
            Some(member) if member.relationship != "Enabled" => {
                member.relationship = "Invited".to_owned();
            }
            Some(_) => {
                let why = "the account is a member already";
                unprocessed.push(json!({ "accountId": id, "result": why }));
            }
            None => {
                let why = "the account was not created as a member";
                unprocessed.push(json!({ "accountId": id, "result": why }));
            }
        }
    }
    Answer::ok(json!({ "unprocessedAccounts": unprocessed }))
}

/// Splits accounts into enabled members with a detector, and others with a reason.
fn readable(held: &Held, call: &Call) -> (Vec<String>, Vec<Value>) {
    let members = held.members.get(&place(&call.account, &call.region));
    let (mut good, mut unprocessed) = (Vec::new(), Vec::new());
    for id in ids(call) {
        let member = members.and_then(|all| all.get(&id));
        let has_detector = held.detectors.contains_key(&place(&id, &call.region));
        if member.is_some_and(|member| member.relationship == "Enabled") && has_detector {
            good.push(id);
        } else {
            let why = "the account is no member, or has no detector";
            unprocessed.push(json!({ "accountId": id, "result": why }));
        }
    }
    (good, unprocessed)
}

fn get_detectors(held: &Held, call: &Call) -> Answer {
    let (good, unprocessed) = readable(held, call);
    if good.is_empty() {
        // The model demands at least one entry.
        return Answer::bad_request("because none of the accounts has a detector.");
    }
    let shown = good.iter().map(|id| {
        let detector = &held.detectors[&place(id, &call.region)];
        let status = if detector.on { "ENABLED" } else { "DISABLED" };
        let source = json!({ "status": status });
        json!({
            "accountId": id,
            "dataSources": {
                "cloudTrail": source, "dnsLogs": source, "flowLogs": source, "s3Logs": source,
            },
            "features": detector_features(detector),
        })
    });
    let shown: Vec<Value> = shown.collect();
    Answer::ok(json!({ "members": shown, "unprocessedAccounts": unprocessed }))
}

fn update_detectors(held: &mut Held, call: &Call) -> Answer {
    let (good, unprocessed) = readable(held, call);
    for id in good {
        let detector = held.detectors.get_mut(&place(&id, &call.region)).unwrap();
        for (name, status) in named(&call.list("features"), "status") {
            if !detector.by_policy.contains(&name) {
                detector.plans.insert(name, status == "ENABLED");
            }
        }
    }
    Answer::ok(json!({ "unprocessedAccounts": unprocessed }))
}

fn invitation(administrator: &str, region: &str) -> String {
    format!("invitation-{administrator}-{region}")
}

pub fn list_invitations(held: &Held, call: &Call) -> Answer {
    let mut shown = Vec::new();
    for ((administrator, region), members) in &held.members {
        let invited = members.get(&call.account).is_some_and(|m| m.relationship == "Invited");
        if invited && *region == call.region {
            shown.push(json!({
                "accountId": administrator,
                "invitationId": invitation(administrator, region),
                "relationshipStatus": "Invited",
                "invitedAt": "2026-01-01T00:00:00.000Z",
            }));
        }
    }
    Answer::ok(json!({ "invitations": shown }))
}

fn accept(held: &mut Held, call: &Call) -> Answer {
    let administrator = call.text("administratorId");
    let members = held.members.get_mut(&place(administrator, &call.region));
    let member = members.and_then(|members| members.get_mut(&call.account));
    let good = call.text("invitationId") == invitation(administrator, &call.region);
    match member {
        Some(member) if good && member.relationship == "Invited" => {
            member.relationship = "Enabled".to_owned();
            Answer::default()
        }
        _ => Answer::bad_request("because the account has no such invitation."),
    }
}

/// Without an administrator the member is left out.
fn administrator_of(held: &Held, call: &Call) -> Answer {
    let is_member = |(place, members): &(&(String, String), &BTreeMap<String, Member>)| {
        place.1 == call.region
            && members.get(&call.account).is_some_and(|member| member.relationship == "Enabled")
    };
    let found = held.members.iter().find(is_member);
    let shown = found.map(|((administrator, region), _)| {
        json!({
            "accountId": administrator,
            "invitationId": invitation(administrator, region),
            "relationshipStatus": "Enabled",
            "invitedAt": "2026-01-01T00:00:00.000Z",
        })
    });
    Answer::ok(json!({ "administrator": shown }))
}

fn start_monitoring(held: &mut Held, call: &Call) -> Answer {
    let mut unprocessed = Vec::new();
    for id in ids(call) {
        let members = held.members.get_mut(&place(&call.account, &call.region));
        match members.and_then(|members| members.get_mut(&id)) {
            Some(member) if matches!(member.relationship.as_str(), "Enabled" | "Disabled") => {
                member.relationship = "Enabled".to_owned();
                held.detector(&id, &call.region).on = true;
            }
            _ => unprocessed.push(json!({ "accountId": id, "result": "the account is no member" })),
        }
    }
    Answer::ok(json!({ "unprocessedAccounts": unprocessed }))
}
