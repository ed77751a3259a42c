//! The contract of [`hansho::ports::Queue`], as one suite for all implementations: adapters,
//! stand-ins and fakes. A fake that does not pass proves nothing about the code that is tested with
//! it.
//!
//! To run it on another queue, write a [`QueueHarness`] and call [`exercise`]. The suite counts
//! time in the harness's own unit. So the same checks run on a clock that the test moves (a unit of
//! 30 s costs nothing) and on a foreign server in real time (2 s).
//!
//! The suite leaves the same choices as AWS:
//! - The answer to a stale receipt may be success or [`QueueError::ReceiptGone`]. It may not touch
//!   another message, and the newest receipt has to work after it.
//! - Order is roughly by age.
//! - The suite does not test a receipt whose time is over before another receive of the message:
//!   SQS still deletes by it, and others need not.

use std::collections::BTreeSet;
use std::time::Duration;

use hansho::instants::Wall;
use hansho::ports::{
    Delivery, Depth, Lane, MessageId, QUEUE_BATCH_MAX, QuarantineEntry, Queue, QueueError, Receipt,
    ReceiveAsk,
};

/// The needs of the suite beside the port. Each harness has queues of its own, empty at first.
pub trait QueueHarness {
    type Queue: Queue;

    fn queue(&self) -> &Self::Queue;

    /// The suite's unit of time: whole seconds, at least 2. Visibility time-outs are a few of it.
    fn unit(&self) -> Duration;

    /// Puts a message into a lane, as a producer would, visible at once.
    fn send(&self, lane: Lane, body: &str) -> impl Future<Output = ()>;

    /// Returns when at least so much time has passed for the queue, and at most about half a unit
    /// later.
    fn pass_time(&self, by: Duration) -> impl Future<Output = ()>;

    /// All messages in the quarantine, in any order. Called once a harness.
    fn quarantined(&self) -> impl Future<Output = Vec<DeadLetter>>;
}

/// A message in the quarantine, with its attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeadLetter {
    pub body: String,
    pub reason: Option<String>,
    pub detail: Option<String>,
    /// The lane's name.
    pub lane: Option<String>,
    pub message_id: Option<String>,
    pub receive_count: Option<u32>,
    /// To the second.
    pub enqueued_at: Option<Wall>,
    /// To the second.
    pub quarantined_at: Option<Wall>,
}

suite! { QueueHarness:
    an_empty_queue_gives_nothing,
    a_message_arrives_whole,
    it_is_hidden_then_delivered_again,
    a_deleted_message_is_not_delivered_again,
    a_stale_receipt_does_no_harm,
    receipts_of_deleted_messages_are_harmless,
    returned_at_once,
    returned_with_a_delay,
    kept_longer_by_extension,
    each_receipt_is_judged_for_itself_when_deleting,
    each_receipt_is_judged_for_itself_when_hiding,
    batches_keep_to_their_limits,
    consumers_share_the_work,
    roughly_the_oldest_first,
    lanes_are_apart,
    a_wait_ends_with_an_arrival,
    the_depth_is_known,
    any_text_comes_back_as_it_was,
    a_body_of_nearly_1_mib,
    quarantine_keeps_all_attributes,
    quarantine_keeps_the_original_until_it_is_deleted,
    quarantine_takes_any_body,
    quarantine_takes_the_largest_body,
}

const LANE: Lane = Lane::Standard;

/// One receive, without waiting.
async fn receive<H: QueueHarness>(h: &H, lane: Lane, max: usize) -> Vec<Delivery> {
    let ask = ReceiveAsk { lane, max, wait: Duration::ZERO, visibility: h.unit() };
    h.queue().receive(ask).await.expect("a receive")
}

/// Receives exactly so many messages, hidden for `visibility`. It takes as many calls as needed, as
/// one call may bring fewer than there are.
async fn take<H: QueueHarness>(
    h: &H,
    lane: Lane,
    count: usize,
    visibility: Duration,
) -> Vec<Delivery> {
    let mut taken: Vec<Delivery> = Vec::new();
    for _ in 0..10 * count {
        let max = (count - taken.len()).min(QUEUE_BATCH_MAX);
        if max == 0 {
            break;
        }
        let ask = ReceiveAsk { lane, max, wait: Duration::from_secs(1), visibility };
        let some = h.queue().receive(ask).await.expect("a receive");
        assert!(some.len() <= max, "{} messages, asked for {max}", some.len());
        taken.extend(some);
    }
    assert_eq!(taken.len(), count, "messages received");
    taken
}

