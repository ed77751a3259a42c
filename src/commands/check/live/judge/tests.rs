use std::time::Duration;

use super::queue::{MESSAGE_BYTES, RETENTION_MAX};
use super::*;
use crate::commands::check::live::line::{Line, State};
use crate::ports::probe::{Asked, QueueFacts, TableFacts, TtlFacts};
use crate::ports::{LedgerError, QueueError, RetryReason, Verdict, Written};

fn facts() -> QueueFacts {
    QueueFacts {
        visibility: Some(Duration::from_secs(120)),
        retention: Some(RETENTION_MAX),
        message_bytes_max: Some(MESSAGE_BYTES),
        receives_max: Some(1000),
        key: None,
    }
}

fn states(lines: &[Line]) -> Vec<&'static str> {
    lines.iter().map(|line| line.state.as_str()).collect()
}

const VISIBILITY: Duration = Duration::from_secs(120);

#[test]
fn lanes_are_judged_by_what_the_worker_needs() {
    let hour = Some(Duration::from_secs(3600));
    for (facts, state, said) in [
        (facts(), "ok", "visibility 2m, dead letters after 1000 receives"),
        (QueueFacts { visibility: hour, ..facts() }, "ok", "visibility 1h"),
        (QueueFacts { receives_max: None, ..facts() }, "ok", "no dead-letter queue"),
        (QueueFacts::default(), "ok", "unknown"),
        (
            QueueFacts { visibility: Some(Duration::from_secs(119)), ..facts() },
            "wrong",
            "time-out of 1m59s is less than worker.visibility, 2m",
        ),
        (QueueFacts { retention: hour, ..facts() }, "wrong", "keeps messages for 1h"),
        (
            QueueFacts { message_bytes_max: Some(262_144), ..facts() },
            "wrong",
            "262144 bytes at most",
        ),
        (QueueFacts { receives_max: Some(5), ..facts() }, "wrong", "after 5 receives"),
        (QueueFacts { receives_max: Some(999), ..facts() }, "wrong", "after 999 receives"),
    ] {
        let asked = Asked::Answered(facts.clone());
        let lines = queue("queue q", Role::Lane, &asked, VISIBILITY);
        assert_eq!(states(&lines), [state], "{facts:?}");
        assert!(lines[0].detail.contains(said), "{}", lines[0].detail);
        assert_eq!(lines[0].fix.is_some(), state == "wrong");
    }
    let all = QueueFacts { visibility: hour, retention: hour, receives_max: Some(1), ..facts() };
    let lines = queue("q", Role::Lane, &Asked::Answered(all), VISIBILITY * 100);
    assert_eq!(states(&lines), ["wrong"; 3]);
}

#[test]
fn eventbridge_can_not_send_to_a_lane_with_the_key_of_aws() {
    let judge = |role, key: &str| {
        let receives_max = (role == Role::Lane).then_some(1000);
        let facts = QueueFacts { key: Some(key.to_owned()), receives_max, ..facts() };
        queue("q", role, &Asked::Answered(facts), VISIBILITY)
    };
    let arn = "arn:aws:kms:eu-west-1:111122223333:alias/aws/sqs";
    for (role, key, state) in [
        (Role::Lane, "alias/aws/sqs", "wrong"),
        (Role::Lane, arn, "wrong"),
        (Role::Lane, "alias/hansho", "ok"),
        (Role::Lane, "1234abcd-12ab-34cd-56ef-1234567890ab", "ok"),
        // Only the worker sends to it.
        (Role::Quarantine, "alias/aws/sqs", "ok"),
    ] {
        let lines = judge(role, key);
        assert_eq!(states(&lines), [state, "not checked"], "{role:?} {key}");
        if state == "wrong" {
            assert!(lines[0].detail.contains("EventBridge can't send"), "{}", lines[0].detail);
            let fix = lines[0].fix.as_ref().unwrap();
            assert!(fix.contains("SSE-SQS") && fix.contains("events.amazonaws.com"), "{fix}");
        }
    }
}

#[test]
fn the_quarantine_has_needs_of_its_own() {
    let judge = |facts| queue("q", Role::Quarantine, &Asked::Answered(facts), VISIBILITY);
    let good = QueueFacts { receives_max: None, visibility: None, ..facts() };
    assert_eq!(states(&judge(good)), ["ok"]);
    let lines = judge(facts());
    assert_eq!(states(&lines), ["wrong"]);
    assert!(lines[0].detail.contains("after 1000 receives"), "{}", lines[0].detail);
}

