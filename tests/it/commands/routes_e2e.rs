//! `hansho routes`, as a program.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use hansho::embedded::{EmbeddedQueue, Incoming, Store};
use hansho::ports::Lane;
use serde_json::Value;

use crate::support::fakes::MovedClock;

const ACCOUNTS: &str = "id,name,ou,tag:Team\n\
                        111122223333,prod-shop,/prod/payments,payments\n\
                        222233334444,\"<!here> a\u{202e}b\",/prod/search,\n\
                        333344445555,dev,/dev,\n";

const RULES: &str = r#"
accounts_file = "accounts.csv"
[embedded]
listen = "off"
[[destination]]
name = "payments"
webhook = "env:PAYMENTS"
match = { ou = ["/prod/payments/*"], not = { type = ["Policy:*"] } }
continue = false
[[destination]]
name = "search"
webhook = "env:SEARCH"
min_severity = "high"
match = { account_name = "*a?*" }
[[destination]]
name = "security"
webhook = "env:SECURITY"
"#;

/// A folder with a configuration and its accounts.
fn folder(rules: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hansho.toml"), rules).unwrap();
    fs::write(folder.path().join("accounts.csv"), ACCOUNTS).unwrap();
    folder
}

fn hansho(folder: &Path, line: &str, input: &str) -> Output {
    program(folder, &format!("routes {line}"), input)
}

fn program(folder: &Path, line: &str, input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hansho"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have ended.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn finding(id: &str, account: &str, kind: &str, severity: f64) -> String {
    format!(
        r#"{{"schemaVersion":"2.0","id":"{id}","accountId":"{account}","region":"eu-west-1","type":"{kind}","severity":{severity},"title":"t","service":{{}},"resource":{{"resourceType":"Instance","instanceDetails":{{"instanceId":"i-0abc","tags":[{{"key":"Env","value":"\u001b[31mprod"}}]}}}}}}"#
    )
}

