//! `hansho init`: writes a configuration file to start with.

pub mod args;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};

use crate::commands::exit::Exit;
use crate::commands::output;

use args::Init;

/// Every key with its default. A test holds it to the configuration.
const STARTER: &str = include_str!("../../../hansho.example.toml");

/// Writes the file, and says what to do next.
///
/// # Errors
/// The file exists, or can't be written.
pub fn start(args: &Init) -> anyhow::Result<Exit> {
    write(&args.file)?;
    let file = args.file.display();
    let next = format!("Set SLACK_WEBHOOK_URL, then run `hansho check --config {file}`.");
    output::print(&format!("{file} is written. {next}\n"))?;
    Ok(Exit::Done)
}

fn write(path: &Path) -> anyhow::Result<()> {
    let named = || format!("{} can't be written", path.display());
    let mut file = match File::create_new(path) {
        Ok(file) => file,
        Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} exists, and is left as it is: name another file", path.display())
        }
        Err(why) => return Err(why).with_context(named),
    };
    file.write_all(STARTER.as_bytes()).and_then(|()| file.sync_all()).with_context(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hansho.toml");
        write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), STARTER);
        std::fs::write(&path, "mine").unwrap();
        let why = write(&path).unwrap_err().to_string();
        assert!(why.ends_with("exists, and is left as it is: name another file"), "{why}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        let why = write(&folder.path().join("none/hansho.toml")).unwrap_err();
        assert!(why.to_string().ends_with("can't be written"), "{why}");
    }
}
