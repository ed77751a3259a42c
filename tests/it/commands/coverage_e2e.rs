//! `hansho coverage` as a program, against a stand-in of AWS that is broken by hand.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::commands::estate_standin::{EstateStandIn, Held, credentials};
use crate::support::harmless::{check_html, check_text, texts};

pub const MANAGEMENT: &str = "111111111111";
pub const SECURITY: &str = "222222222222";
pub const SHOP: &str = "333333333333";
pub const LAB: &str = "444444444444";
pub const HERE: &str = "eu-west-1";
pub const THERE: &str = "us-east-1";
const REGIONS: [&str; 2] = [HERE, THERE];
pub const BOTH: [&str; 3] = ["coverage", "--regions", "eu-west-1,us-east-1"];
const LONGEST: Duration = Duration::from_secs(120);

pub struct Scene {
    folder: TempDir,
    pub aws: EstateStandIn,
    /// Further variables of the command.
    pub variables: Vec<(&'static str, String)>,
}

impl Scene {
    async fn new(held: Held) -> Scene {
        let (folder, aws) = (tempfile::tempdir().unwrap(), EstateStandIn::start(held).await);
        Scene { folder, aws, variables: Vec::new() }
    }

    /// Four accounts in two regions, complete.
    pub async fn complete() -> Scene {
        Scene::new(Held::complete(MANAGEMENT, SECURITY, &[SHOP, LAB], &REGIONS)).await
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hansho"));
        command
            .env_clear()
            .current_dir(self.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .args(arguments)
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_REGION", "eu-central-1")
            .envs(credentials(SECURITY))
            .envs(self.variables.iter().cloned());
        tokio::time::timeout(LONGEST, command.output()).await.expect("it ends").unwrap()
    }

    /// Exit code and JSON.
    pub async fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(&[arguments, &["--json"]].concat()).await;
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|why| panic!("{why}: {output:?}"));
        (output.status.code().unwrap(), report)
    }
}

/// Kind, region, account and detail of each gap.
pub fn gaps(report: &Value) -> Vec<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let gaps = report["gaps"].as_array().unwrap().iter();
    gaps.map(|gap| ["kind", "region", "account", "detail"].map(|key| text(&gap[key]))).collect()
}

