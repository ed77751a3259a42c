//! The file: finds it, reads it, and reports its unknown keys.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::env::Environment;
use super::keys::{self, HANSHO_CONFIG, KEYS};
use super::mistake::{MISTAKES_MAX, Mistake};
use super::raw::Raw;

/// Far more than a configuration needs, which has a page or two.
pub const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The file that is read if none is named and this one exists.
const DEFAULT_PATH: &str = "hansho.toml";

/// A configuration file, with its text or why it can't be read.
#[derive(Clone)]
pub struct ConfigFile {
    pub path: PathBuf,
    pub text: Result<String, String>,
}

/// Without the text, which may hold a misplaced secret.
impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Finds and reads the file: the one of `--config`, else the one of `HANSHO_CONFIG`, else
/// `./hansho.toml` if it exists. A named file must exist.
pub fn find(flag: Option<&Path>, environment: &Environment) -> Option<ConfigFile> {
    let named = flag.map(Path::to_path_buf).or_else(|| {
        environment.get(HANSHO_CONFIG).filter(|path| !path.is_empty()).map(PathBuf::from)
    });
    let path = match named {
        Some(path) => path,
        None => {
            Some(PathBuf::from(DEFAULT_PATH)).filter(|path| path.try_exists().unwrap_or(true))?
        }
    };
    let text = read_bounded(&path);
    Some(ConfigFile { path, text })
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|e| format!("can't be opened: {e}"))?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|e| format!("can't be read: {e}"))?;
    Ok(text)
}

/// The values of the file, and a mistake for each unknown key; or why the file can't be used.
pub(super) fn read(file: &ConfigFile) -> Result<(Raw, Vec<Mistake>), Mistake> {
    let named = |what: String| Mistake::of(file.path.display().to_string(), what);
    let text = file.text.as_ref().map_err(|why| named(why.clone()))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(named(format!("must be at most {FILE_BYTES_MAX} bytes")));
    }
    let table = text.parse::<Table>().map_err(|e| named(syntax(text, &e)))?;
    let mut mistakes = Vec::new();
    let known = sift(table, "", "", &mut mistakes);
    let raw = Raw::deserialize(Value::Table(known))
        .map_err(|_| named("has a table where none is expected".to_owned()))?;
    Ok((raw, mistakes))
}

/// The parser's message and the line number. The parser's own display quotes the line, which may
/// hold a secret.
pub(super) fn syntax(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    match before.map(|before| before.matches('\n').count() + 1) {
        Some(line) => format!("line {line} is not TOML: {}", error.message()),
        None => format!("is not TOML: {}", error.message()),
    }
}

/// The meaning of a name below a section.
enum Known {
    Value,
    Section,
    /// A section whose keys are free: they are checked as values.
    Names,
    Unknown,
}

/// The names below a section. `section` is empty or ends in a dot.
fn names_below(section: &str) -> impl Iterator<Item = (&'static str, Known)> {
    let free = match section {
        "" => vec![("accounts", Known::Names)],
        "destination." => vec![("match", Known::Value), ("on_call", Known::Value)],
        _ => Vec::new(),
    };
    let listed =
        KEYS.iter().filter_map(move |key| match key.path.strip_prefix(section)?.split_once('.') {
            Some((name, _)) => Some((name, Known::Section)),
            None => Some((key.path.strip_prefix(section)?, Known::Value)),
        });
    listed.chain(free)
}

