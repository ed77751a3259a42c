//! Loads texts and variables, and checks the configuration or the mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hansho::commands::check::{explanation, probe};
use hansho::config::keys::KEYS;
use hansho::config::{
    Backend, Config, ConfigFile, DESTINATIONS_MAX, Environment, Loaded, Reference, load,
    pace_allowed,
};
use hansho::finding::{Level, Severity};
use hansho::policy::filter::Threshold;
use hansho::slack::Mentions;

fn loaded(text: &str, variables: &[(&str, &str)]) -> Loaded {
    let file = ConfigFile { path: "hansho.toml".into(), text: Ok(text.to_owned()) };
    load(Some(&file), &environment(variables))
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn config(text: &str, variables: &[(&str, &str)]) -> Config {
    match loaded(text, variables).outcome {
        Ok(config) => config,
        Err(mistakes) => panic!("{mistakes:#?}"),
    }
}

fn mistakes(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let outcome = loaded(text, variables).outcome;
    outcome.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn warnings(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    loaded(text, variables).warnings.iter().map(ToString::to_string).collect()
}

const ONE: &str = "[[destination]]\nname = 'security'\nwebhook = 'env:HOOK'\n";

/// A second destination.
const ONCALL: &str =
    "[[destination]]\nname = 'oncall'\nwebhook = 'env:PAGER'\nmin_severity = 'critical'\n";

const QUEUES: &str = r#"
[queue]
standard   = "https://sqs.eu-west-1.amazonaws.com/111122223333/standard"
express    = "https://sqs.eu-west-1.amazonaws.com/111122223333/express"
quarantine = "https://sqs.eu-west-1.amazonaws.com/111122223333/quarantine"
"#;

/// A file that gives one key a value, with the sections that it needs.
fn file_with(path: &str, value: &str) -> String {
    let in_destination = path.strip_prefix("destination.");
    let others = |name: &str, line: &str| match in_destination {
        Some(path) if path == name => String::new(),
        _ => format!("{line}\n"),
    };
    let mut text = String::new();
    match path.rsplit_once('.') {
        None => text.push_str(&format!("{path} = {value}\n")),
        Some((section, name)) if in_destination.is_none() => {
            text.push_str(&format!("[{section}]\n{name} = {value}\n"));
        }
        Some(_) => {}
    }
    text.push_str("[[destination]]\n");
    text.push_str(&others("name", "name = 'security'"));
    text.push_str(&others("webhook", "webhook = 'env:HOOK'"));
    text.push_str(&in_destination.map_or(String::new(), |path| format!("{path} = {value}\n")));
    text + ONCALL
}

/// A valid value in TOML for each key that needs no other key.
fn good_values() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("min_severity", "'high'"),
        ("unmatched", "'drop'"),
        ("accounts_file", "'tests/fixtures/accounts/accounts.csv'"),
        ("show_tags", "'Team,Env'"),
        ("ledger.retention", "'30d'"),
        ("ledger.remind_after", "'12h'"),
        ("embedded.path", "'other.db'"),
        ("embedded.listen", "'127.0.0.1:1'"),
        ("embedded.token", "'env:TOKEN'"),
        ("worker.visibility", "'3m'"),
        ("worker.heartbeat", "'30s'"),
        ("worker.lease", "'50s'"),
        ("worker.skew", "'4s'"),
        ("worker.post_timeout", "'9s'"),
        ("worker.buffer_findings", "'50'"),
        ("worker.buffer_bytes", "'4 MiB'"),
        ("worker.fleet", "'3'"),
        ("worker.seed", "'7'"),
        ("metrics.listen", "'127.0.0.1:2'"),
        ("metrics.emf", "'on'"),
        ("reconcile.regions", "'eu-west-1, us-east-1'"),
        ("silences.weekly_summary", "'mon 09:00 Europe/Berlin'"),
        ("console.portal", "'https://acme.awsapps.com/start'"),
        ("destination.name", "'other'"),
        ("destination.webhook", "'file:other'"),
        ("destination.min_severity", "'critical'"),
        ("destination.pace", "'2s'"),
        ("destination.fallback", "'oncall'"),
        ("destination.resolved", "'quiet'"),
        ("destination.continue", "'false'"),
        ("destination.mention.informational", "'<!here>'"),
        ("destination.mention.low", "'<!here>'"),
        ("destination.mention.medium", "'<!here>'"),
        ("destination.mention.high", "'<!here>'"),
        ("destination.mention.critical", "'<!here>'"),
    ])
}

