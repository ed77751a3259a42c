//! The real client against the Slack stand-in, over real sockets on loopback.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hansho::commands::demo::slack_standin::{Answered, Behaviour, RateLimit, SlackStandIn};
use hansho::finding::{Finding, Fingerprint, Level, Partition, Severity, Text};
use hansho::instants::Wall;
use hansho::ports::{Card, Form, Notifier, Post, RetryReason, Verdict};
use hansho::secret::Secret;
use hansho::slack::{Destination, Guide, Mentions, SlackNotifier, Timeouts, WebhookSource};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The secret part of every address in these tests. No verdict and no error may hold it.
const SWORDFISH: &str = "SWORDFI5H";

/// Short enough for a test, long enough for a busy machine.
const QUICK: Timeouts =
    Timeouts { connect: Duration::from_secs(2), total: Duration::from_millis(800) };

fn a_post(destination: &str) -> Post {
    let finding = Finding {
        fingerprint: Fingerprint {
            product: "guardduty".into(),
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            id: "f1".into(),
        },
        partition: Partition::Commercial,
        account: Text::new("111122223333", 12),
        region: Text::new("eu-central-1", 20),
        kind: Text::new("Recon:EC2/Portscan", 100),
        title: Text::new("EC2 instance i-0abc is scanning", 100),
        description: None,
        severity: Severity::of_level(Level::High),
        created_at: None,
        updated_at: None,
        first_seen: None,
        last_seen: None,
        count: None,
        sample: false,
        canary: None,
        condition: Default::default(),
        member: None,
        requested_by: None,
        standards: vec![],
        resource_type: None,
        resource: None,
        actor: None,
        facts: Vec::new(),
        tags: Vec::new(),
        group: None,
        remarks: vec![],
    };
    Post {
        at: Wall(0),
        id: "d1".into(),
        destination: destination.into(),
        form: Form::Cards,
        cards: vec![Card::of(Arc::new(finding))],
        notes: Vec::new(),
    }
}

fn notifier<S: WebhookSource>(source: S, timeouts: Timeouts) -> SlackNotifier<S> {
    let destination = Destination { source, mentions: Mentions::none() };
    SlackNotifier::new([("security".to_owned(), destination)], Arc::default(), timeouts)
}

async fn standin() -> SlackStandIn {
    SlackStandIn::start(None, || 0).await.unwrap()
}

fn retry(reason: RetryReason, after_s: Option<u64>, ambiguous: bool, detail: &str) -> Verdict {
    let after = after_s.map(Duration::from_secs);
    Verdict::Retry { reason, after, ambiguous, detail: detail.into() }
}

#[tokio::test]
async fn a_post_arrives_whole() {
    let slack = standin().await;
    let mut seen = slack.subscribe();
    let notifier = notifier(Secret::new(slack.webhook(SWORDFISH)), Timeouts::default());
    assert_eq!(notifier.post(&a_post("security")).await, Verdict::Accepted);

    let waited = tokio::time::timeout(Duration::from_secs(60), seen.recv()).await;
    let received = waited.expect("a post").unwrap();
    assert_eq!(
        received.payload,
        hansho::slack::payload(&a_post("security"), &Mentions::none(), &Guide::default())
    );
    assert_eq!(received.path, format!("/services/T000/B000/{SWORDFISH}"));
    assert_eq!(received.user_agent, format!("hansho/{}", env!("CARGO_PKG_VERSION")));
    assert!(received.accepted);
    assert_eq!(slack.received(), vec![received]);
}

