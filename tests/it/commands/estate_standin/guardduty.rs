//! GuardDuty: detectors and the organisation's configuration.
//! Source: GuardDuty API reference.

use serde_json::{Value, json};

use super::members;
use super::request::{Answer, Call};
use super::state::{Detector, Held, place};

const NOT_OWNED: &str = "because the input detectorId is not owned by the current account.";
const NOT_THE_ADMINISTRATOR: &str =
    "because the current account is not the delegated administrator of the organization.";

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    match call.operation.as_str() {
        "ListDetectors" => list_detectors(held, call),
        "CreateDetector" => create_detector(held, call),
        "ListOrganizationAdminAccounts" => list_administrators(held, call),
        "EnableOrganizationAdminAccount" => enable_administrator(held, call),
        "ListInvitations" => members::list_invitations(held, call),
        // All others name a detector.
        _ if !owns(held, call) => Answer::bad_request(NOT_OWNED),
        "GetDetector" => get_detector(held, call),
        "UpdateDetector" => update_detector(held, call),
        "CreateSampleFindings" => {
            held.samples.push(place(&call.account, &call.region));
            Answer::default()
        }
        "DescribeOrganizationConfiguration" => describe_configuration(held, call),
        "UpdateOrganizationConfiguration" => update_configuration(held, call),
        _ => members::answer(held, call),
    }
}

fn owns(held: &Held, call: &Call) -> bool {
    let detector = held.detectors.get(&place(&call.account, &call.region));
    detector.is_some_and(|detector| detector.id == call.detector())
}

fn list_detectors(held: &Held, call: &Call) -> Answer {
    let detector = held.detectors.get(&place(&call.account, &call.region));
    let ids: Vec<&String> = detector.iter().map(|detector| &detector.id).collect();
    Answer::ok(json!({ "detectorIds": ids }))
}

fn create_detector(held: &mut Held, call: &Call) -> Answer {
    if held.detectors.contains_key(&place(&call.account, &call.region)) {
        return Answer::bad_request("because a detector already exists for the current account.");
    }
    let detector = held.detector(&call.account, &call.region);
    change(detector, call);
    Answer::ok(json!({ "detectorId": detector.id }))
}

fn change(detector: &mut Detector, call: &Call) {
    if let Some(on) = call.body["enable"].as_bool() {
        detector.on = on;
    }
    if let Some(frequency) = call.body["findingPublishingFrequency"].as_str() {
        detector.frequency = frequency.to_owned();
    }
    for (name, status) in named(&call.list("features"), "status") {
        detector.plans.insert(name, status == "ENABLED");
    }
}

/// Names and values of features, with their parts.
pub fn named(features: &[Value], key: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for feature in features {
        let name = feature["name"].as_str().unwrap();
        all.push((name.to_owned(), feature[key].as_str().unwrap_or_default().to_owned()));
        for part in feature["additionalConfiguration"].as_array().into_iter().flatten() {
            let part_name = format!("{name}/{}", part["name"].as_str().unwrap());
            all.push((part_name, part[key].as_str().unwrap_or_default().to_owned()));
        }
    }
    all
}

/// Plans in the form of an answer, each with its parts.
pub fn features<T>(
    plans: impl IntoIterator<Item = (String, T)> + Clone,
    show: impl Fn(&str, &T) -> Value,
) -> Vec<Value> {
    let with = |name: &str, value: &T| {
        let mut shown = show(name, value);
        let own_name = name.rsplit('/').next().unwrap();
        shown["name"] = json!(own_name);
        shown
    };
    let mut all = Vec::new();
    for (name, value) in plans.clone() {
        if name.contains('/') {
            continue;
        }
        let mut shown = with(&name, &value);
        let parts: Vec<Value> = plans
            .clone()
            .into_iter()
            .filter(|(part, _)| part.starts_with(&format!("{name}/")))
            .map(|(part, value)| with(&part, &value))
            .collect();
        if !parts.is_empty() {
            shown["additionalConfiguration"] = json!(parts);
        }
        all.push(shown);
    }
    all
}