/// Keys that need other keys, or a feature.
const NOT_ALONE: [&str; 9] = [
    "queue.standard",
    "queue.express",
    "queue.quarantine",
    "ledger.table",
    "reconcile.every",
    "coverage.every",
    "console.role",
    "runbook.type",
    "runbook.url",
];

#[test]
fn every_key_is_read_from_the_file_and_from_its_variable() {
    let two = format!("{ONE}{ONCALL}");
    let usual = config(&two, &[]);
    let values = good_values();
    for key in KEYS.iter().filter(|key| !NOT_ALONE.contains(&key.path)) {
        let value = values.get(key.path).unwrap_or_else(|| panic!("no value for {}", key.path));
        let from_file = config(&file_with(key.path, value), &[]);
        let from_variable = config(&two, &[(key.variable, value.trim_matches('\''))]);
        assert_eq!(from_file, from_variable, "{}", key.path);
        assert_ne!(from_file, usual, "{} has no effect", key.path);
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let values = good_values();
    for key in KEYS.iter().filter(|key| !NOT_ALONE.contains(&key.path)) {
        let value = values[key.path].trim_matches('\'');
        // The file's value is invalid, but the variable replaces it.
        let read = loaded(&file_with(key.path, "[]"), &[(key.variable, value)]);
        assert!(read.outcome.is_ok(), "{}: {:?}", key.path, read.outcome);
        assert!(read.variables.contains(&key.variable));
    }
}

#[test]
fn the_aws_backend_from_the_file_from_variables_and_mixed() {
    let url = |name| format!("https://sqs.eu-west-1.amazonaws.com/111122223333/{name}");
    let (standard, express, quarantine) = (url("standard"), url("express"), url("quarantine"));
    let variables = [
        ("HANSHO_QUEUE_STANDARD", standard.as_str()),
        ("HANSHO_QUEUE_EXPRESS", express.as_str()),
        ("HANSHO_QUEUE_QUARANTINE", quarantine.as_str()),
        ("HANSHO_LEDGER_TABLE", "hansho-ledger"),
    ];
    let file = format!("{QUEUES}[ledger]\ntable = 'hansho-ledger'\n{ONE}");
    let from_file = config(&file, &[]);
    assert_eq!(from_file, config(ONE, &variables));
    assert_eq!(from_file, config(&format!("{QUEUES}{ONE}"), &variables[3..]));
    let Backend::Aws(aws) = &from_file.backend else { panic!() };
    assert_eq!((aws.standard.as_str(), aws.table.as_str()), (standard.as_str(), "hansho-ledger"));
    assert_eq!(
        from_file.backend.to_string(),
        "aws: queues standard, express, quarantine (quarantine), table hansho-ledger"
    );
    let (name, other) = ("HANSHO_QUEUE_EXPRESS", url("other"));
    let Backend::Aws(aws) = config(&file, &[(name, &other)]).backend else { panic!() };
    assert_eq!(aws.express.unwrap().as_str(), other);
}

#[test]
fn the_defaults() {
    let config = config(ONE, &[]);
    assert_eq!(config.threshold, Threshold::Level(Level::Medium));
    assert_eq!(
        config.backend,
        Backend::Embedded {
            path: "hansho.db".into(),
            listen: Some("127.0.0.1:8787".parse().unwrap()),
            token: None
        }
    );
    assert_eq!(config.retention, Duration::from_secs(90 * 86_400));
    assert_eq!(config.remind_after, None);
    assert_eq!((config.buffer.findings, config.buffer.bytes), (500, 8 * 1024 * 1024));
    let destination = &config.destinations[0];
    assert_eq!(destination.pace, Duration::from_millis(1_100));
    assert!(destination.mentions == Mentions::none() && destination.threshold.is_none());
    assert!(pace_allowed(destination.pace, "hooks.slack.com").is_ok());
    assert_eq!(config.terms().lease, Duration::from_secs(45));
}

#[test]
fn the_webhook_alone_is_enough() {
    let read = load(None, &environment(&[("SLACK_WEBHOOK_URL", "https://example.invalid/x")]));
    let config = read.outcome.unwrap();
    let [destination] = config.destinations.as_slice() else { panic!() };
    assert_eq!(destination.name.as_str(), "slack");
    assert_eq!(destination.webhook, Reference::Env("SLACK_WEBHOOK_URL".to_owned()));
    assert!(destination.mentions == Mentions::none());
    assert_eq!(read.variables, ["SLACK_WEBHOOK_URL"]);
    assert!(read.warnings.is_empty());
}

#[test]
fn the_simplest_set_up_mentions_for_high_and_critical() {
    let variables = [
        ("SLACK_WEBHOOK_URL", "https://example.invalid/x"),
        ("SLACK_MENTION_ID", "S0123AB"),
        ("SLACK_MENTION_NAME", "@sre"),
        ("HANSHO_DESTINATION_MENTION_CRITICAL", "<!here>"),
        ("HANSHO_DESTINATION_PACE", "3s"),
    ];
    let config = config("min_severity = 4.5", &variables);
    let destination = &config.destinations[0];
    let of = |level| destination.mentions.of(level).map(|mention| mention.as_str());
    assert_eq!(of(Level::High), Some("<!subteam^S0123AB|@sre>"));
    assert_eq!(of(Level::Critical), Some("<!here>"));
    assert_eq!((of(Level::Informational), of(Level::Low), of(Level::Medium)), (None, None, None));
    assert_eq!(destination.pace, Duration::from_secs(3));
    assert_eq!(config.threshold, Threshold::Score(4.5));
}

#[test]
fn the_simplest_set_up_does_not_mix_with_configured_destinations() {
    let hook = ("SLACK_WEBHOOK_URL", "https://example.invalid/x");
    let unused = "is not used, because destinations are configured: unset it, or remove them";
    let read = loaded(ONE, &[hook, ("SLACK_MENTION_ID", "U0123")]);
    let found: Vec<String> = read.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [format!("SLACK_WEBHOOK_URL: {unused}"), format!("SLACK_MENTION_ID: {unused}")]
    );
    assert_eq!(read.outcome.unwrap().destinations.len(), 1);
    // No warning if a destination refers to the variable.
    let own = "[[destination]]\nname = 'a'\nwebhook = 'env:SLACK_WEBHOOK_URL'";
    assert!(warnings(own, &[hook]).is_empty());
    // A destination from variables is a configured one too.
    let variables = [
        hook,
        ("HANSHO_DESTINATION_NAME", "a"),
        ("HANSHO_DESTINATION_WEBHOOK", "file:/run/secrets/hook"),
    ];
    assert_eq!(warnings("", &variables), [format!("SLACK_WEBHOOK_URL: {unused}")]);
    assert_eq!(config("", &variables).destinations[0].name.as_str(), "a");
}

