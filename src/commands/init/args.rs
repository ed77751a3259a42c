//! The arguments of `hansho init`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub struct Init {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "hansho.toml")]
    pub file: PathBuf,
}

pub const ABOUT: &str = "\
Write a configuration file with every key, its default and what it does. An existing file is never
overwritten. The file is complete when SLACK_WEBHOOK_URL is set: `hansho check` says what is read
from it.

Exit codes: 0 if the file is written, 1 if it exists or can't be written.";
