//! How a worker follows the account directory, and syncs that fail or meet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::commands::accounts::directory::{self, DirectoryError};
use hansho::commands::accounts::follow::{Answered, follow};
use hansho::finding::Level;
use hansho::health::{DirectoryState, Vitals};
use hansho::metrics::Metrics;
use hansho::policy::directory::{KeptTags, Source};
use hansho::policy::filter::Threshold;
use hansho::policy::matcher::MatchKey;
use hansho::policy::record::{Document, DocumentRecord, Expect, Record, RecordKey, Versioned};
use hansho::policy::route::{Route, Routes};
use hansho::ports::{
    Accounts, Clock, Consistency, CurrentAccounts, Ledger, LedgerError, Prefetched, Written,
};
use tokio::time::sleep;

use crate::support::memory_ledger::MemoryLedger;

const ID: &str = "111122223333";
const OTHER: &str = "444455556666";
const HOUR: Duration = Duration::from_secs(3600);

fn named(names: &[(&str, &str)]) -> Accounts {
    let mut accounts = Accounts::default();
    names.iter().for_each(|(id, name)| accounts.add(id, name).unwrap());
    accounts
}

/// A ledger that counts its reads, and may be unreachable.
#[derive(Clone, Default)]
pub struct Watched {
    pub ledger: MemoryLedger,
    reads: Arc<Mutex<Vec<RecordKey>>>,
    unreachable: Arc<Mutex<bool>>,
}

impl Watched {
    pub fn set_unreachable(&self, unreachable: bool) {
        *self.unreachable.lock().unwrap() = unreachable;
    }

    pub fn take_reads(&self) -> usize {
        std::mem::take(&mut *self.reads.lock().unwrap()).len()
    }
}

impl Ledger for Watched {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        self.reads.lock().unwrap().push(key.clone());
        if *self.unreachable.lock().unwrap() {
            return Err(LedgerError("the test says so".into()));
        }
        self.ledger.read_any(key).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        self.ledger.write_any(key, expect, record).await
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        self.ledger.prefetch(keys, consistency).await
    }
}

struct Worker {
    ledger: Watched,
    clock: SystemClock,
    current: CurrentAccounts,
    vitals: Arc<Vitals>,
    states: Arc<Mutex<Vec<DirectoryState>>>,
    answered: Arc<Answered>,
}

impl Worker {
    fn start(ledger: &Watched, configured: Accounts) -> Worker {
        let clock = SystemClock::start();
        let vitals = Arc::new(Vitals::new(Metrics::new().unwrap(), clock));
        let worker = Worker {
            ledger: ledger.clone(),
            clock,
            current: configured.into(),
            vitals,
            states: Arc::default(),
            answered: Arc::default(),
        };
        let (current, ledger) = (worker.current.clone(), ledger.clone());
        let (vitals, states) = (Arc::clone(&worker.vitals), Arc::clone(&worker.states));
        let answers = Arc::clone(&worker.answered);
        tokio::spawn(async move {
            let tell = |state: DirectoryState| {
                states.lock().unwrap().push(state.clone());
                vitals.directory(state);
            };
            follow(current, &ledger, &clock, &answers, tell).await
        });
        worker
    }

    fn name(&self, id: &str) -> Option<String> {
        self.current.get().name(id).map(str::to_owned)
    }

    async fn sync(&self, accounts: &Accounts) -> DocumentRecord {
        let now = self.clock.now().wall;
        directory::write(&self.ledger.ledger, accounts, &SOURCE, now).await.unwrap()
    }
}

const SOURCE: Source = Source::Organization(KeptTags::All);

/// Routes that look at accounts, or not.
fn routes(look: bool) -> Routes {
    let mut route = Route::of_all("team", None);
    if look {
        route.matcher.add(false, MatchKey::Ou, ["/prod/*"]).unwrap();
    }
    Routes::new(Threshold::Level(Level::High), vec![route])
}

/// A finding that is judged before the directory is known may be owed to nobody.
#[tokio::test(start_paused = true)]
async fn a_worker_that_starts_waits_for_the_directory_if_routes_look_at_accounts() {
    let ledger = Watched::default();
    let first = Worker::start(&ledger, Accounts::default());
    first.sync(&named(&[(ID, "shop")])).await;
    let worker = Worker::start(&ledger, Accounts::default());
    let wait = |worker: &Worker, look: bool, most: Duration| {
        let (answered, clock) = (Arc::clone(&worker.answered), worker.clock);
        let until = clock.now().mono.plus(most);
        async move { answered.wait(&routes(look), &clock, until).await }
    };
    assert!(wait(&worker, true, HOUR).await);
    assert_eq!(worker.name(ID).as_deref(), Some("shop"));

    ledger.set_unreachable(true);
    let worker = Worker::start(&ledger, Accounts::default());
    let began = worker.clock.now().mono;
    assert!(wait(&worker, false, HOUR).await, "for names alone nobody waits long");
    assert_eq!(worker.clock.now().mono.since(began).as_secs(), 3);
    assert!(!wait(&worker, true, HOUR).await);
    assert_eq!(worker.clock.now().mono.since(began).as_secs(), 303);
    assert!(!wait(&worker, true, Duration::from_secs(1)).await, "a call ends before");
    let waiting = wait(&worker, true, HOUR);
    ledger.set_unreachable(false);
    assert!(waiting.await);
    assert_eq!(worker.name(ID).as_deref(), Some("shop"));
}

