//! What [`hansho::ports::DeadLetterQueue`] promises, as one suite for the adapters and the fake.
//!
//! Where backends differ by nature, so does the suite: a scan hides messages from others on SQS,
//! while in the embedded store it need not, because whoever acts finds out whether it is there
//! still.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hansho::instants::Wall;
use hansho::ports::{
    DeadLetter, DeadLetterQueue, Lane, MessageId, Origin, Outgoing, QUEUE_BATCH_MAX, QueueError,
    Receipt, ScannedDeadLetter, Sent,
};

/// What the suite needs beside the port. Each harness has queues of its own, empty at first.
pub trait DeadLetterHarness {
    type Queue: DeadLetterQueue;

    /// A new scan of the dead-letter queue.
    fn queue(&self) -> Self::Queue;

    /// Whole seconds, at least 2.
    fn unit(&self) -> Duration;

    fn pass_time(&self, by: Duration) -> impl Future<Output = ()>;

    /// The bodies in a lane, in any order. May take them out.
    fn in_lane(&self, lane: Lane) -> impl Future<Output = Vec<String>>;
}

suite! { DeadLetterHarness:
    an_empty_queue_shows_nothing,
    a_scan_returns_everything_once,
    a_scan_takes_nothing_away,
    a_scan_returns_all_fields,
    sent_messages_are_in_their_lane_and_removed_here,
    lanes_are_apart,
    kept_messages_are_in_both,
    removed_messages_stay_away,
    each_is_judged_for_itself,
    receipts_of_what_is_gone_do_no_harm,
    any_body_comes_back_and_can_be_sent,
    the_largest_bodies_are_sent,
    hidden_longer_by_extension,
    the_depth_is_returned,
}

/// A message that a worker quarantined. The number makes it unique.
pub fn dead_letter(number: usize, body: &str) -> DeadLetter {
    DeadLetter {
        id: MessageId(format!("letter-{number}")),
        body: body.to_owned(),
        origin: Origin::Quarantine,
        reason: Some("not_json".to_owned()),
        detail: Some("line 1 column 7: not valid JSON".to_owned()),
        attempts: Some(2),
        lane: Some(Lane::Standard),
        original_id: Some(MessageId(format!("original-{number}"))),
        enqueued_at: Some(Wall(1_790_000_000_000)),
        quarantined_at: Some(Wall(1_790_000_060_000)),
    }
}

/// Puts these bodies in.
async fn fill<H: DeadLetterHarness>(h: &H, bodies: &[&str]) {
    let queue = h.queue();
    for (number, body) in bodies.iter().enumerate() {
        queue.put(&dead_letter(number, body)).await.expect("it is put");
    }
}

/// Looks to the end.
pub async fn scan_all<Q: DeadLetterQueue>(queue: &Q, hidden: Duration) -> Vec<ScannedDeadLetter> {
    let mut all: BTreeMap<MessageId, ScannedDeadLetter> = BTreeMap::new();
    loop {
        let some = queue.scan(hidden).await.expect("a scan");
        assert!(some.len() <= QUEUE_BATCH_MAX);
        if some.is_empty() {
            return all.into_values().collect();
        }
        all.extend(some.into_iter().map(|held| (held.dead_letter.id.clone(), held)));
    }
}

fn bodies(all: &[ScannedDeadLetter]) -> BTreeSet<&str> {
    all.iter().map(|held| held.dead_letter.body.as_str()).collect()
}

fn long<H: DeadLetterHarness>(h: &H) -> Duration {
    h.unit() * 30
}

async fn show_again<Q: DeadLetterQueue>(queue: &Q, all: &[ScannedDeadLetter]) {
    for batch in all.chunks(QUEUE_BATCH_MAX) {
        let entries: Vec<_> =
            batch.iter().map(|held| (held.receipt.clone(), Duration::ZERO)).collect();
        assert_eq!(queue.hide(&entries).await, vec![Ok(()); batch.len()]);
    }
}

fn outgoing(held: &ScannedDeadLetter) -> Outgoing {
    Outgoing { receipt: held.receipt.clone(), body: held.dead_letter.body.clone() }
}

async fn an_empty_queue_shows_nothing<H: DeadLetterHarness>(h: &H) {
    let queue = h.queue();
    assert_eq!(queue.scan(h.unit()).await, Ok(vec![]));
    assert!(queue.depth().await.unwrap().is_empty());
    assert_eq!(queue.hide(&[]).await, []);
    assert_eq!(queue.remove(&[]).await, []);
    assert_eq!(queue.send(Lane::Standard, &[], false).await, []);
}

