use super::*;
use crate::finding::parse;
use crate::policy::matcher::{AccountFacts, Directory};

const NOW: Wall = Wall(1_790_000_000_000);
const RECON: &str = "Recon:EC2/PortProbeUnprotectedPort";

struct Nobody;

impl Directory for Nobody {
    fn account(&self, _: &str) -> Option<&dyn AccountFacts> {
        None
    }
}

fn finding(kind: &str, severity: f64) -> Finding {
    let raw = format!(
        r#"{{"schemaVersion":"2.0","id":"0A1b","severity":{severity},"accountId":"111122223333",
        "region":"eu-west-1","type":"{kind}","service":{{}},
        "resource":{{"resourceType":"Instance","instanceDetails":{{"instanceId":"i-0abc",
        "instanceType":"t3.micro","tags":[{{"key":"Name","value":"web, 1"}}]}}}}}}"#
    );
    parse(&raw).findings.remove(0)
}

fn silence(id: &str, types: &[&str]) -> Silence {
    let mut matcher = Matcher::default();
    if !types.is_empty() {
        matcher.add(false, MatchKey::Type, types).unwrap();
    }
    Silence {
        id: id.to_owned(),
        matcher,
        findings: Vec::new(),
        resources: Vec::new(),
        covers: Level::High,
        from: NOW,
        until: NOW.plus(DAY),
        because: Text::new("a scan", 100),
        owner: None,
    }
}

fn with(change: impl FnOnce(&mut Silence)) -> Silence {
    let mut changed = silence("a", &["Recon:*"]);
    change(&mut changed);
    changed
}

fn found(silences: &Silences, finding: &Finding, now: Wall) -> Option<String> {
    let subject = Subject::of(finding, &Nobody);
    silences.find(&subject, finding, now).map(|silence| silence.id.clone())
}

fn kept(silence: Silence, finding: &Finding, now: Wall) -> bool {
    found(&Silences::new(vec![silence]).unwrap(), finding, now).is_some()
}

fn globs(texts: &[&str]) -> Vec<Glob> {
    texts.iter().map(|text| Glob::new(text)).collect()
}

#[test]
fn a_silence_keeps_back_what_it_names_covers_and_is_in_force_for() {
    let high = finding(RECON, 8.0);
    let by = |add: &dyn Fn(&mut Silence)| kept(with(|silence| add(silence)), &high, NOW);
    let unnamed = |add: &dyn Fn(&mut Silence)| {
        let mut silence = silence("a", &[]);
        add(&mut silence);
        kept(silence, &high, NOW)
    };
    for (is, expected, what) in [
        (by(&|_| ()), true, "the type"),
        (by(&|s| s.covers = Level::Medium), false, "worse than covered"),
        (by(&|s| s.from = NOW.plus(DAY)), false, "to come"),
        (by(&|s| s.until = NOW), false, "ended"),
        (by(&|s| s.findings = vec!["0A1b".into()]), true, "the id as well"),
        (by(&|s| s.findings = vec!["0a1b".into()]), false, "another id"),
        (by(&|s| s.resources = globs(&["i-0ab?"])), true, "a word of the resource"),
        (by(&|s| s.resources = globs(&["t3.*", "x"])), true, "another word"),
        (by(&|s| s.resources = globs(&["EC2 instance i-0abc*"])), true, "the whole resource"),
        (by(&|s| s.resources = globs(&["0abc"])), false, "a part of a word"),
        (unnamed(&|s| s.findings = vec!["0A1b".into()]), true, "the id alone"),
        (unnamed(&|s| s.findings = vec!["0A1".into()]), false, "the begin of an id"),
        (unnamed(&|s| s.resources = globs(&["I-0ABC"])), true, "the resource alone"),
    ] {
        assert_eq!(is, expected, "{what}");
    }
    let rule = |not, key, pattern: &str| {
        let add = |s: &mut Silence| s.matcher.add(not, key, [pattern]).unwrap();
        kept(with(add), &high, NOW)
    };
    assert!(rule(false, MatchKey::Account, "111122223333"));
    assert!(!rule(false, MatchKey::Account, "444455556666"));
    assert!(!rule(true, MatchKey::Region, "eu-*"));
    let before = NOW.plus(DAY).minus(Duration::from_millis(1));
    assert!(kept(with(|_| ()), &high, before) && !kept(with(|_| ()), &high, NOW.plus(DAY)));
}

