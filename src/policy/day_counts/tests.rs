use super::*;

const ACCOUNT: &str = "123456789012";
const KIND: &str = "Recon:EC2/PortProbeUnprotectedPort";

fn key(what: CountedAs) -> CountKey {
    CountKey::new(what, ACCOUNT, KIND, Some(Level::Medium))
}

/// Counts that have all there is.
fn filled() -> DayCounts {
    let mut counts = DayCounts::default();
    for (what, number) in CountedAs::ALL.into_iter().zip(1..) {
        counts.count(key(what), number);
        counts.count(CountKey::only(what), 1);
    }
    counts.count_silenced(SilencedKey::new("weekly-scan", "security"), 3);
    counts.count_silenced(SilencedKey::new("weekly-scan", "shop"), 1);
    counts.rest.insert(CountedAs::Posted, 7);
    counts
}

#[test]
fn what_is_written_is_read() {
    let counts = filled();
    let text = counts.to_text();
    assert_eq!(DayCounts::parse(&text), counts, "{text}");
    assert!(text.contains(&format!("count\tsilenced\t{ACCOUNT}\t{KIND}\t2\t4\n")), "{text}");
    assert!(text.contains("silence\tweekly-scan\tsecurity\t3\n"), "{text}");
    assert_eq!(DayCounts::parse(""), DayCounts::default());
}

#[test]
fn counts_of_two_workers_are_added() {
    let mut sum = filled();
    sum.add(&filled());
    assert_eq!(sum.silenced_by("weekly-scan"), 8);
    assert_eq!(sum.silenced_by("another"), 0);
    assert_eq!(sum.total(CountedAs::Silenced), 2 * (4 + 1));
    assert_eq!(sum.total(CountedAs::Posted), 2 * (6 + 1 + 7));
    assert_eq!(sum.iter().len(), filled().iter().len());
    let most = CountKey::only(CountedAs::Closed);
    sum.count(most.clone(), u64::MAX);
    sum.count(most, u64::MAX);
    assert_eq!(sum.total(CountedAs::Closed), u64::MAX);
}

#[test]
fn many_keys_are_counted_together() {
    let mut counts = DayCounts::default();
    let kind = |n: usize| format!("{n:04}{}", "K".repeat(500));
    for n in 0..KEYS_MAX + 50 {
        let account = "9".repeat(50);
        counts.count(CountKey::new(CountedAs::Silenced, &account, &kind(n), None), u64::MAX / 4000);
        let silence = format!("{n:04}{}", "s".repeat(500));
        counts.count_silenced(SilencedKey::new(&silence, &"d".repeat(500)), u64::MAX / 4000);
    }
    assert_eq!((counts.iter().len(), counts.rest().len()), (KEYS_MAX, 1));
    assert_eq!(counts.silenced().len(), SILENCED_MAX + 1);
    assert!(counts.has_other_silences());
    assert_eq!(counts.total(CountedAs::Silenced), u64::MAX / 4000 * 1050);
    let text = counts.to_text();
    assert!(text.len() < 350_000, "{} bytes", text.len());
    assert!(DayCounts::parse(&text) == counts);
    let mut twice = counts.clone();
    twice.add(&counts);
    assert_eq!(twice.silenced().len(), SILENCED_MAX + 1);
    assert!(twice.to_text().len() < 350_000);
}

#[test]
fn hostile_text_makes_no_line_and_no_field() {
    let hostile = "a\nsilence\tother\td\t99\u{202e}\r\u{0}";
    let mut counts = DayCounts::default();
    counts.count(CountKey::new(CountedAs::Posted, hostile, hostile, None), 1);
    counts.count_silenced(SilencedKey::new(hostile, hostile), 1);
    // A key that nobody cleaned.
    let raw = CountKey { kind: hostile.into(), ..CountKey::only(CountedAs::Posted) };
    counts.count(raw, 1);
    let read = DayCounts::parse(&counts.to_text());
    assert_eq!(read.silenced_by("other"), 0);
    assert_eq!(read.total(CountedAs::Posted), 2);
    assert_eq!((read.iter().len(), read.silenced().len()), (2, 1));
    let long = CountKey::new(CountedAs::Posted, "", &"é".repeat(90), None);
    assert_eq!(long.kind, format!("{}…", "é".repeat(48)));
}

#[test]
fn lines_of_a_newer_version_survive_and_are_bounded() {
    let known = "silence\tscan\tsecurity\t2\n";
    let newer = [
        "count\tmerged\t123456789012\tType\t2\t5",
        "count\tposted\t123456789012\tType\t9\t5",
        "count\tposted\t123456789012\tType\teu-west-1\t2\t5",
        "waited\t60\t4",
        "silence\tscan\tsecurity\tmany",
    ];
    let mut counts = DayCounts::parse(&[known, &newer.join("\n")].concat());
    assert_eq!(counts.silenced_by("scan"), 2);
    counts.count_silenced(SilencedKey::new("scan", "security"), 1);
    let text = counts.to_text();
    assert!(newer.iter().all(|line| text.lines().any(|written| written == *line)), "{text}");
    let flood = "later\t1\n".repeat(20_000) + &"x".repeat(1_000_000);
    assert!(DayCounts::parse(&flood).to_text().len() < 50_000);
}

#[test]
fn a_day_is_of_utc() {
    let at = |text: &str| Wall::parse_rfc3339(text).unwrap();
    for (moment, day) in [
        ("2026-11-29T00:00:00Z", "2026-11-29"),
        ("2026-11-29T23:59:59.999Z", "2026-11-29"),
        ("2026-11-30T00:30:00+01:00", "2026-11-29"),
        ("1969-12-31T23:59:59Z", "1969-12-31"),
    ] {
        assert_eq!(Day::of(at(moment)).to_string(), day, "{moment}");
    }
    let day = Day::of(at("2026-03-01T12:00:00Z"));
    assert_eq!(day.back(1).to_string(), "2026-02-28");
    assert_eq!(day.start(), at("2026-03-01T00:00:00Z"));
    let days: Vec<String> = Day::range(day.back(2), day).map(|day| day.to_string()).collect();
    assert_eq!(days, ["2026-02-27", "2026-02-28", "2026-03-01"]);
    for strange in [i64::MIN, i64::MAX] {
        assert_eq!(Day::of(Wall(strange)).to_string(), "1970-01-01");
    }
}
