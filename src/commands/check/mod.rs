//! `hansho check`: the configuration, explained. First [`probe`] tries the secrets that are kept on
//! this machine, then [`explain`] makes the text, and [`exit`] says how it ends. The secrets
//! themselves never leave `probe`.

pub mod live;

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::commands::cli::Exit;
use crate::config::duration::format as written;
use crate::config::{
    Backend, Config, Destination, Loaded, Origin, QueueUrl, Reference, RegionName, pace_allowed,
};
use crate::finding::Level;
use crate::policy::filter::Threshold;

/// What trying a secret came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It can be read; for a webhook, the host that it leads to.
    Good { host: Option<String> },
    /// It is kept in AWS, where only the worker asks for it.
    NotTried,
    /// Why it can't be read, or is not what it has to be.
    Bad(String),
}

/// What trying all secrets came to: by destination's name, and for the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    pub webhooks: BTreeMap<String, Probe>,
    pub token: Option<Probe>,
}

/// Tries each secret that is kept on this machine. `read` is [`Reference::read_local`], in tests a
/// table; `webhook_host` says which host a webhook leads to, or why it is not allowed.
pub fn probe(
    loaded: &Loaded,
    read: impl Fn(&Reference) -> Result<String, String>,
    webhook_host: impl Fn(&str) -> Result<String, String>,
) -> Probes {
    let Ok(config) = &loaded.outcome else { return Probes::default() };
    let webhooks = config.destinations.iter().map(|destination| {
        let probe = try_one(&destination.webhook, &read, |secret| {
            let host = webhook_host(secret)?;
            pace_allowed(destination.pace, &host).map_err(|why| format!("pace: {why}"))?;
            Ok(Some(host))
        });
        (destination.name.to_string(), probe)
    });
    let token = match &config.backend {
        Backend::Embedded { token: Some(token), .. } => Some(try_one(token, &read, |_| Ok(None))),
        _ => None,
    };
    Probes { webhooks: webhooks.collect(), token }
}

fn try_one(
    reference: &Reference,
    read: impl Fn(&Reference) -> Result<String, String>,
    judge: impl FnOnce(&str) -> Result<Option<String>, String>,
) -> Probe {
    if !reference.is_local() {
        return Probe::NotTried;
    }
    let secret = match read(reference) {
        Ok(secret) => secret,
        Err(why) => return Probe::Bad(why),
    };
    match judge(&secret) {
        Ok(host) => Probe::Good { host },
        // The judge has promised not to repeat the secret; here is where it would show.
        Err(why) if why.contains(&secret) => Probe::Bad(format!("{reference} is not allowed")),
        Err(why) => Probe::Bad(why),
    }
}

/// The secrets on this machine that can't be used, each by its key.
pub fn unusable(probes: &Probes) -> Vec<String> {
    let webhooks =
        probes.webhooks.iter().map(|(name, probe)| (format!("webhook of {name}"), probe));
    let token = probes.token.iter().map(|probe| ("embedded.token".to_owned(), probe));
    webhooks
        .chain(token)
        .filter_map(|(key, probe)| match probe {
            Probe::Bad(why) => Some(format!("{key}: {why}")),
            Probe::Good { .. } | Probe::NotTried => None,
        })
        .collect()
}

/// 2 if anything is wrong, else 0. Warnings are nothing wrong.
pub fn exit(loaded: &Loaded, probes: &Probes) -> Exit {
    if loaded.outcome.is_err() || !unusable(probes).is_empty() { Exit::Usage } else { Exit::Done }
}

/// The whole explanation, for people. Holds no secret.
pub fn explain(loaded: &Loaded, probes: &Probes) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = write_all(&mut text, loaded, probes);
    text
}

fn write_all(out: &mut String, loaded: &Loaded, probes: &Probes) -> fmt::Result {
    sources(out, loaded)?;
    if let Ok(config) = &loaded.outcome {
        backend(out, loaded, config, probes)?;
        threshold(out, loaded, config)?;
        for destination in &config.destinations {
            one_destination(out, config, destination, probes)?;
        }
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
                None => row(out, "token", "none is asked for")?,
            }
        }
        Backend::Aws { standard, express, quarantine, table } => {
            for (name, key, value) in [
                ("standard queue", "queue.standard", standard.as_str()),
                (
                    "express queue",
                    "queue.express",
                    express
                        .as_ref()
                        .map_or("none: the standard queue serves alone", QueueUrl::as_str),
                ),
                ("quarantine queue", "queue.quarantine", quarantine.as_str()),
                ("ledger table", "ledger.table", table.as_str()),
            ] {
                row(out, name, &format!("{value}{}", origin(loaded, key)))?;
            }
        }
    }
    let from = origin(loaded, "ledger.retention");
    row(out, "remembers", &format!("{} after the last change{from}", written(config.retention)))?;
    match config.remind_after {
        Some(after) => row(out, "reminds", &format!("after {}", written(after))),
        None => row(out, "reminds", "never"),
    }
}

