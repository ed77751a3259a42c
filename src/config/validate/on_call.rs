//! Validates who is on call at a destination.

use std::fmt::Display;
use std::str::FromStr;

use toml::{Table, Value};

use crate::config::file::unknown_among;
use crate::config::mistake::Gathered;
use crate::slack::OnCall;

use super::matchers;

/// Far more than a destination has groups of people.
const ON_CALL_MAX: usize = 10;
const KEYS: [&str; 3] = ["mention", "hours", "match"];

/// Reads one table, or a list of tables.
pub fn on_call(given: Option<&Value>, key: &str, gathered: &mut Gathered) -> Vec<OnCall> {
    let key = format!("{key}.on_call");
    let Some(given) = given else { return Vec::new() };
    let one = std::slice::from_ref(given);
    let all = given.as_array().map_or(one, Vec::as_slice);
    if all.len() > ON_CALL_MAX {
        gathered.mistake(&key, format!("must be at most {ON_CALL_MAX} tables"));
    }
    let numbered = all.iter().zip(1..).take(ON_CALL_MAX);
    let read = numbered.filter_map(|(one, number)| {
        let place = if given.is_array() { format!("{key}[{number}]") } else { key.clone() };
        match one.as_table() {
            Some(table) => table_of(table, &place, gathered),
            None => {
                let what = "must be a table, such as { mention = \"<!subteam^S0123>\", hours = \
                            \"22:00-07:00 Asia/Tokyo\" }, or a list of such tables";
                gathered.mistake(place, what);
                None
            }
        }
    });
    read.collect()
}

fn table_of(table: &Table, key: &str, gathered: &mut Gathered) -> Option<OnCall> {
    for name in table.keys().filter(|name| !KEYS.contains(&name.as_str())) {
        gathered.mistakes.push(unknown_among(&KEYS, &format!("{key}."), name));
    }
    let place = |name: &str| format!("{key}.{name}");
    if !table.contains_key("mention") {
        gathered.mistake(place("mention"), "is missing: write whom to mention");
    }
    let rules = table.get("match");
    let matcher = rules.map(|rules| matchers::matcher(rules, &place("match"), gathered));
    let hours = parsed(table.get("hours"), &place("hours"), gathered);
    let mention = parsed(table.get("mention"), &place("mention"), gathered);
    Some(OnCall { mention: mention?, hours, matcher: matcher.unwrap_or_default() })
}

fn parsed<T: FromStr<Err: Display>>(
    value: Option<&Value>,
    key: &str,
    gathered: &mut Gathered,
) -> Option<T> {
    let text = value?.as_str().ok_or_else(|| "must be text in quotes".to_owned());
    let read = text.and_then(|text| text.parse().map_err(|why: T::Err| why.to_string()));
    read.map_err(|what| gathered.mistake(key, what)).ok()
}