#[test]
fn mentions_without_their_webhook_or_id_are_warned_of() {
    let mention = ("SLACK_MENTION_ID", "U0123");
    assert_eq!(
        warnings("", &[mention]),
        ["SLACK_MENTION_ID: is not used, because SLACK_WEBHOOK_URL is not set"]
    );
    let hook = ("SLACK_WEBHOOK_URL", "https://example.invalid/x");
    assert_eq!(
        warnings("", &[hook, ("SLACK_MENTION_NAME", "sre")]),
        ["SLACK_MENTION_NAME: is not used, because SLACK_MENTION_ID is not set"]
    );
    assert!(mistakes("", &[hook, ("SLACK_MENTION_ID", "sre")])[0].starts_with("SLACK_MENTION_ID:"));
}

#[test]
fn a_fallback_is_another_destination_with_something_to_take_over() {
    let with = |name: &str| format!("{ONE}fallback = '{name}'\n{ONCALL}");
    assert_eq!(config(&with("oncall"), &[]).destinations[0].fallback, Some(1));
    assert!(warnings(&with("oncall"), &[]).is_empty());
    for (text, found) in [
        (with("on-call"), "destination[1].fallback: is no destination; known are oncall"),
        (
            with("security"),
            "destination[1].fallback: must be another destination than itself: oncall",
        ),
        (
            format!("{ONE}fallback = 'oncall'\n"),
            "destination[1].fallback: must name another destination, and there is none",
        ),
    ] {
        assert_eq!(mistakes(&text, &[]), [found]);
    }
    let backwards = format!("{ONE}{ONCALL}fallback = 'security'\n");
    assert!(
        warnings(&backwards, &[])[0]
            .starts_with("destination[2].fallback: has nothing to take over")
    );
}

