use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::policy::day_counts::{CountKey, CountedAs, DayCounts, SilencedKey};
use crate::policy::record::{About, AcceptedPost, AlertRecord, AlertRecordState, Closed, ClosedBy};
use crate::policy::record::{Incident, RecordKey, Stamp};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);

fn now() -> Wall {
    Wall::parse_rfc3339("2026-11-29T14:00:00Z").unwrap()
}

fn week() -> Period {
    Period::new(now().minus(DAY * 7), now())
}

fn key(account: &str, id: &str, destination: &str) -> RecordKey {
    RecordKey::alert(format!("guardduty/{account}/eu-west-1/{id}"), destination)
}

/// The record of an alert that was posted so long ago.
fn posted(kind: &str, level: Level, ago: Duration, post_id: &str) -> AlertRecord {
    let sent_at = now().minus(ago);
    let post = AcceptedPost {
        level,
        revision: Some(sent_at.minus(Duration::from_secs(2))),
        sent_at,
        due_at: None,
        post_id: post_id.to_owned(),
    };
    AlertRecord {
        state: AlertRecordState::Posted { post, marked_by: None },
        incident: Incident { opened_at: Some(sent_at), ..Incident::default() },
        about: About { kind: kind.to_owned(), resource: "EC2 instance i-0abc".to_owned() },
        expires_at: now().plus(DAY),
        ..AlertRecord::unposted(1)
    }
}

fn report<'a>(records: impl IntoIterator<Item = &'a (RecordKey, AlertRecord)>) -> Report {
    let mut tally = Tally::new(week(), RETENTION);
    records.into_iter().for_each(|(key, record)| tally.alert(key, record));
    tally.finish()
}

fn shape(numbers: &Numbers) -> [u64; 3] {
    [numbers.findings, numbers.alerts, numbers.posts]
}

fn shapes<K: Clone>(table: &Table<K>) -> Vec<(K, [u64; 3])> {
    table.rows.iter().map(|(key, numbers)| (key.clone(), shape(numbers))).collect()
}

#[test]
fn each_row_counts_a_finding_and_a_post_once() {
    let (a, b) = ("111111111111", "222222222222");
    let records = [
        (key(a, "1", "ops"), posted("Recon", Level::High, HOUR, "p1")),
        (key(a, "1", "sec"), posted("Recon", Level::Critical, HOUR, "p2")),
        (key(a, "2", "sec"), posted("Recon", Level::High, HOUR, "p2")),
        (key(b, "1", "sec"), posted("Trojan", Level::High, HOUR * 20, "p3")),
        (key(b, "2", "sec"), posted("Trojan", Level::Low, DAY * 30, "p4")),
        // A note about a silence.
        (RecordKey::alert("hansho///silence:1", "sec"), posted("", Level::Low, HOUR, "p5")),
    ];
    let report = report(&records);
    assert_eq!(shape(&report.totals), [3, 4, 3]);
    let named = |rows: [(&str, [u64; 3]); 2]| rows.map(|(key, of)| (key.to_owned(), of)).to_vec();
    assert_eq!(shapes(&report.accounts), named([(a, [2, 3, 2]), (b, [1, 1, 1])]));
    assert_eq!(shapes(&report.types), named([("Recon", [2, 3, 2]), ("Trojan", [1, 1, 1])]));
    let levels = [(Some(Level::Critical), [1, 1, 1]), (Some(Level::High), [3, 3, 3])];
    assert_eq!(shapes(&report.levels), levels);
    let days: Vec<_> = report.days.iter().map(|(day, of)| (day.to_string(), shape(of))).collect();
    assert_eq!(days.len(), 8);
    assert_eq!(days[0], ("2026-11-22".to_owned(), [0, 0, 0]));
    assert_eq!(days[6], ("2026-11-28".to_owned(), [1, 1, 1]));
    assert_eq!(days[7], ("2026-11-29".to_owned(), [2, 3, 2]));
    assert_eq!((report.records, report.open.total()), (6, 4), "open, whenever it was posted");
}

