//! The embedded store passes the suites of its ports, survives a crash, and is shared by processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::embedded::{EmbeddedLedger, EmbeddedQueue, Incoming, Store};
use hansho::ports::{Lane, Queue, ReceiveAsk};
use tempfile::TempDir;

use crate::contracts::ledger_contract;
use crate::contracts::queue_contract::{self, DeadLetter, QueueHarness};
use crate::support::fakes::MovedClock;

struct Ledgers {
    folder: TempDir,
    made: AtomicU32,
}

impl ledger_contract::Harness for Ledgers {
    type Ledger = EmbeddedLedger;

    async fn fresh(&self) -> EmbeddedLedger {
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        EmbeddedLedger::new(Store::open(&self.folder.path().join(format!("{n}.db"))).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_embedded_ledger_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    ledger_contract::exercise(&Ledgers { folder, made: Default::default() }).await;
}

/// The embedded queue on a clock that the suite moves.
struct Queues {
    queue: EmbeddedQueue<MovedClock>,
    clock: Arc<MovedClock>,
    sent: AtomicU32,
    _folder: TempDir,
}

impl Queues {
    async fn fresh() -> Queues {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("hansho.db")).unwrap();
        let clock = Arc::new(MovedClock::default());
        let queue = EmbeddedQueue::new(store, Arc::clone(&clock));
        Queues { queue, clock, sent: AtomicU32::new(0), _folder: folder }
    }
}

impl QueueHarness for Queues {
    type Queue = EmbeddedQueue<MovedClock>;