#[test]
fn many_mistakes_are_reported_at_once_each_with_its_key() {
    let text = r#"
        min_severity = "severe"
        colour = "red"
        [queue]
        standard = "http://sqs.eu-west-1.amazonaws.com/111122223333/standard"
        exress = "x"
        [ledger]
        retention = 90
        remind_after = "soon"
        [embedded]
        path = true
        listen = "8787"
        token = "hunter2"
        [worker]
        lease = "-1s"
        buffer_findings = 1
        buffer_bytes = "1 MB"
        seed = 1.5
        [[destination]]
        name = "Sécurité"
        webhook = "https://hooks.slack.com/services/T000/B000/XXXX"
        pace = "2h"
        mention = { high = "@here", hihg = "<!here>" }
        [[destination]]
        min_severity = 11
        [[destination]]
        name = "a"
        webhook = "vault:x"
        [[destination]]
        name = "a"
        webhook = "env:A"
        "#;
    let found = mistakes(text, &[("HANSHO_WORKER_SKEW", "x"), ("HANSHO_WORKER_SKEV", "5s")]);
    let keys: BTreeSet<&str> = found.iter().filter_map(|m| m.split([':', ' ']).next()).collect();
    let expected = BTreeSet::from([
        "min_severity",
        "colour",
        "queue.standard",
        "queue.exress",
        "queue.quarantine",
        "ledger.table",
        "ledger.retention",
        "ledger.remind_after",
        "embedded.path",
        "embedded.listen",
        "embedded.token",
        "worker.lease",
        "worker.skew",
        "worker.buffer_findings",
        "worker.buffer_bytes",
        "worker.seed",
        "destination[1].name",
        "destination[1].webhook",
        "destination[1].pace",
        "destination[1].mention.high",
        "destination[1].mention.hihg",
        "destination[2].name",
        "destination[2].webhook",
        "destination[2].min_severity",
        "destination[3].webhook",
        "destination[4].name",
        "HANSHO_WORKER_SKEV",
    ]);
    assert_eq!(keys, expected, "{found:#?}");
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(found.iter().any(|m| m.starts_with("worker.skew (from HANSHO_WORKER_SKEW): must be")));
}

#[test]
fn the_backends_never_mix() {
    let table = "[ledger]\ntable = 'hansho'\n";
    for (text, variables, expected) in [
        (
            format!("{QUEUES}{ONE}"),
            vec![],
            "ledger.table: is missing, and SQS and DynamoDB go together: write it, or set \
             HANSHO_LEDGER_TABLE",
        ),
        (format!("{table}{ONE}"), vec![], "queue.standard: is missing"),
        (format!("{table}{ONE}"), vec![], "queue.quarantine: is missing"),
        (
            format!("{QUEUES}{table}{ONE}"),
            vec![("HANSHO_EMBEDDED_PATH", "x.db")],
            "embedded: a worker has one backend, and both are configured: remove embedded.path \
             (HANSHO_EMBEDDED_PATH) to run on SQS",
        ),
        (
            format!("[embedded]\nlisten = 'off'\n{ONE}"),
            vec![("HANSHO_LEDGER_TABLE", "hansho")],
            "or ledger.table (HANSHO_LEDGER_TABLE) to run on the embedded store",
        ),
        (
            format!("{}{table}{ONE}", QUEUES.replace("/express", "/standard")),
            vec![],
            "queue.express: must be another queue",
        ),
        (
            format!("{}{table}{ONE}", QUEUES.replace("/quarantine", "/express")),
            vec![],
            "queue.quarantine: must be another queue",
        ),
    ] {
        let found = mistakes(&text, &variables);
        assert!(found.iter().any(|m| m.contains(expected)), "{expected}\n{found:#?}");
    }
}

