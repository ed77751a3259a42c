//! Organizations, Account Management and STS.
//! Source: the API references of these services.

use serde_json::{Value, json};

use super::request::{Answer, Call};
use super::state::{BY_DEFAULT, Held, OPT_IN, Organisation};

pub fn organizations(held: &mut Held, call: &Call) -> Answer {
    let Some(organisation) = held.organisation.clone() else {
        let why = "Your account is not a member of an organization.";
        return Answer::error(400, "AWSOrganizationsNotInUseException", why);
    };
    let is_management = organisation.management == call.account;
    let is_delegated = organisation.delegated.values().any(|ids| ids.contains(&call.account));
    let reads = call.operation.starts_with("List") || call.operation == "DescribeOrganization";
    let may = is_management || is_delegated && reads || call.operation == "DescribeOrganization";
    if !may {
        let why = "You don't have permissions to access this resource.";
        return Answer::error(400, "AccessDeniedException", why);
    }
    match call.operation.as_str() {
        "ListAccounts" => {
            let ids: Vec<String> = held.accounts.keys().cloned().collect();
            let all = ids.iter().map(|id| account_of(held, &organisation, id));
            list(held, call, "Accounts", all.collect())
        }
        // All accounts are beside each other in the root.
        "ListRoots" => list(held, call, "Roots", vec![json!({ "Id": "r-a1b2", "Name": "Root" })]),
        "ListOrganizationalUnitsForParent" => list(held, call, "OrganizationalUnits", Vec::new()),
        "ListTagsForResource" => {
            let tags = held.accounts[call.text("ResourceId")].tags.clone();
            let tags = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
            list(held, call, "Tags", tags.collect())
        }
        "ListAccountsForParent" => {
            let ids: Vec<String> = held.accounts.keys().cloned().collect();
            let all = ids.iter().map(|id| account_of(held, &organisation, id));
            list(held, call, "Accounts", all.collect())
        }
        "ListDelegatedAdministrators" => {
            let principal = call.text("ServicePrincipal");
            let ids = organisation.delegated.get(principal).cloned().unwrap_or_default();
            let all = ids.iter().map(|id| {
                let mut account = account_of(held, &organisation, id);
                account["DelegationEnabledDate"] = json!(1_790_000_000);
                account
            });
            list(held, call, "DelegatedAdministrators", all.collect())
        }
        "ListAWSServiceAccessForOrganization" => {
            let all = organisation.trusted.iter();
            let all = all.map(|p| json!({ "ServicePrincipal": p, "DateEnabled": 1_790_000_000 }));
            list(held, call, "EnabledServicePrincipals", all.collect())
        }
        "DescribeOrganization" => Answer::ok(json!({ "Organization": {
            "Id": "o-exampleorgid",
            "FeatureSet": "ALL",
            "MasterAccountId": organisation.management,
        }})),
        write => write_to(held.organisation.as_mut().unwrap(), write, call),
    }
}

/// Organizations answers a write with an empty body.
fn write_to(organisation: &mut Organisation, operation: &str, call: &Call) -> Answer {
    let principal = call.text("ServicePrincipal").to_owned();
    match operation {
        "EnableAWSServiceAccess" => {
            organisation.trusted.insert(principal);
            Answer::default()
        }
        "RegisterDelegatedAdministrator" => {
            if !organisation.trusted.contains(&principal) {
                let why = "trusted access is not enabled";
                return Answer::error(400, "ConstraintViolationException", why);
            }
            let delegated = organisation.delegated.entry(principal).or_default();
            match delegated.insert(call.text("AccountId").to_owned()) {
                true => Answer::default(),
                false => Answer::error(400, "AccountAlreadyRegisteredException", "is registered"),
            }
        }
        other => panic!("the stand-in does not know {other}"),
    }
}

fn account_of(held: &Held, organisation: &Organisation, id: &str) -> Value {
    let account = &held.accounts[id];
    let management = &organisation.management;
    json!({
        "Id": id,
        "Arn": format!("arn:aws:organizations::{management}:account/o-exampleorgid/{id}"),
        "Email": account.email,
        "Name": account.name,
        "State": account.state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1_790_000_000,
    })
}

fn list(held: &Held, call: &Call, member: &str, all: Vec<Value>) -> Answer {
    let asked = call.body["MaxResults"].as_u64();
    let (page, next) = held.paged(all, asked, call.body["NextToken"].as_str());
    Answer::ok(json!({ member: page, "NextToken": next }))
}

/// A member of an organisation may be named by the management account and by a delegated
/// administrator of the service, but not by itself.
pub fn account(held: &mut Held, call: &Call) -> Answer {
    let asked = call.body["AccountId"].as_str();
    let account = asked.unwrap_or(&call.account).to_owned();
    if let Some(asked) = asked {
        let organisation = held.organisation.clone().unwrap_or_default();
        let delegated = organisation.delegated.get("account.amazonaws.com");
        let may = organisation.management == call.account
            || delegated.is_some_and(|ids| ids.contains(&call.account));
        if !may || asked == organisation.management || !held.accounts.contains_key(asked) {
            return Answer::error(403, "AccessDeniedException", "User is not authorized");
        }
    }
    let status = |region: &str| match OPT_IN.contains(&region) {
        false => "ENABLED_BY_DEFAULT",
        true if held.has_region(&account, region) => "ENABLED",
        true => "DISABLED",
    };
    let regions = BY_DEFAULT.iter().chain(&OPT_IN);
    let all = regions.map(|r| json!({ "RegionName": r, "RegionOptStatus": status(r) })).collect();
    list(held, call, "Regions", all)
}

pub fn sts(held: &mut Held, call: &Call) -> Answer {
    match call.operation.as_str() {
        "GetCallerIdentity" => Answer::ok(json!({
            "Account": call.account,
            "Arn": format!("arn:aws:sts::{}:assumed-role/security/someone", call.account),
            "UserId": "AROAEXAMPLEEXAMPLE:someone",
        })),
        "AssumeRole" => assume(held, call),
        other => panic!("the stand-in does not know {other}"),
    }
}

fn assume(held: &Held, call: &Call) -> Answer {
    let arn = call.text("RoleArn");
    let account = arn.split(':').nth(4).unwrap_or_default();
    let role = arn.split_once(":role/").map_or("", |(_, role)| role);
    if !held.accounts.get(account).is_some_and(|known| known.roles.contains(role)) {
        let why = format!("{} is not authorized to perform: sts:AssumeRole on {arn}", call.account);
        return Answer::error(403, "AccessDenied", &why);
    }
    let session = call.text("RoleSessionName");
    Answer::ok(json!({
        "Credentials": {
            "AccessKeyId": format!("ASIA{account}"),
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": "2027-01-01T00:00:00Z",
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROAEXAMPLEEXAMPLE:{session}"),
            "Arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        },
    }))
}