#[test]
fn a_long_type_is_the_same_in_records_and_in_day_counts() {
    let raw = serde_json::json!({
        "schemaVersion": "2.0", "id": "f", "severity": 8, "accountId": "111122223333",
        "region": "eu-west-1", "type": format!("Recon:EC2/{}", "é x".repeat(40)),
        "resource": {}, "service": {},
    });
    let finding = crate::finding::parse(&raw.to_string()).findings.remove(0);
    let mut tally = Tally::new(week(), RETENTION);
    let about = About::of(&finding);
    let record = AlertRecord { about, ..posted("", Level::High, HOUR, "p1") };
    tally.alert(&key("111122223333", "f", "sec"), &record);
    let mut counts = DayCounts::default();
    let counted =
        CountKey::new(CountedAs::Posted, "111122223333", finding.kind.as_str(), Some(Level::High));
    counts.count(counted, 1);
    tally.day(Day::of(now()), &DayCounts::parse(&counts.to_text()));
    let types = tally.finish().types;
    let [(_, numbers)] = &types.rows[..] else { panic!("{types:?}") };
    assert_eq!((numbers.alerts, numbers.counted(CountedAs::Posted)), (1, 1));
}

#[test]
fn a_record_without_a_post_counts_only_if_somebody_tried() {
    let owner = "w".to_owned();
    let claimed = AlertRecordState::Claimed {
        owner,
        level: Level::High,
        earlier: crate::policy::record::Earlier::None,
    };
    let live = AlertRecord { expires_at: now().plus(DAY), ..AlertRecord::unposted(1) };
    let closed = Closed {
        at: Stamp::default(),
        why: crate::finding::Closing::Resolved,
        by: ClosedBy::Product,
    };
    let closed = Incident::default().close(closed);
    for (record, unposted) in [
        (live.clone(), 0),
        (AlertRecord { state: claimed.clone(), ..live.clone() }, 1),
        (AlertRecord { attempts: 3, ..live.clone() }, 1),
        (AlertRecord { attempts: 3, incident: closed.clone(), ..live.clone() }, 0),
        (AlertRecord { attempts: 3, expires_at: now().minus(HOUR), ..live }, 0),
    ] {
        let report = report(&[(key("1", "1", "sec"), record)]);
        assert_eq!((report.unposted, report.totals.alerts), (unposted, 0));
    }
    let expired = posted("Recon", Level::High, HOUR, "p");
    let expired = AlertRecord { expires_at: now().minus(HOUR), ..expired };
    let gone = AlertRecord { incident: closed, ..posted("Recon", Level::High, HOUR, "p") };
    let report = report(&[(key("1", "1", "sec"), expired), (key("1", "2", "sec"), gone)]);
    assert_eq!((report.totals.alerts, report.open.total()), (1, 0));
}

#[test]
fn delays_have_a_median_and_a_worst() {
    let taking = |id: &str, level, seconds: Option<i64>| {
        let mut record = posted("Recon", level, HOUR, id);
        if let AlertRecordState::Posted { post, .. } = &mut record.state {
            post.revision = seconds.map(|seconds| Wall(post.sent_at.0 - seconds * 1000));
        }
        (key("1", id, "sec"), record)
    };
    let times = [(1, Some(9)), (2, Some(1)), (3, Some(4)), (4, None), (5, Some(-20))];
    let mut records: Vec<_> =
        times.map(|(id, s)| taking(&id.to_string(), Level::High, s)).into_iter().collect();
    records.push(taking("6", Level::Low, Some(70)));
    let delays = report(&records).delays;
    let delay = |alerts, median, worst| Delay {
        alerts,
        median: Duration::from_secs(median),
        worst: Duration::from_secs(worst),
    };
    assert_eq!(delays.all, Some(delay(5, 4, 70)));
    assert_eq!(
        delays.levels,
        [(Level::High, delay(4, 4, 9)), (Level::Low, delay(1, 70, 70))],
        "an update that seems to be later than its post took no time"
    );
    assert_eq!(delays.slowest.unwrap().subject.id, "6");
    assert_eq!(report(&[]).delays, Delays::default());
}

#[test]
fn the_noisiest_pairs_are_those_of_a_naive_count() {
    let mut random = fastrand::Rng::with_seed(16);
    for _ in 0..20 {
        let mut counts: HashMap<String, u64> = HashMap::new();
        let mut records = Vec::new();
        for id in 0..3_000 {
            // Few pairs have many alerts, and many have few.
            let pair = random.u32(1..=400) * random.u32(1..=400) / 400;
            let kind = format!("Type{pair}");
            let mut record = posted(&kind, Level::High, HOUR, "p");
            record.incident.comebacks = random.u32(0..3) / 2;
            *counts.entry(kind).or_default() += u64::from(record.incident.comebacks) + 1;
            records.push((key("111111111111", &id.to_string(), "sec"), record));
        }
        let noisiest = report(&records).noisiest;
        let mut naive: Vec<u64> = counts.values().copied().collect();
        naive.sort_by_key(|number| std::cmp::Reverse(*number));
        let numbers: Vec<u64> = noisiest.iter().map(|noisy| noisy.number).collect();
        assert_eq!(numbers, naive[..10]);
        assert!(noisiest.iter().all(|noisy| counts[&noisy.subject.kind] == noisy.number));
    }
}

