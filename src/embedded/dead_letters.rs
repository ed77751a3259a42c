//! [`DeadLetterQueue`] on the quarantine in the SQLite file. A move to a lane is one transaction,
//! so that a crash leaves no copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::instants::Wall;
use crate::ports::{
    Clock, DeadLetter, DeadLetterQueue, Depth, Lane, Origin, Outgoing, Put, QUEUE_BATCH_MAX,
    QueueError, Receipt, ScannedDeadLetter, Sent,
};

use super::Store;
use super::quarantine::{COLUMNS, dead_letter, lossy};

/// Separates the id of a message from the random part that makes the id of a copy.
const COPY_MARK: char = '~';

/// One scan of the quarantine of a [`Store`]. Rows need not be hidden from others: every action is
/// a transaction that first checks whether the row is still there.
pub struct EmbeddedDeadLetters<C> {
    store: Store,
    clock: Arc<C>,
    /// The last row of the scan so far.
    reached: AtomicI64,
}

impl<C: Clock> EmbeddedDeadLetters<C> {
    pub fn new(store: Store, clock: Arc<C>) -> EmbeddedDeadLetters<C> {
        EmbeddedDeadLetters { store, clock, reached: AtomicI64::new(0) }
    }

    /// Does `work` for each entry, all in one transaction.
    async fn each<E: Send + 'static, T: Send + 'static>(
        &self,
        entries: Vec<E>,
        work: impl Fn(&Transaction, &E) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Vec<T>, QueueError> {
        let call = self.store.call(move |c| {
            let t = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = entries.iter().map(|e| work(&t, e)).collect::<rusqlite::Result<Vec<_>>>()?;
            t.commit()?;
            Ok(done)
        });
        call.await.map_err(QueueError::Unavailable)
    }
}

impl<C: Clock> DeadLetterQueue for EmbeddedDeadLetters<C> {
    fn lanes(&self) -> Vec<Lane> {
        vec![Lane::Standard]
    }

    async fn scan(&self, _hidden: Duration) -> Result<Vec<ScannedDeadLetter>, QueueError> {
        let after = self.reached.load(Ordering::Relaxed);
        let rows = self.store.call(move |c| rows_after(c, after)).await;
        let rows = rows.map_err(QueueError::Unavailable)?;
        if let Some((last, _)) = rows.last() {
            self.reached.store(*last, Ordering::Relaxed);
        }
        Ok(rows.into_iter().map(|(_, scanned)| scanned).collect())
    }

    async fn hide(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
        entries.iter().map(|_| Ok(())).collect()
    }

    async fn send(&self, lane: Lane, messages: &[Outgoing], keep: bool) -> Vec<Sent> {
        let now = self.clock.now().wall;
        let receipts: Vec<Receipt> = messages.iter().map(|m| m.receipt.clone()).collect();
        let count = receipts.len();
        match self.each(receipts, move |t, r| copy_to_lane(t, r, lane, keep, now)).await {
            Ok(each) => each
                .into_iter()
                .map(|found| match (found, keep) {
                    (false, _) => Sent::NotSent(stale()),
                    (true, false) => Sent::Moved,
                    (true, true) => Sent::Copied,
                })
                .collect(),
            Err(why) => vec![Sent::NotSent(why); count],
        }
    }

    async fn remove(&self, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        match self.each(receipts.to_vec(), remove).await {
            Ok(each) => {
                each.into_iter().map(|there| there.then_some(()).ok_or_else(stale)).collect()
            }
            Err(why) => vec![Err(why); receipts.len()],
        }
    }

