//! The targets of the fuzzer. Each is a function of bytes that panics if what hansho promises about
//! them is broken. Here they run on the fixtures and on every input that once broke one. With
//! libFuzzer, `tests/fuzz/run` gives them millions of inputs.

mod answers;
mod config;
mod finding;
mod input;
mod ledger;
mod matching;
mod render;

use std::fs;
use std::path::{Path, PathBuf};

/// A target: a function of bytes.
pub type Target = fn(&[u8]);

/// Each target by its name.
pub const TARGETS: [(&str, Target); 11] = [
    ("accounts", config::accounts),
    ("config", config::config),
    ("dynamodb", answers::dynamodb),
    ("finding", finding::finding),
    ("input", input::input),
    ("ledger", ledger::ledger),
    ("matching", matching::matching),
    ("render", render::render),
    ("silences", config::silences),
    ("slack", answers::slack),
    ("sqs", answers::sqs),
];

/// The seeds of each target in `tests/fixtures`: a name and its folders or files, from the folder
/// of the repository. `tests/fuzz/run` reads it too.
const SEEDS: &str = include_str!("../../fixtures/fuzz/seeds.txt");

/// Every file below a folder, or the file itself.
fn files(path: &Path) -> Vec<PathBuf> {
    match path.is_dir() {
        false => vec![path.to_owned()],
        true => {
            let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
            let mut all: Vec<PathBuf> = entries.flat_map(|path| files(&path)).collect();
            all.sort();
            all
        }
    }
}

#[test]
fn every_target_accepts_the_fixtures_and_all_that_once_broke_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, target) in TARGETS {
        let line = SEEDS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let seeds = line.unwrap_or_else(|| panic!("seeds.txt has no line for {name}"));
        for file in seeds.split(' ').flat_map(|path| files(&root.join(path))) {
            // Panics name no input, so the log of a failed test does.
            println!("{name}: {}", file.display());
            target(&fs::read(&file).unwrap());
        }
    }
}