pub fn detector_features(detector: &Detector) -> Vec<Value> {
    features(detector.plans.clone(), |name, on| {
        let status = if *on && detector.on { "ENABLED" } else { "DISABLED" };
        let managed_by = detector.by_policy.contains(name).then_some("GUARDDUTY_POLICY");
        json!({ "status": status, "updatedAt": 1_790_000_000, "managedBy": managed_by })
    })
}

fn get_detector(held: &Held, call: &Call) -> Answer {
    let detector = &held.detectors[&place(&call.account, &call.region)];
    let mut features = detector_features(detector);
    let foundational = if detector.on { "ENABLED" } else { "DISABLED" };
    for name in ["CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS"] {
        features.push(json!({ "name": name, "status": foundational }));
    }
    Answer::ok(json!({
        "createdAt": "2026-01-01T00:00:00.000Z",
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "findingPublishingFrequency": detector.frequency,
        "serviceRole": format!("arn:aws:iam::{}:role/aws-service-role/guardduty.amazonaws.com/\
            AWSServiceRoleForAmazonGuardDuty", call.account),
        "status": foundational,
        "tags": {},
        "features": features,
    }))
}

fn update_detector(held: &mut Held, call: &Call) -> Answer {
    let detector = held.detectors.get_mut(&place(&call.account, &call.region)).unwrap();
    for (name, _) in named(&call.list("features"), "status") {
        if detector.by_policy.contains(&name) {
            return Answer::bad_request("because a GuardDuty policy manages the feature.");
        }
    }
    change(detector, call);
    Answer::default()
}

fn list_administrators(held: &Held, call: &Call) -> Answer {
    let Some(organisation) = &held.organisation else {
        return Answer::bad_request("because the account is not in an organization.");
    };
    if organisation.management != call.account {
        return Answer::bad_request(
            "because it was made by an account that is not the management account.",
        );
    }
    let administrator = organisation.administrators.get(&call.region);
    let shown = administrator.map(|id| json!({ "adminAccountId": id, "adminStatus": "ENABLED" }));
    Answer::ok(json!({ "adminAccounts": shown.into_iter().collect::<Vec<_>>() }))
}

fn enable_administrator(held: &mut Held, call: &Call) -> Answer {
    let asked = call.text("adminAccountId").to_owned();
    let Some(organisation) = &held.organisation else {
        return Answer::bad_request("because the account is not in an organization.");
    };
    if organisation.management != call.account || !held.accounts.contains_key(&asked) {
        return Answer::bad_request("because the account may not do this.");
    }
    match organisation.administrators.get(&call.region) {
        Some(known) if *known != asked => {
            Answer::bad_request("because another account is the administrator already.")
        }
        Some(_) => Answer::bad_request("because the account is the administrator already."),
        None => {
            held.make_administrator(&asked, &call.region);
            Answer::default()
        }
    }
}

fn is_administrator(held: &Held, call: &Call) -> bool {
    let organisation = held.organisation.as_ref();
    let administrator = organisation.and_then(|o| o.administrators.get(&call.region));
    administrator == Some(&call.account)
}

fn describe_configuration(held: &mut Held, call: &Call) -> Answer {
    if !is_administrator(held, call) {
        return Answer::bad_request(NOT_THE_ADMINISTRATOR);
    }
    let configuration = held.configuration(&call.region).clone();
    let features = features(configuration.plans, |_, auto| json!({ "autoEnable": auto }));
    let asked = call.query.get("maxResults").map(|n| n.parse().unwrap());
    let token = call.query.get("nextToken").map(String::as_str);
    let (page, next) = held.paged(features, asked, token);
    Answer::ok(json!({
        "memberAccountLimitReached": false,
        "autoEnableOrganizationMembers": configuration.members,
        "features": page,
        "nextToken": next,
    }))
}

fn update_configuration(held: &mut Held, call: &Call) -> Answer {
    if !is_administrator(held, call) {
        return Answer::bad_request(NOT_THE_ADMINISTRATOR);
    }
    let configuration = held.configuration(&call.region);
    if let Some(members) = call.body["autoEnableOrganizationMembers"].as_str() {
        configuration.members = members.to_owned();
    }
    configuration.plans.extend(named(&call.list("features"), "autoEnable"));
    Answer::default()
}
