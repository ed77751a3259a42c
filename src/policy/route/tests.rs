use super::*;
use crate::finding::{Level, parse};
use crate::policy::matcher::{Extent, MatchKey};

const LOW: &str = r#"{"SchemaVersion":"2018-10-08","Id":"f","AwsAccountId":"111122223333",
    "Region":"eu-west-1","Types":["Recon"],"Severity":{"Label":"LOW"}}"#;

fn sent(detail_type: &str) -> Finding {
    let event = format!(
        r#"{{"id":"e","detail-type":"{detail_type}","source":"aws.securityhub",
        "detail":{{"actionName":"Send","findings":[{LOW}]}}}}"#
    );
    parse(&event).findings.remove(0)
}

fn imported() -> Finding {
    sent("Security Hub Findings - Imported")
}

fn least(level: Level) -> Option<Threshold> {
    Some(Threshold::Level(level))
}

fn only(key: MatchKey, pattern: &str) -> Matcher {
    let mut matcher = Matcher::default();
    matcher.add(false, key, [pattern]).unwrap();
    matcher
}

#[test]
fn what_a_person_sends_is_owed_to_every_destination() {
    let all = Route { ends: true, ..Route::of_all("all", None) };
    let other = Route { matcher: only(MatchKey::Type, "Other*"), ..Route::of_all("other", None) };
    let routes = vec![all, Route::of_all("worst", least(Level::Critical)), other];
    let routes = Routes::new(Threshold::Level(Level::Low), routes);
    let requested = sent("Security Hub Findings - Custom Action");
    assert_eq!(routes.owed(&imported()), [0]);
    assert_eq!(routes.owed(&requested), [0, 1, 2]);
    assert!(routes.explain(&requested).iter().all(|why| why.verdict == Verdict::Requested));
    let higher = Routes { min_severity: Threshold::Level(Level::High), ..routes };
    assert!(higher.owed(&imported()).is_empty());
    assert_eq!(higher.owed(&requested), [0, 1, 2]);
}

#[test]
fn the_search_ends_only_at_a_destination_that_gets_the_finding() {
    use Verdict::{BelowThreshold, EndedBy, NoMatch, Owed};
    let route = |pattern: &str, min_severity: Option<Level>, ends: bool| Route {
        matcher: only(MatchKey::Type, pattern),
        ends,
        ..Route::of_all("d", min_severity.map(Threshold::Level))
    };
    let routes = vec![
        route("Other*", None, true),
        route("Recon*", Some(Level::High), true),
        route("Recon*", None, false),
        route("*", None, true),
        route("*", None, false),
    ];
    let routes = Routes::new(Threshold::Level(Level::Low), routes);
    let finding = imported();
    assert_eq!(routes.owed(&finding), [2, 3]);
    assert!((0..6).all(|index| routes.owes(index, &finding) == [2, 3].contains(&index)));
    let reasons = routes.explain(&finding);
    let verdicts: Vec<Verdict> = reasons.into_iter().map(|why| why.verdict).collect();
    assert_eq!(verdicts, [NoMatch, BelowThreshold, Owed, Owed, EndedBy(3)]);
}

#[test]
fn all_are_reached_if_one_takes_everything_at_the_threshold() {
    let medium = Threshold::Level(Level::Medium);
    let with = |matcher: Matcher| Route { matcher, ..Route::default() };
    let narrow = || with(only(MatchKey::Type, "Recon*"));
    let levels = |levels: &[Level]| {
        let mut matcher = Matcher::default();
        matcher.add(false, MatchKey::Level, levels.iter().map(|level| level.as_str())).unwrap();
        with(matcher)
    };
    for (routes, all) in [
        (vec![Route::default()], true),
        (vec![narrow()], false),
        (vec![narrow(), Route::default()], true),
        (vec![Route { ends: true, ..narrow() }, Route::default()], true),
        (vec![narrow(), Route::of_all("high", least(Level::High))], false),
        (vec![narrow(), Route::of_all("low", least(Level::Low))], true),
        (vec![with(only(MatchKey::Type, "*"))], true),
        (vec![with(only(MatchKey::AccountName, "*"))], false),
        (vec![with(only(MatchKey::Ou, "/*"))], false),
        (vec![levels(&Level::ALL)], true),
        (vec![levels(&Level::ALL[1..])], false),
    ] {
        let said = format!("{routes:?}");
        assert_eq!(Routes::new(medium, routes).reach_all(), all, "{said}");
    }
}

#[test]
fn the_extent_says_how_many_findings_of_a_class_a_destination_gets() {
    use Extent::{All, None, Some};
    let with = |matcher: Matcher, ends: bool| Route { matcher, ends, ..Route::default() };
    let account = || only(MatchKey::Account, "111122223333");
    let kind = || only(MatchKey::Type, "Recon*");
    let any = Matcher::default;
    let mut none = Matcher::default();
    none.add(true, MatchKey::Type, ["Policy:*"]).unwrap();
    none.add(true, MatchKey::Account, ["111122223333"]).unwrap();
    let own = |text: &str| Route::of_all("d", text.parse().ok());
    for (routes, extents) in [
        (vec![with(account(), false), with(kind(), false), with(any(), false)], [All, Some, All]),
        (vec![with(account(), true), with(kind(), false), with(any(), false)], [All, None, None]),
        (vec![with(kind(), true), with(account(), true), with(any(), false)], [Some, Some, Some]),
        (vec![with(none, true), own("critical"), own("8.5")], [None, None, Some]),
        (vec![own("7.0"), own("low"), own("9")], [All, All, None]),
    ] {
        let said = format!("{routes:?}");
        let routes = Routes::new(Threshold::Level(Level::Medium), routes);
        let class = Class {
            level: Level::High,
            account: Option::Some("111122223333"),
            facts: Option::None,
        };
        assert_eq!(routes.extents(&class), extents, "{said}");
        let below = Class { level: Level::Low, ..class };
        assert_eq!(routes.extents(&below), [None; 3]);
    }
}