#[tokio::test]
async fn every_way_of_answering_has_its_verdict() {
    use Behaviour::*;
    use RetryReason as Why;
    let slack = standin().await;
    let elsewhere = standin().await;
    let notifier = notifier(Secret::new(slack.webhook(SWORDFISH)), QUICK);
    let status = |status: u16, body: &str| Status(status, body.to_owned());
    let refused = |detail: &str| Verdict::Refused { detail: detail.into() };
    let dead = |status: u16, detail: &str| Verdict::Dead { status, detail: detail.into() };
    let lost = "the connection was lost before the answer";
    let not_ok = "HTTP 200, but the body is not `ok`";
    let leak = format!("/services/T000/B000/{SWORDFISH} not found");
    let long = "x".repeat(100_000);
    let in_time = Slow(Duration::from_millis(50));
    let too_slow = Slow(Duration::from_secs(3));
    for (behaviour, expected, accepted) in [
        (Ok, Verdict::Accepted, true),
        (in_time, Verdict::Accepted, true),
        (too_slow, retry(Why::TimedOut, None, true, "no complete answer in time"), true),
        (
            RateLimited { retry_after_s: Some(7) },
            retry(Why::RateLimited, Some(7), false, "HTTP 429: rate_limited"),
            false,
        ),
        (
            RateLimited { retry_after_s: None },
            retry(Why::RateLimited, Some(30), false, "HTTP 429: rate_limited"),
            false,
        ),
        (
            RateLimited { retry_after_s: Some(1_000_000) },
            retry(Why::RateLimited, Some(3600), false, "HTTP 429: rate_limited"),
            false,
        ),
        (
            status(500, "rollup_error"),
            retry(Why::ServerError, None, true, "HTTP 500: rollup_error"),
            false,
        ),
        (status(503, &leak), retry(Why::ServerError, None, true, "HTTP 503"), false),
        (status(400, "invalid_payload"), refused("HTTP 400: invalid_payload"), false),
        (status(400, &leak), refused("HTTP 400"), false),
        (status(413, ""), refused("HTTP 413"), false),
        (status(403, "action_prohibited"), dead(403, "HTTP 403: action_prohibited"), false),
        (status(404, &leak), dead(404, "HTTP 404"), false),
        (status(410, "channel_is_archived"), dead(410, "HTTP 410: channel_is_archived"), false),
        (status(418, ""), retry(Why::UnexpectedAnswer, None, false, "HTTP 418"), false),
        (
            Redirect(elsewhere.webhook("x")),
            retry(Why::UnexpectedAnswer, None, false, "HTTP 302"),
            false,
        ),
        (OkWithOtherBody("no".into()), retry(Why::UnexpectedAnswer, None, true, not_ok), false),
        (OkWithOtherBody(long), retry(Why::UnexpectedAnswer, None, true, not_ok), false),
        (CloseAfterAccepting, retry(Why::Connection, None, true, lost), true),
        (CloseWithoutAccepting, retry(Why::Connection, None, true, lost), false),
        (
            Hang { accepted: true },
            retry(Why::TimedOut, None, true, "no complete answer in time"),
            true,
        ),
        (
            Hang { accepted: false },
            retry(Why::TimedOut, None, true, "no complete answer in time"),
            false,
        ),
    ] {
        slack.plan([behaviour.clone()]);
        let before = slack.received().len();
        let verdict = notifier.post(&a_post("security")).await;
        assert_eq!(verdict, expected, "{behaviour:?}");
        assert!(!format!("{verdict:?}").contains(SWORDFISH), "{behaviour:?} leaks");
        let received = slack.received();
        // Exactly one attempt, whatever its result.
        assert_eq!(received.len(), before + 1, "{behaviour:?}");
        assert_eq!(received.last().unwrap().accepted, accepted, "{behaviour:?}");
    }
    assert!(elsewhere.received().is_empty(), "a redirect was followed");
}

#[tokio::test]
async fn nobody_listening_is_not_ambiguous() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for host in [address.to_string(), format!("localhost:{}", address.port())] {
        let webhook = Secret::new(format!("http://{host}/services/{SWORDFISH}"));
        let verdict = notifier(webhook, QUICK).post(&a_post("security")).await;
        let detail = "cannot connect: connection refused";
        assert_eq!(verdict, retry(RetryReason::Connection, None, false, detail));
    }
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_judged_by_what_is_known() {
    for (head, expected) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\nok",
            retry(RetryReason::TimedOut, None, true, "no complete answer in time"),
        ),
        (
            "HTTP/1.1 200 OK\r\n",
            retry(RetryReason::TimedOut, None, true, "no complete answer in time"),
        ),
        (
            "HTTP/1.1 410 Gone\r\ncontent-length: 9999\r\n\r\nchannel",
            Verdict::Dead { status: 410, detail: "HTTP 410".into() },
        ),
        (
            "HTTP/1.1 429 No\r\nretry-after: 9\r\ncontent-length: 9999\r\n\r\n",
            retry(RetryReason::RateLimited, Some(9), false, "HTTP 429"),
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let webhook = format!("http://{}/{SWORDFISH}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 64];
            let _ = stream.read(&mut request).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        let verdict = notifier(Secret::new(webhook), QUICK).post(&a_post("security")).await;
        assert_eq!(verdict, expected, "{head}");
        server.abort();
    }
}

#[tokio::test]
async fn garbage_for_an_answer_may_have_been_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = format!("http://{}/{SWORDFISH}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 64];
        let _ = stream.read(&mut request).await;
        stream.write_all(b"\x16\x03\x01 no http at all\r\n\r\n").await.unwrap();
    });
    let verdict = notifier(Secret::new(webhook), QUICK).post(&a_post("security")).await;
    assert!(
        matches!(
            verdict,
            Verdict::Retry { reason: RetryReason::Connection, ambiguous: true, after: None, .. }
        ),
        "{verdict:?}"
    );
    server.await.unwrap();
}

/// A source whose content a test changes.
#[derive(Clone)]
struct Vault(Arc<Mutex<Result<String, String>>>);

impl Vault {
    fn new(content: Result<String, String>) -> Vault {
        Vault(Arc::new(Mutex::new(content)))
    }

