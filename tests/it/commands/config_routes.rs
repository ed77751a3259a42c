//! Rules for findings in the configuration, and who is on call.

use hansho::config::{Config, ConfigFile, Environment, Loaded, load};
use hansho::policy::matcher::MatchKey;

fn loaded(text: &str) -> Loaded {
    let file = ConfigFile { path: "hansho.toml".into(), text: Ok(text.to_owned()) };
    load(Some(&file), &Environment::new())
}

fn config(text: &str) -> Config {
    loaded(text).outcome.unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn mistakes(text: &str) -> Vec<String> {
    let outcome = loaded(text).outcome;
    outcome.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// A destination with these lines, and one that takes everything.
fn with(lines: &str) -> String {
    let all = "[[destination]]\nname = 'all'\nwebhook = 'env:ALL'\n";
    format!("[[destination]]\nname = 'd'\nwebhook = 'env:D'\n{lines}\n{all}")
}

#[test]
fn rules_are_read() {
    let read = config(&with(
        "continue = false\nmatch = { ou = '/prod/*', type = ['a', 'b'], not = { level = ['low'] } }",
    ));
    let first = &read.destinations[0];
    assert!(first.ends && !read.destinations[1].ends);
    let words = first.matcher.in_words(|_| true).unwrap();
    assert_eq!(words, "type a, b; ou /prod/*; not level low");
    assert!(first.matcher.in_words(|key| key == MatchKey::Region).is_none());
    assert!(read.destinations[1].matcher.is_everything());
    let table = "[destination.match]\nou = ['/prod/*']\n[destination.match.not]\nlevel = 'low'";
    let table = config(&with(table));
    assert_eq!(
        table.destinations[0].matcher.in_words(|_| true).unwrap(),
        "ou /prod/*; not level low"
    );
    assert!(config(&with("match = {}\ncontinue = true")).destinations[0].matcher.is_everything());
}

#[test]
fn mistakes_in_rules_name_their_key_and_never_a_value() {
    for (lines, mistake) in [
        ("match = 'x'", "match: must be a table"),
        (
            "match = { typ = 'x' }",
            "match.typ: unknown key; did you mean destination[1].match.type?",
        ),
        ("match = { colour = 'x' }", "match.colour: unknown key; known here are level, account"),
        ("match = { type = [] }", "match.type: must be one pattern, or a list of 1 to 200"),
        ("match = { type = [1] }", "match.type: must be text in quotes, or a list of such texts"),
        ("match = { account = 111122223333 }", "match.account: must be text in quotes"),
        ("match = { account = 'SWORDFISH' }", "match.account: must be ids of accounts"),
        ("match = { ou = 'prod' }", "match.ou: must be paths of units that begin with / or *"),
        ("match = { resource_tag = 'Team' }", "match.resource_tag: must be tags"),
        ("match = { level = 'severe' }", "match.level: must be some of informational"),
        ("match = { not = 'x' }", "match.not: must be a table"),
        ("match = { not = { not = {} } }", "match.not.not: unknown key; known here are"),
        ("match = { not = { typ = 'x' } }", "match.not.typ: unknown key; did you mean"),
        ("continue = 'SWORDFISH'", "continue: must be true or false"),
        ("continue = 0", "continue: must be true or false"),
        ("on_call = 'x'", "on_call: must be a table"),
        ("on_call = {}", "on_call.mention: is missing"),
        ("on_call = { mention = 1 }", "on_call.mention: must be text in quotes"),
        ("on_call = { mention = 'SWORDFISH' }", "on_call.mention: a mention is one of"),
        (
            "on_call = [{ mention = '<!here>', hours = '22-7' }]",
            "on_call[1].hours: must be two times of a day and a time zone",
        ),
        (
            "on_call = { mention = '<!here>', hours = '22:00-07:00 SWORDFISH' }",
            "on_call.hours: must end with a time zone",
        ),
        ("on_call = { mention = '<!here>', match = { typ = 'x' } }", "on_call.match.typ: unknown"),
        (
            "on_call = { mention = '<!here>', hour = 'x' }",
            "on_call.hour: unknown key; did you mean",
        ),
    ] {
        let found = mistakes(&with(lines));
        let expected = format!("destination[1].{mistake}");
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{lines}: {found:?}");
        assert!(!found[0].contains("SWORDFISH"), "{found:?}");
    }
    let many = format!("on_call = [{}]", "{ mention = '<!here>' },".repeat(11));
    assert!(mistakes(&with(&many))[0].contains("on_call: must be at most 10 tables"));
}

#[test]
fn rules_that_leave_findings_without_a_destination_are_refused() {
    let one = |lines: &str| format!("[[destination]]\nname = 'a'\nwebhook = 'env:A'\n{lines}\n");
    let two = |lines: &str| format!("[[destination]]\nname = 'b'\nwebhook = 'env:B'\n{lines}\n");
    let (narrow, high) = ("match = { type = 'x' }", "min_severity = 'high'");
    for (text, refused) in [
        (one(""), false),
        // Without rules, the thresholds say what reaches nobody.
        (one(high), false),
        (one(narrow), true),
        (one("match = { type = '*' }"), false),
        (one(narrow) + &two(""), false),
        (one(narrow) + &two(high), true),
        (one(narrow) + &two(narrow), true),
        (one(&format!("{narrow}\ncontinue = false")) + &two(""), false),
        (format!("unmatched = 'drop'\n{}", one(narrow)), false),
        (format!("unmatched = 'refuse'\n{}", one(narrow)), true),
        (format!("min_severity = 'high'\n{}", one(narrow) + &two(high)), false),
    ] {
        let found = mistakes(&text);
        assert_eq!(!found.is_empty(), refused, "{text}");
        if refused {
            assert!(found[0].contains("would reach nobody"), "{found:?}");
            assert!(found[0].contains("unmatched = \"drop\""), "{found:?}");
        }
    }
    let bad = format!("unmatched = 'SWORDFISH'\n{}", one(""));
    assert_eq!(mistakes(&bad), ["unmatched: must be \"drop\" or \"refuse\""]);
}

#[test]
fn a_destination_that_gets_nothing_is_warned_of() {
    let ends = "[[destination]]\nname = 'first'\nwebhook = 'env:F'\ncontinue = false\n";
    let warnings = loaded(&format!("{ends}{}", with(""))).warnings;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with("destination[2]: gets nothing: first above it"),
        "{warnings:?}"
    );
    // The fallback takes over what its own rules would leave to others.
    let fallback = with("fallback = 'all'\nmatch = { type = 'x' }\ncontinue = false");
    assert!(loaded(&fallback).warnings.is_empty());
    let idle = with("fallback = 'all'\nmatch = { type = 'x' }");
    assert!(loaded(&idle).warnings[0].to_string().contains("has nothing to take over"));
}

#[test]
fn who_is_on_call_is_read() {
    let read = config(&with(
        "on_call = [{ mention = '<!here>', hours = '22:00-07:00 Asia/Tokyo', match = { level = \
         'high' } }, { mention = '<@U0123>' }]",
    ));
    let on_call = &read.destinations[0].mentions.on_call;
    assert_eq!(on_call.len(), 2);
    assert_eq!(on_call[0].hours.as_ref().unwrap().to_string(), "22:00-07:00 Asia/Tokyo");
    assert!(on_call[1].hours.is_none() && on_call[1].matcher.is_everything());
    assert_eq!(
        config(&with("on_call = { mention = '<!here>' }")).destinations[0].mentions.on_call.len(),
        1
    );
}
