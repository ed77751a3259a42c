//! The arguments of `hansho store`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::commands::args::ConfigFlag;

#[derive(Args, Debug)]
pub struct StoreCommand {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Read the whole file, and say what it holds and whether it is damaged
    Check(Of),
    /// Copy the store to a new file, also while workers use it, and check the copy
    Backup(Backup),
    /// Write the file again without its free space. No worker may use it meanwhile
    Compact(Of),
}

/// Which store.
#[derive(Args, Debug)]
pub struct Of {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// The file of the store [default: embedded.path]
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Backup {
    /// The file to make. It must not exist yet
    pub file: PathBuf,
    #[command(flatten)]
    pub of: Of,
}

pub const ABOUT: &str = "\
Care for the file of the embedded store: check it, copy it, make it smaller.

A worker gives free space back by itself, all but 4 MiB. `compact` is for files of older versions,
and for a file that is to be as small as it can be. To restore a backup, stop the worker, move the
store's file and its -wal aside, and put the copy in its place.";
