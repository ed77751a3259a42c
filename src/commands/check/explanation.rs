//! The configuration, explained as text.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::probe::{self, Probe, Probes};
use crate::commands::exit::Exit;
use crate::config::duration::format as written;
use crate::config::{Backend, Config, Destination, Loaded, OnAws, Origin, QueueUrl, RegionName};
use crate::finding::Level;
use crate::slack::{OnCall, RoleName};

/// [`Exit::Usage`] if there is a mistake or an unusable secret. Warnings do not count.
pub fn exit(loaded: &Loaded, probes: &Probes) -> Exit {
    if loaded.outcome.is_err() || !probe::unusable(probes).is_empty() {
        Exit::Usage
    } else {
        Exit::Done
    }
}

/// The whole explanation as text. Holds no secret.
pub fn text(loaded: &Loaded, probes: &Probes) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = write_all(&mut text, loaded, probes);
    text
}

/// What is read and what is wrong, for machines.
pub fn json(loaded: &Loaded, probes: &Probes) -> Value {
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    json!({
        "usable": exit(loaded, probes) == Exit::Done,
        "file": loaded.file.as_ref().map(|path| path.display().to_string()),
        "variables": loaded.variables,
        "backend": loaded.outcome.as_ref().ok().map(|config| config.backend.as_str()),
        "mistakes": mistakes(loaded, probes),
        "warnings": warnings,
    })
}

fn write_all(out: &mut String, loaded: &Loaded, probes: &Probes) -> fmt::Result {
    sources(out, loaded)?;
    if let Ok(config) = &loaded.outcome {
        backend(out, loaded, config, probes)?;
        threshold(out, loaded, config)?;
        for destination in &config.destinations {
            one_destination(out, config, destination, probes)?;
        }
        names(out, loaded, config)?;
        times(out, config)?;
    }
    for (title, list) in [
        ("Warnings", loaded.warnings.iter().map(ToString::to_string).collect()),
        ("Mistakes", mistakes(loaded, probes)),
    ] {
        listing(out, title, &list)?;
    }
    if exit(loaded, probes) == Exit::Done {
        writeln!(out, "\nNothing is wrong.")?;
    }
    Ok(())
}

fn sources(out: &mut String, loaded: &Loaded) -> fmt::Result {
    writeln!(out, "Read from")?;
    match &loaded.file {
        Some(path) => row(out, "file", &path.display().to_string())?,
        None => row(out, "file", "none (no --config, no HANSHO_CONFIG, no ./hansho.toml)")?,
    }
    let variables = match loaded.variables.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    row(out, "variables", &variables)
}

fn backend(out: &mut String, loaded: &Loaded, config: &Config, probes: &Probes) -> fmt::Result {
    writeln!(out, "\nBackend: {}", config.backend.as_str())?;
    match &config.backend {
        Backend::Embedded { path, listen, token } => {
            let from = origin(loaded, "embedded.path");
            row(out, "queue and ledger", &format!("{}{from}", path.display()))?;
            let from = origin(loaded, "embedded.listen");
            match listen {
                Some(at) => row(out, "listens on", &format!("http://{at}/events{from}"))?,
                None => row(out, "listens on", &format!("nothing{from}"))?,
            }
            match token {
                Some(token) => {
                    let tried = probes.token.as_ref().unwrap_or(&Probe::NotTried);
                    row(out, "token", &format!("{token}: {}", result(tried)))?;
                }
                None => row(out, "token", "senders need none")?,
            }
        }
        Backend::Aws(OnAws { standard, express, quarantine, table }) => {
            for (name, key, value) in [
                ("standard queue", "queue.standard", standard.as_str()),
                (
                    "express queue",
                    "queue.express",
                    express
                        .as_ref()
                        .map_or("none: the standard queue serves all levels", QueueUrl::as_str),
                ),
                ("quarantine queue", "queue.quarantine", quarantine.as_str()),
                ("ledger table", "ledger.table", table.as_str()),
            ] {
                row(out, name, &format!("{value}{}", origin(loaded, key)))?;
            }
        }
    }
    let from = origin(loaded, "ledger.retention");
    let kept = format!("{} after their last change{from}", written(config.retention));
    row(out, "keeps records for", &kept)?;
    match config.remind_after {
        Some(after) => row(out, "reminds after", &written(after)),
        None => row(out, "reminds after", "never"),
    }
}

