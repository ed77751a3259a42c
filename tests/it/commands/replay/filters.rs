//! Filters, by their properties, on messages of all kinds from a seed.

use std::collections::BTreeSet;

use hansho::commands::replay::filter::{Filter, SeverityIs};
use hansho::commands::replay::forecast::{self, MessageForecast, Totals};
use hansho::commands::replay::parsed::ParsedDeadLetter;
use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::glob::Glob;
use hansho::ports::{DeadLetter, Lane, MessageId, Origin};

use super::contract::dead_letter;

const NIGHT: i64 = 1_790_000_000_000;

fn any_message(random: &mut fastrand::Rng, number: usize) -> ParsedDeadLetter {
    let account = ["111122223333", "444455556666", "777788889999"][random.usize(..3)];
    let region = ["eu-west-1", "eu-central-1", "us-east-1"][random.usize(..3)];
    let kind =
        ["Recon:EC2/Portscan", "Backdoor:EC2/C&CActivity.B", "Impact:S3/X"][random.usize(..3)];
    let severity = [0.5, 2.0, 5.0, 8.0, 9.5][random.usize(..5)];
    let finding = |n: usize| {
        format!(
            r#"{{"schemaVersion":"2.0","accountId":"{account}","region":"{region}","id":"{n:032x}",
            "type":"{kind}","service":{{}},"resource":{{}},"severity":{severity},"title":"t"}}"#
        )
    };
    let body = match random.usize(..6) {
        0 => "not json".to_owned(),
        1 => format!(
            r#"{{"source":"aws.ec2","detail-type":"x","account":"{account}","region":"{region}","detail":{{}}}}"#
        ),
        2 => format!("[{},{}]", finding(number), finding(number + 100_000)),
        _ => finding(number),
    };
    let some = |random: &mut fastrand::Rng, text: &str| random.bool().then(|| text.to_owned());
    let origin = match random.usize(..3) {
        0 => Origin::Quarantine,
        1 => Origin::EventBridge { rule: some(random, "arn:r"), target: None, exhausted: None },
        _ => Origin::DeadLetter { source: some(random, "arn:q") },
    };
    let time = |random: &mut fastrand::Rng| {
        (random.usize(..5) > 0).then(|| Wall(NIGHT + random.i64(..86_400_000)))
    };
    let reason = match random.usize(..4) {
        0 => None,
        n => Some(["not_json", "refused", "THROTTLING"][n - 1].to_owned()),
    };
    ParsedDeadLetter::parse(&DeadLetter {
        id: MessageId(format!("{number:08x}-letter")),
        body,
        origin,
        reason,
        detail: None,
        attempts: None,
        lane: Some(Lane::Standard),
        original_id: random.bool().then(|| MessageId(format!("{number:08x}-original"))),
        enqueued_at: time(random),
        quarantined_at: time(random),
    })
}

fn any_globs(random: &mut fastrand::Rng, all: &[&str]) -> Vec<Glob> {
    (0..random.usize(1..=2)).map(|_| all[random.usize(..all.len())].parse().unwrap()).collect()
}

/// One filter of one kind.
fn any_filter(random: &mut fastrand::Rng) -> Filter {
    let mut filter = Filter::default();
    match random.usize(..8) {
        0 => {
            let level = Level::ALL[random.usize(..5)];
            let is = if random.bool() { SeverityIs::Exactly } else { SeverityIs::AtLeast };
            filter.severities = vec![is(level)];
        }
        1 => filter.accounts = any_globs(random, &["1111*", "444455556666", "*9999", "*"]),
        2 => filter.regions = any_globs(random, &["eu-*", "us-east-1", "*-central-?"]),
        3 => filter.kinds = any_globs(random, &["*:EC2/*", "recon*", "Impact:S3/X", "nothing"]),
        4 => filter.reasons = any_globs(random, &["not_json", "thrott*", "re*", "unknown"]),
        5 => filter.since = Some(Wall(NIGHT + random.i64(..86_400_000))),
        6 => filter.until = Some(Wall(NIGHT + random.i64(..86_400_000))),
        _ => filter.ids = vec![format!("{:08x}", random.usize(..300))],
    }
    filter
}