/// Keeps the known keys, and reports all others. serde would stop at the first unknown key.
/// `section` is the place in the list of keys, `shown` is the place with the destination's number.
fn sift(table: Table, section: &str, shown: &str, mistakes: &mut Vec<Mistake>) -> Table {
    let mut kept = Table::new();
    for (name, value) in table {
        let known = names_below(section).find(|(known, _)| *known == name);
        match known.map_or(Known::Unknown, |(_, known)| known) {
            Known::Value => {
                kept.insert(name, value);
            }
            Known::Section => {
                let shown = format!("{shown}{name}");
                if let Some(value) =
                    sift_section(value, &format!("{section}{name}"), &shown, mistakes)
                {
                    kept.insert(name, value);
                }
            }
            Known::Names if value.is_table() => {
                kept.insert(name, value);
            }
            Known::Names => mistakes.push(Mistake::of(
                name,
                "must be a section of ids and names: \"111122223333\" = \"prod-shop\"",
            )),
            Known::Unknown => {
                if mistakes.len() < MISTAKES_MAX {
                    mistakes.push(unknown(section, shown, &name));
                }
            }
        }
    }
    kept
}

fn sift_section(
    value: Value,
    section: &str,
    shown: &str,
    mistakes: &mut Vec<Mistake>,
) -> Option<Value> {
    match (section, value) {
        (list @ ("destination" | "runbook"), Value::Array(items)) => {
            let items = items.into_iter().zip(1..).filter_map(|(item, number)| {
                sift_item(item, list, &format!("{shown}[{number}]"), mistakes)
            });
            Some(Value::Array(items.collect()))
        }
        (list @ ("destination" | "runbook"), Value::Table(table)) => {
            mistakes.push(Mistake::of(shown, format!("write it with two brackets: [[{list}]]")));
            let item = sift_item(Value::Table(table), list, &format!("{list}[1]"), mistakes)?;
            Some(Value::Array(vec![item]))
        }
        (list @ ("destination" | "runbook"), _) => {
            mistakes.push(no_section(list, shown));
            None
        }
        (_, Value::Table(table)) => {
            let sifted = sift(table, &format!("{section}."), &format!("{shown}."), mistakes);
            Some(Value::Table(sifted))
        }
        (_, _) => {
            let keys: Vec<&str> = names_below(&format!("{section}.")).map(|(n, _)| n).collect();
            mistakes.push(Mistake::of(
                shown,
                format!("must be a table with some of the keys {}", keys.join(", ")),
            ));
            None
        }
    }
}

/// One section of a list of sections.
fn sift_item(item: Value, list: &str, shown: &str, mistakes: &mut Vec<Mistake>) -> Option<Value> {
    match item {
        Value::Table(table) => {
            let sifted = sift(table, &format!("{list}."), &format!("{shown}."), mistakes);
            Some(Value::Table(sifted))
        }
        _ => {
            mistakes.push(no_section(list, shown));
            None
        }
    }
}

fn no_section(list: &str, shown: &str) -> Mistake {
    Mistake::of(shown, format!("must be a section that begins with [[{list}]]"))
}

fn unknown(section: &str, shown: &str, name: &str) -> Mistake {
    let siblings = deduplicated(names_below(section).map(|(name, _)| name));
    unknown_among(&siblings, shown, name)
}

/// A key that is none of its siblings. `shown` is the place before the name.
pub(super) fn unknown_among(siblings: &[&str], shown: &str, name: &str) -> Mistake {
    let key = format!("{shown}{}", presentable(name));
    let elsewhere =
        || KEYS.iter().map(|key| key.path).find(|path| path.rsplit('.').next() == Some(name));
    let what = match keys::nearest(name, siblings.iter().copied()) {
        Some(near) => format!("unknown key; did you mean {shown}{near}?"),
        None => match elsewhere() {
            Some(path) => format!("unknown key; did you mean {path}?"),
            None => format!("unknown key; known here are {}", siblings.join(", ")),
        },
    };
    Mistake::of(key, what)
}

fn deduplicated<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = names.collect();
    all.dedup();
    all
}