fn threshold(out: &mut String, loaded: &Loaded, config: &Config) -> fmt::Result {
    let from = origin(loaded, "min_severity");
    writeln!(out, "\nThreshold: {}{from}", config.threshold.in_words())?;
    match config.drops_unmatched {
        true => row(out, "unmatched findings", "dropped and counted"),
        false => Ok(()),
    }
}

fn one_destination(
    out: &mut String,
    config: &Config,
    destination: &Destination,
    probes: &Probes,
) -> fmt::Result {
    writeln!(out, "\nDestination: {}", destination.name)?;
    let tried = probes.webhooks.get(destination.name.as_str()).unwrap_or(&Probe::NotTried);
    row(out, "webhook", &format!("{}: {}", destination.webhook, result(tried)))?;
    row(out, "gets", &config.threshold_of(destination).in_words())?;
    if let Some(rules) = destination.matcher.in_words(|_| true) {
        row(out, "of them, those with", &rules)?;
    }
    if destination.ends {
        row(out, "continue", "false: what it gets, the destinations below do not")?;
    }
    row(out, "pace", &format!("one post per {}", written(destination.pace)))?;
    let fallback = destination.fallback.and_then(|i| config.destinations.get(i));
    row(
        out,
        "if it is dead",
        &match fallback {
            Some(other) => format!("{} takes over", other.name),
            None => "its alerts wait".to_owned(),
        },
    )?;
    let closed = if destination.tells_closings { "a line in the next post" } else { "not posted" };
    row(out, "closed findings", closed)?;
    for level in Level::ALL.into_iter().rev() {
        let whom = destination.mentions.of(level).map_or("nobody", |mention| mention.as_str());
        row(out, &format!("{level} mentions"), whom)?;
    }
    for OnCall { mention, hours, matcher } in &destination.mentions.on_call {
        let hours = hours.as_ref().map_or("at all hours".to_owned(), ToString::to_string);
        let rules = matcher.in_words(|_| true).map(|rules| format!(", for {rules}"));
        row(out, "instead", &format!("{mention} {hours}{}", rules.unwrap_or_default()))?;
    }
    Ok(())
}

fn names(out: &mut String, loaded: &Loaded, config: &Config) -> fmt::Result {
    writeln!(out, "\nNames and links")?;
    let file = match loaded.origins.get("accounts_file") {
        None => "",
        Some(_) => ", with those of accounts_file",
    };
    let guide = &config.guide;
    match guide.accounts.get().len() {
        0 => row(out, "accounts", "named by the directory in the ledger, or shown by their ids")?,
        known => {
            let known = format!("{known} named{file}; others by the directory in the ledger");
            row(out, "accounts", &known)?;
        }
    }
    if !guide.show_tags.is_empty() {
        row(out, "tags", &guide.show_tags.join(", "))?;
    }
    let console = guide.portal.as_ref().map_or("opened directly".to_owned(), |portal| {
        let role = portal.role.as_ref().map_or("a role of the reader's choice", RoleName::as_str);
        format!("opened through {} as {role}", portal.address.as_str())
    });
    row(out, "console", &console)?;
    match guide.runbooks.as_slice() {
        [] => row(out, "runbooks", "none"),
        all => all.iter().try_for_each(|runbook| {
            row(out, "runbook", &format!("{}: {}", runbook.types, runbook.address.as_str()))
        }),
    }
}

