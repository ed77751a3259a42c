//! A port that counts and times its calls.

use std::time::Duration;

use super::all::Metrics;
use crate::instants::Mono;
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

    fn began(&self) -> Mono {
        self.clock.now().mono
    }

    fn ended(&self, port: &str, call: &str, result: &str, began: Mono) {
        self.metrics.calls.ended(port, call, result, self.clock.now().mono.since(began));
    }

    fn failed(&self, port: &str, call: &str, reasons: impl IntoIterator<Item = &'static str>) {
        self.metrics.calls.failed(port, call, reasons);
    }
}

/// The result of a batch: the most severe result of its entries.
fn result_of_batch(results: &[Result<(), QueueError>]) -> &'static str {
    let unavailable = |r: &Result<(), QueueError>| matches!(r, Err(QueueError::Unavailable(_)));
    let gone = |r: &Result<(), QueueError>| matches!(r, Err(QueueError::ReceiptGone(_)));
    if results.iter().any(unavailable) {
        "failed"
    } else if results.iter().any(gone) {
        "receipt_gone"
    } else {
        "ok"
    }
}

fn reasons(results: &[Result<(), QueueError>]) -> impl Iterator<Item = &'static str> {
    results.iter().filter_map(|result| result.as_ref().err().map(QueueError::as_str))
}

fn result_of<T, E>(result: &Result<T, E>) -> &'static str {
    if result.is_ok() { "ok" } else { "failed" }
}

impl<Q: Queue, C: Clock> Queue for Counted<'_, Q, C> {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let began = self.began();
        let result = self.inner.receive(ask).await;
        self.ended("queue", "receive", result_of(&result), began);
        self.failed("queue", "receive", result.as_ref().err().map(QueueError::as_str));
        self.metrics.received(result.as_deref().unwrap_or_default());
        result
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let began = self.began();
        let results = self.inner.delete(lane, receipts).await;
        self.ended("queue", "delete", result_of_batch(&results), began);
        self.failed("queue", "delete", reasons(&results));
        results
    }

    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        let began = self.began();
        let results = self.inner.hide(lane, entries).await;
        self.ended("queue", "hide", result_of_batch(&results), began);
        self.failed("queue", "hide", reasons(&results));
        results
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        let began = self.began();
        let result = self.inner.quarantine(entry).await;
        self.ended("queue", "quarantine", result_of(&result), began);
        self.failed("queue", "quarantine", result.as_ref().err().map(QueueError::as_str));
        result
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        let began = self.began();
        let result = self.inner.depth(lane).await;
        self.ended("queue", "depth", result_of(&result), began);
        self.failed("queue", "depth", result.as_ref().err().map(QueueError::as_str));
        result
    }
}

impl<L: Ledger, C: Clock> Ledger for Counted<'_, L, C> {
    async fn read_any(&self, key: &RecordKey) -> Result<Option<Record>, LedgerError> {
        let began = self.began();
        let result = self.inner.read_any(key).await;
        self.ended("ledger", "read", result_of(&result), began);
        self.failed("ledger", "read", result.as_ref().err().map(LedgerError::as_str));
        result
    }

    async fn write_any(
        &self,
        key: &RecordKey,
        expect: &Expect,
        record: Record,
    ) -> Result<Written<Record>, LedgerError> {
        let began = self.began();
        let result = self.inner.write_any(key, expect, record).await;
        let outcome = match &result {
            Ok(Written::Done) => "ok",
            Ok(Written::Lost(_)) => "lost",
            Err(_) => "failed",
        };
        self.ended("ledger", "write", outcome, began);
        self.failed("ledger", "write", result.as_ref().err().map(LedgerError::as_str));
        result
    }

    async fn prefetch(
        &self,
        keys: &[RecordKey],
        consistency: Consistency,
    ) -> Result<Vec<Prefetched>, LedgerError> {
        let began = self.began();
        let result = self.inner.prefetch(keys, consistency).await;
        self.ended("ledger", "prefetch", result_of(&result), began);
        result
    }
}

impl<N: Notifier, C: Clock> Notifier for Counted<'_, N, C> {
    async fn post(&self, post: &Post) -> Verdict {
        let began = self.began();
        let verdict = self.inner.post(post).await;
        let answer = match &verdict {
            Verdict::Accepted => "accepted",
            Verdict::Retry { reason, .. } => reason.as_str(),
            Verdict::Dead { .. } => "dead",
            Verdict::Refused { .. } => "refused",
        };
        self.metrics.posts.answered(&post.destination, post.form, answer);
        let result = if verdict == Verdict::Accepted { "ok" } else { "failed" };
        self.ended("slack", "post", result, began);
        self.failed("slack", "post", Some(answer).filter(|_| result != "ok"));
        verdict
    }

    async fn refresh(&self, destination: &str) -> Result<bool, String> {
        let began = self.began();
        let result = self.inner.refresh(destination).await;
        self.ended("slack", "refresh", result_of(&result), began);
        self.failed(
            "slack",
            "refresh",
            result.as_ref().err().map(|_| RetryReason::NoAddress.as_str()),
        );
        result
    }
}