async fn take_one<H: QueueHarness>(h: &H) -> Delivery {
    take(h, LANE, 1, h.unit()).await.remove(0)
}

/// Long enough that no message is delivered again within a check.
fn long<H: QueueHarness>(h: &H) -> Duration {
    h.unit() * 30
}

async fn delete<H: QueueHarness>(h: &H, receipt: &Receipt) -> Result<(), QueueError> {
    let mut answers = h.queue().delete(LANE, std::slice::from_ref(receipt)).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

async fn hide<H: QueueHarness>(h: &H, receipt: &Receipt, by: Duration) -> Result<(), QueueError> {
    let mut answers = h.queue().hide(LANE, &[(receipt.clone(), by)]).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

fn harmless(answer: &Result<(), QueueError>) {
    assert!(matches!(answer, Ok(()) | Err(QueueError::ReceiptGone(_))), "{answer:?}");
}

/// A receipt that no queue ever gave.
fn made_up() -> Receipt {
    Receipt("not-a-receipt".to_owned())
}

fn bodies(deliveries: &[Delivery]) -> BTreeSet<String> {
    deliveries.iter().map(|d| d.body.clone()).collect()
}

async fn an_empty_queue_gives_nothing<H: QueueHarness>(h: &H) {
    for lane in Lane::ALL {
        assert_eq!(receive(h, lane, 10).await, []);
        assert_eq!(h.queue().depth(lane).await, Ok(Depth::default()));
    }
    assert_eq!(h.queue().delete(LANE, &[]).await, []);
    assert_eq!(h.queue().hide(LANE, &[]).await, []);
    assert_eq!(h.quarantined().await, []);
}

async fn a_message_arrives_whole<H: QueueHarness>(h: &H) {
    h.send(LANE, r#"{"detail-type": "GuardDuty Finding"}"#).await;
    let got = take_one(h).await;
    assert_eq!(got.body, r#"{"detail-type": "GuardDuty Finding"}"#);
    assert_eq!((got.lane, got.receive_count), (LANE, 1));
    assert!(!got.message_id.0.is_empty() && !got.receipt.0.is_empty());
    // Any plausible moment: only the harness knows whose clock it is.
    let year_2020 = Wall(1_577_836_800_000);
    assert!(got.enqueued_at.is_some_and(|at| at > year_2020), "{:?}", got.enqueued_at);
}

async fn it_is_hidden_then_delivered_again<H: QueueHarness>(h: &H) {
    h.send(LANE, "again").await;
    let mut last = take_one(h).await;
    for count in 2..=3 {
        assert_eq!(receive(h, LANE, 10).await, [], "hidden for one unit");
        h.pass_time(h.unit()).await;
        let next = take_one(h).await;
        assert_eq!((&next.message_id, &next.body), (&last.message_id, &last.body));
        assert_eq!(next.enqueued_at, last.enqueued_at);
        assert_ne!(next.receipt, last.receipt, "every receive has a receipt of its own");
        assert_eq!(next.receive_count, count);
        last = next;
    }
}

async fn a_deleted_message_is_not_delivered_again<H: QueueHarness>(h: &H) {
    h.send(LANE, "once").await;
    let got = take_one(h).await;
    assert_eq!(delete(h, &got.receipt).await, Ok(()));
    h.pass_time(h.unit() * 2).await;
    assert_eq!(receive(h, LANE, 10).await, []);
}

async fn a_stale_receipt_does_no_harm<H: QueueHarness>(h: &H) {
    h.send(LANE, "contended").await;
    let stale = take_one(h).await;
    h.pass_time(h.unit()).await;
    let newest = take(h, LANE, 1, h.unit() * 2).await.remove(0);
    h.send(LANE, "neighbour").await;

    harmless(&hide(h, &stale.receipt, h.unit() * 2).await);
    harmless(&delete(h, &stale.receipt).await);
    assert_eq!(bodies(&receive(h, LANE, 10).await), BTreeSet::from(["neighbour".to_owned()]));
    assert_eq!(delete(h, &newest.receipt).await, Ok(()));
    h.pass_time(h.unit() * 3).await;
    assert_eq!(bodies(&receive(h, LANE, 10).await), BTreeSet::from(["neighbour".to_owned()]));
}

async fn receipts_of_deleted_messages_are_harmless<H: QueueHarness>(h: &H) {
    h.send(LANE, "gone").await;
    let got = take_one(h).await;
    assert_eq!(delete(h, &got.receipt).await, Ok(()));
    harmless(&delete(h, &got.receipt).await);
    harmless(&hide(h, &got.receipt, Duration::ZERO).await);
    assert_eq!(receive(h, LANE, 10).await, []);
}

async fn returned_at_once<H: QueueHarness>(h: &H) {
    h.send(LANE, "back").await;
    let first = take(h, LANE, 1, long(h)).await.remove(0);
    assert_eq!(hide(h, &first.receipt, Duration::ZERO).await, Ok(()));
    let second = take_one(h).await;
    assert_eq!(second.message_id, first.message_id);
    assert_eq!(second.receive_count, 2);
}

async fn returned_with_a_delay<H: QueueHarness>(h: &H) {
    h.send(LANE, "later").await;
    let first = take(h, LANE, 1, long(h)).await.remove(0);
    assert_eq!(hide(h, &first.receipt, h.unit()).await, Ok(()));
    assert_eq!(receive(h, LANE, 10).await, []);
    h.pass_time(h.unit()).await;
    assert_eq!(take_one(h).await.receive_count, 2);
}

async fn kept_longer_by_extension<H: QueueHarness>(h: &H) {
    h.send(LANE, "kept").await;
    let first = take_one(h).await;
    h.pass_time(h.unit() / 2).await;
    assert_eq!(hide(h, &first.receipt, h.unit() * 2).await, Ok(()));
    h.pass_time(h.unit()).await;
    assert_eq!(receive(h, LANE, 10).await, [], "past the first time-out, within the extension");
    h.pass_time(h.unit()).await;
    let second = take_one(h).await;
    assert_eq!(second.receive_count, 2, "an extension is no receive");
    assert_eq!(delete(h, &second.receipt).await, Ok(()));
}

async fn three<H: QueueHarness>(h: &H) -> Vec<Delivery> {
    for body in ["a", "b", "c"] {
        h.send(LANE, body).await;
    }
    take(h, LANE, 3, h.unit() * 2).await
}

async fn each_receipt_is_judged_for_itself_when_deleting<H: QueueHarness>(h: &H) {
    let got = three(h).await;
    let receipts = [got[0].receipt.clone(), made_up(), got[2].receipt.clone()];
    let answers = h.queue().delete(LANE, &receipts).await;
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[0], &answers[2]), (&Ok(()), &Ok(())));
    harmless(&answers[1]);
    h.pass_time(h.unit() * 2).await;
    assert_eq!(bodies(&receive(h, LANE, 10).await), BTreeSet::from([got[1].body.clone()]));
}

async fn each_receipt_is_judged_for_itself_when_hiding<H: QueueHarness>(h: &H) {
    let got = three(h).await;
    let entries = [
        (got[0].receipt.clone(), Duration::ZERO),
        (made_up(), Duration::ZERO),
        (got[2].receipt.clone(), long(h)),
    ];
    let answers = h.queue().hide(LANE, &entries).await;
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[0], &answers[2]), (&Ok(()), &Ok(())));
    harmless(&answers[1]);
    assert_eq!(take(h, LANE, 1, long(h)).await[0].body, got[0].body);
    h.pass_time(h.unit() * 2).await;
    assert_eq!(bodies(&receive(h, LANE, 10).await), BTreeSet::from([got[1].body.clone()]));
}

