//! A port that counts and times its calls.

use std::time::Duration;

use super::all::Metrics;
use crate::policy::record::{Expect, Record, RecordKey};
use crate::ports::{
    Clock, Consistency, Delivery, Depth, Lane, Ledger, LedgerError, Notifier, Post, Prefetched,
    QuarantineEntry, Queue, QueueError, Receipt, ReceiveAsk, RetryReason, Verdict, Written,
};

/// A queue, a ledger or a notifier whose calls are counted.
pub struct Counted<'a, P, C> {
    pub inner: &'a P,
    pub metrics: &'a Metrics,
    pub clock: &'a C,
}

impl<'a, P, C: Clock> Counted<'a, P, C> {
    pub fn new(inner: &'a P, metrics: &'a Metrics, clock: &'a C) -> Counted<'a, P, C> {
        Counted { inner, metrics, clock }
    }

    /// Awaits a call, and counts its result and the reasons of its failures.
    async fn counted<T>(
        &self,
        (port, call): (&str, &str),
        answer: impl Future<Output = T>,
        judge: impl FnOnce(&T) -> Judged,
    ) -> T {
        let began = self.clock.now().mono;
        let answer = answer.await;
        let Judged { result, reasons } = judge(&answer);
        let took = self.clock.now().mono.since(began);
        self.metrics.calls.ended(port, call, result, took);
        self.metrics.calls.failed(port, call, reasons);
        answer
    }
}

/// The labels of an answer.
struct Judged {
    result: &'static str,
    reasons: Vec<&'static str>,
}

fn judged(result: &'static str, reasons: impl IntoIterator<Item = &'static str>) -> Judged {
    Judged { result, reasons: reasons.into_iter().collect() }
}

fn queue_call<T>(answer: &Result<T, QueueError>) -> Judged {
    judged(result_of(answer), answer.as_ref().err().map(QueueError::as_str))
}

/// The result of a batch: the most severe result of its entries.
fn queue_batch(answers: &[Result<(), QueueError>]) -> Judged {
    let unavailable = |r: &Result<(), QueueError>| matches!(r, Err(QueueError::Unavailable(_)));
    let result = match answers {
        all if all.iter().any(unavailable) => "failed",
        all if all.iter().any(Result::is_err) => "receipt_gone",
        _ => "ok",
    };
    judged(result, answers.iter().filter_map(|r| r.as_ref().err().map(QueueError::as_str)))
}

fn ledger_call<T>(answer: &Result<T, LedgerError>) -> Judged {
    judged(result_of(answer), answer.as_ref().err().map(LedgerError::as_str))
}

fn result_of<T, E>(answer: &Result<T, E>) -> &'static str {
    if answer.is_ok() { "ok" } else { "failed" }
}

impl<Q: Queue, C: Clock> Queue for Counted<'_, Q, C> {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let call = self.inner.receive(ask);
        let result = self.counted(("queue", "receive"), call, queue_call).await;
        self.metrics.received(result.as_deref().unwrap_or_default());
        result
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let call = self.inner.delete(lane, receipts);
        self.counted(("queue", "delete"), call, |all| queue_batch(all)).await
    }

    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        self.counted(("queue", "hide"), self.inner.hide(lane, entries), |all| queue_batch(all))
            .await
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        self.counted(("queue", "quarantine"), self.inner.quarantine(entry), queue_call).await
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        self.counted(("queue", "depth"), self.inner.depth(lane), queue_call).await
    }
}

impl<L: Ledger, C: Clock> Ledger for Counted<'_, L, C> {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        self.counted(("ledger", "read"), self.inner.read_any(key), ledger_call).await
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let judge = |answer: &Result<Written<Record>, _>| match answer {
            Ok(Written::Lost(_)) => judged("lost", None),
            other => ledger_call(other),
        };
        let call = self.inner.write_any(key, expect, record);
        self.counted(("ledger", "write"), call, judge).await
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        let judge = |answer: &Result<_, LedgerError>| judged(result_of(answer), None);
        let call = self.inner.prefetch(keys, consistency);
        self.counted(("ledger", "prefetch"), call, judge).await
    }
}

impl<N: Notifier, C: Clock> Notifier for Counted<'_, N, C> {
    async fn post(&self, post: &Post) -> Verdict {
        let judge = |verdict: &Verdict| {
            let answer = match verdict {
                Verdict::Accepted => "accepted",
                Verdict::Retry { reason, .. } => reason.as_str(),
                Verdict::Dead { .. } => "dead",
                Verdict::Refused { .. } => "refused",
            };
            self.metrics.posts.answered(&post.destination, post.form, answer);
            match verdict {
                Verdict::Accepted => judged("ok", None),
                _ => judged("failed", Some(answer)),
            }
        };
        self.counted(("slack", "post"), self.inner.post(post), judge).await
    }

    async fn refresh(&self, destination: &str) -> Result<bool, String> {
        let judge = |answer: &Result<bool, String>| {
            let reason = answer.as_ref().err().map(|_| RetryReason::NoAddress.as_str());
            judged(result_of(answer), reason)
        };
        self.counted(("slack", "refresh"), self.inner.refresh(destination), judge).await
    }
}
