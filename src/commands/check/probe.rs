//! Tries the secrets that are kept on this machine. No secret leaves this file.

use std::collections::BTreeMap;

use crate::config::{Backend, Loaded, Reference, pace_allowed};
use crate::slack::Webhook;

/// The result of trying one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It can be read. For a webhook, with its host.
    Good { host: Option<String> },
    /// It is kept in AWS, where only the worker reads it.
    NotTried,
    /// Why it can't be read or used.
    Bad(String),
}

/// The results for all secrets: for the webhooks by their destination's name, and for the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    pub webhooks: BTreeMap<String, Probe>,
    pub token: Option<Probe>,
    /// Paths and addresses that a worker could not use, each with its key.
    pub places: Vec<String>,
}

/// Tries the secrets of this machine's environment and files.
pub fn local(loaded: &Loaded) -> Probes {
    probe(loaded, Reference::read_local, |text| match Webhook::parse(text) {
        Ok(webhook) => Ok(webhook.host().to_owned()),
        Err(why) => Err(why.to_string()),
    })
}

/// Tries each secret that is kept on this machine. `read` reads a secret; tests give a table.
/// `webhook_host` returns the host of a webhook, or why it is not allowed.
pub fn probe(
    loaded: &Loaded,
    read: impl Fn(&Reference) -> Result<String, String>,
    webhook_host: impl Fn(&str) -> Result<String, String>,
) -> Probes {
    let Ok(config) = &loaded.outcome else { return Probes::default() };
    let webhooks = config.destinations.iter().map(|destination| {
        let probe = probe_one(&destination.webhook, &read, |secret| {
            let host = webhook_host(secret)?;
            pace_allowed(destination.pace, &host).map_err(|why| format!("pace: {why}"))?;
            Ok(Some(host))
        });
        (destination.name.to_string(), probe)
    });
    let token = match &config.backend {
        Backend::Embedded { token: Some(token), .. } => Some(probe_one(token, &read, |_| Ok(None))),
        _ => None,
    };
    Probes { webhooks: webhooks.collect(), token, places: Vec::new() }
}

fn probe_one(
    reference: &Reference,
    read: impl Fn(&Reference) -> Result<String, String>,
    check: impl FnOnce(&str) -> Result<Option<String>, String>,
) -> Probe {
    if !reference.is_local() {
        return Probe::NotTried;
    }
    let secret = match read(reference) {
        Ok(secret) => secret,
        Err(why) => return Probe::Bad(why),
    };
    match check(&secret) {
        Ok(host) => Probe::Good { host },
        // `check` must not repeat the secret. If it did, the secret would show here.
        Err(why) if why.contains(&secret) => Probe::Bad(format!("{reference} is not allowed")),
        Err(why) => Probe::Bad(why),
    }
}

/// What keeps the worker from a start: a token that can't be used, or no webhook that can. One
/// webhook that can't be used holds only its own destination.
pub fn obstacles(probes: &Probes) -> Vec<String> {
    let is_bad = |probe: &Probe| matches!(probe, Probe::Bad(_));
    let no_webhook = !probes.webhooks.is_empty() && probes.webhooks.values().all(is_bad);
    let starts = !no_webhook && !probes.token.as_ref().is_some_and(is_bad);
    if starts { Vec::new() } else { unusable(probes) }
}

/// What can't be used on this machine, each with its key and the reason: secrets, paths and
/// addresses.
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
        .chain(probes.places.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_or_every_webhook_keeps_the_worker_from_a_start() {
        let good = || Probe::Good { host: None };
        let bad = || Probe::Bad("can't be read".to_owned());
        for (webhooks, token, obstacles) in [
            (vec![good()], None, 0),
            (vec![bad(), good()], None, 0),
            (vec![bad(), Probe::NotTried], Some(good()), 0),
            (vec![bad()], None, 1),
            (vec![bad(), bad()], None, 2),
            (vec![bad(), good()], Some(bad()), 2),
            (vec![], None, 0),
        ] {
            let named = webhooks.into_iter().enumerate().map(|(i, probe)| (i.to_string(), probe));
            let probes = Probes { webhooks: named.collect(), token, places: Vec::new() };
            assert_eq!(super::obstacles(&probes).len(), obstacles, "{probes:?}");
        }
    }
}