async fn a_scan_returns_everything_once<H: DeadLetterHarness>(h: &H) {
    let sent: Vec<String> = (0..25).map(|n| format!("m{n}")).collect();
    fill(h, &sent.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let all = scan_all(&h.queue(), long(h)).await;
    assert_eq!(all.len(), 25);
    assert_eq!(bodies(&all), sent.iter().map(String::as_str).collect());
}

async fn a_scan_takes_nothing_away<H: DeadLetterHarness>(h: &H) {
    fill(h, &["a", "b", "c"]).await;
    let first = h.queue();
    let seen = scan_all(&first, long(h)).await;
    show_again(&first, &seen).await;
    let again = scan_all(&h.queue(), h.unit()).await;
    assert_eq!(bodies(&again), BTreeSet::from(["a", "b", "c"]));
    // Whoever is killed leaves them hidden for as long as they were to be, and no longer.
    h.pass_time(h.unit()).await;
    assert_eq!(scan_all(&h.queue(), h.unit()).await.len(), 3);
    assert!(h.in_lane(Lane::Standard).await.is_empty());
}

async fn a_scan_returns_all_fields<H: DeadLetterHarness>(h: &H) {
    let put = DeadLetter { lane: Some(Lane::Express), ..dead_letter(1, "{\"broken\n🔔") };
    h.queue().put(&put).await.expect("it is put");
    let seen = scan_all(&h.queue(), h.unit()).await.remove(0).dead_letter;
    assert!(!seen.id.0.is_empty());
    // The id is the queue's own.
    assert_eq!(DeadLetter { id: put.id.clone(), ..seen }, put);
}

async fn sent_messages_are_in_their_lane_and_removed_here<H: DeadLetterHarness>(h: &H) {
    let sent: Vec<String> = (0..13).map(|n| format!("m{n}")).collect();
    fill(h, &sent.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let queue = h.queue();
    let all: Vec<Outgoing> = scan_all(&queue, long(h)).await.iter().map(outgoing).collect();
    assert_eq!(queue.send(Lane::Standard, &all, false).await, vec![Sent::Moved; 13]);
    h.pass_time(long(h)).await;
    assert_eq!(scan_all(&h.queue(), h.unit()).await, []);
    let mut there = h.in_lane(Lane::Standard).await;
    there.sort();
    let mut sent = sent;
    sent.sort();
    assert_eq!(there, sent, "each of them once");
}

async fn lanes_are_apart<H: DeadLetterHarness>(h: &H) {
    let lanes = h.queue().lanes();
    assert!(lanes.contains(&Lane::Standard));
    fill(h, &["a", "b"]).await;
    let queue = h.queue();
    let all = scan_all(&queue, long(h)).await;
    let express = queue.send(Lane::Express, &[outgoing(&all[0])], false).await;
    if lanes.contains(&Lane::Express) {
        assert_eq!(express, [Sent::Moved]);
        assert_eq!(h.in_lane(Lane::Express).await, [all[0].dead_letter.body.clone()]);
        assert!(h.in_lane(Lane::Standard).await.is_empty());
    }
}

async fn kept_messages_are_in_both<H: DeadLetterHarness>(h: &H) {
    fill(h, &["kept"]).await;
    let queue = h.queue();
    let held = scan_all(&queue, h.unit()).await.remove(0);
    assert_eq!(queue.send(Lane::Standard, &[outgoing(&held)], true).await, [Sent::Copied]);
    h.pass_time(h.unit()).await;
    assert_eq!(bodies(&scan_all(&h.queue(), h.unit()).await), BTreeSet::from(["kept"]));
    assert_eq!(h.in_lane(Lane::Standard).await, ["kept"]);
}

async fn removed_messages_stay_away<H: DeadLetterHarness>(h: &H) {
    fill(h, &["a", "b", "c"]).await;
    let queue = h.queue();
    let all = scan_all(&queue, h.unit()).await;
    assert_eq!(queue.remove(&[all[1].receipt.clone()]).await, [Ok(())]);
    h.pass_time(h.unit()).await;
    let left = scan_all(&h.queue(), h.unit()).await;
    assert_eq!(left.len(), 2);
    assert!(!bodies(&left).contains(all[1].dead_letter.body.as_str()));
}

/// A receipt that was never given fails or does nothing, and takes no neighbour with it.
async fn each_is_judged_for_itself<H: DeadLetterHarness>(h: &H) {
    fill(h, &["a", "b"]).await;
    let queue = h.queue();
    let all = scan_all(&queue, h.unit()).await;
    let made_up = Receipt("not-a-receipt".to_owned());
    let receipts = [all[0].receipt.clone(), made_up.clone(), all[1].receipt.clone()];
    let answers = queue.remove(&receipts).await;
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[0], &answers[2]), (&Ok(()), &Ok(())));
    assert!(matches!(&answers[1], Ok(()) | Err(QueueError::ReceiptGone(_))), "{answers:?}");

    fill(h, &["c", "d"]).await;
    let queue = h.queue();
    let all = scan_all(&queue, h.unit()).await;
    let stray = Outgoing { receipt: made_up, body: "stray".to_owned() };
    let answers =
        queue.send(Lane::Standard, &[outgoing(&all[0]), stray, outgoing(&all[1])], false).await;
    assert_eq!((&answers[0], &answers[2]), (&Sent::Moved, &Sent::Moved));
    h.pass_time(h.unit()).await;
    assert_eq!(scan_all(&h.queue(), h.unit()).await, []);
    let there = h.in_lane(Lane::Standard).await;
    assert!(["c", "d"].iter().all(|body| there.iter().any(|b| b == body)), "{there:?}");
}