#[test]
fn a_file_may_describe_both_backends_and_its_queues_serve() {
    let table = "[ledger]\ntable = 'hansho'\n";
    let both = format!("{QUEUES}{table}[embedded]\npath = 'x.db'\n{ONE}");
    assert!(matches!(config(&both, &[]).backend, Backend::Aws(_)));
    assert!(warnings(&both, &[])[0].starts_with("embedded: is not used"));
}

#[test]
fn beyond_loopback_a_token_is_demanded() {
    for (embedded, good) in [
        ("listen = '127.0.0.1:1'", true),
        ("listen = '[::1]:1'", true),
        ("listen = 'off'", true),
        ("listen = '0.0.0.0:1'", false),
        ("listen = '[::]:1'", false),
        ("listen = '10.0.0.1:1'", false),
        ("listen = '0.0.0.0:1'\ntoken = 'env:TOKEN'", true),
    ] {
        let found = mistakes(&format!("[embedded]\n{embedded}\n{ONE}"), &[]);
        assert_eq!(found.is_empty(), good, "{embedded}: {found:?}");
        assert!(good || found[0].starts_with("embedded.token: is missing"));
    }
}

#[test]
fn times_that_do_not_fit_together_are_rejected() {
    for (worker, expected) in [
        ("lease = '30s'", "worker: lease (30s) must be at least"),
        ("visibility = '60s'", "worker: visibility − heartbeat (20s) must be more than"),
        ("post_timeout = '30s'", "worker: post_timeout (30s) plus 5s must fit"),
    ] {
        let found = mistakes(&format!("[worker]\n{worker}\n{ONE}"), &[]);
        assert!(found.iter().any(|m| m.starts_with(expected)), "{found:?}");
    }
    let quick = config(&format!("[worker]\npost_timeout = '1s'\n{ONE}"), &[]);
    assert_eq!(quick.budget.connect_timeout(), Duration::from_secs(1));
}

#[cfg(feature = "reconcile")]
#[test]
fn reconciling_needs_regions() {
    let of = |text: &str| format!("[reconcile]\n{text}\n{ONE}");
    let both = config(&of("every = '15m'\nregions = 'eu-west-1'"), &[]);
    assert_eq!(both.reconcile.every, Some(Duration::from_secs(900)));
    let from_variables =
        [("HANSHO_RECONCILE_EVERY", "15m"), ("HANSHO_RECONCILE_REGIONS", "eu-west-1")];
    assert_eq!(both, config(ONE, &from_variables));
    assert_eq!(config(&of("every = 'off'"), &[]), config(ONE, &[]));
    for (text, expected) in [
        ("every = '15m'", "reconcile.regions: is missing"),
        ("every = '30s'\nregions = 'eu-west-1'", "reconcile.every: must be from 1m to 7d"),
        ("every = '15m'\nregions = 'everywhere'", "reconcile.regions: must be names of regions"),
        ("regions = ['eu-west-1']", "reconcile.regions: must be text in quotes"),
    ] {
        let found = mistakes(&of(text), &[]);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{text}: {found:?}");
    }
    let read = loaded(&of("every = '15m'\nregions = 'eu-west-1, us-east-1'"), &[("HOOK", "x")]);
    let probes = probe::Probes::default();
    let said = explanation::text(&read, &probes);
    assert!(said.contains("reconciles             every 15m: eu-west-1, us-east-1"), "{said}");
}

#[cfg(feature = "rollout")]
#[test]
fn the_looks_at_the_coverage_are_off_unless_a_time_is_given() {
    let of = |every: &str| format!("[coverage]\nevery = '{every}'\n{ONE}");
    let day = config(&of("1d"), &[]);
    assert_eq!(day.coverage_every, Some(Duration::from_secs(86_400)));
    assert_eq!(day, config(ONE, &[("HANSHO_COVERAGE_EVERY", "1d")]));
    assert_eq!(config(&of("off"), &[]), config(ONE, &[]));
    for every in ["5m", "8d", "daily"] {
        let found = mistakes(&of(every), &[]);
        assert!(found.len() == 1 && found[0].starts_with("coverage.every: must be"), "{found:?}");
    }
}

