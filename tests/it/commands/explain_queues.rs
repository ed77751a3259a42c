//! Searches the queues for `hansho explain`: on the embedded store, and on SQS's stand-in,
//! where each message that was read must stay in place.

use std::sync::Arc;

use hansho::embedded::{EmbeddedQueue, Incoming, Store};
use hansho::instants::Wall;
use hansho::ports::inquiry::{BodyFilter, LaneSearch, QueueInquiry, SEARCH_MESSAGES_MAX};
use hansho::ports::{Depth, Lane, MessageId, QuarantineEntry, Queue};

use crate::adapters::sqs::OnStandIn;
use crate::support::fakes::MovedClock;
use crate::support::sqs_standin::Fault;

fn about(word: &'static str) -> BodyFilter {
    Arc::new(move |body: &str| body.contains(word))
}

fn entry(id: &str, body: &str) -> QuarantineEntry {
    QuarantineEntry {
        message_id: MessageId(id.to_owned()),
        lane: Lane::Standard,
        body: body.to_owned(),
        reason: "not_json".to_owned(),
        detail: "line 1: no JSON".to_owned(),
        receive_count: 3,
        enqueued_at: Some(Wall(1_784_746_037_000)),
        quarantined_at: Wall(1_784_746_038_000),
    }
}

/// On either backend, quarantined messages are found by their original body, with all fields.
async fn quarantined_messages_are_found(queue: &(impl Queue + QueueInquiry)) {
    for (id, body) in [("m-1", "one apple"), ("m-2", "one \u{1} pear"), ("m-3", "no fruit")] {
        queue.quarantine(&entry(id, body)).await.unwrap();
    }
    let found = queue.search_quarantine(&about("one")).await.unwrap();
    assert_eq!((found.scanned, found.complete), (3, true));
    assert_eq!(found.messages.len(), 2);
    let pear = found.messages.iter().find(|m| m.body == "one \u{1} pear").unwrap();
    assert_eq!(pear.original_id.as_ref().map(|id| id.0.as_str()), Some("m-2"));
    assert_eq!(pear.lane, Some(Lane::Standard));
    assert_eq!(pear.reason.as_deref(), Some("not_json"));
    assert_eq!(pear.detail.as_deref(), Some("line 1: no JSON"));
    assert_eq!(pear.attempts, Some(3));
    assert_eq!(pear.enqueued_at, Some(Wall(1_784_746_037_000)));
    assert_eq!(pear.quarantined_at, Some(Wall(1_784_746_038_000)));
    // A second search finds the same.
    assert_eq!(queue.search_quarantine(&about("one")).await.unwrap().messages.len(), 2);
    assert_eq!(queue.search_quarantine(&about("plum")).await.unwrap().messages, []);
}

async fn the_answer_is_bounded(queue: &(impl Queue + QueueInquiry)) {
    for n in 0..SEARCH_MESSAGES_MAX + 5 {
        queue.quarantine(&entry(&format!("many-{n}"), &format!("grape {n}"))).await.unwrap();
    }
    let found = queue.search_quarantine(&about("grape")).await.unwrap();
    assert_eq!((found.messages.len(), found.complete), (SEARCH_MESSAGES_MAX, false));
}

#[tokio::test]
async fn the_embedded_queues_can_be_searched() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("hansho.db")).unwrap();
    let queue = EmbeddedQueue::new(store, Arc::new(MovedClock::default()));
    quarantined_messages_are_found(&queue).await;
    the_answer_is_bounded(&queue).await;
    let message =
        |id: &str, body: &str| Incoming { message_id: id.into(), body: body.into(), place: None };
    queue.put(Lane::Standard, vec![message("a", "a fig"), message("b", "a date")]).await.unwrap();
    let LaneSearch::Found(waiting) = queue.search_lanes(&about("fig")).await.unwrap() else {
        panic!("the queue can be searched")
    };
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].message_id.as_str(), waiting[0].receive_count), ("a", 0));
    assert_eq!(queue.depth(Lane::Standard).await, Ok(Depth { visible: 2, hidden: 0 }));
}

#[tokio::test]
async fn the_quarantine_of_sqs_can_be_searched_and_keeps_its_messages() {
    let ground = OnStandIn::fresh().await;
    quarantined_messages_are_found(&ground.queue).await;
    let left = ground.stand_in.messages("quarantine");
    assert_eq!(left.len(), 3);
    assert!(left.iter().all(|message| message.visible), "{left:?}");
    the_answer_is_bounded(&ground.queue).await;
    let left = ground.stand_in.messages("quarantine");
    assert_eq!(left.len(), 3 + SEARCH_MESSAGES_MAX + 5);
    assert!(left.iter().all(|message| message.visible), "every message that was read is returned");
}

#[tokio::test]
async fn the_lanes_of_sqs_are_counted_and_not_received_from() {
    let ground = OnStandIn::fresh().await;
    let send = ground.client.send_message().queue_url(ground.stand_in.url("standard"));
    send.message_body("one apple").send().await.unwrap();
    let waiting = ground.queue.search_lanes(&about("one")).await.unwrap();
    let counted =
        vec![(Lane::Express, Depth::default()), (Lane::Standard, Depth { visible: 1, hidden: 0 })];
    assert_eq!(waiting, LaneSearch::Counted(counted));
    assert_eq!(ground.stand_in.messages("standard")[0].receive_count, 0);
}

#[tokio::test]
async fn a_role_without_permission_gets_an_error() {
    let ground = OnStandIn::fresh().await;
    ground.queue.quarantine(&entry("m-1", "one apple")).await.unwrap();
    let denied = Fault::Refuse { status: 403, code: "AccessDenied" };
    ground.stand_in.inject("ReceiveMessage", 1, denied.clone());
    let why = ground.queue.search_quarantine(&about("one")).await.unwrap_err().to_string();
    assert!(
        why.contains("ReceiveMessage on queue quarantine: access is denied (AccessDenied"),
        "{why}"
    );
    // A role that may receive but not return: the messages reappear by themselves.
    ground.stand_in.inject("ChangeMessageVisibilityBatch", 1, denied);
    assert_eq!(ground.queue.search_quarantine(&about("one")).await.unwrap().messages.len(), 1);
    assert!(!ground.stand_in.messages("quarantine")[0].visible);
    ground.stand_in.advance(std::time::Duration::from_secs(31));
    assert!(ground.stand_in.messages("quarantine")[0].visible);
}