async fn receipts_of_what_is_gone_do_no_harm<H: DeadLetterHarness>(h: &H) {
    fill(h, &["gone"]).await;
    let queue = h.queue();
    let held = scan_all(&queue, long(h)).await.remove(0);
    assert_eq!(queue.remove(std::slice::from_ref(&held.receipt)).await, [Ok(())]);
    h.queue().put(&dead_letter(7, "neighbour")).await.expect("it is put");
    for answer in queue.remove(std::slice::from_ref(&held.receipt)).await {
        assert!(matches!(answer, Ok(()) | Err(QueueError::ReceiptGone(_))), "{answer:?}");
    }
    queue.hide(&[(held.receipt, Duration::ZERO)]).await;
    assert_eq!(bodies(&scan_all(&h.queue(), h.unit()).await), BTreeSet::from(["neighbour"]));
}

/// What SQS takes as it is.
const TEXTS: [&str; 4] = [
    "半鐘 🔔 e\u{301} \u{202e}right to left\u{202c} \u{10ffff}",
    "tab\tline\nreturn\r\n",
    "<b>&amp;</b> \"quoted\" \\ back",
    "   ",
];
const AWKWARD: [&str; 4] =
    ["", "nul \u{0}, bell \u{7}, escape \u{1b}", "\u{fffe}\u{ffff}", "\"json\" \\"];

async fn any_body_comes_back_and_can_be_sent<H: DeadLetterHarness>(h: &H) {
    let all: Vec<&str> = TEXTS.into_iter().chain(AWKWARD).collect();
    fill(h, &all).await;
    let queue = h.queue();
    let seen = scan_all(&queue, long(h)).await;
    assert_eq!(bodies(&seen), all.iter().copied().collect());
    let outgoing: Vec<Outgoing> = seen.iter().map(outgoing).collect();
    let answers = queue.send(Lane::Standard, &outgoing, false).await;
    assert_eq!(answers, vec![Sent::Moved; all.len()]);
    let there = h.in_lane(Lane::Standard).await;
    assert_eq!(there.len(), all.len());
    // What a lane can't carry goes as a JSON string.
    let carried = |body: &str| {
        there
            .iter()
            .any(|t| t == body || serde_json::from_str::<String>(t).is_ok_and(|t| t == body))
    };
    assert!(all.iter().all(|body| carried(body)), "{there:?}");
}

/// Three that only fit one to a call.
async fn the_largest_bodies_are_sent<H: DeadLetterHarness>(h: &H) {
    let large = |fill: &str| fill.repeat(1_048_576);
    let all = [large("x"), large("y"), large("z")];
    fill(h, &all.each_ref().map(String::as_str)).await;
    let queue = h.queue();
    let seen = scan_all(&queue, long(h)).await;
    assert_eq!(seen.len(), 3);
    let outgoing: Vec<Outgoing> = seen.iter().map(outgoing).collect();
    assert_eq!(queue.send(Lane::Standard, &outgoing, false).await, vec![Sent::Moved; 3]);
    let there: BTreeSet<String> = h.in_lane(Lane::Standard).await.into_iter().collect();
    assert!(there == all.into(), "{} came", there.len());
}

async fn hidden_longer_by_extension<H: DeadLetterHarness>(h: &H) {
    fill(h, &["held"]).await;
    let queue = h.queue();
    let held = scan_all(&queue, h.unit() * 2).await.remove(0);
    h.pass_time(h.unit()).await;
    assert_eq!(queue.hide(&[(held.receipt.clone(), h.unit() * 3)]).await, [Ok(())]);
    h.pass_time(h.unit() * 2).await;
    // Past the first time, within the second: the receipt is still good.
    assert_eq!(queue.send(Lane::Standard, &[outgoing(&held)], false).await, [Sent::Moved]);
    h.pass_time(long(h)).await;
    assert_eq!(scan_all(&h.queue(), h.unit()).await, []);
}

async fn the_depth_is_returned<H: DeadLetterHarness>(h: &H) {
    fill(h, &["a", "b", "c"]).await;
    let depth = h.queue().depth().await.unwrap();
    assert_eq!(depth.visible + depth.hidden, 3);
}