#[test]
fn each_destination_says_rule_by_rule_why_it_gets_a_finding() {
    let folder = folder(RULES);
    let input = [
        finding("a", "111122223333", "Recon:EC2/Portscan", 8.0),
        finding("b", "111122223333", "Policy:IAMUser/Root", 5.0),
        finding("c", "999988887777", "Recon:EC2/Portscan", 2.0),
    ]
    .join("\n");
    let output = hansho(folder.path(), "test -", &input);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(
        out(&output),
        "\
guardduty/111122223333/eu-west-1/a
  level          high
  type           Recon:EC2/Portscan
  account        111122223333
  account_name   prod-shop
  ou             /prod/payments
  account_tag    Team=payments
  region         eu-west-1
  product        guardduty
  resource_type  AwsEc2Instance
  resource_tag   Env=[31mprod
  payments: gets it
    + ou: /prod/payments fits /prod/payments/*
    + not type: Recon:EC2/Portscan does not fit Policy:*
  search: does not get it, because payments ends the search
    - account_name: prod-shop does not fit *a?*
  security: does not get it, because payments ends the search

guardduty/111122223333/eu-west-1/b
  level          medium
  type           Policy:IAMUser/Root
  account        111122223333
  account_name   prod-shop
  ou             /prod/payments
  account_tag    Team=payments
  region         eu-west-1
  product        guardduty
  resource_type  AwsEc2Instance
  resource_tag   Env=[31mprod
  payments: does not get it
    + ou: /prod/payments fits /prod/payments/*
    - not type: Policy:IAMUser/Root fits Policy:*
  search: does not get it, because it gets high and above, and this is medium
    - account_name: prod-shop does not fit *a?*
  security: gets it, as it has no rules

guardduty/999988887777/eu-west-1/c
  level          low
  type           Recon:EC2/Portscan
  account        999988887777
  region         eu-west-1
  product        guardduty
  resource_type  AwsEc2Instance
  resource_tag   Env=[31mprod
  payments: does not get it, because it gets medium and above, and this is low
    - ou: none is known, so it does not fit /prod/payments/*
    + not type: Recon:EC2/Portscan does not fit Policy:*
  search: does not get it, because it gets high and above, and this is low
    - account_name: none is known, so it does not fit *a?*
  security: does not get it, because it gets medium and above, and this is low
  It is below every threshold: nothing is posted.

"
    );
    let output = hansho(folder.path(), "test - --json", &input);
    let lines: Vec<Value> =
        out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |line: usize, of: usize, key: &str| lines[line]["destinations"][of][key].clone();
    assert_eq!((said(0, 0, "gets"), said(0, 0, "why")), (true.into(), "matches".into()));
    assert_eq!((said(0, 2, "why"), said(0, 2, "ended_by")), ("ended".into(), "payments".into()));
    assert_eq!(said(1, 0, "rules")[1]["pattern"], "Policy:*");
    assert_eq!(said(2, 1, "why"), "below_threshold");
}

#[test]
fn what_matches_nobody_is_dropped_if_the_configuration_says_so() {
    let rules = RULES.split("[[destination]]\nname = \"security\"").next().unwrap();
    let input = finding("a", "333344445555", "Recon:EC2/Portscan", 5.0);
    let refused = folder(rules);
    let output = hansho(refused.path(), "test -", &input);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("destination: some findings would reach nobody"),
        "{}",
        err(&output)
    );
    let dropped = folder(&format!("unmatched = 'drop'\n{rules}"));
    let output = hansho(dropped.path(), "test -", &input);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("It matches no destination: it is dropped"), "{}", out(&output));
}

#[test]
fn explain_says_of_a_dropped_finding_what_the_rules_say() {
    let rules = RULES.split("[[destination]]\nname = \"security\"").next().unwrap();
    let folder = folder(&format!("unmatched = 'drop'\n{rules}"));
    Store::open(&folder.path().join("hansho.db")).unwrap();
    for (severity, is_dropped) in [(8.0, true), (1.0, false)] {
        let finding = finding("a", "333344445555", "Policy:IAMUser/Root", severity);
        fs::write(folder.path().join("finding.json"), finding).unwrap();
        let output = program(folder.path(), "explain finding.json", "");
        assert_eq!(output.status.code(), Some(1), "nothing is known: {}", err(&output));
        let text = out(&output);
        let dropped = "It matches no destination: it is dropped, and counted as unmatched";
        assert_eq!(text.contains(dropped), is_dropped, "{text}");
        for rules in [
            "its match rules leave it out: - ou: /dev does not fit /prod/payments/*; \
             - not type: Policy:IAMUser/Root fits Policy:*",
            "its match rules leave it out: - account_name: dev does not fit *a?*",
        ] {
            assert_eq!(text.contains(rules), is_dropped, "{text}");
        }
        let output = program(folder.path(), "explain finding.json --json", "");
        let answer: Value = serde_json::from_str(out(&output)).unwrap();
        assert_eq!(answer["findings"][0]["unmatched"], is_dropped);
    }
    let output = program(folder.path(), "explain guardduty/333344445555/eu-west-1/a --json", "");
    let answer: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(answer["findings"][0]["unmatched"], Value::Null);
}

#[test]
fn accounts_that_nobody_knows_are_named() {
    let known = finding("a", "111122223333", "Recon:EC2/Portscan", 8.0);
    let unknown = finding("b", "999988887777", "Recon:EC2/Portscan", 8.0);
    let without = RULES.replace("accounts_file = \"accounts.csv\"", "");
    let no_rules = without.replace("match =", "# match =");
    for (rules, line, input, said) in [
        (RULES, "test -", &known, None),
        (RULES, "test -", &unknown, Some("of the finding's account, because hansho.db does not")),
        (&without, "test -", &known, Some("of the finding's account, because hansho.db does not")),
        (&no_rules, "test -", &known, None),
        (RULES, "matrix", &known, None),
        (&without, "matrix", &known, Some("no account is known, because hansho.db does not exist")),
    ] {
        let output = hansho(folder(rules).path(), line, input);
        let err = err(&output);
        assert_eq!(output.status.code(), Some(0), "{line}: {err}");
        assert_eq!(err.contains(" is known"), said.is_some(), "{line}: {err}");
        assert!(err.contains(said.unwrap_or_default()), "{line}: {err}");
        assert_eq!(err.contains("run `hansho accounts sync`"), said.is_some(), "{line}: {err}");
    }
    let folder = folder(&without);
    Store::open(&folder.path().join("hansho.db")).unwrap();
    let output = hansho(folder.path(), "test -", &[known, unknown].join("\n"));
    let said = "of 2 accounts of the findings, because the ledger has no account directory";
    assert!(err(&output).contains(said), "{}", err(&output));
}

#[test]
fn bad_input_is_named() {
    let folder = folder(RULES);
    for (line, input, code, said) in [
        ("test -", "", 1, "the input is empty"),
        ("test -", "{\"x\":1}", 1, "message 1: not_a_finding"),
        ("test -", "nonsense", 1, "message 1: not_json"),
        ("test none.json", "", 1, "none.json can't be opened"),
        ("test - --config none.toml", "", 2, "none.toml"),
        ("test --id 0123456789abcdef", "", 1, "hansho.db does not exist"),
        ("matrix --diff none.toml", "", 2, "none.toml"),
        ("matrix --config none.toml", "", 2, "none.toml"),
        ("test", "", 2, "Usage"),
    ] {
        let output = hansho(folder.path(), line, input);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", err(&output));
        assert!(err(&output).contains(said), "{line}: {}", err(&output));
    }
    // What can be read is answered all the same.
    let input = format!("{}\nnonsense", finding("a", "111122223333", "x", 8.0));
    let output = hansho(folder.path(), "test -", &input);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("payments: gets it"), "{}", out(&output));
}

#[test]
fn the_matrix_has_all_accounts_and_levels() {
    let folder = folder(RULES);
    let output = hansho(folder.path(), "matrix", "");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(
        out(&output),
        "\
ACCOUNT                  OU              CRITICAL              HIGH                  MEDIUM
111122223333 prod-shop   /prod/payments  payments~, security~  payments~, security~  payments~, security~
222233334444 <!here> ab  /prod/search    search, security      search, security      security
333344445555 dev         /dev            security              security              security
any other account        -               security              security              security

~ payments gets some of them: not type Policy:*
~ security gets some of them: not what payments got
"
    );
}

#[test]
fn a_diff_shows_only_what_changes() {
    let folder = folder(RULES);
    fs::write(folder.path().join("old.toml"), RULES).unwrap();
    let output = hansho(folder.path(), "matrix --diff old.toml", "");
    assert_eq!(out(&output), "no account and no level changes\n", "{}", err(&output));
    let old = RULES.replace("min_severity = \"high\"\n", "").replace("Policy:*", "Recon:*");
    fs::write(folder.path().join("old.toml"), old).unwrap();
    let output = hansho(folder.path(), "matrix --diff old.toml", "");
    assert_eq!(
        out(&output),
        "\
critical, high, medium in 111122223333 prod-shop
  before: payments (not type Recon:*), security (not what payments got)
  after:  payments (not type Policy:*), security (not what payments got)

medium in 222233334444 <!here> ab
  before: search, security
  after:  security

"
    );
    let output = hansho(folder.path(), "matrix --diff old.toml --json", "");
    let changes: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(changes["changes"].as_array().unwrap().len(), 4);
    let change = &changes["changes"][3];
    assert_eq!((&change["account"], &change["level"]), (&"222233334444".into(), &"medium".into()));
    assert_eq!(change["before"][0]["destination"], "search");
    let output = hansho(folder.path(), "matrix --json", "");
    let all: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(all["accounts"].as_array().unwrap().len(), 4);
    assert_eq!(all["accounts"][0]["levels"]["high"][0]["only"], "not type Policy:*");
    assert!(all["accounts"][3]["account"].is_null());
}

#[tokio::test]
async fn a_finding_that_waits_is_tested_by_its_id() {
    let folder = folder(RULES);
    let store = Store::open(&folder.path().join("hansho.db")).unwrap();
    let queue = EmbeddedQueue::new(store, Arc::new(MovedClock::default()));
    let body = finding("0a1b2c3d", "111122223333", "Recon:EC2/Portscan", 8.0);
    queue
        .put(Lane::Standard, vec![Incoming { message_id: "m".into(), body, place: None }])
        .await
        .unwrap();
    drop(queue);
    let output = hansho(folder.path(), "test --id guardduty/111122223333/eu-west-1/0a1b2c3d", "");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("  payments: gets it\n"), "{}", out(&output));
    let output = hansho(folder.path(), "test --id guardduty/111122223333/eu-west-1/other", "");
    assert_eq!(output.status.code(), Some(1));
    let why = "the ledger keeps no text. GuardDuty is not asked, because hansho runs without AWS: \
               set reconcile.regions, or give the finding as a file";
    assert!(err(&output).contains(why), "{}", err(&output));
}
