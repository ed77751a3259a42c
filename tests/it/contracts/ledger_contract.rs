//! The contract of `ports::Ledger`, as one suite that each adapter and each fake passes. To add
//! one, implement [`Harness`] for it and call [`exercise`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hansho::commands::accounts::directory;
use hansho::commands::counts::counter::Counter;
use hansho::commands::silence::store;
use hansho::desk::Report;
use hansho::finding::{Closing, Level, Text};
use hansho::instants::Wall;
use hansho::policy::counting::{Adding, Pending, add};
use hansho::policy::day_counts::{CountKey, CountedAs, Day, DayCounts, SilencedKey};
use hansho::policy::directory::{KeptTags, Source};
use hansho::policy::ledger::{Claim, Terms, Want, claim, mark, marked_by, release};
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::policy::record::{
    About, AcceptedPost, AlertRecord, AlertRecordState, Closed, ClosedBy, DayCountsRecord, Earlier,
    Expect, Incident, Record, RecordKey, RecordKind, Sighting, Stamp, Versioned,
};
use hansho::policy::silence::{Silence, Silences};
use hansho::ports::listing::Listing;
use hansho::ports::{
    AccountEntry, Accounts, Consistency, Lane, Ledger, PREFETCH_MAX, Prefetched, Written,
};

use super::stored_rows;

/// Makes the ledgers for the suite.
pub trait Harness: Sync {
    type Ledger: Listing + 'static;

    /// A ledger without records. Those made before may still be in use, and share none with it.
    fn fresh(&self) -> impl Future<Output = Self::Ledger> + Send;
}

/// The whole suite. It needs a runtime with several threads, so that the races are races.
pub async fn exercise(harness: &impl Harness) {
    exercise_in_turn(harness).await;
    exercise_races(harness).await;
}

/// The promises to a single user of the ledger.
pub async fn exercise_in_turn(harness: &impl Harness) {
    an_alert_is_read_as_it_was_written(&harness.fresh().await).await;
    each_kind_of_record_is_read_as_it_was_written(&harness.fresh().await).await;
    a_directory_is_read_as_it_was_written(&harness.fresh().await).await;
    silences_are_read_as_they_were_written(&harness.fresh().await).await;
    a_replaced_record_keeps_nothing_of_the_old_one(&harness.fresh().await).await;
    each_expectation_holds_for_what_it_says(&harness.fresh().await).await;
    keys_are_exact(&harness.fresh().await).await;
    an_alert_is_claimed_posted_and_raised(&harness.fresh().await).await;
    a_repeated_mark_is_recognised(&harness.fresh().await).await;
    records_are_prefetched(&harness.fresh().await).await;
    alerts_are_listed(&harness.fresh().await).await;
    the_fullest_day_is_read_as_it_was_written(&harness.fresh().await).await;
}

/// The promise that the check and the write are one step.
pub async fn exercise_races(harness: &impl Harness) {
    one_of_many_claimants_wins(Arc::new(harness.fresh().await)).await;
    a_mark_and_a_take_over_never_both_succeed(Arc::new(harness.fresh().await)).await;
    counts_of_many_workers_are_all_added(Arc::new(harness.fresh().await)).await;
}

const SOURCE: Source = Source::Organization(KeptTags::All);
const NOW: Wall = Wall(1_784_746_037_123);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: Some(Duration::from_secs(86_400)),
};
/// When a lease that was taken at `NOW` is over.
const LATER: Wall = Wall(NOW.0 + 50_000);
const CLAIMANTS: usize = 32;
const RACES: usize = 5;

fn key(fingerprint: &str, destination: &str) -> RecordKey {
    RecordKey::alert(fingerprint, destination)
}

fn free() -> AlertRecord {
    AlertRecord {
        lease_until: Wall(NOW.0 - 1),
        expires_at: Wall(1_792_522_038_000),
        ..AlertRecord::unposted(3)
    }
}