async fn batches_keep_to_their_limits<H: QueueHarness>(h: &H) {
    let sent: BTreeSet<String> = (0..13).map(|n| format!("m{n}")).collect();
    for body in &sent {
        h.send(LANE, body).await;
    }
    // `take` checks that no call brings more than it asked for.
    let mut got = take(h, LANE, 3, long(h)).await;
    got.extend(take(h, LANE, 10, long(h)).await);
    assert_eq!(bodies(&got), sent);
    let ids: BTreeSet<&MessageId> = got.iter().map(|d| &d.message_id).collect();
    assert_eq!(ids.len(), 13);

    let receipts: Vec<Receipt> = got.into_iter().map(|d| d.receipt).collect();
    let (ten, three) = receipts.split_at(QUEUE_BATCH_MAX);
    for batch in [ten, three] {
        assert_eq!(h.queue().delete(LANE, batch).await, vec![Ok(()); batch.len()]);
    }
    assert_eq!(h.queue().depth(LANE).await, Ok(Depth::default()));
}

async fn consumers_share_the_work<H: QueueHarness>(h: &H) {
    let sent: BTreeSet<String> = (0..10).map(|n| format!("m{n}")).collect();
    for body in &sent {
        h.send(LANE, body).await;
    }
    let (one, two) = tokio::join!(take(h, LANE, 5, long(h)), take(h, LANE, 5, long(h)));
    let mut all = bodies(&one);
    all.extend(bodies(&two));
    assert_eq!(all, sent, "each message goes to one of them");
}