#[cfg(not(feature = "rollout"))]
#[test]
fn a_build_without_rollout_rejects_the_interval_of_coverage() {
    let found = mistakes(&format!("[coverage]\nevery = '1d'\n{ONE}"), &[]);
    assert!(found.len() == 1 && found[0].contains("--features rollout"), "{found:?}");
}

#[cfg(not(feature = "reconcile"))]
#[test]
fn a_build_without_reconcile_rejects_its_interval() {
    let found = mistakes(&format!("[reconcile]\nevery = '15m'\nregions = 'eu-west-1'\n{ONE}"), &[]);
    assert!(found.len() == 1 && found[0].contains("--features reconcile"), "{found:?}");
}

#[test]
fn a_missing_destination_is_a_mistake_with_both_remedies() {
    let found = load(None, &Environment::new()).outcome.unwrap_err();
    assert_eq!(found.len(), 1);
    let found = found[0].to_string();
    assert!(found.contains("SLACK_WEBHOOK_URL") && found.contains("[[destination]]"), "{found}");
}

#[test]
fn there_are_at_most_fifty_destinations() {
    let many = |count: usize| -> String {
        (0..count)
            .map(|i| format!("[[destination]]\nname = 'd{i}'\nwebhook = 'env:H{i}'\n"))
            .collect()
    };
    assert_eq!(config(&many(50), &[]).destinations.len(), 50);
    assert_eq!(
        mistakes(&many(51), &[]),
        [
            "destination: there are more than 50: run a second worker with a queue of its own for the \
             others"
        ]
    );
}

#[test]
fn a_destination_can_only_raise_the_threshold() {
    let own = |least: &str| format!("min_severity = 'medium'\n{ONE}min_severity = {least}\n");
    let raised = config(&own("'high'"), &[]);
    assert!(!raised.routes().admits(0, &Severity::of_level(Level::Medium)));
    assert!(raised.routes().admits(0, &Severity::of_level(Level::High)));
    let lowered = config(&own("1"), &[]);
    assert!(!lowered.routes().admits(0, &Severity::of_level(Level::Low)));
    assert!(warnings(&own("1"), &[])[0].starts_with("destination[1].min_severity: is lower"));
    assert!(warnings(&own("4.0"), &[]).is_empty());
}

#[test]
fn unlikely_values_are_warned_of() {
    let twice = format!("{ONE}[[destination]]\nname = 'b'\nwebhook = 'env:HOOK'\n");
    assert!(warnings(&twice, &[])[0].starts_with("destination[2].webhook: is that of another"));
    let short = format!("[ledger]\nretention = '14d'\n{ONE}");
    assert!(warnings(&short, &[])[0].starts_with("ledger.retention: is not longer"));
}

#[test]
fn a_syntax_error_does_not_hide_the_mistakes_of_variables() {
    let found = mistakes("min_severity = ", &[("HANSHO_WORKER_LEASE", "x"), ("HANSHO_LEASE", "x")]);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].starts_with("hansho.toml: line 1 is not TOML"));
}

/// Puts a secret into every place, and checks that no output repeats it.
#[test]
fn no_output_ever_holds_a_secret() {
    let marked = "SECRET00";
    let shapes = [
        "https://hooks.slack.com/services/T000/B000/SECRET00",
        "hooks.slack.com/services/T000/B000/SECRET00",
        "http://127.0.0.1:1/services/T000/B000/SECRET00",
        "env:https://hooks.slack.com/services/T000/B000/SECRET00",
        "<https://hooks.slack.com/services/T000/B000/SECRET00>",
    ];
    let mut outputs = Vec::new();
    for shape in shapes {
        for key in &KEYS {
            outputs.push(all_output(&file_with(key.path, &format!("'{shape}'")), &[]));
            outputs.push(all_output(ONE, &[(key.variable, shape)]));
        }
        for name in ["SLACK_WEBHOOK_URL", "SLACK_MENTION_ID", "SLACK_MENTION_NAME"] {
            outputs.push(all_output(ONE, &[(name, shape)]));
            let hook = ("SLACK_WEBHOOK_URL", "x");
            let id = ("SLACK_MENTION_ID", "S0123");
            outputs.push(all_output("", &[hook, id, (name, shape)]));
        }
        outputs.push(all_output(ONE, &[("HANSHO_UNKNOWN", shape)]));
        for text in [
            format!("'{shape}' = 1"),
            format!("[queue]\n'{shape}' = 1"),
            format!("queue = '{shape}'"),
            format!("destination = '{shape}'"),
            format!("destination = ['{shape}']"),
            format!("destination = {{ webhook = '{shape}' }}"),
            format!("unknown = '{shape}'"),
            format!("webhook = \"{shape}"),
            shape.to_owned(),
            format!("[{shape}]"),
            format!("[[destination]]\nmention = '{shape}'"),
            format!("[[destination]]\nwebhook = ['{shape}']"),
            format!("[[destination]]\nwebhook = {{ url = '{shape}' }}"),
        ] {
            outputs.push(all_output(&text, &[]));
        }
    }
    for output in outputs {
        assert!(!output.contains(marked), "{output}");
    }
}