fn claimed() -> AlertRecord {
    claimed_after(Earlier::None)
}

fn claimed_after(earlier: Earlier) -> AlertRecord {
    let owner = "worker-1".into();
    AlertRecord { state: AlertRecordState::Claimed { owner, level: Level::Low, earlier }, ..free() }
}

fn post(level: Level) -> AcceptedPost {
    AcceptedPost {
        level,
        revision: Some(Wall(1_784_746_037_001)),
        sent_at: NOW,
        due_at: Some(Wall(NOW.0 + 1)),
        post_id: "post-1".into(),
    }
}

fn posted(post: AcceptedPost) -> AlertRecord {
    let state = AlertRecordState::Posted { post, marked_by: Some("worker-1".into()) };
    AlertRecord { state, ..free() }
}

fn sent() -> AlertRecord {
    posted(post(Level::High))
}

/// Every field there, none at zero, and the numbers as large as an adapter has to take them: beyond
/// those that a floating-point number holds exactly.
/// An incident with a comeback, and a member with a name that a query could trip over.
fn fullest_incident() -> Incident {
    let closed = |at| {
        let at = Stamp { updated_at: Some(Wall(at)), observed_at: None };
        Closed { at, why: Closing::Suppressed, by: ClosedBy::Person }
    };
    let sighting =
        Sighting { standard: "PCI".into(), ..Sighting::open(Level::High, Some(Wall(3))) };
    let sighting = Sighting { member: "ö\"' 半鐘".into(), ..sighting };
    let (seen, _) = Incident::default().see(&sighting, None);
    seen.close(closed(4)).open(Wall(5), true).close(closed(i64::MAX))
}

fn fullest() -> AlertRecord {
    let before = AcceptedPost {
        level: Level::Informational,
        revision: Some(Wall(i64::MAX)),
        sent_at: Wall(253_402_300_799_999),
        due_at: Some(Wall(-1)),
        post_id: "d".repeat(36),
    };
    AlertRecord {
        state: AlertRecordState::Claimed {
            owner: "ö\"\\ 👀 \u{202e}".into(),
            level: Level::Critical,
            earlier: Earlier::Posted(before),
        },
        fence: i64::MAX as u64,
        lease_until: Wall(9_007_199_254_740_993),
        attempts: u32::MAX,
        ambiguous: u32::MAX - 1,
        incident: fullest_incident(),
        about: About { kind: "ö\"\\ 半鐘".into(), resource: "'; -- \u{1f514}".into() },
        expires_at: Wall(253_402_300_799_000),
    }
}

async fn put(ledger: &impl Ledger, key: &RecordKey, row: &AlertRecord) {
    let written = ledger.write(key, &Expect::Absent, row).await;
    assert_eq!(written, Ok(Written::Done), "the first row at {key:?}");
}

async fn an_alert_is_read_as_it_was_written(ledger: &impl Ledger) {
    let levels = Level::ALL.map(|level| posted(post(level)));
    let rows = [free(), claimed(), sent(), fullest()].into_iter().chain(levels);
    for (n, row) in rows.enumerate() {
        let key = key(&format!("f{n}"), "d");
        assert_eq!(ledger.read_any(&key).await, Ok(None));
        put(ledger, &key, &row).await;
        assert_eq!(ledger.read(&key).await, Ok(Some(row.clone())));
        let lost = ledger.write(&key, &Expect::Absent, &free()).await;
        assert_eq!(lost, Ok(Written::Lost(Some(row))), "a lost race brings the whole record");
    }
}

/// In each of its states, one after the other.
async fn each_kind_of_record_is_read_as_it_was_written(ledger: &impl Ledger) {
    let mut expects = BTreeMap::new();
    for (key, record) in stored_rows::records() {
        let expect = expects.remove(&key).unwrap_or(Expect::Absent);
        let written = ledger.write_any(&key, &expect, record.clone()).await;
        assert_eq!(written, Ok(Written::Done), "{record:?}");
        expects.insert(key.clone(), record.as_seen());
        assert_eq!(ledger.read_any(&key).await, Ok(Some(record)));
    }
}