async fn roughly_the_oldest_first<H: QueueHarness>(h: &H) {
    for n in 0..12 {
        h.send(LANE, &n.to_string()).await;
    }
    let first = take(h, LANE, 4, long(h)).await;
    let older_half = first.iter().filter(|d| d.body.parse::<u32>().is_ok_and(|n| n < 6)).count();
    assert!(older_half >= 3, "{:?}", bodies(&first));
}

async fn lanes_are_apart<H: QueueHarness>(h: &H) {
    h.send(Lane::Express, "urgent").await;
    assert_eq!(receive(h, Lane::Standard, 10).await, []);
    let got = take(h, Lane::Express, 1, h.unit()).await.remove(0);
    assert_eq!((got.lane, got.body.as_str()), (Lane::Express, "urgent"));

    h.send(Lane::Standard, "calm").await;
    let calm = take_one(h).await;
    assert_eq!((calm.lane, calm.body.as_str()), (Lane::Standard, "calm"));
    assert_eq!(delete(h, &calm.receipt).await, Ok(()));
    h.pass_time(h.unit()).await;
    assert_eq!(receive(h, Lane::Standard, 10).await, []);
    assert_eq!(take(h, Lane::Express, 1, h.unit()).await[0].receive_count, 2);
}

/// In real time, as the wait is long enough to be noticed.
async fn a_wait_ends_with_an_arrival<H: QueueHarness>(h: &H) {
    let wait = Duration::from_secs(20);
    let ask = ReceiveAsk { lane: LANE, max: 10, wait, visibility: h.unit() };
    let receive = tokio::time::timeout(wait / 2, h.queue().receive(ask));
    let send = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        h.send(LANE, "at last").await;
    };
    let (received, ()) = tokio::join!(receive, send);
    let received = received.expect("the wait ends soon after the arrival").expect("a receive");
    assert_eq!(bodies(&received), BTreeSet::from(["at last".to_owned()]));
}

async fn the_depth_is_known<H: QueueHarness>(h: &H) {
    for body in ["a", "b", "c"] {
        h.send(LANE, body).await;
    }
    assert_eq!(h.queue().depth(LANE).await, Ok(Depth { visible: 3, hidden: 0 }));
    assert_eq!(h.queue().depth(Lane::Express).await, Ok(Depth::default()));
    let got = take(h, LANE, 1, long(h)).await.remove(0);
    assert_eq!(h.queue().depth(LANE).await, Ok(Depth { visible: 2, hidden: 1 }));
    assert_eq!(delete(h, &got.receipt).await, Ok(()));
    assert_eq!(h.queue().depth(LANE).await, Ok(Depth { visible: 2, hidden: 0 }));
}

/// SQS accepts all of these texts.
const TEXTS: [&str; 5] = [
    "半鐘 🔔 e\u{301} \u{202e}right to left\u{202c} \u{10ffff}",
    "tab\tline\nreturn\r\nend ",
    r#"{"quoted": "\"\\\u0000\ud83d\ude00", "html": "<!here> & </b>"}"#,
    "  leading and trailing space  ",
    "\u{7f}\u{85}\u{a0}\u{2028}\u{fffd}",
];

async fn any_text_comes_back_as_it_was<H: QueueHarness>(h: &H) {
    for text in TEXTS {
        h.send(LANE, text).await;
    }
    let got = take(h, LANE, TEXTS.len(), long(h)).await;
    assert_eq!(bodies(&got), TEXTS.map(str::to_owned).into());
}

fn large(bytes: usize) -> String {
    let mut body = "半鐘 \"0123456789\" \\ ".repeat(bytes / 20);
    while body.len() > bytes {
        body.pop();
    }
    body.push_str(&"x".repeat(bytes - body.len()));
    body
}

