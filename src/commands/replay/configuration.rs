//! The worker's configuration, as far as a replay needs it.

use std::path::Path;

use crate::config::keys::SLACK_WEBHOOK_URL;
use crate::config::{self, Environment, Loaded};

/// Webhooks to assume if none is configured. A replay does not read them. The first completes the
/// simplest configuration. The second completes a destination that lacks only its webhook.
const ASSUMED_WEBHOOKS: [(&str, &str); 2] =
    [(SLACK_WEBHOOK_URL, "none"), ("HANSHO_DESTINATION_WEBHOOK", "env:SLACK_WEBHOOK_URL")];

pub struct Configuration {
    pub loaded: Loaded,
    /// No destination is configured here, so its name is a guess.
    pub destination_is_guessed: bool,
}

/// Loads the worker's configuration. A missing webhook is no mistake.
pub fn load(flag: Option<&Path>, environment: &Environment) -> Configuration {
    let file = config::find(flag, environment);
    let loaded = config::load(file.as_ref(), environment);
    if loaded.outcome.is_err() {
        for (name, value) in ASSUMED_WEBHOOKS {
            let mut assumed = environment.clone();
            assumed.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            let loaded = config::load(file.as_ref(), &assumed);
            if loaded.outcome.is_ok() {
                return Configuration { loaded, destination_is_guessed: true };
            }
        }
    }
    Configuration { loaded, destination_is_guessed: false }
}
