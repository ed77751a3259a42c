//! `hansho explain` on every ledger: searches, and the explanation of a finding in each of
//! its states, word for word.

use std::time::Duration;

use hansho::aws::dynamodb::DynamoLedger;
use hansho::commands::explain::answer::Explanation;
use hansho::commands::explain::gather::gather;
use hansho::commands::explain::question::{self, Question, Scope};
use hansho::commands::explain::{explanation, show};
use hansho::config::{Config, ConfigFile, Environment, load};
use hansho::embedded::{EmbeddedLedger, Store};
use hansho::finding::{self, Closing, FindingState, Level};
use hansho::instants::Wall;
use hansho::policy::ledger::{
    self, AlertRecord, Claim, ClosingStep, RecordKey, Recording, Rewind, Terms, Want,
};
use hansho::policy::pace_slots::PaceSlots;
use hansho::policy::record::{CanaryRecord, Sighting};
use hansho::policy::{canary, enqueued};
use hansho::ports::inquiry::{
    BodyFilter, Clue, Inquiry, LaneSearch, QuarantineSearch, QueueInquiry, SEARCH_RECORDS_MAX,
    WaitingMessage,
};
use hansho::ports::{DeadLetter, Depth, Lane, MessageId, Origin, QueueError, Written};

use crate::adapters::dynamodb::{fake_config, serve_table};
use crate::support::memory_ledger::MemoryLedger;

/// 2026-07-22T18:47:17.123Z
const NOW: Wall = Wall(1_784_746_037_123);
const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3600);

fn config() -> Config {
    let text = "min_severity = 'medium'\n\
        [ledger]\nretention = '90d'\n\
        [[destination]]\nname = 'security'\nwebhook = 'env:HOOK'\nfallback = 'oncall'\n\
        [[destination]]\nname = 'oncall'\nwebhook = 'env:PAGER'\nmin_severity = 'critical'\n";
    let file = ConfigFile { path: "hansho.toml".into(), text: Ok(text.to_owned()) };
    load(Some(&file), &Environment::default()).outcome.unwrap()
}

fn fingerprint(id: &str) -> String {
    format!("guardduty/111122223333/eu-west-1/{id}")
}

/// An event as GuardDuty sends it.
fn event(id: &str, severity: &str, title: &str) -> String {
    format!(
        r#"{{"version":"0","source":"aws.guardduty","detail-type":"GuardDuty Finding",
        "account":"111122223333","region":"eu-west-1","detail":{{"schemaVersion":"2.0","id":"{id}",
        "accountId":"111122223333","region":"eu-west-1","type":"Backdoor:EC2/C&CActivity.B!DNS",
        "severity":{severity},"title":"{title}","createdAt":"2026-07-22T10:00:00.000Z",
        "updatedAt":"2026-07-22T16:00:00.000Z","resource":{{}},"service":{{"count":3}}}}}}"#
    )
}

/// One worker's way with one alert, by the protocol itself.
struct Hand<'a, L> {
    ledger: &'a L,
    key: RecordKey,
    terms: Terms,
}

impl<L: Inquiry> Hand<'_, L> {
    async fn claim(&self, level: Level, at: Wall) -> AlertRecord {
        let want = Want {
            owner: "0a1b2c3d4e5f/7",
            sighting: hansho::policy::record::Sighting::open(level, Some(at)),
        };
        let seen = self.ledger.read(&self.key).await.unwrap();
        let Claim::Write { expect, record: row, .. } =
            ledger::claim(seen.as_ref(), &want, &self.terms, at)
        else {
            panic!("not to be claimed")
        };
        assert_eq!(self.ledger.write(&self.key, &expect, &row).await, Ok(Written::Done));
        row
    }

    async fn mark(&self, held: &AlertRecord, digest: &str, at: Wall) {
        let (expect, row) = ledger::mark(
            held,
            digest,
            &hansho::policy::record::Sighting::open(Level::Low, Some(at)),
            &self.terms,
            at,
        );
        assert_eq!(self.ledger.write(&self.key, &expect, &row).await, Ok(Written::Done));
    }

    async fn release(&self, held: &AlertRecord, ambiguous: bool, at: Wall) {
        let (expect, row) = ledger::release(held, ambiguous, &self.terms, at);
        assert_eq!(self.ledger.write(&self.key, &expect, &row).await, Ok(Written::Done));
    }
}

