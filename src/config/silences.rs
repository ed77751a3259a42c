//! A file of silences: TOML with a `[[silence]]` for each.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::file::{syntax, unknown_among};
use super::mistake::{Gathered, MISTAKES_MAX, Mistake};
use super::validate::matchers;
use crate::finding::{Level, Text};
use crate::instants::Wall;
use crate::policy::glob::Glob;
use crate::policy::silence::{Silence, product_id};

/// A thousand silences with long reasons.
const FILE_BYTES_MAX: u64 = 4 << 20;
const KEYS: [&str; 9] =
    ["id", "match", "finding", "resource", "covers", "from", "until", "because", "owner"];

/// The silences of a file. One without `from` is in force from `now` on.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn silences_of_file(path: &Path, now: Wall) -> Result<Vec<Silence>, Vec<Mistake>> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => silences_of(&name, file, now),
        Err(e) => Err(vec![Mistake::of(name, format!("can't be opened: {e}"))]),
    }
}

/// As [`silences_of_file`]. `name` stands for the source in mistakes.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn silences_of(name: &str, source: impl Read, now: Wall) -> Result<Vec<Silence>, Vec<Mistake>> {
    let wrong = |what: String| vec![Mistake::of(name, what)];
    let mut text = String::new();
    let read = source.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|e| wrong(format!("can't be read: {e}")))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(wrong(format!("must have at most {} MiB", FILE_BYTES_MAX >> 20)));
    }
    let (spans, errors) = DeTable::parse_recoverable(&text);
    let mut errors: Vec<String> =
        errors.iter().take(MISTAKES_MAX).map(|error| syntax(&text, error)).collect();
    errors.dedup();
    if !errors.is_empty() {
        return Err(errors.into_iter().map(|what| Mistake::of(name, what)).collect());
    }
    let table = text.parse::<Table>().map_err(|e| wrong(syntax(&text, &e)))?;
    of_table(&table, &lines(&text, spans.get_ref()), now)
}

/// The line of each silence.
fn lines(text: &str, table: &DeTable<'_>) -> Vec<usize> {
    let Some(DeValue::Array(list)) = table.get("silence").map(toml::Spanned::get_ref) else {
        return Vec::new();
    };
    let (mut line, mut read) = (1, 0);
    let line = |item: &toml::Spanned<DeValue<'_>>| {
        let start = item.span().start;
        line += text.get(read..start).unwrap_or_default().matches('\n').count();
        read = start.max(read);
        line
    };
    list.iter().map(line).collect()
}

fn of_table(table: &Table, lines: &[usize], now: Wall) -> Result<Vec<Silence>, Vec<Mistake>> {
    let mut gathered = Gathered::default();
    for name in table.keys().filter(|name| *name != "silence") {
        gathered.mistakes.push(unknown_among(&["silence"], "", name));
    }
    let list = match table.get("silence") {
        Some(Value::Array(list)) => list.as_slice(),
        _ => {
            gathered.mistake("silence", "must be a list: begin each silence with [[silence]]");
            &[]
        }
    };
    let mut silences = Vec::new();
    let mut places: BTreeMap<&str, String> = BTreeMap::new();
    for ((item, number), line) in list.iter().zip(1..).zip(lines) {
        let (place, before) = (format!("silence[{number}]"), gathered.mistakes.len());
        silences.extend(silence(item, &place, now, &mut gathered));
        if let Some(id) = item.get("id").and_then(Value::as_str) {
            match places.get(id) {
                Some(first) => gathered.mistake(place, format!("must not have the id of {first}")),
                None => _ = places.insert(id, format!("{place} in line {line}")),
            }
        }
        for mistake in gathered.mistakes.iter_mut().skip(before) {
            mistake.key = format!("line {line}: {}", mistake.key);
        }
        if gathered.mistakes.len() >= MISTAKES_MAX {
            break;
        }
    }
    if gathered.mistakes.is_empty() { Ok(silences) } else { Err(gathered.mistakes) }
}

