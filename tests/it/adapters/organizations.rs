//! The adapter to AWS Organizations with the real SDK, against a stand-in on loopback.

use hansho::aws::organizations::Organizations;
use hansho::ports::AccountStatus;

use crate::support::organizations_standin::OrganizationsStandIn;

pub fn fill(standin: &OrganizationsStandIn) {
    standin.unit(None, "ou-prod", "prod");
    standin.unit(None, "ou-empty", "empty");
    standin.unit(None, "ou-odd", "a/b");
    standin.unit(Some("ou-prod"), "ou-pay", "payments");
    standin.account(None, "000000000001", "management", &[]);
    standin.account(Some("ou-odd"), "000000000002", "odd", &[("team", "")]);
    for n in 3..8 {
        let tags = [("team", "payments"), ("env", "prod"), ("owner", "x@corp.example")];
        standin.account(Some("ou-pay"), &format!("{n:012}"), &format!("pay-{n}"), &tags);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_walked_page_by_page() {
    let standin = OrganizationsStandIn::start().await;
    fill(&standin);
    // Throttles are retried.
    standin.fail(2, 400, "TooManyRequestsException");
    let sdk = crate::adapters::sqs::sdk_config(&standin.endpoint).await;
    let accounts = Organizations::new(&sdk).accounts(true).await.unwrap();
    let found: Vec<_> = accounts
        .iter()
        .map(|a| (a.id.as_str(), a.name.as_str(), a.ou.as_str(), a.tags.len()))
        .collect();
    assert_eq!(
        found,
        [
            ("000000000001", "management", "/", 0),
            ("000000000002", "odd", "/a%2Fb", 1),
            ("000000000003", "pay-3", "/prod/payments", 3),
            ("000000000004", "pay-4", "/prod/payments", 3),
            ("000000000005", "pay-5", "/prod/payments", 3),
            ("000000000006", "pay-6", "/prod/payments", 3),
            ("000000000007", "pay-7", "/prod/payments", 3),
        ]
    );
    assert_eq!(accounts[0].email, "000000000001@corp.example");
    assert_eq!(accounts[0].status, Some(AccountStatus::PendingClosure), "the state wins");
    assert_eq!(accounts[2].tags["owner"], "x@corp.example");
    // The root and four units; the units of the root and the accounts have a second page, and the
    // five accounts a third.
    assert_eq!(standin.calls("ListAccountsForParent"), 5 + 2);
    assert_eq!(standin.calls("ListOrganizationalUnitsForParent"), 5 + 1);
    let tags = standin.calls("ListTagsForResource");
    Organizations::new(&sdk).accounts(false).await.unwrap();
    assert_eq!(standin.calls("ListTagsForResource"), tags, "no tags were asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_names_the_call_and_the_remedy() {
    let standin = OrganizationsStandIn::start().await;
    let sdk = crate::adapters::sqs::sdk_config(&standin.endpoint).await;
    for (code, remedy) in [
        ("AccessDeniedException", "use a role of the management account"),
        ("AWSOrganizationsNotInUseException", "this account is in no organisation"),
        ("InvalidInputException", "as ordered by the test"),
    ] {
        standin.fail(1, 400, code);
        let why = Organizations::new(&sdk).accounts(true).await.unwrap_err().to_string();
        assert!(why.starts_with("organizations ListRoots: ") && why.contains(remedy), "{why}");
    }
}
