//! The embedded store's quarantine: the contract, and what only a transaction can promise.

use std::sync::Arc;
use std::time::Duration;

use hansho::embedded::{EmbeddedDeadLetters, EmbeddedQueue, Store};
use hansho::instants::Wall;
use hansho::ports::{
    DeadLetter, DeadLetterQueue, Delivery, Lane, MessageId, Outgoing, Put, QuarantineEntry, Queue,
    ReceiveAsk, Sent,
};
use tempfile::TempDir;

use super::contract::{self, DeadLetterHarness, dead_letter, scan_all};
use crate::support::fakes::MovedClock;

struct Embedded {
    store: Store,
    clock: Arc<MovedClock>,
    _folder: TempDir,
}

impl Embedded {
    async fn fresh() -> Embedded {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("hansho.db")).unwrap();
        Embedded { store, clock: Arc::default(), _folder: folder }
    }

    fn worker(&self) -> EmbeddedQueue<MovedClock> {
        EmbeddedQueue::new(self.store.clone(), Arc::clone(&self.clock))
    }

    async fn receive(&self) -> Vec<Delivery> {
        let (wait, visibility) = (Duration::ZERO, Duration::from_secs(120));
        let ask = ReceiveAsk { lane: Lane::Standard, max: 10, wait, visibility };
        self.worker().receive(ask).await.unwrap()
    }

    async fn quarantine(&self, of: &Delivery) {
        let entry = QuarantineEntry {
            message_id: of.message_id.clone(),
            lane: of.lane,
            body: of.body.clone(),
            reason: "not_json".to_owned(),
            detail: "again".to_owned(),
            receive_count: of.receive_count,
            enqueued_at: of.enqueued_at,
            quarantined_at: hansho::ports::Clock::now(&*self.clock).wall,
        };
        self.worker().quarantine(&entry).await.unwrap();
    }

    async fn delete(&self, of: &Delivery) {
        let receipts = std::slice::from_ref(&of.receipt);
        assert_eq!(self.worker().delete(of.lane, receipts).await, [Ok(())]);
    }
}

impl DeadLetterHarness for Embedded {
    type Queue = EmbeddedDeadLetters<MovedClock>;

    fn queue(&self) -> Self::Queue {
        EmbeddedDeadLetters::new(self.store.clone(), Arc::clone(&self.clock))
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn pass_time(&self, by: Duration) {
        self.clock.pass(by);
    }

    async fn in_lane(&self, lane: Lane) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let (wait, visibility) = (Duration::ZERO, Duration::from_secs(36_000));
            let ask = ReceiveAsk { lane, max: 10, wait, visibility };
            let some = self.worker().receive(ask).await.unwrap();
            if some.is_empty() {
                return all;
            }
            all.extend(some.into_iter().map(|d| d.body));
        }
    }
}

#[tokio::test]
async fn the_embedded_dead_letter_queue_keeps_the_contract() {
    contract::exercise("embedded", &[], Embedded::fresh).await;
}

/// Sends all that is seen.
async fn replay(e: &Embedded, keep: bool) -> Vec<Sent> {
    let queue = e.queue();
    let all = scan_all(&queue, e.unit()).await;
    let outgoing: Vec<Outgoing> = all
        .iter()
        .map(|held| Outgoing { receipt: held.receipt.clone(), body: held.dead_letter.body.clone() })
        .collect();
    queue.send(Lane::Standard, &outgoing, keep).await
}

/// Whatever an operator sends asks the ledger itself; what comes by itself does not.
#[tokio::test]
async fn what_is_sent_says_that_it_was_asked_for_again() {
    for keep in [false, true] {
        let e = Embedded::fresh().await;
        e.queue().put(&dead_letter(1, "x")).await.unwrap();
        replay(&e, keep).await;
        assert!(e.receive().await.remove(0).again, "{keep}");
    }
    let e = Embedded::fresh().await;
    let incoming = hansho::embedded::Incoming {
        message_id: "m".to_owned(),
        body: "y".to_owned(),
        place: None,
    };
    e.worker().put(Lane::Standard, vec![incoming]).await.unwrap();
    assert!(!e.receive().await.remove(0).again);
    // A copy that already waits in the lane is also to be posted again.
    e.queue()
        .put(&DeadLetter { original_id: Some(MessageId("m".to_owned())), ..dead_letter(1, "y") })
        .await
        .unwrap();
    replay(&e, true).await;
    e.pass_time(Duration::from_secs(100_000)).await;
    assert!(e.receive().await.remove(0).again);
}