#[test]
fn accounts_get_names_from_the_section_and_from_a_file() {
    let section = "[accounts]\n'111122223333' = 'mine'\n'777788889999' = 'other'\n";
    for (file, text, named) in [
        (None, "", [None, None, None]),
        (None, section, [Some("mine"), None, Some("other")]),
        (Some("accounts.csv"), "", [Some("prod-shop"), Some("Data, raw"), None]),
        (Some("accounts.json"), "", [Some("prod-shop"), Some("Data, raw"), None]),
        (Some("accounts.json"), section, [Some("mine"), Some("Data, raw"), Some("other")]),
    ] {
        let path = file.map(|file| format!("tests/fixtures/accounts/{file}"));
        let variable = path.as_deref().map(|path| ("HANSHO_ACCOUNTS_FILE", path));
        let config = config(&format!("{text}{ONE}"), variable.as_slice());
        let accounts = config.guide.accounts.get();
        let ids = ["111122223333", "444455556666", "777788889999"];
        assert_eq!(ids.map(|id| accounts.name(id)), named, "{file:?} {text}");
    }
}

#[test]
fn bad_names_of_accounts_are_mistakes() {
    for (text, expected) in [
        ("accounts = 'x'", "accounts: must be a section of ids and names"),
        ("[accounts]\nSECRET00 = 'x'", "accounts: entry 1 by id must have an account id of 12"),
        ("[accounts]\n'111122223333' = 5", "accounts: entry 1 by id must be text in quotes"),
        ("[accounts]\n'111122223333' = ' '", "accounts: entry 1 by id must have a name"),
        ("accounts_file = 'missing.csv'", "accounts_file: can't be opened: "),
        ("accounts_file = 'Cargo.toml'", "accounts_file: line 1 must be id,name"),
    ] {
        let found = mistakes(&format!("{text}\n{ONE}"), &[]);
        assert!(found.iter().any(|mistake| mistake.starts_with(expected)), "{text}: {found:?}");
        assert!(!found.join("").contains("SECRET"), "{found:?}");
    }
}

#[test]
fn links_lead_where_the_configuration_says() {
    let portal = "https://acme.awsapps.com/start";
    let text = format!(
        "[console]\nportal = '{portal}/'\nrole = 'Audit'\n\
         [[runbook]]\ntype = 'CryptoCurrency:*'\nurl = 'https://wiki.example.com/mining'\n\
         [[runbook]]\ntype = '*'\nurl = 'https://wiki.example.com/'\n{ONE}"
    );
    let from_file = config(&text, &[]);
    let guide = &from_file.guide;
    let Some(through) = &guide.portal else { panic!() };
    assert_eq!(through.address.as_str(), portal);
    assert_eq!(through.role.as_ref().map(|role| role.as_str()), Some("Audit"));
    assert_eq!(guide.runbooks[0].address.as_str(), "https://wiki.example.com/mining");
    assert!(guide.runbooks[0].types.matches("cryptocurrency:EC2/BitcoinTool.B"));
    assert_eq!(guide.runbooks.len(), 2);
    let variables = [
        ("HANSHO_CONSOLE_PORTAL", portal),
        ("HANSHO_CONSOLE_ROLE", "Audit"),
        ("HANSHO_RUNBOOK_TYPE", "CryptoCurrency:*"),
        ("HANSHO_RUNBOOK_URL", "https://wiki.example.com/mining"),
    ];
    let from_variables = config(ONE, &variables);
    assert_eq!(from_variables.guide.portal, guide.portal);
    assert_eq!(from_variables.guide.runbooks, guide.runbooks[..1]);
}