fn threshold(out: &mut String, loaded: &Loaded, config: &Config) -> fmt::Result {
    let from = origin(loaded, "min_severity");
    writeln!(out, "\nThreshold: {}{from}", and_above(config.threshold))
}

/// The severities that a threshold admits, in words.
pub fn and_above(threshold: Threshold) -> String {
    match threshold {
        Threshold::Level(Level::Critical) => "critical".to_owned(),
        Threshold::Level(level) => format!("{level} and above"),
        Threshold::Score(score) => format!("{score} and above"),
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
    let effective = destination
        .threshold
        .filter(|own| own.floor() > config.threshold.floor())
        .unwrap_or(config.threshold);
    row(out, "gets", &and_above(effective))?;
    row(out, "pace", &format!("one post per {}", written(destination.pace)))?;
    let fallback = destination.fallback.and_then(|i| config.destinations.get(i));
    row(
        out,
        "if it is dead",
        &match fallback {
            Some(other) => format!("{} takes over", other.name),
            None => "its findings wait".to_owned(),
        },
    )?;
    for level in Level::ALL.into_iter().rev() {
        let whom = destination.mentions.of(level).map_or("nobody", |mention| mention.as_str());
        row(out, &format!("{level} mentions"), whom)?;
    }
    Ok(())
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
        ("hand back after", budget.hand_back_after()),
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
    match config.metrics.listen {
        Some(at) => {
            row(out, "health and metrics", &format!("http://{at}/healthz, /readyz, /metrics"))?
        }
        None => row(out, "health and metrics", "not answered")?,
    }
    let emf = match config.metrics.emf {
        Some(true) => "written to the log every minute",
        Some(false) => "not written",
        None => "written in Lambda alone",
    };
    row(out, "CloudWatch metrics", emf)?;
    let regions: Vec<&str> = config.reconcile.regions.iter().map(RegionName::as_str).collect();
    let compared = match (config.reconcile.every, regions.as_slice()) {
        (Some(every), regions) => format!("every {}: {}", written(every), regions.join(", ")),
        (None, []) => "not by the worker".to_owned(),
        (None, regions) => format!("not by the worker; by hand {}", regions.join(", ")),
    };
    row(out, "asks GuardDuty", &compared)
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

/// Where a value comes from, if it is worth saying.
fn origin(loaded: &Loaded, key: &str) -> String {
    match loaded.origins.get(key) {
        None => " (default)".to_owned(),
        Some(Origin::File) => String::new(),
        Some(Origin::Variable(name)) => format!(" (from {name})"),
    }
}

fn result(probe: &Probe) -> String {
    match probe {
        Probe::Good { host: Some(host) } => format!("readable, leads to {host}"),
        Probe::Good { host: None } => "readable".to_owned(),
        Probe::NotTried => "read from AWS when the worker starts; not tried here".to_owned(),
        Probe::Bad(_) => "not usable, see below".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, Environment, load};

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
        let probes = probe(loaded, read, host);
        let text = explain(loaded, &probes);
        assert!(!text.contains("SECRET") && !format!("{probes:?}").contains("SECRET"), "{text}");
        (text, exit(loaded, &probes))
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
  token                  none is asked for
  remembers              90d after the last change (default)
  reminds                never

Threshold: 5.5 and above (from HANSHO_MIN_SEVERITY)

Destination: security
  webhook                env:HOOK: readable, leads to hooks.slack.com
  gets                   5.5 and above
  pace                   one post per 1.1s
  if it is dead          its findings wait
  critical mentions      <!here>
  high mentions          nobody
  medium mentions        nobody
  low mentions           nobody
  informational mentions nobody

Times and limits
  visibility             2m
  heartbeat              40s
  lease                  45s
  clock skew             5s
  post time-out          10s
  connect time-out       3s
  hand back after        11h
  time to stop           25s
  buffer                 500 findings, 8 MiB
  workers                1
  seed                   a new one at each start
  health and metrics     not answered
  CloudWatch metrics     written in Lambda alone
  asks GuardDuty         not by the worker

Nothing is wrong.
";
        let (text, exit) = said(&loaded, Ok(HOOK));
        assert_eq!(text, expected);
        assert_eq!(exit, Exit::Done);
    }

    #[test]
    fn mistakes_are_listed_and_end_with_2() {
        let loaded = loaded("colour = 1\n", &[("HANSHO_WORKER_LEASE", "SECRET00")]);
        let expected = "\
Read from
  file                   hansho.toml
  variables              HANSHO_WORKER_LEASE

Mistakes (3)
  - colour: unknown key; known here are min_severity, queue, ledger, embedded, worker, metrics, \
                        reconcile, destination
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
            assert!(text.contains("env:HOOK: not usable, see below"), "{text}");
            assert_eq!(exit, Exit::Usage);
        }
        let (_, exit) = said(&loaded, Ok("https://127.0.0.1/SECRET00"));
        assert_eq!(exit, Exit::Done);
    }

    #[test]
    fn what_is_kept_in_aws_is_not_tried() {
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
            "secretsmanager:hansho/slack#url: read from AWS when the worker starts",
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
