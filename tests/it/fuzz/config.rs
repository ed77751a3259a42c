//! Files that an operator writes. Mistakes are a list of short lines, and repeat no secret.

use std::fs;
use std::path::PathBuf;

use hansho::config::{ConfigFile, Mistake, accounts_of_file, load, silences_of_file};
use hansho::instants::Wall;
use hansho::policy::silence::Silences;
use hansho::ports::Accounts;
use tempfile::TempDir;

const NOW: Wall = Wall(1_790_000_000_000);
const MISTAKES_MAX: usize = 100;
/// How the secret part of a webhook begins.
const SECRET: &str = "services/T";

fn check(mistakes: &[Mistake]) {
    assert!((1..=MISTAKES_MAX).contains(&mistakes.len()), "{}", mistakes.len());
    for mistake in mistakes.iter().map(Mistake::to_string) {
        assert!(!mistake.contains(SECRET), "{mistake}");
        assert!(mistake.len() < 2_000 && !mistake.contains(char::is_control), "{mistake:?}");
    }
}

/// A file of a configuration, and after a line `%` the variables of the environment.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (text, variables) = text.split_once("\n%\n").unwrap_or((&text, ""));
    // The configuration may name a file to read, and a device has no end.
    if text.contains("/dev") || variables.contains("/dev") {
        return;
    }
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let file = ConfigFile { path: PathBuf::from("hansho.toml"), text: Ok(text.to_owned()) };
    let loaded = load(Some(&file), &environment);
    match &loaded.outcome {
        Err(mistakes) => check(mistakes),
        Ok(config) => {
            assert!(!config.destinations.is_empty());
            assert!(!format!("{config:?}").contains(SECRET));
        }
    }
    for warning in loaded.warnings.iter().map(Mistake::to_string) {
        assert!(!warning.contains(SECRET) && !warning.contains(char::is_control), "{warning:?}");
    }
}

/// Runs a reader of files on bytes.
fn of_file<T>(bytes: &[u8], read: impl FnOnce(&std::path::Path) -> T) -> T {
    thread_local! {
        static FOLDER: TempDir = tempfile::tempdir().unwrap();
    }
    FOLDER.with(|folder| {
        let path = folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        read(&path)
    })
}

/// A file of accounts: CSV, or an answer of AWS Organizations.
pub fn accounts(bytes: &[u8]) {
    match of_file(bytes, |path| accounts_of_file("accounts_file", path)) {
        Err(mistakes) => check(&mistakes),
        Ok(accounts) => check_accounts(&accounts),
    }
}

/// The ledger keeps them, and gives back the same.
pub fn check_accounts(accounts: &Accounts) {
    let parts = accounts.parts();
    let read = Accounts::of_parts(parts.iter().map(String::as_str)).unwrap();
    assert!(accounts.iter().eq(read.iter()), "{parts:?}");
    for account in accounts.iter() {
        assert!(account.id().len() == 12 && account.id().bytes().all(|byte| byte.is_ascii_digit()));
        let texts = account.name().into_iter().chain(account.email()).chain(account.ou());
        let mut texts = texts.chain(account.tags().flat_map(|(key, value)| [key, value]));
        assert!(!texts.any(|text| text.contains(char::is_control)), "{account:?}");
    }
}

/// A file of silences.
pub fn silences(bytes: &[u8]) {
    match of_file(bytes, |path| silences_of_file(path, NOW)) {
        Err(mistakes) => check(&mistakes),
        Ok(all) => drop(Silences::new(all).map(|silences| check_silences(&silences))),
    }
}

/// The ledger keeps them, and gives back the same.
pub fn check_silences(silences: &Silences) {
    let Ok(parts) = silences.parts() else { return };
    let (read, unreadable) = Silences::of_parts(parts.iter().map(String::as_str));
    assert_eq!((&read, unreadable), (silences, 0), "{parts:?}");
    for silence in silences.iter() {
        let because = silence.because.as_str();
        assert!(!because.is_empty() && !because.contains(char::is_control), "{because:?}");
        assert!(!silence.in_words().is_empty(), "{silence:?}");
    }
}
