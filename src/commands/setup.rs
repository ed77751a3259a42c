//! Loads the configuration for a command, and reports its mistakes on stderr.

use std::path::Path;

use crate::commands::args::ConfigFlag;
use crate::config::{self, Config, Loaded};

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