fn times(out: &mut String, config: &Config) -> fmt::Result {
    let budget = &config.budget;
    writeln!(out, "\nTimes and limits")?;
    for (name, time) in [
        ("visibility", budget.visibility()),
        ("heartbeat", budget.heartbeat()),
        ("lease", budget.lease()),
        ("clock skew", budget.skew()),
        ("post time-out", budget.post_timeout()),
        ("connect time-out", budget.connect_timeout()),
        ("return after", budget.return_after()),
        ("time to stop", budget.drain()),
    ] {
        row(out, name, &written(time))?;
    }
    let (findings, bytes) = (config.buffer.findings, config.buffer.bytes);
    row(out, "buffer", &format!("{findings} findings, {}", size(bytes)))?;
    row(out, "workers", &config.fleet.to_string())?;
    match config.seed {
        Some(seed) => row(out, "seed", &seed.to_string())?,
        None => row(out, "seed", "a new one at each start")?,
    }
    health(out, config)
}

fn health(out: &mut String, config: &Config) -> fmt::Result {
    match config.metrics.listen {
        Some(at) => {
            row(out, "health and metrics", &format!("http://{at}/healthz, /readyz, /metrics"))?
        }
        None => row(out, "health and metrics", "no listener")?,
    }
    let emf = match config.metrics.emf {
        Some(true) => "written to the log every minute",
        Some(false) => "not written",
        None => "written in Lambda only",
    };
    row(out, "CloudWatch metrics", emf)?;
    let regions: Vec<&str> = config.reconcile.regions.iter().map(RegionName::as_str).collect();
    let compared = match (config.reconcile.every, regions.as_slice()) {
        (Some(every), regions) => format!("every {}: {}", written(every), regions.join(", ")),
        (None, []) => "never".to_owned(),
        (None, regions) => format!("never; regions of the command: {}", regions.join(", ")),
    };
    row(out, "reconciles", &compared)?;
    let looked = config
        .coverage_every
        .map_or("never".to_owned(), |every| format!("every {}", written(every)));
    row(out, "looks for gaps", &looked)?;
    let summary = config.weekly_summary.as_ref().map_or("never".to_owned(), ToString::to_string);
    row(out, "summary of silences", &summary)
}

fn size(bytes: usize) -> String {
    match bytes % (1 << 20) {
        0 => format!("{} MiB", bytes >> 20),
        _ => format!("{bytes} bytes"),
    }
}

fn mistakes(loaded: &Loaded, probes: &Probes) -> Vec<String> {
    let mut all: Vec<String> = match &loaded.outcome {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    };
    if let Some(Probe::Bad(why)) = &probes.token {
        all.push(format!("embedded.token: {why}"));
    }
    all.extend(probes.places.iter().cloned());
    if let Ok(config) = &loaded.outcome {
        for (destination, number) in config.destinations.iter().zip(1..) {
            if let Some(Probe::Bad(why)) = probes.webhooks.get(destination.name.as_str()) {
                let name = &destination.name;
                all.push(format!("destination[{number}] \"{name}\" webhook: {why}"));
            }
        }
    }
    all
}

fn listing(out: &mut String, title: &str, list: &[String]) -> fmt::Result {
    if list.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title} ({})", list.len())?;
    list.iter().try_for_each(|item| writeln!(out, "  - {item}"))
}

fn row(out: &mut String, name: &str, value: &str) -> fmt::Result {
    writeln!(out, "  {name:<22} {value}")
}

/// Where a value comes from. Empty for a value of the file.
fn origin(loaded: &Loaded, key: &str) -> String {
    match loaded.origins.get(key) {
        None => " (default)".to_owned(),
        Some(Origin::File) => String::new(),
        Some(Origin::Variable(name)) => format!(" (from {name})"),
    }
}