#[test]
fn some_findings_are_never_kept_back() {
    let all = || with(|silence| silence.covers = Level::Critical);
    assert!(kept(all(), &finding(RECON, 9.0), NOW));
    let requested = Finding { requested_by: Some(Text::new("x", 9)), ..finding(RECON, 8.0) };
    let canary = Some(crate::finding::Canary { put_at: None, post: true });
    let canary = Finding { canary, ..finding(RECON, 8.0) };
    let mut archived = finding(RECON, 8.0);
    archived.condition = parse(
        r#"{"schemaVersion":"2.0","id":"f","severity":8,"accountId":"111122223333",
        "region":"eu-west-1","type":"Recon:EC2/x","service":{"archived":true},"resource":{}}"#,
    )
    .findings
    .remove(0)
    .condition;
    assert!(archived.condition.is_closed());
    for exempt in [requested, canary, archived] {
        assert!(!kept(all(), &exempt, NOW));
    }
}

#[test]
fn what_is_not_a_silence_is_refused() {
    use BadSilence as Bad;
    let bare = |change: &dyn Fn(&mut Silence)| {
        let mut silence = silence("a", &[]);
        change(&mut silence);
        silence
    };
    let rule = |key, pattern: &str| {
        let mut silence = silence("a", &[]);
        silence.matcher.add(false, key, [pattern]).unwrap();
        silence
    };
    let critical = |mut silence: Silence| {
        silence.covers = Level::Critical;
        silence
    };
    let long = "é".repeat(301);
    for (silence, expected) in [
        (with(|_| ()), Ok(())),
        (with(|s| s.id = "Weekly".into()), Err(Bad::Id)),
        (with(|s| s.id = String::new()), Err(Bad::Id)),
        (with(|s| s.id = "a".repeat(41)), Err(Bad::Id)),
        (bare(&|_| ()), Err(Bad::Unnamed)),
        (rule(MatchKey::Account, "111122223333"), Err(Bad::Unnamed)),
        (rule(MatchKey::Type, "**"), Err(Bad::Anything)),
        (bare(&|s| s.resources = globs(&["*?"])), Err(Bad::Anything)),
        (bare(&|s| s.resources = globs(&["web-*"])), Ok(())),
        (bare(&|s| s.resources = globs(&[""])), Err(Bad::Resources)),
        (bare(&|s| s.resources = globs(&["x"; 101])), Err(Bad::Resources)),
        (bare(&|s| s.findings = vec!["f".into()]), Ok(())),
        (bare(&|s| s.findings = vec![String::new()]), Err(Bad::Findings)),
        (bare(&|s| s.findings = vec!["f".repeat(513)]), Err(Bad::Findings)),
        (bare(&|s| s.findings = vec!["f".repeat(500); 100]), Err(Bad::TooLarge)),
        (critical(with(|_| ())), Ok(())),
        (critical(rule(MatchKey::Type, "*:EC2/*")), Err(Bad::Critical)),
        (critical(bare(&|s| s.findings = vec!["f".into()])), Err(Bad::Critical)),
        (
            with(|s| s.matcher.add(false, MatchKey::Level, ["low", "critical"]).unwrap()),
            Err(Bad::Level),
        ),
        (with(|s| s.because = Text::default()), Err(Bad::Because)),
        (with(|s| s.because = Text::new(&long, 400)), Err(Bad::Because)),
        (with(|s| s.owner = Some(Text::default())), Err(Bad::Owner)),
        (with(|s| s.owner = Some(Text::new(&long, 101))), Err(Bad::Owner)),
    ] {
        assert_eq!(silence.check(), expected, "{silence:?}");
    }
    for (from, until, expected) in [
        (0, 1, Ok(())),
        (0, 90, Ok(())),
        (-5, 1, Ok(())),
        (1, 90, Ok(())),
        (0, 91, Err(Bad::TooLong)),
        (-1, 0, Err(Bad::Ended)),
        (5, 4, Err(Bad::Ended)),
    ] {
        let day = |n: i64| Wall(NOW.0 + n * 86_400_000);
        let silence = with(|s| (s.from, s.until) = (day(from), day(until)));
        assert_eq!(silence.check_times(NOW), expected, "{from} {until}");
    }
    let two = vec![silence("a", &["x"]), silence("a", &["y"])];
    assert_eq!(Silences::new(two), Err(Bad::Twice));
    let many = (0..=SILENCES_MAX).map(|n| silence(&n.to_string(), &["x"])).collect();
    assert_eq!(Silences::new(many), Err(Bad::TooMany));
}

