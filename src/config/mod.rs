//! The configuration: one TOML file, and an environment variable for each key. A variable wins over
//! the file. It is read once, and all of its mistakes are reported at once.
//!
//! [`load`] has three steps: `file` reads the text and rejects unknown keys, `env` lays the
//! variables over it, and `validate` turns the written values (`raw`) into a [`Config`]. [`load`]
//! itself reads neither files nor the environment: both are arguments. The exception is the file of
//! `accounts_file`.
//!
//! Secrets are not part of the configuration: a webhook or a token is a [`Reference`] to the place
//! where it is kept. A message never repeats a rejected value, which may be a misplaced secret.

pub mod duration;
pub mod keys;
pub mod reference;

mod accounts;
mod env;
mod file;
mod mistake;
mod model;
mod raw;
mod silences;
mod validate;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

use mistake::MISTAKES_MAX;

pub use crate::finding::region::RegionName;
pub use accounts::{
    MemberEntry, account_ids_of_file, accounts_of, accounts_of_file, members_of_file,
};
pub use env::{Environment, environment};
pub use file::{ConfigFile, FILE_BYTES_MAX, find};
pub use mistake::Mistake;
pub use model::{
    Backend, Buffer, Config, DESTINATIONS_MAX, Destination, MetricsOutput, OnAws, Reconcile,
};
pub use raw::Origin;
pub use reference::Reference;
pub use silences::{silences_of, silences_of_file};
pub use values::{DestinationName, QueueUrl, REGIONS_MAX, TableName, pace_allowed};

/// The outcome of loading, and its sources.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file that was read, or that could not be read.
    pub file: Option<PathBuf>,
    /// The variables that were read, in the order of the keys.
    pub variables: Vec<&'static str>,
    /// The keys that were given, and where. `destination.…` is the first destination.
    pub origins: BTreeMap<&'static str, Origin>,
    /// Allowed, but probably not intended.
    pub warnings: Vec<Mistake>,
    pub outcome: Result<Config, Vec<Mistake>>,
}

/// Makes a configuration from the text of a file and an environment.
pub fn load(file: Option<&ConfigFile>, environment: &Environment) -> Loaded {
    let mut mistakes = Vec::new();
    let from_file = match file.map(file::read) {
        None => Some(raw::Raw::default()),
        Some(Ok((raw, unknown))) => {
            mistakes.extend(unknown);
            Some(raw)
        }
        Some(Err(mistake)) => {
            mistakes.push(mistake);
            None
        }
    };
    // Nobody knows which keys are missing from a file that can't be read.
    let readable = from_file.is_some();
    let mut raw = from_file.unwrap_or_default();
    let laid = env::lay_over(&mut raw, environment);
    mistakes.extend(laid.mistakes);
    let mut warnings = laid.warnings;
    let validated = validate::validate(&raw);
    warnings.extend(validated.warnings);
    let outcome = match validated.outcome {
        Ok(config) if mistakes.is_empty() => Ok(config),
        Ok(_) => Err(mistakes),
        Err(more) => {
            mistakes.extend(more.into_iter().filter(|m| readable || m.variable.is_some()));
            mistakes.truncate(MISTAKES_MAX);
            Err(mistakes)
        }
    };
    Loaded {
        file: file.map(|file| file.path.clone()),
        variables: laid.read,
        origins: env::origins(&mut raw),
        warnings,
        outcome,
    }
}