/// A part of the account directory is the largest record.
async fn a_directory_is_read_as_it_was_written(ledger: &impl Ledger) {
    let mut accounts = Accounts::default();
    for n in 0..4_000 {
        let entry = AccountEntry {
            id: format!("{n:012}"),
            name: "\"é\"".repeat(12),
            tags: [("n".to_owned(), n.to_string())].into(),
            ..AccountEntry::default()
        };
        accounts.insert(&entry).unwrap();
    }
    let read = async || {
        let head = directory::head(ledger).await.unwrap().unwrap();
        let parts = directory::parts(ledger, &head).await.unwrap();
        (directory::under(&Accounts::default(), &parts).unwrap(), head)
    };
    assert_eq!(directory::head(ledger).await, Ok(None));
    let first = directory::write(ledger, &accounts, &SOURCE, NOW).await.unwrap();
    assert!(first.parts > 1);
    assert_eq!(read().await, (accounts.clone(), first.clone()));
    let later = NOW.plus(Duration::from_secs(24 * 3600));
    let again = directory::write(ledger, &accounts, &SOURCE, later).await.unwrap();
    assert_eq!((again.written_at, again.stored_at), (later, NOW), "only the head was written");
    accounts.add("999999999999", "new").unwrap();
    let other = directory::write(ledger, &accounts, &SOURCE, later).await.unwrap();
    assert_eq!(read().await, (accounts, other));
    let old = directory::parts(ledger, &first).await;
    assert!(old.is_ok(), "whoever reads the old version still can");
}

async fn silences_are_read_as_they_were_written(ledger: &impl Ledger) {
    let mut matcher = Matcher::default();
    matcher.add(false, MatchKey::Type, ["Recon:*", "\"é\""]).unwrap();
    let silence = |n: usize| Silence {
        id: format!("s{n:03}"),
        matcher: matcher.clone(),
        findings: Vec::new(),
        resources: Vec::new(),
        covers: Level::High,
        from: NOW.whole_second(),
        until: NOW.whole_second().plus(Duration::from_secs(86_400)),
        because: Text::new(&"é".repeat(300), 300),
        owner: None,
    };
    for range in [0..600, 600..601] {
        let more: Vec<Silence> = range.map(silence).collect();
        let add = |all: &mut Vec<Silence>| {
            all.extend(more.clone());
            Ok(())
        };
        store::change(ledger, NOW, add).await.unwrap();
    }
    let all = Silences::new((0..601).map(silence).collect()).unwrap();
    assert!(all.parts().unwrap().len() > 1);
    assert_eq!(store::read(ledger).await.unwrap().silences, all);
    assert_eq!(
        directory::head(ledger).await,
        Ok(None),
        "the account directory is another document"
    );
}

async fn a_replaced_record_keeps_nothing_of_the_old_one(ledger: &impl Ledger) {
    let (key, full) = (key("f", "d"), fullest());
    put(ledger, &key, &full).await;
    let expect = Expect::Held { owner: full.version().owner.to_owned(), fence: full.fence };
    assert_eq!(ledger.write(&key, &expect, &free()).await, Ok(Written::Done));
    assert_eq!(ledger.read(&key).await, Ok(Some(free())));
}

/// Against no record and one of each state: [`Expect::holds`] is the definition.
async fn each_expectation_holds_for_what_it_says(ledger: &impl Ledger) {
    let replacement = AcceptedPost { post_id: "replacement".into(), ..post(Level::High) };
    let replacement = AlertRecord { fence: 99, ..posted(replacement) };
    let rows = [None, Some(free()), Some(claimed()), Some(sent())];
    for (r, row) in rows.into_iter().enumerate() {
        for (e, expect) in expectations().into_iter().enumerate() {
            let key = key(&format!("f{r}"), &format!("d{e}"));
            if let Some(row) = &row {
                put(ledger, &key, row).await;
            }
            let written = ledger.write(&key, &expect, &replacement).await;
            let (answer, after) = if expect.holds(row.as_ref()) {
                (Written::Done, Some(replacement.clone()))
            } else {
                (Written::Lost(row.clone()), row.clone())
            };
            assert_eq!(written, Ok(answer), "{expect:?} against {row:?}");
            assert_eq!(ledger.read(&key).await, Ok(after), "after {expect:?} against {row:?}");
        }
    }
}

