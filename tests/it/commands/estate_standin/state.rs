//! What the stand-in holds. Tests change it by hand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::faults::Faults;
use super::request::{Answer, Call};

/// Regions that every account has, as far as tests need them.
pub const BY_DEFAULT: [&str; 3] = ["eu-west-1", "eu-central-1", "us-east-1"];
/// Regions that an account has to enable.
pub const OPT_IN: [&str; 2] = ["ap-east-1", "me-south-1"];

/// The plans that a new detector has on, and the one that it has off.
pub const PLANS_ON: [&str; 5] = [
    "S3_DATA_EVENTS",
    "EKS_AUDIT_LOGS",
    "EBS_MALWARE_PROTECTION",
    "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS",
];
pub const PLAN_OFF: &str = "RUNTIME_MONITORING";
pub const PARTS: [&str; 3] =
    ["EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT"];

/// Account and region.
pub type Place = (String, String);

pub fn place(account: &str, region: &str) -> Place {
    (account.to_owned(), region.to_owned())
}

#[derive(Clone, Debug)]
pub struct Account {
    pub name: String,
    pub email: String,
    pub state: String,
    pub tags: BTreeMap<String, String>,
    /// The opt-in regions that it enabled.
    pub regions: BTreeSet<String>,
    /// Roles that the security account may assume there.
    pub roles: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Detector {
    pub id: String,
    pub on: bool,
    pub frequency: String,
    /// By name; a part has the name `PLAN/PART`.
    pub plans: BTreeMap<String, bool>,
    /// Plans that an Organizations policy manages.
    pub by_policy: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Member {
    pub email: String,
    pub relationship: String,
}

/// GuardDuty's configuration for the organisation in one region.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub members: String,
    /// By name; a part has the name `PLAN/PART`.
    pub plans: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default)]
pub struct Organisation {
    pub management: String,
    /// Services with trusted access.
    pub trusted: BTreeSet<String>,
    /// Delegated administrators by service.
    pub delegated: BTreeMap<String, BTreeSet<String>>,
    /// GuardDuty's administrator by region.
    pub administrators: BTreeMap<String, String>,
    /// By region.
    pub configurations: BTreeMap<String, Configuration>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// As S3 writes it.
    pub checksum: String,
    pub bytes: Vec<u8>,
    /// How often it was put.
    pub version: usize,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub enabled: bool,
    pub pattern: Option<String>,
    /// Id and ARN.
    pub targets: Vec<(String, String)>,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// The accounts of the organisation, or of the test.
    pub accounts: BTreeMap<String, Account>,
    pub organisation: Option<Organisation>,
    pub detectors: BTreeMap<Place, Detector>,
    /// By administrator and region, and there by account.
    pub members: BTreeMap<Place, BTreeMap<String, Member>>,
    /// By account and region, and there by name, on the default bus.
    pub rules: BTreeMap<Place, BTreeMap<String, Rule>>,
    /// Where there is a bus `hansho`.
    pub buses: BTreeSet<Place>,
    /// The value of the secret `hansho/slack`, where there is one. None: it has no value.
    pub secrets: BTreeMap<Place, Option<String>>,
    /// By account and region, and there by name: the status.
    pub stacks: BTreeMap<Place, BTreeMap<String, String>>,
    /// The parameters of stacks that were made with some.
    pub parameters: BTreeMap<(Place, String), BTreeMap<String, String>>,
    /// Whether a stack is made at once, and not when it is asked for the second time.
    pub quick_stacks: bool,
    /// Whether changes of stacks fail.
    pub updates_fail: bool,
    /// By bucket and key: what is there.
    pub objects: BTreeMap<(String, String), Object>,
    /// The account of each bucket.
    pub buckets: BTreeMap<String, String>,
    /// Places in which sample findings were made.
    pub samples: Vec<Place>,
    /// The entries of a page. AWS may return fewer than were asked for.
    pub page: usize,
    pub faults: Faults,
    pub calls: Vec<Call>,
}

impl Held {
    /// Accounts of no organisation, without GuardDuty.
    pub fn accounts(ids: &[&str]) -> Held {
        let mut held = Held { page: 2, ..Held::default() };
        ids.iter().for_each(|id| held.add_account(id));
        held
    }

    /// An organisation without GuardDuty. Its management account is one of the accounts.
    pub fn organisation(management: &str, ids: &[&str]) -> Held {
        let mut held = Held::accounts(ids);
        let management = management.to_owned();
        held.organisation = Some(Organisation { management, ..Organisation::default() });
        held
    }

    /// An organisation in which everything is as it should be in these regions.
    pub fn complete(management: &str, security: &str, others: &[&str], regions: &[&str]) -> Held {
        let ids: Vec<&str> = [&[management, security], others].concat();
        let mut held = Held::organisation(management, &ids);
        for region in regions {
            held.make_administrator(security, region);
            let configuration = held.configuration(region);
            configuration.members = "ALL".to_owned();
            for plan in PLANS_ON {
                configuration.plans.insert(plan.to_owned(), "ALL".to_owned());
            }
            for account in ids.iter().filter(|id| **id != security) {
                held.enrol(security, region, account);
            }
            let bus = format!("arn:aws:events:eu-central-1:{security}:event-bus/hansho");
            let rule = Rule {
                enabled: true,
                pattern: None,
                targets: vec![("hansho-bus".to_owned(), bus)],
            };
            let rules = held.rules.entry(place(security, region)).or_default();
            rules.insert("hansho-forwarder".to_owned(), rule);
        }
        let delegated = &mut held.organisation.as_mut().unwrap().delegated;
        let account_management = delegated.entry("account.amazonaws.com".to_owned()).or_default();
        account_management.insert(security.to_owned());
        held
    }

