//! Loads the configuration for a command, and reports its mistakes on stderr.

use std::path::Path;

use crate::commands::args::ConfigFlag;
use crate::config::keys::SLACK_WEBHOOK_URL;
use crate::config::{self, Config, Environment, Loaded};

/// Webhooks to assume if none is configured, for a command that posts nothing. The first completes
/// the simplest configuration. The second completes a destination that lacks only its webhook.
const ASSUMED_WEBHOOKS: [(&str, &str); 2] =
    [(SLACK_WEBHOOK_URL, "none"), ("HANSHO_DESTINATION_WEBHOOK", "env:SLACK_WEBHOOK_URL")];

/// A configuration that may lack its webhook.
pub struct WithoutWebhook {
    pub loaded: Loaded,
    /// No destination is configured here, so its name is a guess.
    pub destination_is_guessed: bool,
}

/// Loads the file that the flag or the environment names, with the environment over it.
pub fn load(flag: Option<&ConfigFlag>) -> Loaded {
    let environment = config::environment();
    let path = flag.and_then(|flag| flag.config.as_deref());
    config::load(config::find(path, &environment).as_ref(), &environment)
}

/// Loads the configuration. Returns None after it wrote all mistakes to stderr.
pub fn config(flag: Option<&ConfigFlag>) -> Option<Config> {
    valid(load(flag))
}

/// Loads the worker's configuration. A missing webhook is no mistake.
pub fn without_webhook(flag: Option<&Path>, environment: &Environment) -> WithoutWebhook {
    let file = config::find(flag, environment);
    let loaded = config::load(file.as_ref(), environment);
    if loaded.outcome.is_err() {
        for (name, value) in ASSUMED_WEBHOOKS {
            let mut assumed = environment.clone();
            assumed.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            let loaded = config::load(file.as_ref(), &assumed);
            if loaded.outcome.is_ok() {
                return WithoutWebhook { loaded, destination_is_guessed: true };
            }
        }
    }
    WithoutWebhook { loaded, destination_is_guessed: false }
}

/// The same for a command that only reads. Returns None after it wrote all mistakes to stderr.
pub fn config_without_webhook(flag: &ConfigFlag) -> Option<Config> {
    valid(without_webhook(flag.config.as_deref(), &config::environment()).loaded)
}

/// Returns the configuration, or None after it wrote all mistakes to stderr.
pub fn valid(loaded: Loaded) -> Option<Config> {
    for warning in &loaded.warnings {
        eprintln!("hansho: warning: {warning}");
    }
    match loaded.outcome {
        Ok(config) => Some(config),
        Err(mistakes) => {
            unusable(&mistakes);
            eprintln!("`hansho check` explains the whole configuration.");
            None
        }
    }
}

/// Writes to stderr why the configuration can't be used.
pub fn unusable<T: std::fmt::Display>(mistakes: &[T]) {
    eprintln!("hansho: the configuration can't be used:");
    mistakes.iter().for_each(|mistake| eprintln!("  {mistake}"));
}

/// For a command that has nothing to do without the embedded store, and must not create it.
///
/// # Errors
/// It does not exist.
pub fn store_exists(path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        path.exists(),
        "{} does not exist: no worker has run in this folder with this configuration; give --config, \
         or go to the worker's folder",
        path.display()
    );
    Ok(())
}