#[test]
fn open_incidents_are_counted_by_age_and_once_for_all_destinations() {
    let ages = [
        (Duration::ZERO, 0),
        (DAY - Duration::from_millis(1), 0),
        (DAY, 1),
        (DAY * 7, 2),
        (DAY * 30, 3),
        (DAY * 89, 3),
        (DAY * 90, 4),
        (DAY * 900, 4),
    ];
    for (age, place) in ages {
        let record = posted("Recon", Level::Medium, age, "p");
        // A record from before incidents were kept.
        let older = AlertRecord { incident: Incident::default(), ..record.clone() };
        for record in [record, older] {
            let both = [(key("1", "1", "a"), record.clone()), (key("1", "1", "b"), record)];
            let open = report(&both).open;
            let numbers: Vec<u64> =
                open.by_age().map(|(_, numbers)| numbers.iter().sum()).collect();
            assert_eq!((open.total(), numbers[place]), (1, 1), "{age:?}");
        }
    }
    let record = |n: u32| (key("1", &n.to_string(), "a"), posted("R", Level::Low, HOUR * n, "p"));
    let oldest = report(&(1..=30).map(record).collect::<Vec<_>>()).open.oldest;
    let opened: Vec<Wall> = oldest.iter().map(|oldest| oldest.opened_at).collect();
    assert_eq!(opened, (21..=30).rev().map(|n| now().minus(HOUR * n)).collect::<Vec<_>>());
}

#[test]
fn day_counts_come_into_every_table() {
    let mut counts = DayCounts::default();
    let key = |what, kind: &str| CountKey::new(what, "111111111111", kind, Some(Level::Low));
    counts.count(key(CountedAs::Silenced, "Recon"), 5);
    counts.count(key(CountedAs::Received, "Recon"), 9);
    counts.count(CountKey::only(CountedAs::Quarantined), 2);
    counts.count_silenced(SilencedKey::new("weekly", "sec"), 1);
    counts.count_silenced(SilencedKey::new("other", "sec"), 1);
    counts.count_silenced(SilencedKey::new("other", "ops"), 3);
    let mut tally = Tally::new(week(), RETENTION);
    tally.day(Day::of(now()), &counts);
    tally.day(Day::of(now()).back(1), &counts);
    let report = tally.finish();
    let of = |numbers: &Numbers| {
        [CountedAs::Received, CountedAs::Silenced, CountedAs::Quarantined]
            .map(|what| numbers.counted(what))
    };
    assert_eq!(of(&report.totals), [18, 10, 4]);
    let rows = |table: &Table<String>| -> Vec<(String, [u64; 3])> {
        table.rows.iter().map(|(key, numbers)| (key.clone(), of(numbers))).collect()
    };
    let unknown = (String::new(), [0, 0, 4]);
    assert_eq!(rows(&report.accounts), [("111111111111".into(), [18, 10, 0]), unknown.clone()]);
    assert_eq!(rows(&report.types), [("Recon".into(), [18, 10, 0]), unknown]);
    assert_eq!(report.levels.rows.len(), 2);
    assert_eq!(of(&report.days[7].1), [9, 5, 2]);
    assert_eq!(report.silences, [("other".to_owned(), 8), ("weekly".to_owned(), 2)]);
    let days =
        Gap::WithoutCounts { days: 6, first: Day::of(week().from), last: Day::of(now()).back(2) };
    assert!(report.gaps.contains(&days), "{:?}", report.gaps);
}

#[test]
fn what_it_cannot_know_is_named() {
    let old = AlertRecord { about: About::default(), ..posted("", Level::High, HOUR, "p") };
    let always = [Gap::LastPostOnly, Gap::Killed, Gap::NeverClosed];
    let all = report(&[(key("1", "1", "a"), old)]).gaps;
    assert!(all.contains(&Gap::WithoutType(1)) && all.ends_with(&always), "{all:?}");
    let long = Period::new(now().minus(DAY * 100), now());
    let mut tally = Tally::new(long, RETENTION);
    tally.gap(Gap::Incomplete);
    let gaps = tally.finish().gaps;
    assert_eq!(gaps[0], Gap::Incomplete);
    assert!(gaps.contains(&Gap::Expired(RETENTION)));
    for gap in gaps {
        let text = gap.to_string();
        assert!(!text.ends_with('.') && text.len() < 250, "{text}");
    }
}

