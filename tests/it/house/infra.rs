//! What the templates and the code have to agree on, read from the templates' text.

use std::path::Path;

use hansho::config::keys::KEYS;
use hansho::policy::budget::{TimeBudget, Times};

fn template(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("infra").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// All values of a key, as written.
fn values<'a>(text: &'a str, key: &'a str) -> Vec<&'a str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let value = move |line: &'a str| line.trim_start().strip_prefix(key)?.strip_prefix(':');
    lines.filter_map(value).map(str::trim).filter(|value| !value.is_empty()).collect()
}

/// `HANSHO_…` as keys of an environment.
fn variables(text: &str) -> Vec<&str> {
    let word = |at: usize| {
        let end = text[at..].find(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        &text[at..at + end.unwrap_or(text.len() - at)]
    };
    text.match_indices("HANSHO_").map(|(at, _)| word(at)).collect()
}

#[test]
fn the_worker_templates_set_only_what_the_worker_reads() {
    let known = |name: &&str| *name == "HANSHO_LOG" || KEYS.iter().any(|key| key.variable == *name);
    for name in ["worker-ecs.yaml", "worker-lambda.yaml"] {
        let text = template(name);
        let all = variables(&text);
        let unknown: Vec<&str> = all.iter().copied().filter(|v| !known(v)).collect();
        assert_eq!(unknown, [""; 0], "{name}");
        for needed in ["QUEUE_STANDARD", "QUEUE_QUARANTINE", "LEDGER_TABLE", "DESTINATION_WEBHOOK"]
        {
            assert!(all.contains(&format!("HANSHO_{needed}").as_str()), "{name}: {needed}");
        }
    }
}

#[test]
fn queues_and_table_are_as_the_worker_expects_them() {
    let text = template("pipeline.yaml");
    let visibility = Times::default().visibility.as_secs().to_string();
    let all = values(&text, "VisibilityTimeout");
    assert!(all.len() >= 3 && all.iter().all(|value| *value == visibility), "{all:?}");
    // SQS's longest retention, and EventBridge's largest event.
    for (key, value) in [("MessageRetentionPeriod", "1209600"), ("MaximumMessageSize", "1048576")] {
        let all = values(&text, key);
        assert!(all.len() >= 3 && all.iter().all(|v| *v == value), "{key}: {all:?}");
    }
    for part in [
        "{ AttributeName: fingerprint, KeyType: HASH }",
        "{ AttributeName: destination, KeyType: RANGE }",
        "TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn the_times_of_the_workers_fit_the_budget() {
    let budget = TimeBudget::default();
    let lambda = template("worker-lambda.yaml");
    let seconds = |text: &str, key: &str| -> Vec<u64> {
        values(text, key).iter().filter_map(|value| value.parse().ok()).collect()
    };
    let timeout = seconds(&lambda, "Timeout");
    // Lambda refuses a function that may run for longer than its messages are hidden.
    assert_eq!(timeout, [60]);
    assert!(timeout[0] <= budget.visibility().as_secs());
    assert_eq!(values(&lambda, "FunctionResponseTypes"), ["[ReportBatchItemFailures]"; 2]);
    let stop = seconds(&template("worker-ecs.yaml"), "StopTimeout");
    assert!(stop.len() == 1 && stop[0] > budget.drain().as_secs(), "{stop:?}");
}

#[test]
fn every_alarm_has_its_place_in_the_runbook() {
    let runbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.md");
    let runbook = std::fs::read_to_string(runbook).unwrap();
    let headings: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut alarms = 0;
    for name in ["pipeline.yaml", "forwarder.yaml", "worker-lambda.yaml", "worker-ecs.yaml"] {
        for alarm in values(&template(name), "AlarmName") {
            alarms += 1;
            let named = |heading: &&str| heading.split(", ").any(|part| part == alarm);
            assert!(headings.iter().any(named), "{alarm} of {name}");
        }
    }
    assert!(alarms > 8, "{alarms}");
}