#[test]
fn ids_are_read_in_every_form() {
    for (written, id) in [
        (" 0a1b ", "0a1b"),
        ("guardduty/111122223333/eu-west-1/0a1b", "0a1b"),
        ("arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/0a1b", "0a1b"),
        ("inspector/1/r/a/b", "a/b"),
        ("a/b/c/d", "a/b/c/d"),
        ("guardduty/1", "guardduty/1"),
    ] {
        assert_eq!(product_id(written), id);
    }
}

#[test]
fn silences_are_read_as_they_were_written() {
    let mut silences: Vec<Silence> = (0..SILENCES_MAX)
        .map(|n| {
            let mut silence = silence(&format!("s{n}"), &["Recon:*", "\"\\"]);
            silence.because = Text::new(&"é\"\\".repeat(99), 300);
            silence.matcher.add(true, MatchKey::AccountTag, ["Team=a=b"]).unwrap();
            silence.owner = (n % 2 == 0).then(|| Text::new("team", 9));
            silence
        })
        .collect();
    silences[0].findings = vec!["f\u{1}".into()];
    silences[0].resources = globs(&["web-*"]);
    let silences = Silences::new(silences).unwrap();
    let parts = silences.parts().unwrap();
    assert!(parts.len() > 1 && parts.iter().all(|part| part.len() < 400_000));
    let (again, unreadable) = Silences::of_parts(parts.iter().map(String::as_str));
    assert_eq!((&again, unreadable), (&silences, 0));
    let none = Silences::default().parts().unwrap();
    assert_eq!(none, ["[]"]);
    let large =
        |n: usize| with(|s| (s.id, s.findings) = (n.to_string(), vec!["f".repeat(300); 50]));
    let large = Silences::new((0..200).map(large).collect()).unwrap();
    assert_eq!(large.parts(), Err(BadSilence::Full));
}

#[test]
fn a_newer_silence_is_not_in_force_and_others_are() {
    let known = with(|_| ()).entry().json();
    let newer = known.replace(r#""covers""#, r#""new":1,"covers""#).replace("\"a\"", "\"b\"");
    let rule = known.replace(r#""type":"#, r#""colour":"#).replace("\"a\"", "\"c\"");
    let part = format!("[{known},{newer},{rule},7]");
    let (silences, unreadable) = Silences::of_parts([part.as_str(), "{"]);
    assert_eq!((silences.iter().len(), unreadable), (1, 4));
    assert!(silences.get("a").is_some());
}

/// Against all silences asked one after the other.
#[test]
fn the_index_finds_what_a_search_of_all_finds() {
    let mut random = fastrand::Rng::with_seed(16);
    let kinds =
        [RECON, "Recon:EC2/Portscan", "Policy:S3/x", "recon:ec2/é", "\u{212a}ms:a", "kms:b"];
    let types =
        ["Recon:*", "recon:ec2/port*", "*scan", "*:ec2/*SCAN", "k*", "?ms:a", "Policy:S3/x", RECON];
    let (accounts, words) = (["111122223333", "444455556666"], ["i-0abc", "web", "w*", "t3.micro"]);
    let mut hits = 0;
    for _ in 0..300 {
        let silences = (0..random.usize(0..12)).map(|n| {
            let mut silence = silence(&format!("{n:02}"), &[]);
            let kind = random.usize(0..4);
            if kind != 1 {
                let some = random.choose_multiple(types, 1 + n % 2);
                silence.matcher.add(false, MatchKey::Type, some).unwrap();
            }
            if kind == 0 {
                let some = random.choose_multiple(accounts, 1 + n % 2);
                silence.matcher.add(false, MatchKey::Account, some).unwrap();
            }
            if kind == 1 || random.bool() {
                silence.resources = globs(&random.choose_multiple(words, 1));
            }
            if kind == 2 {
                silence.findings = vec![["0A1b", "0a1b"][random.usize(0..2)].to_owned()];
            }
            silence
        });
        let silences = Silences::new(silences.collect()).unwrap();
        for kind in kinds {
            let finding = finding(kind, 5.0);
            let subject = Subject::of(&finding, &Nobody);
            let expected = silences.iter().find(|silence| silence.names(&subject, &finding));
            let expected = expected.map(|silence| silence.id.clone());
            hits += usize::from(expected.is_some());
            assert_eq!(found(&silences, &finding, NOW), expected, "{kind} {silences:#?}");
        }
    }
    assert!((100..1700).contains(&hits), "{hits}");
}