/// For each record the condition that holds for it, and those that differ in one part alone.
fn expectations() -> Vec<Expect> {
    let mut all = vec![Expect::Absent];
    for row in [free(), claimed(), sent()] {
        let (state, fence, lease_until) = (row.version().state, row.fence, row.lease_until);
        all.extend([
            Expect::Seen { state, fence, lease_until },
            Expect::Seen { state, fence: fence + 1, lease_until },
            Expect::Seen { state, fence: fence - 1, lease_until },
            Expect::Seen { state, fence, lease_until: Wall(lease_until.0 + 1) },
        ]);
    }
    let (owner, fence) = ("worker-1".to_owned(), claimed().fence);
    all.extend([
        Expect::Held { owner: owner.clone(), fence },
        Expect::Held { owner: owner.clone(), fence: fence + 1 },
        Expect::Held { owner: "worker-2".into(), fence },
        Expect::Held { owner: owner.to_uppercase(), fence },
        Expect::Held { owner: String::new(), fence },
    ]);
    all
}

async fn keys_are_exact(ledger: &impl Ledger) {
    let long = "i".repeat(600);
    let keys = [
        key("f", "d"),
        key("f", "e"),
        key("F", "d"),
        key("g", "d"),
        key("fd", "d"),
        key("f", "dd"),
        key(&format!("{long}1"), &"d".repeat(80)),
        key(&format!("{long}2"), &"d".repeat(80)),
        key("guardduty/123456789012/eu-west-1/a/b", "security team"),
        key("guardduty/123456789012/eu-west-1/a", "b/security team"),
        key("半鐘 \u{1f514} '; -- %_\"\\", "é"),
        key("半鐘 \u{1f514} '; -- %_\"\\", "e\u{301}"),
    ];
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(ledger.read_any(key).await, Ok(None), "{key:?} is another's record");
        put(ledger, key, &AlertRecord { fence: n as u64, ..sent() }).await;
    }
    for (n, key) in keys.iter().enumerate() {
        let row: AlertRecord = ledger.read(key).await.expect("a read").expect("a record");
        assert_eq!(row.fence, n as u64, "{key:?} was overwritten by another's row");
    }
}

/// All alerts of a ledger, in the order of their pages.
async fn listed(ledger: &impl Listing) -> Vec<(RecordKey, AlertRecord)> {
    let (mut all, mut from) = (Vec::new(), None);
    loop {
        let page = ledger.alerts(from).await.expect("a page");
        assert_eq!(page.unreadable, 0);
        all.extend(page.alerts);
        from = page.next;
        if from.is_none() {
            return all;
        }
    }
}

/// Each once, those of a finding one after the other, and no record of another kind.
async fn alerts_are_listed(ledger: &impl Listing) {
    assert_eq!(listed(ledger).await, []);
    let mut written = BTreeMap::new();
    for (key, record) in stored_rows::records() {
        if record.kind() != RecordKind::Alert {
            let expect =
                written.remove(&key).map_or(Expect::Absent, |known: Record| known.as_seen());
            ledger.write_any(&key, &expect, record.clone()).await.expect("a write");
            written.insert(key, record);
        }
    }
    directory::write(ledger, &Accounts::default(), &SOURCE, NOW).await.expect("a directory");
    let long = "i".repeat(1_500);
    let mut alerts = BTreeMap::new();
    for n in 0..400_u64 {
        for destination in ["a", "b", "ö\""].into_iter().take(1 + n as usize % 3) {
            let key = key(&format!("guardduty/123456789012/eu-west-1/{n}-{long}"), destination);
            let record = AlertRecord { fence: n, ..if n % 2 == 0 { sent() } else { fullest() } };
            put(ledger, &key, &record).await;
            alerts.insert(key, record);
        }
    }
    let all = listed(ledger).await;
    let mut findings: Vec<&str> = all.iter().map(|(key, _)| key.fingerprint()).collect();
    findings.dedup();
    assert_eq!(findings.len(), 400, "the records of a finding follow one another");
    assert_eq!(all.len(), alerts.len(), "each record once");
    assert!(BTreeMap::from_iter(all) == alerts);
}

