//! The rights that the templates give. `infra/roles.md` lists them for people, and a test keeps it
//! true. Each wildcard has a reason beside it.
//!
//! `HANSHO_WRITE_ROLES=1 cargo test --test it iam` rewrites the list.

use std::path::{Path, PathBuf};

use serde_yaml_ng::{Mapping, Value};

const TEMPLATES: [&str; 10] = [
    "pipeline.yaml",
    "code-bucket.yaml",
    "worker-lambda.yaml",
    "worker-ecs.yaml",
    "operator.yaml",
    "rollout.yaml",
    "forwarder.yaml",
    "stacksets/administration-role.yaml",
    "stacksets/execution-role.yaml",
    "stacksets/organization-execution-role.yaml",
];

fn infra() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("infra")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(infra().join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// One statement of a policy.
#[derive(Debug)]
struct Statement {
    /// The resource of the template that it is part of, and its type.
    owner: String,
    kind: String,
    sid: String,
    allow: bool,
    principals: Vec<String>,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<String>,
}

fn statements(template: &str) -> Vec<Statement> {
    let parsed: Value =
        serde_yaml_ng::from_str(&read(template)).unwrap_or_else(|why| panic!("{template}: {why}"));
    let mut all = Vec::new();
    for (name, resource) in parsed["Resources"].as_mapping().expect("resources") {
        let (owner, kind) = (name.as_str().unwrap(), resource["Type"].as_str().unwrap());
        collect(&resource["Properties"], owner, kind, &mut all);
    }
    all
}

/// A statement is whatever has an effect, wherever it is.
fn collect(value: &Value, owner: &str, kind: &str, all: &mut Vec<Statement>) {
    match value {
        Value::Mapping(map) if map.contains_key("Effect") => all.push(statement(map, owner, kind)),
        Value::Mapping(map) => map.values().for_each(|v| collect(v, owner, kind, all)),
        Value::Sequence(list) => list.iter().for_each(|v| collect(v, owner, kind, all)),
        Value::Tagged(tagged) => collect(&tagged.value, owner, kind, all),
        _ => {}
    }
}

fn statement(map: &Mapping, owner: &str, kind: &str) -> Statement {
    let list = |key: &str| map.get(key).map(values).unwrap_or_default();
    for never in ["NotAction", "NotResource", "NotPrincipal"] {
        assert!(!map.contains_key(never), "{owner}: {never} grants what nobody wrote down");
    }
    let mut conditions = Vec::new();
    for (operator, tests) in map.get("Condition").and_then(Value::as_mapping).into_iter().flatten()
    {
        for (key, wanted) in tests.as_mapping().into_iter().flatten() {
            let (operator, key) = (operator.as_str().unwrap(), key.as_str().unwrap());
            conditions.push(format!("{key} {operator} {}", values(wanted).join(", ")));
        }
    }
    Statement {
        owner: owner.to_owned(),
        kind: kind.to_owned(),
        sid: map.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned(),
        allow: map.get("Effect").and_then(Value::as_str) == Some("Allow"),
        principals: list("Principal"),
        actions: list("Action"),
        resources: list("Resource"),
        conditions,
    }
}

/// All texts in a value, with CloudFormation's functions as they are written.
fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(b) => vec![b.to_string()],
        Value::Number(n) => vec![n.to_string()],
        Value::String(text) => vec![text.clone()],
        Value::Sequence(list) => list.iter().flat_map(values).collect(),
        Value::Mapping(map) => map
            .iter()
            .flat_map(|(key, v)| {
                let key = key.as_str().unwrap_or_default();
                values(v).into_iter().map(move |v| format!("{key}: {v}"))
            })
            .collect(),
        Value::Tagged(tagged) => {
            let inner = values(&tagged.value);
            let tag = tagged.tag.to_string();
            match (tag.as_str(), &tagged.value) {
                // Either of two lists, or none.
                ("!If", Value::Sequence(parts)) => {
                    let condition = values(&parts[0]).concat();
                    let of = |v: &Value| values(v).into_iter().filter(|v| v != "!Ref AWS::NoValue");
                    let then = of(&parts[1]).map(|v| format!("{v} (if {condition})"));
                    let otherwise = of(&parts[2]).map(|v| format!("{v} (if not {condition})"));
                    then.chain(otherwise).collect()
                }
                ("!Split" | "!Join", _) => inner.into_iter().filter(|v| v != ",").collect(),
                _ => vec![format!("{tag} {}", inner.join(" "))],
            }
        }
    }
}