/// Both filters, if they are of different kinds.
fn both(a: &Filter, b: &Filter) -> Option<Filter> {
    let either = |a: &Vec<Glob>, b: &Vec<Glob>| match (a.is_empty(), b.is_empty()) {
        (false, false) => None,
        _ => Some([a.clone(), b.clone()].concat()),
    };
    let at = |a: Option<Wall>, b: Option<Wall>| (a.is_none() || b.is_none()).then_some(a.or(b));
    let ids =
        (a.ids.is_empty() || b.ids.is_empty()).then(|| [a.ids.clone(), b.ids.clone()].concat());
    let severities = (a.severities.is_empty() || b.severities.is_empty())
        .then(|| [a.severities.clone(), b.severities.clone()].concat());
    Some(Filter {
        severities: severities?,
        accounts: either(&a.accounts, &b.accounts)?,
        regions: either(&a.regions, &b.regions)?,
        kinds: either(&a.kinds, &b.kinds)?,
        reasons: either(&a.reasons, &b.reasons)?,
        since: at(a.since, b.since)?,
        until: at(a.until, b.until)?,
        ids: ids?,
    })
}

fn admitted<'a>(filter: &Filter, all: &'a [ParsedDeadLetter]) -> BTreeSet<&'a str> {
    all.iter().filter(|m| filter.admits(m)).map(|m| m.id.as_str()).collect()
}

fn night() -> (fastrand::Rng, Vec<ParsedDeadLetter>) {
    let mut random = fastrand::Rng::with_seed(3);
    let all = (0..300).map(|number| any_message(&mut random, number)).collect();
    (random, all)
}

/// All findings of a message here have the same account, region, type and severity, so that filters
/// of different kinds are independent.
#[test]
fn filters_of_different_kinds_combine_as_and() {
    let (mut random, all) = night();
    let (mut combined, mut some) = (0, 0);
    for _ in 0..3_000 {
        let (a, b) = (any_filter(&mut random), any_filter(&mut random));
        let Some(both) = both(&a, &b) else { continue };
        let expected: BTreeSet<&str> =
            admitted(&a, &all).intersection(&admitted(&b, &all)).copied().collect();
        assert_eq!(admitted(&both, &all), expected, "{a:?} {b:?}");
        combined += 1;
        some += usize::from(!expected.is_empty());
    }
    assert!(combined > 2_000 && some > 500, "{combined} {some}");
}

#[test]
fn values_of_one_filter_combine_as_or() {
    let (_, all) = night();
    let ids = |filter: Filter| -> BTreeSet<String> {
        admitted(&filter, &all).into_iter().map(str::to_owned).collect()
    };
    let globs = |texts: &[&str]| texts.iter().map(|t| t.parse().unwrap()).collect::<Vec<Glob>>();
    for (a, b) in [("1111*", "444*"), ("*", "1*"), ("nothing", "*9999")] {
        let of = |texts: &[&str]| ids(Filter { accounts: globs(texts), ..Filter::default() });
        assert_eq!(of(&[a, b]), of(&[a]).union(&of(&[b])).cloned().collect());
        let of = |texts: &[&str]| ids(Filter { reasons: globs(texts), ..Filter::default() });
        assert_eq!(
            of(&["re*", "not_json"]),
            of(&["re*"]).union(&of(&["not_json"])).cloned().collect()
        );
    }
    let of = |s: &[SeverityIs]| ids(Filter { severities: s.to_vec(), ..Filter::default() });
    for level in Level::ALL {
        let worse: Vec<SeverityIs> =
            Level::ALL.into_iter().filter(|l| *l >= level).map(SeverityIs::Exactly).collect();
        assert_eq!(of(&[SeverityIs::AtLeast(level)]), of(&worse), "{level}");
    }
    let of = |texts: &[&str]| {
        ids(Filter { ids: texts.iter().map(|t| (*t).to_owned()).collect(), ..Filter::default() })
    };
    assert_eq!(of(&["00000001", "00000002"]).len(), 2);
}