/// A worker has quarantined a message, and is about to delete it from its lane: an operator who
/// sends it again in between must not have his copy taken for the one that is deleted.
#[tokio::test]
async fn sent_between_quarantine_and_delete_it_is_not_lost() {
    let e = Embedded::fresh().await;
    e.queue().put(&dead_letter(1, "x")).await.unwrap();
    assert_eq!(replay(&e, false).await, [Sent::Moved]);
    let first = e.receive().await.remove(0);
    assert_eq!(first.message_id, MessageId("original-1".to_owned()), "it goes by its own id");
    e.quarantine(&first).await;
    assert_eq!(replay(&e, false).await, [Sent::Moved]);
    e.delete(&first).await;
    let copy = e.receive().await.remove(0);
    assert_eq!(copy.body, "x");
    assert!(copy.message_id.0.starts_with("original-1~"), "{:?}", copy.message_id);
    // Once more, and the ids do not grow.
    e.quarantine(&copy).await;
    assert_eq!(replay(&e, false).await, [Sent::Moved]);
    e.delete(&copy).await;
    let again = e.receive().await.remove(0);
    assert_eq!(again.message_id.0.matches('~').count(), 1);
}

/// The same message is quarantined again after the scan. The operator acts on the older one.
#[tokio::test]
async fn a_message_quarantined_again_after_the_scan_is_left_alone() {
    let e = Embedded::fresh().await;
    e.queue().put(&dead_letter(1, "x")).await.unwrap();
    assert_eq!(replay(&e, true).await, [Sent::Copied]);
    let operator = e.queue();
    let held = scan_all(&operator, e.unit()).await.remove(0);
    let copy = e.receive().await.remove(0);
    e.clock.pass(Duration::from_secs(1));
    e.quarantine(&copy).await;
    e.delete(&copy).await;
    let removed = operator.remove(&[held.receipt]).await;
    assert!(removed[0].is_err(), "{removed:?}");
    let left = scan_all(&e.queue(), e.unit()).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].dead_letter.detail.as_deref(), Some("again"));
}

#[tokio::test]
async fn a_copy_that_waits_already_is_enough_while_the_original_is_kept() {
    let e = Embedded::fresh().await;
    e.queue().put(&dead_letter(1, "x")).await.unwrap();
    for _ in 0..3 {
        assert_eq!(replay(&e, true).await, [Sent::Copied]);
    }
    assert_eq!(e.in_lane(Lane::Standard).await, ["x"]);
    assert_eq!(scan_all(&e.queue(), e.unit()).await.len(), 1);
}

#[tokio::test]
async fn the_same_message_is_put_in_once_and_another_of_its_id_beside_it() {
    let e = Embedded::fresh().await;
    let queue = e.queue();
    assert_eq!(queue.put(&dead_letter(1, "x")).await, Ok(Put::New));
    assert_eq!(queue.put(&dead_letter(1, "x")).await, Ok(Put::Known));
    assert_eq!(queue.put(&dead_letter(1, "y")).await, Ok(Put::New));
    let all = scan_all(&e.queue(), e.unit()).await;
    let bodies: Vec<&str> = all.iter().map(|held| held.dead_letter.body.as_str()).collect();
    assert_eq!(bodies, ["x", "y"]);
    assert_eq!(all[0].dead_letter.quarantined_at, Some(Wall(1_790_000_060_000)));
}

/// Two lanes may have messages of the same id; a scan must not confuse them.
#[tokio::test]
async fn ids_are_distinguished_by_their_lane() {
    let e = Embedded::fresh().await;
    let express = hansho::ports::DeadLetter { lane: Some(Lane::Express), ..dead_letter(1, "x") };
    e.queue().put(&dead_letter(1, "x")).await.unwrap();
    e.queue().put(&express).await.unwrap();
    assert_eq!(scan_all(&e.queue(), e.unit()).await.len(), 2);
    assert_eq!(replay(&e, false).await, [Sent::Moved, Sent::Moved]);
    assert_eq!(e.in_lane(Lane::Standard).await, ["x", "x"]);
}