#[test]
fn a_question_that_is_not_allowed_is_wrong_only_where_the_worker_asks_it() {
    let denied = || Asked::NotAllowed("AccessDenied".to_owned());
    let missing = || Asked::Missing("does not exist".to_owned());
    let failed = || Asked::Failed("no connection".to_owned());
    for (asked, lane, quarantine) in [
        (denied(), "wrong", "not checked"),
        (missing(), "wrong", "wrong"),
        (failed(), "wrong", "wrong"),
    ] {
        assert_eq!(states(&queue("q", Role::Lane, &asked, VISIBILITY)), [lane], "{asked:?}");
        let lines = queue("q", Role::Quarantine, &asked, VISIBILITY);
        assert_eq!(states(&lines), [quarantine], "{asked:?}");
    }
    let denied = Asked::NotAllowed("AccessDenied".to_owned());
    assert_eq!(table("t", &denied).state, State::NotChecked);
    assert_eq!(
        ttl("t", &Asked::NotAllowed("AccessDenied".to_owned())).unwrap().state,
        State::NotChecked
    );
    assert_eq!(ttl("t", &Asked::Missing("x".to_owned())), None);
    assert_eq!(table("t", &Asked::Missing("x".to_owned())).state, State::Wrong);
    assert_eq!(table("t", &Asked::Failed("x".to_owned())).state, State::Wrong);
    for (asked, state) in [
        (Asked::Answered(false), State::Ok),
        (Asked::Answered(true), State::Ok),
        (Asked::NotAllowed("x".to_owned()), State::Wrong),
        (Asked::Missing("x".to_owned()), State::Wrong),
        (Asked::Failed("x".to_owned()), State::Wrong),
    ] {
        assert_eq!(quarantine("q", &asked).state, state, "{asked:?}");
    }
}

#[test]
fn rights_show_by_how_a_call_is_refused() {
    let gone = || Err(QueueError::ReceiptGone("invalid".to_owned()));
    let denied = || Err(QueueError::Unavailable("AccessDenied".into()));
    for (answer, state) in [
        (vec![gone()], State::Ok),
        (vec![Ok(())], State::Ok),
        (vec![denied()], State::Wrong),
        (vec![], State::NotChecked),
    ] {
        assert_eq!(receipt_call("q", "DeleteMessage", &answer).state, state, "{answer:?}");
    }
    assert_eq!(receive("q", Ok(1)).state, State::Ok);
    assert_eq!(receive("q", Err(QueueError::Unavailable("x".into()))).state, State::Wrong);
    for (receives_max, may) in
        [(None, true), (Some(1000), true), (Some(10), true), (Some(9), false)]
    {
        let asked = Asked::Answered(QueueFacts { receives_max, ..facts() });
        assert_eq!(may_receive(&asked).is_ok(), may, "{receives_max:?}");
    }
    for (answer, state) in [
        (Ok(Written::Lost(None)), State::Ok),
        (Ok(Written::Done), State::Wrong),
        (Err(LedgerError("AccessDenied".into())), State::Wrong),
    ] {
        assert_eq!(ledger_write("t", answer.clone()).state, state, "{answer:?}");
    }
    assert_eq!(ledger_read("t", Ok(())).state, State::Ok);
    assert_eq!(ledger_read("t", Err(LedgerError("x".into()))).state, State::Wrong);
    assert_eq!(ledger_prefetch("t", Ok(())).state, State::Ok);
    assert_eq!(ledger_prefetch("t", Err(LedgerError("x".into()))).state, State::Wrong);
}

#[test]
fn a_table_needs_its_key_and_its_expiry() {
    let key = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
    };
    let right = key(&[("fingerprint", "S"), ("destination", "S")]);
    for (key, status, state) in [
        (right.clone(), "ACTIVE", State::Ok),
        (right.clone(), "UPDATING", State::Ok),
        (right.clone(), "CREATING", State::Wrong),
        (right.clone(), "", State::Wrong),
        (key(&[("fingerprint", "S")]), "ACTIVE", State::Wrong),
        (key(&[("destination", "S"), ("fingerprint", "S")]), "ACTIVE", State::Wrong),
        (key(&[("fingerprint", "S"), ("destination", "N")]), "ACTIVE", State::Wrong),
        (Vec::new(), "ACTIVE", State::Wrong),
    ] {
        let facts = TableFacts { status: status.to_owned(), key };
        assert_eq!(table("t", &Asked::Answered(facts.clone())).state, state, "{facts:?}");
    }
    for (attribute, state) in
        [(Some("expires_at"), State::Ok), (Some("ttl"), State::Wrong), (None, State::Wrong)]
    {
        let facts = TtlFacts { attribute: attribute.map(str::to_owned) };
        assert_eq!(ttl("t", &Asked::Answered(facts)).unwrap().state, state, "{attribute:?}");
    }
}

#[test]
fn a_webhook_is_alive_if_slack_refuses_an_empty_message_with_a_word() {
    let retry =
        |reason| Verdict::Retry { reason, after: None, ambiguous: true, detail: "why".to_owned() };
    let refused = |detail: &str| Verdict::Refused { detail: detail.to_owned() };
    let dead = Verdict::Dead { status: 404, detail: "HTTP 404: no_service".to_owned() };
    for (verdict, state) in [
        (refused("HTTP 400: no_text"), State::Ok),
        (refused("HTTP 400: invalid_payload"), State::Ok),
        (refused("HTTP 400"), State::Wrong),
        (refused("HTTP 413: too_large"), State::Wrong),
        (Verdict::Accepted, State::Wrong),
        (dead, State::Wrong),
        (retry(RetryReason::NoAddress), State::Wrong),
        (retry(RetryReason::Connection), State::Wrong),
        (retry(RetryReason::TimedOut), State::Wrong),
        (retry(RetryReason::ServerError), State::Wrong),
        (retry(RetryReason::UnexpectedAnswer), State::Wrong),
        (retry(RetryReason::RateLimited), State::NotChecked),
    ] {
        let line = webhook("webhook of a", &verdict);
        assert_eq!(line.state, state, "{verdict:?}");
        assert_eq!(line.fix.is_some(), state == State::Wrong);
    }
}