/// None: it is wrong, and the mistakes say why.
fn silence(item: &Value, place: &str, now: Wall, gathered: &mut Gathered) -> Option<Silence> {
    let Value::Table(table) = item else {
        gathered.mistake(place, "must be a table: begin it with [[silence]]");
        return None;
    };
    let before = gathered.mistakes.len();
    for name in table.keys().filter(|name| !KEYS.contains(&name.as_str())) {
        gathered.mistakes.push(unknown_among(&KEYS, &format!("{place}."), name));
    }
    let matcher = table.get("match");
    let matcher =
        matcher.map(|rules| matchers::matcher(rules, &format!("{place}.match"), gathered));
    let mut read = Reading { table, place, gathered };
    let findings = read.texts("finding").iter().map(|id| product_id(id)).collect();
    let resources = read.texts("resource").iter().map(|text| Glob::new(text)).collect();
    let covers = read.text("covers", "the most severe level that it keeps back");
    let covers = covers.map(|word| word.parse::<Level>());
    if covers.as_ref().is_some_and(Result::is_err) {
        read.wrong("covers", "must be one of informational, low, medium, high, critical");
    }
    let silence = Silence {
        id: read.need("id", "a name, such as \"weekly-scan\""),
        matcher: matcher.unwrap_or_default(),
        findings,
        resources,
        covers: covers.and_then(Result::ok).unwrap_or(Level::High),
        from: read.time("from").unwrap_or(Wall(now.seconds() * 1000)),
        until: read.time("until").unwrap_or_else(|| {
            read.wrong("until", "must be a time with its zone, such as 2026-12-24T18:00:00Z");
            now
        }),
        because: Text::new(&read.need("because", "the reason, in quotes"), usize::MAX),
        owner: read.text("owner", "text").map(|owner| Text::new(&owner, usize::MAX)),
    };
    let ends = if silence.has_ended(now) { Ok(()) } else { silence.check_times(now) };
    for why in silence.faults().into_iter().chain(ends.err()) {
        // A key that can't be read is one mistake.
        let is_known = |key: &&str| {
            let key = format!("{place}.{key}");
            gathered.mistakes[before..].iter().any(|known| known.key.starts_with(&key))
        };
        if !why.keys().iter().any(is_known) {
            gathered.mistake(place, why.to_string());
        }
    }
    (gathered.mistakes.len() == before).then_some(silence)
}

struct Reading<'a> {
    table: &'a Table,
    place: &'a str,
    gathered: &'a mut Gathered,
}

impl Reading<'_> {
    fn wrong(&mut self, key: &str, what: &str) {
        let key = format!("{}.{key}", self.place);
        // A value that is wrong and missing is one mistake.
        if self.gathered.mistakes.last().is_none_or(|last| last.key != key) {
            self.gathered.mistake(key, what);
        }
    }

    fn text(&mut self, key: &str, expected: &str) -> Option<String> {
        match self.table.get(key)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.wrong(key, &format!("must be {expected}, in quotes"));
                None
            }
        }
    }

    fn need(&mut self, key: &str, expected: &str) -> String {
        match self.table.get(key) {
            Some(Value::String(text)) => text.clone(),
            _ => {
                self.wrong(key, &format!("must be {expected}"));
                String::new()
            }
        }
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        match self.table.get(key).map(matchers::patterns) {
            None => Vec::new(),
            Some(Ok(texts)) => texts.into_iter().map(str::to_owned).collect(),
            Some(Err(what)) => {
                self.wrong(key, &what);
                Vec::new()
            }
        }
    }

    /// Written as a time of TOML, or as text.
    fn time(&mut self, key: &str) -> Option<Wall> {
        let text = match self.table.get(key)? {
            Value::String(text) => text.clone(),
            Value::Datetime(time) => time.to_string(),
            _ => String::new(),
        };
        let at = Wall::parse_rfc3339(&text).map(Wall::whole_second);
        if at.is_none() {
            self.wrong(key, "must be a time with its zone, such as 2026-12-24T18:00:00Z");
        }
        at
    }
}