/// The answer of `claim` to the record as it is now.
async fn next_claim(
    ledger: &impl Ledger,
    key: &RecordKey,
    owner: &str,
    level: Level,
    now: Wall,
) -> Claim {
    let seen = ledger.read(key).await.expect("a read");
    claim(seen.as_ref(), &Want { owner, sighting: Sighting::open(level, Some(now)) }, &TERMS, now)
}

/// Claims an alert that can be claimed, and answers with the claimed record.
async fn take(
    ledger: &impl Ledger,
    key: &RecordKey,
    owner: &str,
    level: Level,
    now: Wall,
) -> AlertRecord {
    let answer = next_claim(ledger, key, owner, level, now).await;
    let Claim::Write { expect, record: row, .. } = answer else {
        panic!("not to be claimed: {answer:?}")
    };
    assert_eq!(ledger.write(key, &expect, &row).await, Ok(Written::Done));
    row
}

async fn do_write(
    ledger: &impl Ledger,
    key: &RecordKey,
    (expect, row): (Expect, AlertRecord),
) -> Written<AlertRecord> {
    ledger.write(key, &expect, &row).await.expect("a write")
}

/// Claimed, released, claimed again, lost to another owner, posted, raised, and already posted.
async fn an_alert_is_claimed_posted_and_raised(ledger: &impl Ledger) {
    let key = key("f", "d");
    let first = take(ledger, &key, "a", Level::Medium, NOW).await;
    assert_eq!(do_write(ledger, &key, release(&first, true, &TERMS, NOW)).await, Written::Done);
    let second = take(ledger, &key, "a", Level::Medium, NOW).await;
    assert_eq!((second.fence, second.attempts, second.ambiguous), (2, 1, 1));
    let second = take(ledger, &key, "a", Level::Medium, NOW).await;
    assert_eq!(second.fence, 3, "an answer was lost, and it claims again");
    let busy = next_claim(ledger, &key, "b", Level::Medium, NOW).await;
    assert_eq!(busy, Claim::Busy { until: LATER });

    let third = take(ledger, &key, "b", Level::Medium, LATER).await;
    let fenced = do_write(
        ledger,
        &key,
        mark(&second, "post-a", &Sighting::open(Level::High, None), &TERMS, LATER),
    )
    .await;
    assert_eq!(fenced, Written::Lost(Some(third.clone())), "a has lost its claim");
    let marked = mark(&third, "post-b", &Sighting::open(Level::High, Some(LATER)), &TERMS, LATER);
    assert_eq!(do_write(ledger, &key, marked).await, Written::Done);
    let posted = next_claim(ledger, &key, "a", Level::Medium, LATER).await;
    assert_eq!(posted, Claim::AlreadyPosted { level: Level::Medium });

    let fourth = take(ledger, &key, "a", Level::Critical, LATER).await;
    assert_eq!((fourth.fence, fourth.escalated_from()), (5, Some(Level::Medium)));
    let marked = mark(&fourth, "post-c", &Sighting::open(Level::High, Some(LATER)), &TERMS, LATER);
    assert_eq!(do_write(ledger, &key, marked.clone()).await, Written::Done);
    assert_eq!(ledger.read(&key).await, Ok(Some(marked.1)));
}