#[tokio::test(start_paused = true)]
async fn a_worker_reads_the_head_once_an_hour_and_the_parts_when_they_change() {
    let ledger = Watched::default();
    let worker = Worker::start(&ledger, named(&[(OTHER, "mine")]));
    sleep(HOUR / 2).await;
    assert_eq!((worker.name(ID), worker.name(OTHER)), (None, Some("mine".to_owned())));
    assert_eq!(ledger.take_reads(), 1, "the head, which is not there");
    let note = worker.vitals.notes().unwrap();
    assert!(note.starts_with("accounts: the ledger has no directory, 1 are known"), "{note}");

    let head = worker.sync(&named(&[(ID, "shop"), (OTHER, "theirs")])).await;
    sleep(HOUR).await;
    assert_eq!(worker.name(ID).as_deref(), Some("shop"));
    assert_eq!(worker.name(OTHER).as_deref(), Some("mine"), "the configuration wins");
    assert_eq!(ledger.take_reads(), 2, "the head and its part");
    assert_eq!(worker.vitals.notes(), None);
    let text = worker.vitals.text().unwrap();
    let synced = head.written_at.seconds();
    for line in [
        "hansho_accounts_known 2".to_owned(),
        format!("hansho_accounts_synced_timestamp_seconds {synced}"),
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }

    sleep(HOUR * 5).await;
    assert_eq!(ledger.take_reads(), 5, "an unchanged directory costs a read an hour");
    worker.sync(&named(&[(ID, "new-shop")])).await;
    sleep(HOUR).await;
    assert_eq!(worker.name(ID).as_deref(), Some("new-shop"));
    assert_eq!(ledger.take_reads(), 2);

    let then = worker.clock.now().wall.minus(HOUR * 50);
    directory::write(&ledger.ledger, &named(&[(ID, "old-shop")]), &SOURCE, then).await.unwrap();
    sleep(HOUR).await;
    let note = worker.vitals.notes().unwrap();
    assert!(note.starts_with("accounts: the directory is stale, synced 50 h ago"), "{note}");
    assert_eq!(worker.name(ID).as_deref(), Some("old-shop"), "old names are better than none");
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_does_not_answer_changes_nothing_and_is_asked_again_sooner() {
    let ledger = Watched::default();
    let worker = Worker::start(&ledger, named(&[]));
    worker.sync(&named(&[(ID, "shop")])).await;
    sleep(HOUR / 2).await;
    assert_eq!(worker.name(ID).as_deref(), Some("shop"));
    ledger.set_unreachable(true);
    sleep(HOUR).await;
    assert_eq!(worker.name(ID).as_deref(), Some("shop"));
    let note = worker.vitals.notes().unwrap();
    assert!(note.contains("the directory can't be read, 1 are known: see the log"), "{note}");
    ledger.set_unreachable(false);
    sleep(HOUR / 10).await;
    assert_eq!(worker.vitals.notes(), None);
    assert!(worker.states.lock().unwrap().iter().all(|state| state.synced_at.is_some()));
}

#[tokio::test(start_paused = true)]
async fn a_directory_without_a_part_is_not_taken() {
    let ledger = Watched::default();
    let worker = Worker::start(&ledger, named(&[]));
    sleep(HOUR / 2).await;
    let head = worker.sync(&named(&[(ID, "shop")])).await;
    let part = RecordKey::document_part(Document::Accounts, &head.version, 0);
    assert!(ledger.ledger.expire(&part, |_| true));
    sleep(HOUR).await;
    assert_eq!(worker.name(ID), None);
    let note = worker.vitals.notes().unwrap();
    assert!(note.contains("the directory can't be read, 0 are known"), "{note}");
}

/// Another sync writes its head after this one has read the old one.
#[derive(Clone)]
struct Meets(MemoryLedger);

impl Ledger for Meets {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        let seen = self.0.read_any(key).await?;
        if let Some(Record::Document(head)) = &seen {
            let other = DocumentRecord { fence: head.fence + 1, ..head.clone() };
            self.0.write(key, &head.as_seen(), &other).await?;
        }
        Ok(seen)
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        self.0.write_any(key, expect, record).await
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        self.0.prefetch(keys, consistency).await
    }
}

#[tokio::test]
async fn of_two_syncs_at_once_one_is_refused() {
    let ledger = MemoryLedger::default();
    let now = SystemClock::start().now().wall;
    let first = directory::write(&ledger, &named(&[(ID, "a")]), &SOURCE, now).await.unwrap();
    let raced = directory::write(&Meets(ledger.clone()), &named(&[(ID, "b")]), &SOURCE, now).await;
    assert!(matches!(raced, Err(DirectoryError::Raced)), "{raced:?}");
    let head = directory::head(&ledger).await.unwrap().unwrap();
    assert_eq!(head.version, first.version);
}