/// A moment parts what has a time into two, without a rest and without an overlap.
#[test]
fn since_and_until_part_the_night() {
    let (mut random, all) = night();
    let timed: BTreeSet<&str> =
        all.iter().filter(|m| m.at().is_some()).map(|m| m.id.as_str()).collect();
    assert!(timed.len() < all.len(), "some have no time");
    for round in 0..200 {
        // Also the very moment of a message.
        let at = match all[random.usize(..all.len())].at() {
            Some(at) if round % 2 == 0 => at,
            _ => Wall(NIGHT + random.i64(..86_400_000)),
        };
        let before = admitted(&Filter { until: Some(at), ..Filter::default() }, &all);
        let after = admitted(&Filter { since: Some(at), ..Filter::default() }, &all);
        assert!(before.is_disjoint(&after));
        assert_eq!(before.union(&after).copied().collect::<BTreeSet<_>>(), timed);
    }
}

#[test]
fn a_message_is_found_by_any_of_its_ids() {
    let (_, all) = night();
    for message in &all {
        let mut ids = vec![message.id.clone(), message.id[..8].to_owned()];
        ids.extend(message.original_id.clone());
        ids.extend(message.findings.iter().map(|f| f.fingerprint.id.clone()));
        ids.extend(message.findings.iter().map(|f| f.fingerprint.to_string()));
        for id in ids {
            let filter = Filter { ids: vec![id.clone()], ..Filter::default() };
            assert!(filter.admits(message), "{id}");
        }
        let short = Filter { ids: vec![message.id[..7].to_owned()], ..Filter::default() };
        assert!(!short.admits(message), "seven characters may be anybody's");
    }
}

#[test]
fn what_can_not_be_read_is_found_by_its_reason_and_its_envelope() {
    let body =
        r#"{"source":"aws.ec2","detail-type":"State","account":"1","region":"r","detail":{}}"#;
    let mut letter = super::contract::dead_letter(1, body);
    letter.reason = None;
    let message = ParsedDeadLetter::parse(&letter);
    assert_eq!(message.reason.as_str(), "not_a_finding", "made from what is wrong with it");
    let globs = |text: &str| vec![text.parse::<Glob>().unwrap()];
    for (filter, admits) in [
        (Filter { reasons: globs("not_a*"), ..Filter::default() }, true),
        (Filter { accounts: globs("1"), ..Filter::default() }, true),
        (Filter { accounts: globs("2"), ..Filter::default() }, false),
        (Filter { regions: globs("r"), ..Filter::default() }, true),
        (Filter { kinds: globs("state"), ..Filter::default() }, true),
        (
            Filter {
                severities: vec![SeverityIs::AtLeast(Level::Informational)],
                ..Filter::default()
            },
            false,
        ),
        (Filter::default(), true),
    ] {
        assert_eq!(filter.admits(&message), admits, "{filter:?}");
    }
}

/// Such a message is in the quarantine of an older version.
#[test]
fn an_event_that_is_no_finding_would_be_ignored() {
    let body = include_str!("../../../fixtures/findings/foreign-cloudtrail.json");
    let letter = ParsedDeadLetter::parse(&dead_letter(1, body));
    let planned = MessageForecast { lane: Lane::Standard, alerts: Vec::new(), unmatched: false };
    let text = forecast::text(&letter, &planned, Wall(0));
    assert_eq!(text, "ignore it: the event is no finding");
    let mut totals = Totals::default();
    totals.add(&letter, &planned);
    assert_eq!((totals.ignored, totals.quarantined_again), (1, 0));
    assert!(totals.text().contains("1 no findings, would be ignored"));
}