    pub fn add_account(&mut self, id: &str) {
        let account = Account {
            name: format!("account {id}"),
            email: format!("{id}@corp.example"),
            state: "ACTIVE".to_owned(),
            tags: BTreeMap::new(),
            regions: BTreeSet::new(),
            roles: BTreeSet::from(["hansho-reader".to_owned()]),
        };
        self.accounts.insert(id.to_owned(), account);
    }

    /// Makes an account the GuardDuty administrator of the organisation in a region. That enables
    /// GuardDuty there. Source: GuardDuty user guide, "Designating a delegated administrator".
    pub fn make_administrator(&mut self, account: &str, region: &str) {
        self.detector(account, region);
        let organisation = self.organisation.as_mut().expect("an organisation");
        const PRINCIPAL: &str = "guardduty.amazonaws.com";
        organisation.trusted.insert(PRINCIPAL.to_owned());
        let delegated = organisation.delegated.entry(PRINCIPAL.to_owned()).or_default();
        delegated.insert(account.to_owned());
        organisation.administrators.insert(region.to_owned(), account.to_owned());
        self.configuration(region);
    }

    pub fn configuration(&mut self, region: &str) -> &mut Configuration {
        let organisation = self.organisation.as_mut().expect("an organisation");
        organisation
            .configurations
            .entry(region.to_owned())
            .or_insert_with(|| Configuration { members: "NONE".to_owned(), plans: BTreeMap::new() })
    }

    /// The detector of a place, made if there is none.
    pub fn detector(&mut self, account: &str, region: &str) -> &mut Detector {
        let id = format!("{account}{}", region.replace('-', ""));
        self.detectors.entry(place(account, region)).or_insert_with(|| {
            let mut plans: BTreeMap<String, bool> =
                PLANS_ON.iter().map(|plan| ((*plan).to_owned(), true)).collect();
            plans.insert(PLAN_OFF.to_owned(), false);
            plans.extend(PARTS.map(|part| (format!("{PLAN_OFF}/{part}"), false)));
            let frequency = "SIX_HOURS".to_owned();
            Detector { id, on: true, frequency, plans, by_policy: BTreeSet::new() }
        })
    }

    /// Makes an account of the organisation a member, as GuardDuty does it.
    pub fn enrol(&mut self, administrator: &str, region: &str, account: &str) {
        let wanted = self.configuration(region).plans.clone();
        let email = self.accounts[account].email.clone();
        let detector = self.detector(account, region);
        for (plan, auto) in wanted {
            if auto == "ALL" {
                detector.plans.insert(plan, true);
            }
        }
        let members = self.members.entry(place(administrator, region)).or_default();
        members.insert(account.to_owned(), Member { email, relationship: "Enabled".to_owned() });
    }

    /// What AWS does by itself within 24 h: enrols the accounts of an organisation whose
    /// configuration says so.
    pub fn let_a_day_pass(&mut self) {
        let organisation = self.organisation.clone().unwrap_or_default();
        for (region, administrator) in organisation.administrators {
            let all = organisation.configurations.get(&region).is_some_and(|c| c.members == "ALL");
            let accounts: Vec<String> = self.accounts.keys().cloned().collect();
            for account in accounts.iter().filter(|id| all && **id != administrator) {
                let active = self.accounts[account].state == "ACTIVE";
                if active && self.has_region(account, &region) {
                    self.enrol(&administrator, &region, account);
                }
            }
        }
    }

    pub fn has_region(&self, account: &str, region: &str) -> bool {
        let opted = self.accounts.get(account).is_some_and(|a| a.regions.contains(region));
        opted || !OPT_IN.contains(&region)
    }

    /// AWS knows no credentials in a region that their account has not enabled.
    pub fn refuses_login(&self, call: &Call) -> Option<Answer> {
        let known = self.accounts.contains_key(&call.account);
        let why = "The security token included in the request is invalid.";
        let refused = !known || !self.has_region(&call.account, &call.region);
        refused.then(|| Answer::error(403, "UnrecognizedClientException", why))
    }

    /// One page of a list, and the token of the next.
    pub fn paged(
        &self,
        all: Vec<Value>,
        asked: Option<u64>,
        token: Option<&str>,
    ) -> (Vec<Value>, Value) {
        let from: usize = token.filter(|t| !t.is_empty()).map_or(0, |t| t.parse().unwrap());
        let page = self.page.min(asked.unwrap_or(u64::MAX) as usize).max(1);
        let next =
            if from + page < all.len() { json!((from + page).to_string()) } else { Value::Null };
        (all.into_iter().skip(from).take(page).collect(), next)
    }
}
