//! Validates `match` rules.

use toml::{Table, Value};

use crate::config::file::unknown_among;
use crate::config::mistake::Gathered;
use crate::policy::matcher::{MatchKey, Matcher};

/// Reads the rules of a table with the keys of [`MatchKey`], and `not` with the same keys.
pub fn matcher(rules: &Value, key: &str, gathered: &mut Gathered) -> Matcher {
    let mut matcher = Matcher::default();
    let Value::Table(table) = rules else {
        gathered.mistake(key, "must be a table, such as { ou = [\"/prod/payments/*\"] }");
        return matcher;
    };
    add(&mut matcher, false, table, key, gathered);
    matcher
}

fn add(matcher: &mut Matcher, not: bool, table: &Table, key: &str, gathered: &mut Gathered) {
    for (name, value) in table {
        let place = format!("{key}.{name}");
        match (MatchKey::parse(name), value) {
            (Some(known), value) => {
                let added = patterns(value).and_then(|patterns| {
                    matcher.add(not, known, patterns).map_err(|why| why.to_string())
                });
                if let Err(what) = added {
                    gathered.mistake(place, what);
                }
            }
            (None, Value::Table(table)) if name == "not" && !not => {
                add(matcher, true, table, &place, gathered);
            }
            (None, _) if name == "not" && !not => {
                gathered.mistake(place, "must be a table, such as { type = [\"Policy:*\"] }");
            }
            (None, _) => {
                let mut known: Vec<&str> = MatchKey::ALL.map(MatchKey::as_str).to_vec();
                known.extend((!not).then_some("not"));
                gathered.mistakes.push(unknown_among(&known, &format!("{key}."), name));
            }
        }
    }
}

/// One text, or a list of texts.
pub fn patterns(value: &Value) -> Result<Vec<&str>, String> {
    let text = |value: &'_ Value| value.as_str().is_some();
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Array(all) if all.iter().all(text) => {
            Ok(all.iter().filter_map(Value::as_str).collect())
        }
        _ => Err("must be text in quotes, or a list of such texts".to_owned()),
    }
}
