//! Which files `--input` names: a file, the standard input, a folder, or a pattern.

use std::fs::{self, File};
use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use glob::{MatchOptions, Pattern};

use crate::embedded::input;

/// The most files of all inputs together.
const FILES_MAX: usize = 10_000;

pub type Text = Box<dyn BufRead + Send>;

/// An input, and what is known of it before it is read.
pub struct Named {
    pub path: PathBuf,
    source: Source,
}

enum Source {
    /// The standard input, whose begin is not awaited before the worker starts.
    Stdin,
    /// A file or a pipe that was named. A pipe can be opened only once.
    Open(Text),
    /// A file of a folder or of a pattern. All at once would be too many open files.
    Closed,
}

impl Named {
    /// The text of the input.
    ///
    /// # Errors
    /// It can't be read, or is binary.
    pub fn text(self) -> anyhow::Result<Text> {
        match self.source {
            Source::Stdin => input::decode(std::io::stdin()).with_context(|| named(&self.path)),
            Source::Open(text) => Ok(text),
            Source::Closed => read(&self.path),
        }
    }
}

/// The inputs of `--input`, those of a folder or a pattern in the order of their names. Opens every
/// file, so that a wrong one is reported before any work starts.
///
/// # Errors
/// An input can't be opened or is binary, a folder or a pattern has no file, or there are more than
/// 10,000 files.
pub fn open(paths: &[PathBuf]) -> anyhow::Result<Vec<Named>> {
    let mut all = Vec::new();
    for path in paths {
        let source = if path.as_os_str() == "-" {
            Source::Stdin
        } else if path.is_dir() {
            add_all(folder(path, usize::MAX)?, path, &mut all)?;
            continue;
        } else if is_pattern(path) && !path.exists() {
            add_all(matches(path)?, path, &mut all)?;
            continue;
        } else {
            Source::Open(read(path)?)
        };
        all.push(Named { path: path.clone(), source });
    }
    Ok(all)
}

fn add_all(mut files: Vec<PathBuf>, from: &Path, all: &mut Vec<Named>) -> anyhow::Result<()> {
    ensure!(!files.is_empty(), "{}: there is no file", named(from));
    ensure!(all.len() + files.len() <= FILES_MAX, too_many(from));
    files.sort();
    for path in files {
        read(&path)?;
        all.push(Named { path, source: Source::Closed });
    }
    Ok(())
}

fn too_many(from: &Path) -> String {
    format!("{}: more than {FILES_MAX} files: name fewer", named(from))
}

/// The files in a folder and in the folders below it. Hidden ones are left out, and a link to a
/// folder is not followed, because it may lead back.
///
/// `levels` is how deep files may lie: 1 for those in the folder itself.
fn folder(path: &Path, levels: usize) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![(path.to_owned(), levels)];
    while let Some((folder, levels)) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| named(&folder))? {
            let entry = entry.with_context(|| named(&folder))?;
            let (path, kind) = (entry.path(), entry.file_type());
            let kind = kind.with_context(|| named(&path))?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            } else if kind.is_dir() && levels > 1 {
                open.push((path, levels - 1));
            } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
                files.push(path);
            }
        }
        if files.len() + open.len() > FILES_MAX {
            bail!(too_many(path));
        }
    }
    Ok(files)
}

fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// The files that match a pattern, such as `night/**/*.json.gz`.
fn matches(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    const RULES: MatchOptions = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let text = path.to_str().with_context(|| format!("{}: is no UTF-8", named(path)))?;
    let pattern = Pattern::new(text).with_context(|| named(path))?;
    let fixed: PathBuf = path.iter().take_while(|part| !is_pattern(Path::new(part))).collect();
    let levels = path.iter().count() - fixed.iter().count();
    let levels = if text.contains("**") { usize::MAX } else { levels };
    let here = if fixed.as_os_str().is_empty() { Path::new(".") } else { fixed.as_path() };
    if !here.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = folder(here, levels)?;
    if fixed.as_os_str().is_empty() {
        // Patterns are written without the folder that they begin in.
        files = files.iter().filter_map(|file| Some(file.strip_prefix(".").ok()?.into())).collect();
    }
    files.retain(|file| pattern.matches_path_with(file, RULES));
    Ok(files)
}

fn read(path: &Path) -> anyhow::Result<Text> {
    let file = File::open(path).with_context(|| named(path))?;
    input::decode(file).with_context(|| named(path))
}

fn named(path: &Path) -> String {
    format!("--input {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[PathBuf]) -> Result<Vec<String>, String> {
        let opened = open(paths).map_err(|why| format!("{why:#}"))?;
        let name = |one: &Named| one.path.file_name().unwrap().to_string_lossy().into_owned();
        Ok(opened.iter().map(name).collect())
    }

    #[test]
    fn folders_and_patterns_give_their_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        for name in ["c.json", "a/2.json", "a/10.json", "a/b/x.jsonl", "a/.hidden", "[1].json"] {
            fs::write(at(name), "{}").unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path(), at("a/back")).unwrap();
            std::os::unix::fs::symlink(at("c.json"), at("a/link.json")).unwrap();
        }
        let all = ["[1].json", "10.json", "2.json", "x.jsonl", "link.json", "c.json"];
        assert_eq!(names(&[folder.path().to_owned()]).unwrap(), all);
        for (pattern, expected) in [
            ("*.json", vec!["[1].json", "c.json"]),
            ("a/?.json", vec!["2.json"]),
            ("**/*.jsonl", vec!["x.jsonl"]),
            // A file of that name counts before the pattern.
            ("[1].json", vec!["[1].json"]),
        ] {
            assert_eq!(names(&[at(pattern)]).unwrap(), expected, "{pattern}");
        }
        assert_eq!(names(&[at("c.json"), at("a/b")]).unwrap(), ["c.json", "x.jsonl"]);
    }

    #[test]
    fn what_names_nothing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("empty")).unwrap();
        for (name, why) in [
            ("empty", "empty: there is no file"),
            ("*.json", "*.json: there is no file"),
            ("a***b", "***b: "),
            ("gone.json", "gone.json: No such file"),
        ] {
            let error = names(&[at(name)]).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        fs::write(at("empty/program"), b"\x7fELF\0\0").unwrap();
        let error = names(&[at("empty")]).unwrap_err();
        assert!(error.contains("program: is binary"), "{error}");
    }
}