/// The name of an unknown key, unless it may be a misplaced secret.
fn presentable(name: &str) -> &str {
    const NAME_LEN_MAX: usize = 40;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.len() <= NAME_LEN_MAX && name.chars().all(word) {
        name
    } else {
        "(a key that is no plain word)"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let file = ConfigFile { path: "h.toml".into(), text: Ok(text.to_owned()) };
        match read(&file) {
            Ok((_, mistakes)) => mistakes.iter().map(Mistake::to_string).collect(),
            Err(mistake) => vec![mistake.to_string()],
        }
    }

    #[test]
    fn all_unknown_keys_are_reported_at_once() {
        let text = r#"
            min_severty = "low"
            table = "t"
            colour = 1
            [queue]
            standart = "x"
            [[destination]]
            Webhook = "env:A"
            [[destination]]
            mention = { hihg = "<!here>" }
            "#;
        assert_eq!(
            mistakes(text),
            [
                "colour: unknown key; known here are min_severity, unmatched, accounts_file, show_tags, queue, ledger, \
                 embedded, worker, metrics, reconcile, coverage, silences, console, runbook, destination, accounts",
                "destination[1].Webhook: unknown key; did you mean destination[1].webhook?",
                "destination[2].mention.hihg: unknown key; did you mean \
                 destination[2].mention.high?",
                "min_severty: unknown key; did you mean min_severity?",
                "queue.standart: unknown key; did you mean queue.standard?",
                "table: unknown key; did you mean ledger.table?",
            ]
        );
    }

    #[test]
    fn sections_of_another_shape_are_reported() {
        for (text, expected) in [
            ("queue = 'x'", "queue: must be a table with some of the keys standard, express"),
            ("destination = 'x'", "destination: must be a section that begins with"),
            ("destination = ['x']", "destination[1]: must be a section that begins with"),
            ("[destination]\nname = 'a'", "destination: write it with two brackets"),
            ("[[destination]]\nmention = '<!here>'", "destination[1].mention: must be a table"),
            ("[[queue]]", "queue: must be a table"),
        ] {
            let found = mistakes(text);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_syntax_error_is_reported_by_its_line_without_quoting_it() {
        for text in [
            "\n\nwebhook = \"SECRET00",
            "\n\nSECRET00",
            "\n\nSECRET00 = SECRET00",
            "\n\n[SECRET00",
            "\nSECRET00 = 1\nSECRET00 = 1",
            "\n\nwebhook = \"\\SECRET00\"",
        ] {
            let found = mistakes(text).join("\n");
            assert!(found.starts_with("h.toml: line 3 is not TOML: "), "{found}");
            assert!(!found.contains("SECRET"), "{found}");
        }
    }

    #[test]
    fn a_key_that_may_be_a_value_is_not_repeated() {
        let found = mistakes("'https://hooks.slack.com/services/T000/B000/SECRET00' = 1").join("");
        assert!(found.starts_with("(a key that is no plain word): unknown key"), "{found}");
    }

    #[test]
    fn a_file_that_is_too_large_or_unreadable_is_refused() {
        let long = "#".repeat(FILE_BYTES_MAX as usize + 1);
        assert_eq!(mistakes(&long), ["h.toml: must be at most 262144 bytes"]);
        let file = ConfigFile { path: "h.toml".into(), text: Err("can't be opened".to_owned()) };
        assert_eq!(read(&file).err().unwrap().to_string(), "h.toml: can't be opened");
    }

    #[test]
    fn a_named_file_must_exist_and_the_flag_wins() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there.toml");
        std::fs::write(&there, "min_severity = 'low'").unwrap();
        let missing = folder.path().join("missing.toml");
        let variable = |path: &Path| {
            Environment::from([(HANSHO_CONFIG.to_owned(), path.display().to_string())])
        };
        for (flag, named, readable) in [
            (Some(&there), &missing, true),
            (Some(&missing), &there, false),
            (None, &there, true),
            (None, &missing, false),
        ] {
            let found = find(flag.map(PathBuf::as_path), &variable(named)).unwrap();
            assert_eq!(found.path, *flag.unwrap_or(named));
            assert_eq!(found.text.is_ok(), readable);
        }
    }

    #[test]
    fn deep_nesting_ends_in_a_mistake() {
        assert!(!mistakes(&format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000))).is_empty());
    }
}