    fn queue(&self) -> &Self::Queue {
        &self.queue
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn send(&self, lane: Lane, body: &str) {
        let message_id = format!("m{}", self.sent.fetch_add(1, Ordering::Relaxed));
        let incoming = Incoming { message_id, body: body.to_owned(), place: None };
        assert_eq!(self.queue.put(lane, vec![incoming]).await, Ok(1));
    }

    async fn pass_time(&self, by: Duration) {
        self.clock.pass(by);
    }

    async fn quarantined(&self) -> Vec<DeadLetter> {
        let quarantined = self.queue.quarantined().await.unwrap();
        let same = |p: hansho::ports::DeadLetter| DeadLetter {
            body: p.body,
            reason: p.reason,
            detail: p.detail,
            lane: p.lane.map(|lane| lane.as_str().to_owned()),
            message_id: p.original_id.map(|id| id.0),
            receive_count: p.attempts,
            enqueued_at: p.enqueued_at,
            quarantined_at: p.quarantined_at,
        };
        quarantined.into_iter().map(same).collect()
    }
}

#[tokio::test]
async fn the_embedded_queue_keeps_the_contract() {
    queue_contract::exercise("embedded", &[], Queues::fresh).await;
}

fn incoming(id: &str) -> Incoming {
    Incoming { message_id: id.to_owned(), body: format!("body of {id}"), place: None }
}

fn ask(max: usize) -> ReceiveAsk {
    ReceiveAsk {
        lane: Lane::Standard,
        max,
        wait: Duration::ZERO,
        visibility: Duration::from_secs(120),
    }
}

fn queue(store: Store) -> EmbeddedQueue<SystemClock> {
    EmbeddedQueue::new(store, Arc::new(SystemClock::start()))
}

#[tokio::test]
async fn after_a_crash_everything_in_flight_is_there_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hansho.db");
    let first = queue(Store::open_for_work(&path).unwrap());
    first.put(Lane::Standard, vec![incoming("a"), incoming("b")]).await.unwrap();
    assert_eq!(first.receive(ask(10)).await.unwrap().len(), 2);
    drop(first);
    // A process that another test starts at this moment holds a copy of the lock until its exec.
    let mut again = Vec::new();
    for _ in 0..100 {
        let second = queue(Store::open_for_work(&path).unwrap());
        again = second.receive(ask(10)).await.unwrap();
        if !again.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let counts: Vec<u32> = again.iter().map(|d| d.receive_count).collect();
    assert_eq!(counts, [2, 2]);
}

/// A body of 200 KB is written once. A receive and a start change the row beside it.
#[tokio::test]
async fn a_receive_and_a_start_do_not_write_the_body_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hansho.db");
    let first = queue(Store::open(&path).unwrap());
    let body = "x".repeat(200_000);
    first.put(Lane::Standard, vec![Incoming { body, ..incoming("a") }]).await.unwrap();
    let log = || std::fs::metadata(folder.path().join("hansho.db-wal")).unwrap().len();
    let put = log();
    assert!(put > 200_000, "{put}");
    let taken = first.receive(ask(10)).await.unwrap();
    first.hide(Lane::Standard, &[(taken[0].receipt.clone(), Duration::from_secs(60))]).await;
    let second = queue(Store::open_for_work(&path).unwrap());
    assert!(log() < put + 100_000, "{put} → {}", log());
    assert_eq!(second.receive(ask(10)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn while_another_worker_lives_its_messages_stay_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hansho.db");
    let first = queue(Store::open_for_work(&path).unwrap());
    first.put(Lane::Standard, vec![incoming("a")]).await.unwrap();
    assert_eq!(first.receive(ask(10)).await.unwrap().len(), 1);
    let second = queue(Store::open_for_work(&path).unwrap());
    assert_eq!(second.receive(ask(10)).await.unwrap(), []);
    // Opening the store to read takes no message from it either.
    drop(second);
    drop(queue(Store::open(&path).unwrap()));
    let third = queue(Store::open_for_work(&path).unwrap());
    assert_eq!(third.receive(ask(10)).await.unwrap(), []);
}

#[tokio::test]
async fn the_same_id_is_put_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let queue = queue(Store::open(&folder.path().join("hansho.db")).unwrap());
    let put = |ids: &[&str]| {
        let all = ids.iter().map(|id| incoming(id)).collect();
        queue.put(Lane::Standard, all)
    };
    assert_eq!(put(&["a", "b"]).await, Ok(2));
    assert_eq!(put(&["b", "c"]).await, Ok(1));
    assert_eq!(queue.depth(Lane::Standard).await.unwrap().visible, 3);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "Dear Sir or Madam, this is no database at all.").unwrap();
    let why = Store::open(&path).err().unwrap().to_string();
    assert!(why.contains("letter.txt"), "{why}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("Dear"));
    let missing = folder.path().join("no/such/folder/hansho.db");
    let why = Store::open(&missing).err().unwrap().to_string();
    assert!(why.contains("no/such/folder") && why.contains("writable"), "{why}");
}

/// A file of version 1, with a message in it.
const FIRST_VERSION: &str = "
CREATE TABLE message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, message_id TEXT NOT NULL,
    body TEXT NOT NULL, enqueued_at INTEGER NOT NULL, visible_at INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0, receipt TEXT, UNIQUE (lane, message_id)
) STRICT;
CREATE INDEX message_age ON message (lane, seq, visible_at);
CREATE INDEX message_receipt ON message (receipt);
CREATE TABLE quarantine (
    message_id TEXT NOT NULL, lane TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL,
    detail TEXT NOT NULL, receive_count INTEGER NOT NULL, enqueued_at INTEGER,
    parked_at INTEGER NOT NULL, PRIMARY KEY (lane, message_id)
) STRICT;
CREATE TABLE ledger (
    fingerprint TEXT NOT NULL, destination TEXT NOT NULL, state TEXT NOT NULL,
    owner TEXT NOT NULL, fence INTEGER NOT NULL, lease_until INTEGER NOT NULL,
    level_claimed INTEGER, level_sent INTEGER, revision_sent INTEGER, sent_at INTEGER,
    due_at INTEGER, attempts INTEGER NOT NULL, ambiguous INTEGER NOT NULL, digest TEXT NOT NULL,
    expires_at INTEGER NOT NULL, PRIMARY KEY (fingerprint, destination)
) STRICT, WITHOUT ROWID;
INSERT INTO message (lane, message_id, body, enqueued_at, visible_at) VALUES ('standard', 'm', 'old', 1, 1);
PRAGMA user_version = 1;
";

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hansho.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(FIRST_VERSION).unwrap();
    // A program of version 1 has the file open.
    let older = rusqlite::Connection::open(&path).unwrap();
    for _ in 0..2 {
        drop(Store::open_for_work(&path).unwrap());
    }
    let put = "INSERT INTO message (lane, message_id, body, enqueued_at, visible_at) \
               VALUES ('standard', 'n', 'new', 2, 2)";
    older.execute(put, ()).unwrap();
    let queue = EmbeddedQueue::new(Store::open(&path).unwrap(), Arc::new(SystemClock::start()));
    let (wait, visibility) = (Duration::ZERO, Duration::from_secs(60));
    let ask = ReceiveAsk { lane: Lane::Standard, max: 10, wait, visibility };
    let all = queue.receive(ask).await.unwrap();
    let seen: Vec<_> = all.iter().map(|d| (d.body.as_str(), d.again)).collect();
    assert_eq!(seen, [("old", false), ("new", false)]);
    let version: i64 = older.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 5);
}