    fn put(&self, content: Result<String, String>) {
        *self.0.lock().unwrap() = content;
    }
}

impl WebhookSource for Vault {
    async fn read(&self) -> Result<Secret, String> {
        self.0.lock().unwrap().clone().map(Secret::new)
    }
}

#[tokio::test]
async fn an_address_that_is_missing_or_wrong_is_a_retry_and_not_shown() {
    let vault = Vault::new(Err("secret hansho/slack not found".into()));
    let notifier = notifier(vault.clone(), QUICK);
    let no_address = |detail: &str| retry(RetryReason::NoAddress, None, false, detail);

    let verdict = notifier.post(&a_post("security")).await;
    assert_eq!(verdict, no_address("secret hansho/slack not found"));

    vault.put(Ok(format!("https://evil.example/services/{SWORDFISH}")));
    let verdict = notifier.post(&a_post("security")).await;
    let why = "the webhook's host has to be hooks.slack.com or hooks.slack-gov.com";
    assert_eq!(verdict, no_address(why));
    assert_eq!(notifier.refresh("security").await, Err(why.to_owned()));

    let verdict = notifier.post(&a_post("elsewhere")).await;
    assert_eq!(verdict, no_address("no such destination in the configuration"));
    assert!(notifier.refresh("elsewhere").await.is_err());
}

#[tokio::test]
async fn a_changed_address_is_used_after_a_refresh_and_a_broken_one_never() {
    let slack = standin().await;
    let vault = Vault::new(Ok(slack.webhook("old")));
    let notifier = notifier(vault.clone(), QUICK);
    let post = async || {
        assert_eq!(notifier.post(&a_post("security")).await, Verdict::Accepted);
        slack.received().last().unwrap().path.rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!(notifier.refresh("security").await, Ok(true), "nothing was known before");
    assert_eq!(notifier.refresh("security").await, Ok(false));
    assert_eq!(post().await, "old");
    vault.put(Ok(format!("{}\n", slack.webhook("new"))));
    assert_eq!(post().await, "old", "it is only read when asked to");
    assert_eq!(notifier.refresh("security").await, Ok(true));
    assert_eq!(post().await, "new");
    vault.put(Err("gone".into()));
    assert_eq!(notifier.refresh("security").await, Err("gone".to_owned()));
    assert_eq!(post().await, "new");
}

/// A source that never answers.
struct Stuck;

impl WebhookSource for Stuck {
    async fn read(&self) -> Result<Secret, String> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_source_that_hangs_is_given_up() {
    let verdict = notifier(Stuck, QUICK).post(&a_post("security")).await;
    let detail = "the webhook's address was not read in time";
    assert_eq!(verdict, retry(RetryReason::NoAddress, None, false, detail));
}

#[tokio::test]
async fn the_standin_keeps_slacks_pace_for_each_webhook() {
    let clock = Arc::new(AtomicU64::new(0));
    let ticking = Arc::clone(&clock);
    let limit = RateLimit { period: Duration::from_secs(1), burst: 2 };
    let slack =
        SlackStandIn::start(Some(limit), move || ticking.load(Ordering::SeqCst)).await.unwrap();
    let a = notifier(Secret::new(slack.webhook("a")), QUICK);
    let b = notifier(Secret::new(slack.webhook("b")), QUICK);
    let too_many = retry(RetryReason::RateLimited, Some(1), false, "HTTP 429: rate_limited");
    for (at_ms, notifier, expected) in [
        (0, &a, &Verdict::Accepted),
        (0, &a, &Verdict::Accepted),
        (0, &a, &too_many),
        (0, &b, &Verdict::Accepted),
        (999, &a, &too_many),
        (1000, &a, &Verdict::Accepted),
        (1100, &a, &too_many),
        (60_000, &a, &Verdict::Accepted),
    ] {
        clock.store(at_ms, Ordering::SeqCst);
        assert_eq!(&notifier.post(&a_post("security")).await, expected, "at {at_ms}");
    }
    let accepted = slack.received().iter().filter(|received| received.accepted).count();
    assert_eq!(accepted, 5);
}

#[tokio::test]
async fn the_standin_refuses_what_slack_refuses() {
    let slack = standin().await;
    let post = async |body: &str| {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = client.post(slack.webhook("x")).body(body.to_owned()).send().await.unwrap();
        (sent.status().as_u16(), sent.text().await.unwrap())
    };
    assert_eq!(post(r#"{"text":"hello"}"#).await, (200, "ok".to_owned()));
    assert_eq!(post("no json").await, (400, "invalid_payload".to_owned()));
    assert_eq!(post("{}").await, (400, "no_text".to_owned()));
    let answers: Vec<Answered> = slack.received().iter().map(|r| r.answered.clone()).collect();
    assert_eq!(answers[2], Answered::Status { status: 400, body: "no_text".into() });
}