    /// The table has no columns for the rule, target or queue of the origin. The detail gets them.
    async fn put(&self, message: &DeadLetter) -> Result<Put, QueueError> {
        let (message, now) = (message.clone(), self.clock.now().wall);
        let mut done = self.each(vec![message], move |t, m| put(t, m, now)).await?;
        done.pop().ok_or_else(|| QueueError::Unavailable("embedded store: no answer".into()))
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let count = |c: &mut Connection| {
            c.query_row("SELECT count(*) FROM quarantine", (), |row| row.get(0))
        };
        let visible = self.store.call(count).await.map_err(QueueError::Unavailable)?;
        Ok(Depth { visible, hidden: 0 })
    }
}

fn stale() -> QueueError {
    QueueError::ReceiptGone("it was sent, removed or quarantined again meanwhile".to_owned())
}

/// The receipt of a row: `row.parked_at.message_id`. SQLite may give the number of a deleted row to
/// another one, so the number alone does not name the row.
fn receipt(row: i64, parked_at: i64, message_id: &str) -> Receipt {
    Receipt(format!("{row}.{parked_at}.{message_id}"))
}

fn read_receipt(receipt: &Receipt) -> Option<(i64, i64, &str)> {
    let (row, rest) = receipt.0.split_once('.')?;
    let (parked_at, message_id) = rest.split_once('.')?;
    Some((row.parse().ok()?, parked_at.parse().ok()?, message_id))
}

fn rows_after(c: &mut Connection, after: i64) -> rusqlite::Result<Vec<(i64, ScannedDeadLetter)>> {
    let mut select = c.prepare_cached(&format!(
        "SELECT {COLUMNS}, rowid FROM quarantine WHERE rowid > ?1 ORDER BY rowid LIMIT ?2"
    ))?;
    let rows = select.query_map((after, QUEUE_BATCH_MAX as i64), |row| {
        let (number, parked_at): (i64, i64) = (row.get("rowid")?, row.get("parked_at")?);
        let receipt = receipt(number, parked_at, &lossy(row, 0)?);
        Ok((number, ScannedDeadLetter { receipt, dead_letter: dead_letter(row)? }))
    })?;
    rows.collect()
}

/// Copies the body within the file, byte for byte. Returns false if the row is gone.
fn copy_to_lane(
    t: &Transaction,
    receipt: &Receipt,
    lane: Lane,
    keep: bool,
    now: Wall,
) -> rusqlite::Result<bool> {
    let Some((row, parked_at, message_id)) = read_receipt(receipt) else { return Ok(false) };
    let there = t.query_row(
        "SELECT 1 FROM quarantine WHERE rowid = ?1 AND parked_at = ?2 AND message_id = ?3",
        params![row, parked_at, message_id],
        |_| Ok(()),
    );
    if there.optional()?.is_none() {
        return Ok(false);
    }
    let taken = t.query_row(
        "SELECT 1 FROM message WHERE lane = ?1 AND message_id = ?2",
        params![lane.as_str(), message_id],
        |_| Ok(()),
    );
    let id = match taken.optional()? {
        None => message_id.to_owned(),
        // The copy in the lane is enough while this row stays. It is marked as sent again.
        Some(()) if keep => {
            t.execute(
                "UPDATE message SET again = 1 WHERE lane = ?1 AND message_id = ?2",
                params![lane.as_str(), message_id],
            )?;
            return Ok(true);
        }
        // The worker that quarantined it may be about to delete that one: this copy gets its own
        // id.
        Some(()) => another_id(message_id),
    };
    t.execute(
        "INSERT INTO message (lane, message_id, body, enqueued_at, visible_at, again)
         SELECT ?1, ?2, body, ?3, ?3, 1 FROM quarantine WHERE rowid = ?4",
        params![lane.as_str(), id, now.0, row],
    )?;
    if !keep {
        t.execute("DELETE FROM quarantine WHERE rowid = ?1", [row])?;
    }
    Ok(true)
}

fn another_id(message_id: &str) -> String {
    let stem = message_id.split(COPY_MARK).next().unwrap_or(message_id);
    format!("{stem}{COPY_MARK}{}", uuid::Uuid::new_v4().simple())
}

fn remove(t: &Transaction, receipt: &Receipt) -> rusqlite::Result<bool> {
    let Some((row, parked_at, message_id)) = read_receipt(receipt) else { return Ok(false) };
    let removed = t.execute(
        "DELETE FROM quarantine WHERE rowid = ?1 AND parked_at = ?2 AND message_id = ?3",
        params![row, parked_at, message_id],
    )?;
    Ok(removed > 0)
}

fn put(t: &Transaction, message: &DeadLetter, now: Wall) -> rusqlite::Result<Put> {
    let lane = message.lane.unwrap_or(Lane::Standard).as_str();
    let id = message.original_id.as_ref().unwrap_or(&message.id).0.as_str();
    let there: Option<String> = t
        .query_row(
            "SELECT body FROM quarantine WHERE lane = ?1 AND message_id = ?2",
            params![lane, id],
            |row| lossy(row, 0),
        )
        .optional()?;
    let id = match there {
        None => id.to_owned(),
        Some(body) if body == message.body => return Ok(Put::Known),
        Some(_) => another_id(id),
    };
    t.execute(
        "INSERT INTO quarantine
         (message_id, lane, body, reason, detail, receive_count, enqueued_at, parked_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            id,
            lane,
            message.body,
            message.reason.as_deref().unwrap_or_default(),
            detail(message),
            message.attempts.unwrap_or(0),
            message.enqueued_at.map(|at| at.0),
            message.quarantined_at.unwrap_or(now).0,
        ],
    )?;
    Ok(Put::New)
}

fn detail(message: &DeadLetter) -> String {
    let place = match &message.origin {
        Origin::Quarantine => None,
        Origin::EventBridge { rule, target, .. } => {
            let part =
                |name: &str, arn: &Option<String>| arn.as_ref().map(|arn| format!("{name} {arn}"));
            let parts: Vec<String> =
                [part("rule", rule), part("target", target)].into_iter().flatten().collect();
            Some(parts.join(", "))
        }
        Origin::DeadLetter { source } => source.as_ref().map(|arn| format!("queue {arn}")),
    };
    let parts = [message.detail.clone(), place];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}