fn result(probe: &Probe) -> String {
    match probe {
        Probe::Good { host: Some(host) } => format!("readable, its host is {host}"),
        Probe::Good { host: None } => "readable".to_owned(),
        Probe::NotTried => "kept in AWS, read when the worker starts; not tried here".to_owned(),
        Probe::Bad(_) => "not usable, see the mistakes below".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, Environment, Reference, load};

    fn loaded(text: &str, variables: &[(&str, &str)]) -> Loaded {
        let file = ConfigFile { path: "hansho.toml".into(), text: Ok(text.to_owned()) };
        let environment: Environment =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        load(Some(&file), &environment)
    }

    fn host(url: &str) -> Result<String, String> {
        let rest = url.strip_prefix("https://").ok_or("is not a webhook's address")?;
        Ok(rest.split('/').next().unwrap_or_default().to_owned())
    }

    const HOOK: &str = "https://hooks.slack.com/services/T000/B000/SECRET00";

    fn said(loaded: &Loaded, secret: Result<&str, &str>) -> (String, Exit) {
        let read = |_: &Reference| secret.map(str::to_owned).map_err(str::to_owned);
        let probes = probe::probe(loaded, read, host);
        let text = super::text(loaded, &probes);
        assert!(!text.contains("SECRET") && !format!("{probes:?}").contains("SECRET"), "{text}");
        (text, exit(loaded, &probes))
    }

    #[test]
    fn rules_are_explained() {
        let text = "unmatched = 'drop'\n[[destination]]\nname = 'security'\nwebhook = 'env:HOOK'\n\
                    continue = false\nmatch = { ou = '/prod/*', not = { type = ['a', 'b'] } }\n\
                    on_call = { mention = '<!here>', hours = '22:00-07:00 Asia/Tokyo', match = { \
                    level = 'critical' } }\n";
        let (said, _) = said(&loaded(text, &[]), Ok("SECRET"));
        for line in [
            "  unmatched findings     dropped and counted\n",
            "  of them, those with    ou /prod/*; not type a, b\n",
            "  continue               false: what it gets, the destinations below do not\n",
            "  instead                <!here> 22:00-07:00 Asia/Tokyo, for level critical\n",
        ] {
            assert!(said.contains(line), "{said}");
        }
    }

    #[test]
    fn a_good_configuration_is_explained() {
        let text = "[[destination]]\nname = 'security'\nwebhook = 'env:HOOK'\n\
                    mention = { critical = '<!here>' }\n";
        let loaded = loaded(text, &[("HANSHO_MIN_SEVERITY", "5.5")]);
        let expected = "\
Read from
  file                   hansho.toml
  variables              HANSHO_MIN_SEVERITY

Backend: embedded
  queue and ledger       hansho.db (default)
  listens on             http://127.0.0.1:8787/events (default)
  token                  senders need none
  keeps records for      90d after their last change (default)
  reminds after          never

Threshold: 5.5 and above (from HANSHO_MIN_SEVERITY)

Destination: security
  webhook                env:HOOK: readable, its host is hooks.slack.com
  gets                   5.5 and above
  pace                   one post per 1.1s
  if it is dead          its alerts wait
  closed findings        not posted
  critical mentions      <!here>
  high mentions          nobody
  medium mentions        nobody
  low mentions           nobody
  informational mentions nobody

Names and links
  accounts               named by the directory in the ledger, or shown by their ids
  console                opened directly
  runbooks               none

Times and limits
  visibility             2m
  heartbeat              40s
  lease                  45s
  clock skew             5s
  post time-out          10s
  connect time-out       3s
  return after           11h
  time to stop           25s
  buffer                 500 findings, 8 MiB
  workers                1
  seed                   a new one at each start
  health and metrics     no listener
  CloudWatch metrics     written in Lambda only
  reconciles             never
  looks for gaps         never
  summary of silences    never

Nothing is wrong.
";
        let (text, exit) = said(&loaded, Ok(HOOK));
        assert_eq!(text, expected);
        assert_eq!(exit, Exit::Done);
    }

    #[test]
    fn a_place_that_can_not_be_used_is_a_mistake_in_both_forms() {
        let loaded = loaded("", &[("SLACK_WEBHOOK_URL", "x")]);
        let why = "embedded.path: /tmp is a folder: name a file in it".to_owned();
        let probes = Probes { places: vec![why.clone()], ..Probes::default() };
        assert!(text(&loaded, &probes).contains(&why));
        let json = json(&loaded, &probes);
        assert_eq!((&json["usable"], &json["mistakes"][0]), (&false.into(), &why.into()));
        assert_eq!(exit(&loaded, &probes), Exit::Usage);
    }

    #[test]
    fn mistakes_are_listed_and_end_with_2() {
        let loaded = loaded("colour = 1\n", &[("HANSHO_WORKER_LEASE", "SECRET00")]);
        let expected = "\
Read from
  file                   hansho.toml
  variables              HANSHO_WORKER_LEASE

Mistakes (3)
  - colour: unknown key; known here are min_severity, unmatched, accounts_file, show_tags, queue, ledger, embedded, \
                        worker, metrics, reconcile, coverage, silences, console, runbook, destination, accounts
  - destination: there is none: set SLACK_WEBHOOK_URL in the environment, or write a \
                        [[destination]] with a name and a webhook
  - worker.lease (from HANSHO_WORKER_LEASE): must be a time with its unit (ms, s, m, h, d), such \
                        as 90d, 1.1s or 11h30m
";
        let (text, exit) = said(&loaded, Ok(HOOK));
        assert_eq!(text, expected);
        assert_eq!(exit, Exit::Usage);
    }

    #[test]
    fn secrets_that_can_not_be_used_are_mistakes() {
        let text = "[[destination]]\nname = 'a'\nwebhook = 'env:HOOK'\npace = '0s'\n";
        let loaded = loaded(text, &[]);
        for (secret, expected) in [
            (Err("env:HOOK can't be read: the variable is not set"), "webhook: env:HOOK can't be"),
            (Ok("SECRET00"), "webhook: is not a webhook's address"),
            (Ok(HOOK), "webhook: pace: 0s between posts is less than the 1s"),
        ] {
            let (text, exit) = said(&loaded, secret);
            assert!(text.contains(&format!("- destination[1] \"a\" {expected}")), "{text}");
            assert!(text.contains("env:HOOK: not usable, see the mistakes below"), "{text}");
            assert_eq!(exit, Exit::Usage);
        }
        let (_, exit) = said(&loaded, Ok("https://127.0.0.1/SECRET00"));
        assert_eq!(exit, Exit::Done);
    }

    #[test]
    fn secrets_in_aws_are_not_tried() {
        let text = "[queue]\n\
            standard = 'https://sqs.eu-west-1.amazonaws.com/111122223333/a'\n\
            express = 'https://sqs.eu-west-1.amazonaws.com/111122223333/b'\n\
            quarantine = 'https://sqs.eu-west-1.amazonaws.com/111122223333/c'\n\
            [[destination]]\nname = 'a'\nwebhook = 'secretsmanager:hansho/slack#url'\n";
        let loaded = loaded(text, &[("HANSHO_LEDGER_TABLE", "hansho-ledger")]);
        let (text, exit) = said(&loaded, Err("never asked"));
        for expected in [
            "Backend: aws",
            "  express queue          https://sqs.eu-west-1.amazonaws.com/111122223333/b\n",
            "  ledger table           hansho-ledger (from HANSHO_LEDGER_TABLE)",
            "secretsmanager:hansho/slack#url: kept in AWS, read when the worker starts",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        assert_eq!(exit, Exit::Done);
    }

    #[test]
    fn a_token_that_can_not_be_read_is_a_mistake() {
        let text = "[embedded]\nlisten = '0.0.0.0:1'\ntoken = 'file:token'\n\
                    [[destination]]\nname = 'a'\nwebhook = 'secretsmanager:h'\n";
        let loaded = loaded(text, &[]);
        let (text, exit) = said(&loaded, Err("file:token can't be opened"));
        assert!(text.contains("- embedded.token: file:token can't be opened"), "{text}");
        assert_eq!(exit, Exit::Usage);
        assert_eq!(said(&loaded, Ok("SECRET00")).1, Exit::Done);
    }
}