async fn a_repeated_mark_is_recognised(ledger: &impl Ledger) {
    let key = key("f", "d");
    let held = take(ledger, &key, "a", Level::High, NOW).await;
    let marked = mark(&held, "post-a", &Sighting::open(Level::High, None), &TERMS, NOW);
    assert_eq!(do_write(ledger, &key, marked.clone()).await, Written::Done);
    let again = mark(&held, "post-a", &Sighting::open(Level::High, None), &TERMS, Wall(NOW.0 + 5));
    let Written::Lost(Some(actual)) = do_write(ledger, &key, again).await else {
        panic!("a mark is done once");
    };
    assert_eq!(actual, marked.1);
    assert!(marked_by(&actual, "a", held.fence, "post-a"));
}

/// Each answer is that of its key, and a key may be named twice. None of the ledgers here lags
/// behind, so each record that is there is known.
async fn records_are_prefetched(ledger: &impl Ledger) {
    for consistency in [Consistency::Strong, Consistency::Eventual] {
        assert_eq!(ledger.prefetch(&[], consistency).await, Ok(vec![]));
    }
    let rows = [None, Some(sent()), Some(free()), Some(claimed()), Some(fullest())];
    let (mut keys, mut expected) = (Vec::new(), Vec::new());
    for n in 0..PREFETCH_MAX {
        let mut row = rows[n % rows.len()].clone();
        // Two destinations of one finding, and texts that a query could trip over.
        let key = key(&format!("半鐘 \"'{}", n / 2), ["d", "D é"][n % 2]);
        if let Some(row) = &mut row {
            row.expires_at = Wall(row.expires_at.0 - n as i64 * 1000);
            put(ledger, &key, row).await;
        }
        expected.push(match row {
            Some(row) => Prefetched::Record(Box::new(row)),
            None => Prefetched::Absent,
        });
        keys.push(key);
    }
    for consistency in [Consistency::Strong, Consistency::Eventual] {
        assert_eq!(ledger.prefetch(&keys, consistency).await, Ok(expected.clone()));
        let twice = [1, 0, 1].map(|n: usize| keys[n].clone());
        let answers = [1, 0, 1].map(|n: usize| expected[n].clone());
        assert_eq!(ledger.prefetch(&twice, consistency).await, Ok(answers.to_vec()));
    }
}

/// All have seen the same, and all try at once: no record, one whose lease is over, one to be
/// raised.
async fn one_of_many_claimants_wins<L: Ledger + 'static>(ledger: Arc<L>) {
    for race in 0..RACES {
        let lapsed = AlertRecord { lease_until: NOW, ..claimed() };
        let starts = [("new", None), ("over", Some(lapsed)), ("raise", Some(sent()))];
        for (what, start) in starts {
            let key = key(&format!("{what} {race}"), "d");
            if let Some(row) = &start {
                put(ledger.as_ref(), &key, row).await;
            }
            one_wins(&ledger, &key, start.as_ref()).await;
        }
    }
}

async fn one_wins<L: Ledger + 'static>(
    ledger: &Arc<L>,
    key: &RecordKey,
    start: Option<&AlertRecord>,
) {
    let mut tasks = Vec::new();
    for n in 0..CLAIMANTS {
        let owner = format!("worker {n}");
        let want = Want { owner: &owner, sighting: Sighting::open(Level::Critical, None) };
        let answer = claim(start, &want, &TERMS, LATER);
        let Claim::Write { expect, record: row, .. } = answer else {
            panic!("not claimed: {answer:?}")
        };
        let (ledger, key) = (Arc::clone(ledger), key.clone());
        tasks.push(tokio::spawn(async move { (ledger.write(&key, &expect, &row).await, row) }));
    }
    let (mut winners, mut seen_by_losers) = (Vec::new(), Vec::new());
    for task in tasks {
        match task.await.expect("a claimant") {
            (Ok(Written::Done), row) => winners.push(row),
            (Ok(Written::Lost(actual)), _) => seen_by_losers.push(actual),
            (Err(error), _) => panic!("{error}"),
        }
    }
    assert_eq!(winners.len(), 1, "one of {CLAIMANTS} wins the race for {key:?}");
    assert_eq!(ledger.read(key).await, Ok(winners.pop().map(Some).expect("a winner")));
    let winner: Option<AlertRecord> = ledger.read(key).await.expect("a read");
    assert!(seen_by_losers.iter().all(|row| *row == winner), "the losers see the winner's record");
}