async fn a_body_of_nearly_1_mib<H: QueueHarness>(h: &H) {
    let body = large(1_048_000);
    h.send(LANE, &body).await;
    let got = take(h, LANE, 1, long(h)).await.remove(0);
    assert!(got.body == body, "{} bytes came back, of {}", got.body.len(), body.len());
}

fn entry(of: &Delivery) -> QuarantineEntry {
    QuarantineEntry {
        message_id: of.message_id.clone(),
        lane: of.lane,
        body: of.body.clone(),
        reason: "not_json".to_owned(),
        detail: "line 1, column 7: \"}\" was expected, <b> found".to_owned(),
        receive_count: of.receive_count,
        enqueued_at: of.enqueued_at,
        quarantined_at: Wall(1_767_225_677_000),
    }
}

fn to_the_second(at: Wall) -> Wall {
    Wall(at.seconds() * 1000)
}

async fn quarantine_keeps_all_attributes<H: QueueHarness>(h: &H) {
    h.send(Lane::Express, "{\"broken\n🔔").await;
    let got = take(h, Lane::Express, 1, h.unit()).await.remove(0);
    assert_eq!(h.queue().quarantine(&entry(&got)).await, Ok(()));
    let expected = DeadLetter {
        body: "{\"broken\n🔔".to_owned(),
        reason: Some("not_json".to_owned()),
        detail: Some(entry(&got).detail),
        lane: Some("express".to_owned()),
        message_id: Some(got.message_id.0.clone()),
        receive_count: Some(1),
        enqueued_at: got.enqueued_at.map(to_the_second),
        quarantined_at: Some(Wall(1_767_225_677_000)),
    };
    assert_eq!(h.quarantined().await, [expected]);
}

/// A crash between the two leaves two copies, never none.
async fn quarantine_keeps_the_original_until_it_is_deleted<H: QueueHarness>(h: &H) {
    h.send(LANE, "kept").await;
    let got = take_one(h).await;
    assert_eq!(h.queue().quarantine(&entry(&got)).await, Ok(()));
    h.pass_time(h.unit()).await;
    let again = take_one(h).await;
    assert_eq!(again.message_id, got.message_id);
    assert_eq!(delete(h, &again.receipt).await, Ok(()));
    h.pass_time(h.unit()).await;
    assert_eq!(receive(h, LANE, 10).await, []);
    assert_eq!(h.quarantined().await.len(), 1);
}

/// Even a body that the queue's own lanes could not have carried.
async fn quarantine_takes_any_body<H: QueueHarness>(h: &H) {
    let awkward = ["", "nul \u{0}, bell \u{7}, escape \u{1b}", "\u{fffe}\u{ffff}", "\"json\" \\"];
    for (i, body) in TEXTS.into_iter().chain(awkward).enumerate() {
        let odd = QuarantineEntry {
            message_id: MessageId(format!("m\u{0}{i}")),
            lane: LANE,
            body: body.to_owned(),
            reason: String::new(),
            detail: format!("\u{1b}[31m{}", "long ".repeat(1000)),
            receive_count: u32::MAX,
            enqueued_at: None,
            quarantined_at: Wall(1_767_225_677_000),
        };
        assert_eq!(h.queue().quarantine(&odd).await, Ok(()), "{body:?}");
    }
    let got: BTreeSet<String> = h.quarantined().await.into_iter().map(|p| p.body).collect();
    let sent = TEXTS.into_iter().chain(awkward).map(str::to_owned);
    assert_eq!(got, sent.collect());
}

/// Beside a body of 1 MiB there may be no space for attributes. Only the body has to be kept.
async fn quarantine_takes_the_largest_body<H: QueueHarness>(h: &H) {
    let body = large(1_048_576);
    let full = QuarantineEntry {
        message_id: MessageId("m".to_owned()),
        lane: LANE,
        body: body.clone(),
        reason: "not_json".to_owned(),
        detail: "no space for this".to_owned(),
        receive_count: 1,
        enqueued_at: None,
        quarantined_at: Wall(1_767_225_677_000),
    };
    assert_eq!(h.queue().quarantine(&full).await, Ok(()));
    let quarantined = h.quarantined().await;
    assert_eq!(quarantined.len(), 1);
    assert!(quarantined[0].body == body, "{} bytes came back", quarantined[0].body.len());
}