fn hand<'a, L>(ledger: &'a L, id: &str, destination: &str) -> Hand<'a, L> {
    let key = RecordKey::alert(fingerprint(id), destination);
    Hand { ledger, key, terms: config().terms() }
}

/// What a closed finding's event does to the record.
async fn close(hand: &Hand<'_, impl Inquiry>, sighting: &Sighting, at: Wall) {
    let seen = hand.ledger.read(&hand.key).await.unwrap();
    let step = ledger::close(seen.as_ref(), sighting, true, &hand.terms, at);
    let ClosingStep::Record(Recording::Write { expect, record }) = step else {
        panic!("nothing to write")
    };
    assert_eq!(hand.ledger.write(&hand.key, &expect, &record).await, Ok(Written::Done));
}

/// Incidents: one that came back and was suppressed, one that closed before anybody claimed it, and
/// one of three members.
async fn lives(ledger: &impl Inquiry) {
    let gone = FindingState::Closed(Closing::Resolved);
    let seen_at = |hours: u32| Sighting::open(Level::High, Some(NOW.minus(HOUR * hours)));
    let back = hand(ledger, "back0001", "security");
    for (hours, post) in [(9, "0191-post-1"), (5, "0191-post-2")] {
        let held = back.claim(Level::High, NOW.minus(HOUR * hours)).await;
        back.mark(&held, post, NOW.minus(HOUR * hours)).await;
        if hours == 9 {
            close(&back, &Sighting { product: gone, ..seen_at(7) }, NOW.minus(HOUR * 7)).await;
        }
    }
    let hushed = FindingState::Closed(Closing::Suppressed);
    close(&back, &Sighting { handling: Some(hushed), ..seen_at(2) }, NOW.minus(HOUR * 2)).await;
    let early = hand(ledger, "early001", "security");
    close(&early, &Sighting { product: gone, ..seen_at(2) }, NOW.minus(HOUR * 2)).await;

    let key = RecordKey::alert(CONTROL, "security");
    let control = Hand { ledger, key, terms: config().terms() };
    let member = |number: u32, hours: u32| Sighting {
        member: finding::member(&control_arn(number)),
        standard: ["PCI DSS v3.2.1", "", "NIST SP 800-53 Rev. 5"][number as usize].to_owned(),
        ..seen_at(hours)
    };
    for number in 0..3 {
        let at = NOW.minus(HOUR * (9 - number));
        let want = Want { owner: "0a1b2c3d4e5f/8", sighting: member(number, 9 - number) };
        let seen = ledger.read(&control.key).await.unwrap();
        match ledger::claim(seen.as_ref(), &want, &control.terms, at) {
            Claim::Write { expect, record, .. } => {
                ledger.write(&control.key, &expect, &record).await.unwrap();
                let (expect, row) =
                    ledger::mark(&record, "0191-post-3", &want.sighting, &control.terms, at);
                ledger.write(&control.key, &expect, &row).await.unwrap();
            }
            Claim::Join { expect, record, .. } => {
                ledger.write(&control.key, &expect, &record).await.unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    close(&control, &Sighting { product: gone, ..member(0, 3) }, NOW.minus(HOUR * 3)).await;
}

const CONTROL: &str = "securityhub/111122223333/eu-west-1/control/EC2.19/arn:aws:ec2:eu-west-1:\
                       111122223333:security-group/sg-1";

fn control_arn(number: u32) -> String {
    format!(
        "arn:aws:securityhub:eu-west-1:111122223333:security-control/EC2.19/finding/000{number}"
    )
}

/// A row of each kind.
async fn fill(ledger: &impl Inquiry) {
    let (medium, high, critical) = (Level::Medium, Level::High, Level::Critical);
    let sent = hand(ledger, "sent0001", "security");
    let held = sent.claim(high, NOW.minus(HOUR)).await;
    sent.mark(&held, "0190-post-1", NOW.minus(HOUR)).await;

    let retried = hand(ledger, "retried1", "security");
    let held = retried.claim(high, NOW.minus(HOUR)).await;
    retried.release(&held, true, NOW.minus(HOUR)).await;
    let held = retried.claim(high, NOW.minus(HOUR / 2)).await;
    retried.mark(&held, "0190-post-1", NOW.minus(HOUR / 2)).await;

    for destination in ["security", "oncall"] {
        let raised = hand(ledger, "raised01", destination);
        if destination == "security" {
            let held = raised.claim(medium, NOW.minus(DAY)).await;
            raised.mark(&held, "0190-post-2", NOW.minus(DAY)).await;
        }
        let held = raised.claim(critical, NOW.minus(HOUR)).await;
        raised.mark(&held, "0190-post-3", NOW.minus(HOUR)).await;
    }
    hand(ledger, "claimed1", "security").claim(high, NOW.minus(Duration::from_secs(10))).await;
    hand(ledger, "gone0001", "security").claim(high, NOW.minus(HOUR)).await;
    let given_up = hand(ledger, "free0001", "security");
    let held = given_up.claim(high, NOW.minus(HOUR)).await;
    given_up.release(&held, false, NOW.minus(HOUR)).await;
    let forced = hand(ledger, "forced01", "security");
    let held = forced.claim(high, NOW.minus(DAY)).await;
    forced.mark(&held, "0190-post-7", NOW.minus(DAY)).await;
    let seen = ledger.read(&forced.key).await.unwrap();
    let terms = config().terms();
    let Rewind::Write { expect, record: row } =
        ledger::rewind(seen.as_ref(), &terms, NOW.minus(HOUR))
    else {
        panic!("nothing to forget")
    };
    assert_eq!(ledger.write(&forced.key, &expect, &row).await, Ok(Written::Done));
    let rising = hand(ledger, "rising01", "security");
    let held = rising.claim(medium, NOW.minus(DAY)).await;
    rising.mark(&held, "0190-post-4", NOW.minus(DAY)).await;
    rising.claim(critical, NOW.minus(Duration::from_secs(3))).await;
    let old = hand(ledger, "old00001", "security");
    let held = old.claim(high, NOW.minus(100 * DAY)).await;
    old.mark(&held, "0190-post-5", NOW.minus(100 * DAY)).await;
    let renamed = hand(ledger, "renamed1", "channel-of-old");
    let held = renamed.claim(high, NOW.minus(DAY)).await;
    renamed.mark(&held, "0190-post-6", NOW.minus(DAY)).await;
    lives(ledger).await;
    // What is no alert's: put into the queue by a comparison; and a canary's.
    let (expect, row) = enqueued::put(None, high, &config().terms(), NOW.minus(HOUR));
    let own = |id, name| RecordKey::stored(fingerprint(id), String::from(name));
    let found = own("found001", "~reconcile");
    assert_eq!(ledger.write(&found, &expect, &row).await, Ok(Written::Done));
    let passed = canary::Passed {
        put_at: NOW.minus(HOUR),
        queued_at: None,
        received_at: NOW.minus(HOUR - Duration::from_secs(2)),
        post: canary::CanaryPost::No,
    };
    let row = CanaryRecord {
        passed,
        level: high,
        recorded_by: "w/1".to_owned(),
        fence: 1,
        expires_at: row.expires_at,
    };
    let canary = own("canary01", "(canary)");
    assert_eq!(ledger.write(&canary, &expect, &row).await, Ok(Written::Done));
    // What no search may ever show: the fleet's pace.
    let slots = PaceSlots::new("security", "w", Duration::from_secs(1), config().terms());
    let (expect, row) = slots.take("0190-post-1", NOW);
    assert_eq!(ledger.write(slots.key(), &expect, &row).await, Ok(Written::Done));
}

/// Queues with given messages.
#[derive(Default)]
pub struct FakeQueues {
    pub quarantined: Vec<DeadLetter>,
    pub waiting: Vec<WaitingMessage>,
    /// Searching is not allowed.
    pub closed: bool,
    /// As on SQS.
    pub counted: Option<Depth>,
}

impl QueueInquiry for FakeQueues {
    async fn search_quarantine(&self, filter: &BodyFilter) -> Result<QuarantineSearch, QueueError> {
        if self.closed {
            return Err(QueueError::Unavailable("sqs ReceiveMessage: AccessDenied".into()));
        }
        let messages = self.quarantined.iter().filter(|m| filter(&m.body)).cloned().collect();
        Ok(QuarantineSearch { messages, scanned: self.quarantined.len(), complete: true })
    }

    async fn search_lanes(&self, filter: &BodyFilter) -> Result<LaneSearch, QueueError> {
        if self.closed {
            return Err(QueueError::Unavailable("sqs GetQueueAttributes: AccessDenied".into()));
        }
        Ok(match self.counted {
            Some(depth) => LaneSearch::Counted(vec![(Lane::Standard, depth)]),
            None => LaneSearch::Found(
                self.waiting.iter().filter(|m| filter(&m.body)).cloned().collect(),
            ),
        })
    }
}

async fn explained(
    ledger: &impl Inquiry,
    queues: &FakeQueues,
    question: Question,
    text: &str,
) -> Explanation {
    let evidence = gather(&config(), question, text, ledger, Some(queues)).await.unwrap();
    explanation::explain(&config(), &evidence, text, NOW)
}

fn by_name(text: &str) -> Question {
    question::name(text, &Scope::default()).unwrap()
}

/// A queue of the embedded kind, with a waiting message and a quarantined one.
fn queues() -> FakeQueues {
    let waiting = WaitingMessage {
        lane: "standard".to_owned(),
        message_id: "m-1".to_owned(),
        body: event("waits001", "8", "It waits"),
        receive_count: 2,
        enqueued_at: NOW.minus(HOUR),
        visible_at: NOW.plus(HOUR / 2),
    };
    let quarantined = DeadLetter {
        id: MessageId("m-3".to_owned()),
        original_id: Some(MessageId("m-2".to_owned())),
        origin: Origin::Quarantine,
        lane: Some(Lane::Express),
        body: event("parked01", "8", "Its card was refused"),
        reason: Some("refused".to_owned()),
        detail: Some("HTTP 400: invalid_blocks".to_owned()),
        attempts: Some(1),
        enqueued_at: Some(NOW.minus(HOUR)),
        quarantined_at: Some(NOW.minus(HOUR / 2)),
    };
    let broken = DeadLetter {
        body: "{\"detail\": {\"id\": \"broken01\"".to_owned(),
        reason: Some("not_json".to_owned()),
        detail: Some("line 1 column 28: not valid\u{1b}[31m JSON".to_owned()),
        ..quarantined.clone()
    };
    FakeQueues {
        quarantined: vec![quarantined, broken],
        waiting: vec![waiting],
        ..FakeQueues::default()
    }
}

/// Every question, and its answer as people read it.
async fn everything(ledger: &impl Inquiry) -> String {
    fill(ledger).await;
    let mut all = String::new();
    let mut add = |title: &str, explanation: &Explanation| {
        all.push_str(&format!(
            "=== {title} → {}\n{}\n",
            explanation.known,
            show::text(explanation)
        ));
    };
    for name in [
        "sent0001",
        "retried1",
        "raised01",
        "claimed1",
        "gone0001",
        "free0001",
        "forced01",
        "rising01",
        "old00001",
        "renamed1",
        "0190-post-1",
        "waits001",
        "parked01",
        "broken01",
        "found001",
        "canary01",
        "never001",
        "sent00…",
        "back0001",
        "early001",
        &control_arn(2),
        &control_arn(7),
        "arn:aws:securityhub:eu-west-1:111122223333:subscription/x/finding/f1",
        "guardduty/111122223333/eu-west-1/sent0001",
        "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/never001",
    ] {
        add(name, &explained(ledger, &queues(), by_name(name), name).await);
    }
    let (counted, closed) = (
        Some(Depth { visible: 12, hidden: 3 }),
        FakeQueues { closed: true, ..FakeQueues::default() },
    );
    let on_sqs = FakeQueues { counted, ..FakeQueues::default() };
    let never = fingerprint("never001");
    add("never001, on SQS", &explained(ledger, &on_sqs, by_name(&never), &never).await);
    let empty = FakeQueues { counted: Some(Depth::default()), ..FakeQueues::default() };
    add("never001, on SQS, empty", &explained(ledger, &empty, by_name(&never), &never).await);
    add("never001, nothing allowed", &explained(ledger, &closed, by_name(&never), &never).await);
    for (id, severity) in [
        ("sent0001", "8"),
        ("sent0001", "9.5"),
        ("never001", "8"),
        ("never001", "2"),
        ("never001", "\"odd\""),
        ("claimed1", "8"),
        ("old00001", "8"),
        ("waits001", "8"),
    ] {
        let asked = question::message(&[event(id, severity, "C&C \\u001b[31mactivity")], &[]);
        add(&format!("{id} with {severity}"), &explained(ledger, &queues(), asked, "e.json").await);
    }
    let messages = [
        format!("[{},{}]", event("sent0001", "8", "One"), event("never001", "2", "Two")),
        "{\"a\":".to_owned(),
        "{\"detail\":  {\"id\":\"broken01\"".to_owned(),
    ];
    let several = question::message(&messages, &[]);
    add("several", &explained(ledger, &queues(), several, "several.json").await);
    all
}

fn assert_snapshot(actual: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/explain.txt");
    if std::env::var_os("HANSHO_TEST_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    assert!(actual == expected, "the explanation has changed; it is now:\n{actual}");
    assert!(!actual.contains('\u{1b}'), "an escape sequence of a finding's");
}

#[tokio::test]
async fn every_state_is_explained_on_the_ledger_in_memory() {
    assert_snapshot(&everything(&MemoryLedger::default()).await);
}

#[tokio::test]
async fn every_state_is_explained_on_the_embedded_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("hansho.db")).unwrap();
    assert_snapshot(&everything(&EmbeddedLedger::new(store)).await);
}

#[tokio::test]
async fn every_state_is_explained_on_dynamodb() {
    let config = fake_config(&serve_table("hansho-ledger").await);
    assert_snapshot(&everything(&DynamoLedger::new(&config, "hansho-ledger")).await);
}

#[tokio::test]
async fn the_json_has_what_the_lines_have() {
    let ledger = MemoryLedger::default();
    fill(&ledger).await;
    let explanation = explained(&ledger, &queues(), by_name("raised01"), "raised01").await;
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["known"], true);
    assert_eq!(json["asked"], "raised01");
    let finding = &json["findings"][0];
    assert_eq!(finding["finding"], fingerprint("raised01"));
    let security = &finding["destinations"][0];
    for (key, expected) in [
        ("destination", "security".into()),
        ("configured", true.into()),
        ("owed", serde_json::Value::Null),
        ("min_severity", "medium and above".into()),
        ("state", "sent".into()),
        ("expired", false.into()),
        ("level_sent", "critical".into()),
        ("sent_at", "2026-07-22T17:47:17Z".into()),
        ("post_id", "0190-post-3".into()),
        ("attempts", 0.into()),
        ("fence", 2.into()),
        ("lease_alive", serde_json::Value::Null),
    ] {
        assert_eq!(security[key], expected, "{key}");
    }
    let mut events = finding["events"].as_array().unwrap().iter();
    let posted = events.find(|event| event["event"] == "posted").unwrap();
    assert_eq!((&posted["event"], &posted["at"]), (&"posted".into(), &security["sent_at"]));
    let arn = control_arn(0);
    let control = explained(&ledger, &queues(), by_name(&arn), &arn).await;
    let json = serde_json::to_value(&control).unwrap();
    assert_eq!(json["findings"][0]["finding"], CONTROL);
    let incident = &json["findings"][0]["destinations"][0]["incident"];
    assert_eq!((&incident["open"], &incident["comebacks"]), (&true.into(), &0.into()));
    let first = &incident["members"][0];
    assert_eq!(first["standard"], "PCI DSS v3.2.1");
    assert_eq!(first["closed"]["why"], "resolved");
    assert_eq!(first["closed"]["by"], "product");
    assert_eq!(incident["members"][2]["closed"], serde_json::Value::Null);
    let quarantined = explained(&ledger, &queues(), by_name("parked01"), "parked01").await;
    let json = serde_json::to_value(&quarantined).unwrap();
    let events = json["findings"][0]["events"].as_array().unwrap();
    let quarantined = events.iter().find(|e| e["event"] == "quarantined").unwrap();
    assert_eq!(quarantined["reason"], "refused");
    assert_eq!(quarantined["message_id"], "m-2");
    assert_eq!(quarantined["lane"], "express");
}

/// What every ledger that can be searched promises.
async fn a_search_finds_what_fits(ledger: &impl Inquiry) {
    fill(ledger).await;
    let rows = ledger.records_of(&fingerprint("raised01")).await.unwrap();
    let names: Vec<&str> = rows.iter().map(|(key, _)| key.destination()).collect();
    assert_eq!(names, ["oncall", "security"]);
    assert_eq!(ledger.records_of(&fingerprint("raised0")).await.unwrap(), []);
    let clue = |id: &str, prefix| Clue { ids: vec![id.to_owned()], prefix, ..Clue::default() };
    for (clue, found) in [
        (clue("raised01", false), 2),
        (clue("raised0", false), 0),
        (clue("raised0", true), 2),
        (clue("0190-post-1", false), 2),
        (clue("0190-post-", true), 8),
        (clue("pace", true), 0),
        (clue("security", true), 0),
        (clue("%", false), 0),
        (Clue { region: Some("eu-west-2".to_owned()), ..clue("raised01", false) }, 0),
        (Clue { account: Some("111122223333".to_owned()), ..clue("raised01", false) }, 2),
        (Clue { ids: vec!["sent0001".into(), "raised01".into()], ..Clue::default() }, 3),
        (Clue::default(), 0),
    ] {
        let answer = ledger.search(&clue).await.unwrap();
        assert_eq!(answer.records.len(), found, "{clue:?}: {:?}", answer.records);
        assert!(answer.complete && answer.unreadable == 0, "{clue:?}");
        assert!(answer.records.is_sorted_by_key(|(key, _)| key.clone()));
    }
}

/// More than a search shows, and, on DynamoDB, more than a page.
async fn a_search_is_bounded(ledger: &impl Inquiry) {
    for n in 0..SEARCH_RECORDS_MAX + 5 {
        hand(ledger, &format!("many{n:04}"), "security").claim(Level::High, NOW).await;
    }
    let clue = Clue { ids: vec!["many".to_owned()], prefix: true, ..Clue::default() };
    let answer = ledger.search(&clue).await.unwrap();
    assert_eq!((answer.records.len(), answer.complete), (SEARCH_RECORDS_MAX, false));
}

#[tokio::test]
async fn the_ledger_in_memory_can_be_searched() {
    a_search_finds_what_fits(&MemoryLedger::default()).await;
    a_search_is_bounded(&MemoryLedger::default()).await;
}

#[tokio::test]
async fn the_embedded_ledger_can_be_searched() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| EmbeddedLedger::new(Store::open(&folder.path().join(name)).unwrap());
    a_search_finds_what_fits(&open("a.db")).await;
    a_search_is_bounded(&open("b.db")).await;
}

#[tokio::test]
async fn the_ledger_on_dynamodb_can_be_searched() {
    for bounded in [false, true] {
        let config = fake_config(&serve_table("hansho-ledger").await);
        let ledger = DynamoLedger::new(&config, "hansho-ledger");
        match bounded {
            false => a_search_finds_what_fits(&ledger).await,
            true => a_search_is_bounded(&ledger).await,
        }
    }
}