/// A lease is over, its owner marks all the same, another has seen it and takes over: the fence is
/// the same before and after the mark, so a condition on the fence alone would let both succeed.
async fn a_mark_and_a_take_over_never_both_succeed<L: Ledger + 'static>(ledger: Arc<L>) {
    for race in 0..RACES {
        let key = key(&format!("f{race}"), "d");
        let held = take(ledger.as_ref(), &key, "a", Level::High, NOW).await;
        let want = Want { owner: "b", sighting: Sighting::open(Level::High, None) };
        let Claim::Write { expect, record: row, .. } = claim(Some(&held), &want, &TERMS, LATER)
        else {
            panic!("a lease that is over can be taken over");
        };
        let marking = {
            let (ledger, key) = (Arc::clone(&ledger), key.clone());
            tokio::spawn(async move {
                do_write(
                    ledger.as_ref(),
                    &key,
                    mark(&held, "post", &Sighting::open(Level::High, None), &TERMS, LATER),
                )
                .await
            })
        };
        let taking = {
            let (ledger, key) = (Arc::clone(&ledger), key.clone());
            tokio::spawn(async move { do_write(ledger.as_ref(), &key, (expect, row)).await })
        };
        let answers = [marking.await.expect("a mark"), taking.await.expect("a take-over")];
        let done = answers.iter().filter(|answer| **answer == Written::Done).count();
        assert_eq!(done, 1, "{answers:?}");
    }
}

/// As many keys as a day may have, with texts as long as they may be.
async fn the_fullest_day_is_read_as_it_was_written(ledger: &impl Ledger) {
    let mut counts = DayCounts::default();
    for n in 0..1_100 {
        let kind = format!("{n:04}{}", "k".repeat(200));
        counts.count(CountKey::new(CountedAs::AlreadyPosted, "123456789012", &kind, None), 1 << 60);
        let (silence, destination) = (format!("{n:040}"), "d".repeat(40));
        counts.count_silenced(SilencedKey::new(&silence, &destination), 1 << 60);
    }
    let day = Day::of(NOW);
    let mut pending = Pending::new("w");
    pending.of(day).add(&counts);
    let Adding::Write { expect, record } = add(None, &pending.batches()[0]) else {
        panic!("nobody has written it")
    };
    let key = RecordKey::day_counts(day);
    assert_eq!(ledger.write(&key, &expect, &record).await, Ok(Written::Done));
    let read: Option<DayCountsRecord> = ledger.read(&key).await.unwrap();
    assert!(read == Some(record), "a day of counts is another one");
}

async fn counts_of_many_workers_are_all_added<L: Ledger + 'static>(ledger: Arc<L>) {
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move {
                let counter = Counter::new(&format!("w{n}"));
                for _ in 0..5 {
                    let (message, detail) = ("m".to_owned(), String::new());
                    let (lane, reason) = (Lane::Standard, "not_json");
                    let hint = Box::default();
                    let report = Report::Quarantined { message, lane, reason, detail, hint };
                    counter.record(&report, NOW);
                    while !counter.is_written() {
                        counter.write(ledger.as_ref()).await.expect("it answers");
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a worker");
    }
    let read: Option<DayCountsRecord> =
        ledger.read(&RecordKey::day_counts(Day::of(NOW))).await.unwrap();
    assert_eq!(read.map(|day| day.counts.total(CountedAs::Quarantined)), Some(40));
}