fn table() -> String {
    let mut text = "\
# Who may do what

Every statement of every role, policy and resource policy in the templates. `cargo test` holds this
page to the templates. It refuses a wildcard in them that has no reason (`# Why *:`) beside it.
"
    .to_owned();
    for template in TEMPLATES {
        let all = statements(template);
        assert!(!all.is_empty(), "{template}: no statement was found");
        text.push_str(&format!("\n## [{template}]({template})\n"));
        let mut owner = String::new();
        for s in &all {
            if s.owner != owner {
                owner.clone_from(&s.owner);
                text.push_str(&format!("\n### {owner} ({})\n\n", s.kind));
            }
            let name = if s.sid.is_empty() { "(no name)" } else { &s.sid };
            text.push_str(&format!("- **{}{name}**\n", if s.allow { "" } else { "deny: " }));
            let facts = [
                ("who", &s.principals),
                ("may", &s.actions),
                ("on", &s.resources),
                ("if", &s.conditions),
            ];
            for (fact, values) in facts.into_iter().filter(|(_, values)| !values.is_empty()) {
                text.push_str(&wrapped(&format!("  - {fact}: `{}`", values.join("`, `"))));
            }
        }
    }
    text
}

/// The text of a list in lines of at most 118 columns, where it has spaces to break at.
fn wrapped(item: &str) -> String {
    let mut text = String::new();
    let mut line = "  -".to_owned();
    for word in item.split_whitespace().skip(1) {
        if line.len() + 1 + word.len() > 118 {
            text.push_str(&line);
            text.push('\n');
            line = "   ".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    text + &line + "\n"
}

#[test]
fn the_table_of_rights_is_that_of_the_templates() {
    let table = table();
    println!("{table}");
    let path = infra().join("roles.md");
    if std::env::var_os("HANSHO_WRITE_ROLES").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    assert!(
        read("roles.md") == table,
        "infra/roles.md is not what the templates say: check the changes, then write it again \
         with HANSHO_WRITE_ROLES=1 cargo test --test it iam"
    );
}

/// Whether a line is one of a statement's and has this action or resource.
fn grants(line: &str, value: &str) -> bool {
    let line = line.trim_start();
    let of_a_statement =
        ["- ", "Action: ", "Resource: "].iter().any(|start| line.starts_with(start));
    let written = line.trim_end().trim_end_matches(['"', '\'']);
    of_a_statement && if value == "*" { written.ends_with("\"*") } else { written.contains(value) }
}

/// Whether one of the lines above, up to the start of the list that the line is part of, is a
/// reason.
fn has_reason(lines: &[&str], at: usize) -> bool {
    lines[..at]
        .iter()
        .rev()
        .take_while(|line| {
            let line = line.trim_start();
            line.starts_with("- ") || line.starts_with('#') || line.ends_with(':')
        })
        .any(|line| line.trim_start().starts_with("# Why *:"))
}

#[test]
fn every_wildcard_has_its_reason() {
    let mut wildcards = 0;
    for template in TEMPLATES {
        let text = read(template);
        let lines: Vec<&str> = text.lines().collect();
        for s in statements(template).iter().filter(|s| s.allow) {
            for value in s.actions.iter().chain(&s.resources).filter(|v| v.contains('*')) {
                wildcards += 1;
                // As it is written: without the function and the condition.
                let bare = value.split(" (if ").next().unwrap();
                let bare = bare.split_once(' ').map_or(bare, |(_, rest)| rest);
                let places: Vec<usize> =
                    (0..lines.len()).filter(|i| grants(lines[*i], bare)).collect();
                assert!(!places.is_empty(), "{template}: {value} was not found in the text");
                for place in places {
                    assert!(
                        has_reason(&lines, place),
                        "{template}:{}: {value} in {} has no `# Why *:` above it",
                        place + 1,
                        s.owner
                    );
                }
            }
        }
    }
    assert!(wildcards > 10, "only {wildcards} were found: is the check blind?");
}

#[test]
fn a_wildcard_without_a_reason_is_seen() {
    let lines =
        ["Action: kms:*", "# Why *: a reason", "Resource: \"*\"", "Sid: a", "Action: \"*\""];
    let reasons: Vec<bool> = (0..lines.len()).map(|at| has_reason(&lines, at)).collect();
    assert_eq!(reasons, [false, false, true, false, false]);
}

#[test]
fn the_worker_has_the_rights_that_the_guide_lists_and_no_others() {
    let expected = [
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "secretsmanager:GetSecretValue",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
    ];
    for (template, owner) in [("worker-lambda.yaml", "Role"), ("worker-ecs.yaml", "TaskRole")] {
        let all = statements(template);
        let of_role = all.iter().filter(|s| s.owner == owner && s.principals.is_empty());
        let mut actions: Vec<&str> = of_role
            .flat_map(|s| s.actions.iter().map(String::as_str))
            // Lambda writes the log with the function's role, ECS with another.
            .filter(|action| !action.starts_with("logs:"))
            .collect();
        actions.sort_unstable();
        assert_eq!(actions, expected, "{template}");
        let guide = read("README.md");
        for action in expected {
            assert!(guide.contains(&format!("`{action}`")), "the guide has no {action}");
        }
    }
}

/// The policy of a feature of the worker is there only if its switch is on, gives these rights in
/// both templates, and the guide names them.
fn switched_on(feature: &str, switches: [&str; 2], expected: &[(&str, &str)]) {
    let guide = read("README.md");
    for (template, switch) in ["worker-lambda.yaml", "worker-ecs.yaml"].into_iter().zip(switches) {
        let all = statements(template);
        let given: Vec<(&str, &str)> = all
            .iter()
            .filter(|s| s.owner == format!("{feature}Policy"))
            .flat_map(|s| s.actions.iter().flat_map(|a| s.resources.iter().map(move |r| (a, r))))
            .map(|(action, on)| (action.as_str(), on.rsplit(' ').next().unwrap()))
            .collect();
        assert_eq!(given, expected, "{template}");
        let parsed: Value = serde_yaml_ng::from_str(&read(template)).unwrap();
        let condition = format!("With{feature}");
        let policy = &parsed["Resources"][format!("{feature}Policy")];
        assert_eq!(policy["Condition"], condition.as_str(), "{template}");
        let with = values(&parsed["Conditions"][condition]).join(" ");
        assert!(with.contains(switch) && with.contains("off"), "{template}: {with}");
        assert_eq!(parsed["Parameters"][switch]["Default"], "off", "{template}");
    }
    for (action, _) in expected {
        assert!(guide.contains(&format!("`{action}`")), "the guide has no {action}");
    }
}

const DETECTORS: &str = "arn:${AWS::Partition}:guardduty:*:${AWS::AccountId}:detector/*";

#[test]
fn to_compare_with_guardduty_takes_rights_that_are_there_only_when_it_is_switched_on() {
    let expected = [
        ("guardduty:GetFindings", "*"),
        ("guardduty:ListDetectors", "*"),
        ("guardduty:ListFindings", "*"),
        ("sqs:SendMessage", "hansho-ExpressQueueArn"),
        ("sqs:SendMessage", "hansho-StandardQueueArn"),
    ];
    switched_on("Reconcile", ["ReconcileSchedule", "ReconcileEvery"], &expected);
}

#[test]
fn to_look_at_the_coverage_takes_rights_that_are_there_only_when_it_is_switched_on() {
    let forwarders = "arn:${AWS::Partition}:events:*:${AWS::AccountId}:rule/hansho-forwarder";
    let expected = [
        ("account:ListRegions", "arn:${AWS::Partition}:account::${AWS::AccountId}:account"),
        ("account:ListRegions", "arn:${AWS::Partition}:account::*:account/*"),
        ("guardduty:DescribeOrganizationConfiguration", "*"),
        ("guardduty:GetMemberDetectors", "*"),
        ("guardduty:ListDetectors", "*"),
        ("guardduty:ListMembers", "*"),
        ("organizations:ListAccounts", "*"),
        ("organizations:ListDelegatedAdministrators", "*"),
        ("guardduty:GetDetector", DETECTORS),
        ("events:DescribeRule", forwarders),
        ("events:ListTargetsByRule", forwarders),
    ];
    switched_on("Coverage", ["CoverageSchedule", "CoverageEvery"], &expected);
}