#[test]
fn bad_links_are_mistakes() {
    let slack = "https://hooks.slack.com/services/T000/B000/SECRET00";
    for (text, expected) in [
        ("[console]\nrole = 'Audit'", "console.role: needs console.portal"),
        ("[console]\nportal = 'acme.awsapps.com'", "console.portal: must be the address of the"),
        ("[console]\nportal = 'https://a.example/#/'", "console.portal: must be the address of"),
        ("[console]\nportal = 'SLACK'", "console.portal: must be the address of the AWS access"),
        ("[console]\nportal = 'https://a.example'\nrole = 'a b'", "console.role: must be the"),
        ("[[runbook]]\ntype = '*'", "runbook[1].url: is missing: write it, or set HANSHO_RUNBOOK"),
        ("[[runbook]]\nurl = 'https://w.example'", "runbook[1].type: is missing"),
        ("[[runbook]]\ntype = ''\nurl = 'https://w.example'", "runbook[1].type: must be a pattern"),
        ("[[runbook]]\ntype = '*'\nurl = 'http://w.example'", "runbook[1].url: must be an https"),
        ("[[runbook]]\ntype = '*'\nurl = 'SLACK'", "runbook[1].url: must be an https address"),
        ("[[runbook]]\ntype = '*'\nurls = 'x'", "runbook[1].urls: unknown key; did you mean"),
        ("[runbook]\ntype = '*'\nurl = 'https://w.example'", "runbook: write it with two brackets"),
    ] {
        let text = text.replace("SLACK", slack);
        let found = mistakes(&format!("{text}\n{ONE}"), &[]);
        assert!(found.iter().any(|mistake| mistake.starts_with(expected)), "{text}: {found:?}");
        assert!(!found.join("").contains("SECRET"), "{found:?}");
    }
    let many = "[[runbook]]\ntype = '*'\nurl = 'https://w.example'\n".repeat(101);
    assert_eq!(mistakes(&format!("{many}{ONE}"), &[]), ["runbook: there are more than 100"]);
}

/// Everything that loading and checking print, also if the check of a webhook repeats the secret.
fn all_output(text: &str, variables: &[(&str, &str)]) -> String {
    let read = loaded(text, variables);
    let file = ConfigFile { path: "hansho.toml".into(), text: Ok(text.to_owned()) };
    let secret = |_: &Reference| Ok("SECRET00".to_owned());
    let good = probe::probe(&read, secret, |_| Ok("hooks.slack.com".to_owned()));
    let bad = probe::probe(&read, secret, |secret| Err(format!("{secret} is wrong")));
    format!(
        "{read:?}\n{file:?}\n{good:?}\n{bad:?}\n{}\n{}",
        explanation::text(&read, &good),
        explanation::text(&read, &bad)
    )
}

#[test]
fn the_example_is_valid_and_complete() {
    let example = include_str!("../../../hansho.example.toml");
    let read = loaded(example, &[("SLACK_WEBHOOK_URL", "x")]);
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    let most = format!("one section for each Slack channel, at most {DESTINATIONS_MAX}.");
    assert!(example.contains(&most), "{most}");
    // Apart from the mentions, the example shows the defaults.
    let shown = read.outcome.unwrap();
    let mut usual = config(ONE, &[]);
    usual.destinations = shown.destinations.clone();
    assert_eq!(shown, usual);
    // A setting that is commented out has no space after its #.
    let all: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => rest,
            _ => line,
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let all = all.replace("accounts.json", "tests/fixtures/accounts/accounts.json");
    let read = loaded(&format!("{all}{ONCALL}"), &[]);
    for key in KEYS.iter().filter(|key| !key.path.contains(".mention.")) {
        assert!(read.origins.contains_key(key.path), "{} is not in the example", key.path);
    }
    assert!(matches!(read.outcome.unwrap().backend, Backend::Aws(_)));
    let found: Vec<String> = read.warnings.iter().map(ToString::to_string).collect();
    assert!(found[0].starts_with("embedded: is not used"), "{found:?}");
}