#[test]
fn many_rows_are_added_up() {
    let mut tally = Tally::new(week(), RETENTION);
    for n in 0..30_000 {
        let record = posted(&format!("T{n}"), Level::High, HOUR, &format!("p{n}"));
        tally.alert(&key(&format!("{n:012}"), "1", "sec"), &record);
    }
    let report = tally.finish();
    for table in [&report.accounts, &report.types] {
        let others = table.others.unwrap();
        assert_eq!((table.rows.len(), others.keys), (ROWS_MAX, 20_000 - ROWS_MAX + 1));
        let sum: u64 = table.rows.iter().map(|(_, numbers)| numbers.alerts).sum();
        assert_eq!(sum + others.numbers.alerts, 30_000);
    }
}

fn noisy(kind: &str, resource: &str) -> Noisy {
    let subject = Subject {
        product: "guardduty".to_owned(),
        account: "111111111111".to_owned(),
        region: "eu-west-1".to_owned(),
        kind: kind.to_owned(),
        resource: resource.to_owned(),
        ..Subject::default()
    };
    Noisy { subject, number: 3, level: Level::High }
}

#[test]
fn a_silence_names_the_pair_and_nothing_ends_its_words() {
    let rest = " --until=14d --because='REASON'";
    for (kind, resource, command) in [
        (
            "Recon:EC2/X",
            "EC2 instance i-0a (web)",
            "--type='Recon:EC2/X' --account=111111111111 --resource='EC2 instance i-0a (web)'",
        ),
        ("A*B?", "", "--type='A?B?' --account=111111111111"),
        (
            "it's; rm -rf /",
            "$(id) `id`",
            "--type='it'\\''s; rm -rf /' --account=111111111111 --resource='$(id) `id`'",
        ),
        (
            "a\nb\u{1b}[31m\u{202e}",
            "long…",
            "--type='a b [31m' --account=111111111111 --resource='long*'",
        ),
    ] {
        let expected = format!("hansho silence add {command}{rest}");
        assert_eq!(noisy(kind, resource).silence_command(), expected);
    }
    let mut other = noisy("T", "");
    other.subject.account = "$(id)".to_owned();
    assert!(!other.silence_command().contains("id)"));
}

#[test]
fn a_rule_of_guardduty_names_the_resource_or_there_is_none() {
    for (resource, criterion) in [
        (
            "EC2 instance i-0abc (t3.micro, web-1)",
            Some(r#""resource.instanceDetails.instanceId":{"Eq":["i-0abc"]}"#),
        ),
        (
            "S3 bucket data.prod (not public)",
            Some(r#""resource.s3BucketDetails.name":{"Eq":["data.prod"]}"#),
        ),
        ("Lambda function f_1", Some(r#""resource.lambdaDetails.functionName":{"Eq":["f_1"]}"#)),
        ("EC2 instance web' $(id)", None),
        ("S3 bucket a…", None),
        ("S3 bucket $(id)", None),
        ("IAM user alice", None),
        ("", None),
    ] {
        let rule = noisy("Recon:EC2/It's", resource).suppression_rule();
        assert_eq!(rule.is_some(), criterion.is_some(), "{resource}: {rule:?}");
        if let (Some(rule), Some(criterion)) = (rule, criterion) {
            assert!(rule.contains(criterion) && rule.contains("--action=ARCHIVE"), "{rule}");
            assert!(rule.contains(r#""type":{"Eq":["Recon:EC2/It\u0027s"]}"#), "{rule}");
            assert!(rule.contains("--name=hansho-Recon-EC2-It-s-"), "{rule}");
        }
    }
    let of = |change: fn(&mut Subject)| {
        let mut noisy = noisy("T", "S3 bucket a");
        change(&mut noisy.subject);
        noisy.suppression_rule()
    };
    assert!(of(|_| {}).is_some());
    assert_eq!(of(|subject| subject.product = "macie".into()), None);
    assert_eq!(of(|subject| subject.region = "x;id".into()), None);
    assert_eq!(of(|subject| subject.account = "-".into()), None);
    assert_eq!(of(|subject| subject.kind = "cut…".into()), None);
}