pub fn unread(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["unreadable"].as_array().unwrap().iter();
    all.map(|one| ["fact", "region", "account"].map(|key| text(&one[key])).join(" ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_organisation_has_no_gap() {
    let scene = Scene::complete().await;
    let (code, report) = scene.json(&BOTH).await;
    assert_eq!((code, gaps(&report), unread(&report)), (0, vec![], vec![]), "{report}");
    assert_eq!(report["complete"], true);
    assert_eq!(report["places_complete"], 8);
    assert_eq!(report["administrator"], SECURITY);
    assert_eq!(report["default_regions_not_listed"], json!(["eu-central-1"]));
    let place = report["places"].as_array().unwrap().iter();
    let place = place.clone().find(|p| p["account"] == SHOP && p["region"] == THERE).unwrap();
    assert_eq!((&place["detector"], &place["member"]), (&json!("on"), &json!("enabled")));
    assert_eq!(place["plans"]["S3_DATA_EVENTS"], "on");
    assert_eq!(place["plans"]["RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT"], "off");
    assert_eq!(place["frequency"], "6h");
    let output = scene.run(&BOTH).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("complete: 4 accounts and 2 regions"), "{text}");
    // Nothing was written.
    let wrote = scene.aws.change(|held| {
        let reads = ["List", "Get", "Describe", "Assume"];
        let is_read = |name: &str| reads.iter().any(|read| name.starts_with(read));
        held.calls.iter().find(|call| !is_read(&call.operation)).cloned()
    });
    assert!(wrote.is_none(), "{wrote:?}");
}

/// What a case breaks by hand.
type Break = fn(&mut Held);

const CASES: [(&str, Break, &[[&str; 4]]); 13] = [
    (
        "a detector is deleted",
        |held| drop(held.detectors.remove(&(LAB.into(), HERE.into()))),
        &[["detector_missing", HERE, LAB, ""]],
    ),
    (
        "all detectors but the administrator's are deleted",
        |held| held.detectors.retain(|(account, region), _| account == SECURITY || region == HERE),
        &[
            ["detector_missing", THERE, MANAGEMENT, ""],
            ["detector_missing", THERE, SHOP, ""],
            ["detector_missing", THERE, LAB, ""],
        ],
    ),
    (
        "a detector is suspended",
        |held| held.detector(LAB, THERE).on = false,
        &[["detector_suspended", THERE, LAB, ""]],
    ),
    (
        "the administrator's detector is deleted",
        |held| drop(held.detectors.remove(&(SECURITY.into(), THERE.into()))),
        &[["detector_missing", THERE, SECURITY, ""]],
    ),
    (
        "a plan is off",
        |held| {
            held.detector(SHOP, HERE).plans.insert("S3_DATA_EVENTS".into(), false);
        },
        &[["plan_off", HERE, SHOP, "S3_DATA_EVENTS"]],
    ),
    (
        "a rule is disabled",
        |held| {
            let rules = held.rules.get_mut(&(SECURITY.into(), HERE.into())).unwrap();
            rules.get_mut("hansho-forwarder").unwrap().enabled = false;
        },
        &[["forwarder_disabled", HERE, "", ""]],
    ),
    (
        "a rule is deleted",
        |held| drop(held.rules.remove(&(SECURITY.into(), THERE.into()))),
        &[["forwarder_missing", THERE, "", ""]],
    ),
    (
        "a rule lost its target",
        |held| {
            let rules = held.rules.get_mut(&(SECURITY.into(), HERE.into())).unwrap();
            rules.get_mut("hansho-forwarder").unwrap().targets.clear();
        },
        &[["forwarder_target", HERE, "", "the rule has no target"]],
    ),
    (
        "an account is added",
        |held| held.add_account("555555555555"),
        &[["not_a_member", HERE, "555555555555", ""], ["not_a_member", THERE, "555555555555", ""]],
    ),
    (
        "a member is removed",
        |held| {
            let members = held.members.get_mut(&(SECURITY.into(), HERE.into())).unwrap();
            members.get_mut(SHOP).unwrap().relationship = "Removed".into();
        },
        &[["not_a_member", HERE, SHOP, "removed"]],
    ),
    (
        "a region is enabled",
        |held| {
            held.accounts.get_mut(LAB).unwrap().regions.insert("ap-east-1".into());
        },
        &[["region_unlisted", "ap-east-1", LAB, "enabled"]],
    ),
    (
        "another account administers a region",
        |held| {
            let organisation = held.organisation.as_mut().unwrap();
            organisation.administrators.insert(THERE.into(), LAB.into());
        },
        &[["administrator", THERE, "", "this account does not administer GuardDuty there"]],
    ),
    (
        "an account is closed",
        |held| held.accounts.get_mut(LAB).unwrap().state = "SUSPENDED".into(),
        &[],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_broken_by_hand_is_found_and_nothing_else() {
    for (case, breaks, expected) in CASES {
        let scene = Scene::complete().await;
        scene.aws.change(breaks);
        let (code, report) = scene.json(&BOTH).await;
        assert_eq!(gaps(&report), expected, "{case}: {report}");
        assert_eq!(code, if expected.is_empty() { 0 } else { 3 }, "{case}: {report}");
        assert_eq!(unread(&report), [""; 0], "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_at_the_same_time_is_found_all_of_it() {
    let scene = Scene::complete().await;
    let mut expected = Vec::from([["not_a_member", THERE, SHOP, "removed"].map(str::to_owned)]);
    scene.aws.change(|held| {
        let members = held.members.get_mut(&(SECURITY.into(), THERE.into())).unwrap();
        members.get_mut(SHOP).unwrap().relationship = "Removed".into();
    });
    for name in [
        "a detector is deleted",
        "a detector is suspended",
        "a plan is off",
        "a rule is disabled",
        "an account is added",
        "a region is enabled",
    ] {
        let (_, breaks, gaps) = CASES.iter().find(|case| case.0 == name).unwrap();
        scene.aws.change(breaks);
        expected.extend(gaps.iter().map(|gap| gap.map(str::to_owned)));
    }
    let (code, report) = scene.json(&BOTH).await;
    let mut found = gaps(&report);
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{report}");
    assert_eq!((code, unread(&report)), (3, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_third_call_may_be_throttled() {
    let scene = Scene::complete().await;
    scene.aws.change(|held| {
        held.faults.throttle_every = Some(3);
        held.detector(LAB, THERE).on = false;
    });
    let (code, report) = scene.json(&BOTH).await;
    let expected = ["detector_suspended", THERE, LAB, ""].map(str::to_owned);
    assert_eq!((code, gaps(&report), unread(&report)), (3, vec![expected], vec![]), "{report}");
}

/// A right that is missing, and what can't be read without it.
const DENIED: [(&str, &str, &[&str]); 7] = [
    (
        "GetMemberDetectors",
        HERE,
        &[
            "detector eu-west-1 111111111111",
            "detector eu-west-1 333333333333",
            "detector eu-west-1 444444444444",
        ],
    ),
    (
        "ListMembers",
        HERE,
        &[
            "member eu-west-1 111111111111",
            "member eu-west-1 333333333333",
            "member eu-west-1 444444444444",
        ],
    ),
    ("DescribeOrganizationConfiguration", HERE, &["organisation configuration eu-west-1 "]),
    ("DescribeRule", THERE, &["forwarder us-east-1 "]),
    ("ListTargetsByRule", THERE, &["forwarder us-east-1 "]),
    ("ListDelegatedAdministrators", "*", &["delegated administrators  "]),
    // Nobody knows then which one is the management account.
    ("ListAccounts", "*", &["accounts  ", "enabled regions  111111111111"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_leaves_the_rest_whole() {
    for (operation, region, expected) in DENIED {
        let scene = Scene::complete().await;
        scene.aws.change(|held| {
            held.faults.denied.push((operation.into(), "*".into(), region.into()));
        });
        let (code, report) = scene.json(&BOTH).await;
        assert_eq!(unread(&report), expected, "{operation}: {report}");
        assert_eq!((code, gaps(&report)), (1, vec![]), "{operation}: {report}");
        let denied = &report["unreadable"][0]["denied"];
        assert_eq!(*denied, true, "{operation}");
        assert_eq!(report["complete"], false);
        // With a gap elsewhere, that is what counts.
        scene.aws.change(|held| held.detector(SECURITY, THERE).on = false);
        let (code, report) = scene.json(&BOTH).await;
        assert_eq!((code, gaps(&report).len()), (3, 1), "{operation}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_of_accounts_may_be_left_out() {
    let scene = Scene::complete().await;
    scene.aws.change(|held| {
        held.organisation.as_mut().unwrap().delegated.remove("account.amazonaws.com")
    });
    let (code, report) = scene.json(&BOTH).await;
    let expected = [SHOP, LAB].map(|id| format!("enabled regions  {id}"));
    assert_eq!((code, unread(&report)), (1, expected.to_vec()), "{report}");
    let (code, report) = scene.json(&[&BOTH[..], &["--without", "regions"]].concat()).await;
    assert_eq!((code, unread(&report)), (0, vec![]), "{report}");
    // By a role in each account they are readable too.
    let with_role = [&BOTH[..], &["--member-role", "hansho-reader"]].concat();
    let (code, report) = scene.json(&with_role).await;
    assert_eq!((code, unread(&report)), (0, vec![]), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_own_rights_show_what_no_member_shows() {
    let scene = Scene::complete().await;
    let with_role = [&BOTH[..], &["--member-role", "hansho-reader"]].concat();
    scene.aws.change(|held| {
        for region in REGIONS {
            held.members.get_mut(&(SECURITY.into(), region.into())).unwrap().remove(SHOP);
        }
        held.detectors.remove(&(SHOP.into(), HERE.into()));
        // A role that is missing in an account harms none of what the administrator sees.
        held.accounts.get_mut(LAB).unwrap().roles.clear();
    });
    let (code, report) = scene.json(&with_role).await;
    let expected = [
        ["detector_missing", HERE, SHOP, ""],
        ["not_a_member", HERE, SHOP, ""],
        ["not_a_member", THERE, SHOP, ""],
    ];
    assert_eq!(gaps(&report), expected, "{report}");
    assert_eq!((code, unread(&report)), (3, vec![]), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_by_invitation_need_no_organisation() {
    let mut held = Held::accounts(&[SECURITY, SHOP, LAB]);
    held.detector(SECURITY, HERE);
    held.detector(SHOP, HERE);
    for (account, relationship) in [(SHOP, "Enabled"), (LAB, "Invited")] {
        let member = crate::commands::estate_standin::Member {
            email: format!("{account}@corp.example"),
            relationship: relationship.into(),
        };
        let members = held.members.entry((SECURITY.into(), HERE.into())).or_default();
        members.insert(account.into(), member);
    }
    let scene = Scene::new(held).await;
    let ask = ["coverage", "--region", HERE, "--without", "regions,forwarder"];
    let (code, report) = scene.json(&ask).await;
    let expected = ["not_a_member", HERE, LAB, "invited"].map(str::to_owned);
    assert_eq!((code, gaps(&report), unread(&report)), (3, vec![expected], vec![]), "{report}");
    assert_eq!(report["organisation"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_regions_are_those_that_an_account_has() {
    let scene = Scene::complete().await;
    scene.aws.change(|held| {
        held.accounts.get_mut(LAB).unwrap().regions.insert("ap-east-1".into());
    });
    let (code, report) = scene.json(&["coverage", "--region", "all"]).await;
    let names: Vec<&str> = report["regions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["region"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ap-east-1", "eu-central-1", HERE, THERE]);
    let mut kinds: BTreeMap<(String, String), usize> = BTreeMap::new();
    for [kind, region, ..] in gaps(&report) {
        *kinds.entry((region, kind)).or_default() += 1;
    }
    let expected = [
        // The security account can't administer a region that it does not have.
        (("ap-east-1", "administrator"), 1),
        // Nobody enabled GuardDuty there.
        (("eu-central-1", "detector_missing"), 1),
        (("eu-central-1", "forwarder_missing"), 1),
    ];
    let expected: BTreeMap<_, _> =
        expected.map(|((r, k), n)| ((r.to_owned(), k.to_owned()), n)).into();
    assert_eq!((code, kinds), (3, expected), "{report}");
    // What the security account can't see is not complete.
    let counts = ["complete", "unreadable", "not_enabled", "with_gap"]
        .map(|kind| report[format!("places_{kind}")].as_u64().unwrap());
    assert_eq!(counts, [8, 5, 2, 1], "{report}");
    // Nobody may ask for the regions of the management account.
    assert_eq!(report["enabled_regions_not_read"], json!([MANAGEMENT]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_is_a_gap_until_aws_has_enrolled_it() {
    let scene = Scene::complete().await;
    scene.aws.change(|held| held.add_account("555555555555"));
    assert_eq!(scene.json(&BOTH).await.0, 3);
    scene.aws.change(Held::let_a_day_pass);
    let (code, report) = scene.json(&BOTH).await;
    assert_eq!((code, gaps(&report)), (0, vec![]), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_killed_may_be_run_again() {
    let scene = Scene::complete().await;
    scene.aws.change(|held| held.faults.kill_at = Some(9));
    let killed = async {
        tokio::select! {
            output = scene.run(&BOTH) => panic!("it ended: {output:?}"),
            () = scene.aws.killed() => {}
        }
    };
    tokio::time::timeout(LONGEST, killed).await.expect("the call arrives");
    let (code, report) = scene.json(&BOTH).await;
    assert_eq!((code, gaps(&report)), (0, vec![]), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_hostile_and_harm_no_output() {
    let scene = Scene::complete().await;
    // Source: Organizations API reference, `AccountName`.
    let cut = |text: String| text.chars().take(128).collect::<String>();
    let names =
        || texts().into_iter().zip(0..).map(|(name, i)| (cut(name), format!("5555555555{i:02}")));
    scene.aws.change(|held| {
        for (name, account) in names() {
            held.add_account(&account);
            held.accounts.get_mut(account.as_str()).unwrap().name = name;
        }
        held.let_a_day_pass();
        held.detector(SHOP, HERE).on = false;
    });
    let output = scene.run(&[&BOTH[..], &["--html", "page.html", "--csv"]].concat()).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let csv = String::from_utf8(output.stdout).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 8 + 2 * names().count());
    let row = rows.iter().find(|row| &row[0] == SHOP && &row[2] == HERE).unwrap();
    assert_eq!((&row[4], &row[10]), ("suspended", "detector_suspended"), "{csv}");
    assert!(rows.iter().any(|row| row[1].starts_with("'=HYPERLINK(")), "{csv}");
    assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{csv}");
    check_html(&std::fs::read_to_string(scene.path().join("page.html")).unwrap());
    check_text(&csv);
    let text = String::from_utf8(scene.run(&BOTH).await.stdout).unwrap();
    check_text(&text);
    assert!(text.contains("detector suspended"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_accounts_in_seventeen_regions_fit_a_terminal() {
    let others: Vec<String> = (0..58).map(|i| format!("5555555555{i:02}")).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let regions: Vec<String> = (1..=17).map(|i| format!("xx-test-{i}")).collect();
    let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
    let mut held = Held::complete(MANAGEMENT, SECURITY, &others, &regions);
    held.page = 50;
    held.detector(others[3], regions[2]).on = false;
    held.detectors.remove(&(others[4].into(), regions[2].into()));
    held.rules.remove(&(SECURITY.into(), regions[5].into()));
    for account in &others {
        held.detector(account, regions[8]).plans.insert("EKS_AUDIT_LOGS".into(), false);
    }
    let scene = Scene::new(held).await;
    let list = regions.join(",");
    let output = scene.run(&["coverage", "--regions", &list, "--html", "page.html"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    println!("{text}");
    if let Some(kept) = std::env::var_os("HANSHO_KEEP_PAGE") {
        std::fs::copy(scene.path().join("page.html"), kept).unwrap();
    }
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.lines().count() <= 40, "{text}");
    assert!(text.contains("14 regions complete in all accounts"), "{text}");
    // Few calls: fifty members each, not one each.
    assert_eq!(scene.aws.calls("GetMemberDetectors").len(), 17 * 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_look_at_is_a_failure_with_a_remedy() {
    let scene = Scene::complete().await;
    scene.aws.change(|held| held.faults.denied.push(("*".into(), "*".into(), "*".into())));
    let output = scene.run(&BOTH).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("sts:GetCallerIdentity"), "{said}");
    let output = scene.run(&["coverage", "--config", "none.toml"]).await;
    assert_eq!(output.status.code(), Some(2));
}
