//! `hansho store`: care for the file of the embedded store.

pub mod args;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use tempfile::NamedTempFile;

use crate::commands::exit::Exit;
use crate::commands::output::print;
use crate::commands::setup;
use crate::config::{self, Backend};
use crate::embedded::upkeep::{self, Contents};
use crate::words::noun;

use args::{Action, Backup, Of, StoreCommand};

/// Runs `hansho store`.
///
/// # Errors
/// The store can't be used, or is damaged.
pub fn start(args: &StoreCommand) -> anyhow::Result<Exit> {
    let (Action::Check(of) | Action::Compact(of) | Action::Backup(Backup { of, .. })) =
        &args.action;
    let Some(path) = path(of)? else { return Ok(Exit::Usage) };
    let shown = path.display();
    ensure!(path.exists(), "{shown} does not exist: set embedded.path, or give --store FILE");
    match &args.action {
        Action::Check(_) => print(&format!("{}is whole\n", text(&path, upkeep::check(&path)?)))?,
        Action::Backup(Backup { file, .. }) => {
            let copied = backup(&path, file)?;
            print(&format!("{}is a whole copy of {shown}\n", text(file, copied)))?;
        }
        Action::Compact(_) => {
            let [before, after] = upkeep::compact(&path, upkeep::free_bytes(&path))?;
            print(&format!("{shown}: {} before, {} now\n", size(before), size(after)))?;
        }
    }
    Ok(Exit::Done)
}

/// The file that is meant. None: the configuration is wrong, which was said.
fn path(of: &Of) -> anyhow::Result<Option<PathBuf>> {
    if let Some(path) = &of.store {
        return Ok(Some(path.clone()));
    }
    let loaded = setup::without_webhook(of.config.config.as_deref(), &config::environment()).loaded;
    match setup::valid(loaded).map(|config| config.backend) {
        None => Ok(None),
        Some(Backend::Embedded { path, .. }) => Ok(Some(path)),
        Some(Backend::Aws(_)) => bail!(
            "there is no embedded store, because [queue] is configured: give --store FILE to use one"
        ),
    }
}

/// Copies into a hidden file first, so that `to` is whole or absent.
fn backup(path: &Path, to: &Path) -> anyhow::Result<Contents> {
    ensure!(!to.exists(), "{} exists: name another file", to.display());
    let folder = match to.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let copy = NamedTempFile::with_prefix_in(".hansho-backup-", folder);
    let copy = copy.with_context(|| format!("{} takes no file", folder.display()))?;
    let contents = upkeep::backup(path, copy.path())?;
    copy.as_file().sync_all().with_context(|| format!("{} can't be written", to.display()))?;
    copy.persist_noclobber(to).with_context(|| format!("{} can't be made", to.display()))?;
    Ok(contents)
}

fn text(path: &Path, contents: Contents) -> String {
    let Contents { bytes, free_bytes, messages, quarantined, records } = contents;
    format!(
        "{messages:>8} {} waiting\n{quarantined:>8} in quarantine\n{records:>8} {} in the ledger\n\
         {}, {} of it free: {} ",
        noun(messages, "message"),
        noun(records, "record"),
        size(bytes),
        size(free_bytes),
        path.display()
    )
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
