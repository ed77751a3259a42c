//! What is in quarantine in the SQLite file, for an operator. A move to a lane is one transaction, so
//! that not even a crash leaves a copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::instants::Wall;
use crate::ports::{
    Clock, DeadLetter, DeadLetterQueue, Depth, Held, Lane, MessageId, Origin, Outgoing, Put,
    QUEUE_BATCH_MAX, QueueError, Receipt, Sent,
};

use super::Store;

/// Between the id of a message and what tells a copy of it from another.
const COPY_MARK: char = '~';

/// One look over the quarantine of a [`Store`]. Rows need not be hidden from others: whoever acts on
/// one does it in a transaction that finds out whether it is still there.
pub struct EmbeddedParked<C> {
    store: Store,
    clock: Arc<C>,
    /// The row that the look has come to.
    reached: AtomicI64,
}

impl<C: Clock> EmbeddedParked<C> {
    pub fn new(store: Store, clock: Arc<C>) -> EmbeddedParked<C> {
        EmbeddedParked { store, clock, reached: AtomicI64::new(0) }
    }

    /// One piece of work for each entry, all in one transaction.
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

impl<C: Clock> DeadLetterQueue for EmbeddedParked<C> {
    fn lanes(&self) -> Vec<Lane> {
        vec![Lane::Standard]
    }

    async fn look(&self, _hidden: Duration) -> Result<Vec<Held>, QueueError> {
        let after = self.reached.load(Ordering::Relaxed);
        let rows = self.store.call(move |c| rows_after(c, after)).await;
        let rows = rows.map_err(QueueError::Unavailable)?;
        if let Some((last, _)) = rows.last() {
            self.reached.store(*last, Ordering::Relaxed);
        }
        Ok(rows.into_iter().map(|(_, held)| held).collect())
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
                    (false, _) => Sent::NotSent(gone()),
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
                each.into_iter().map(|there| there.then_some(()).ok_or_else(gone)).collect()
            }
            Err(why) => vec![Err(why); receipts.len()],
        }
    }

    /// The quarantine's table has a reason and a detail, and no more columns for where EventBridge
    /// or SQS failed: that goes into the detail.
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

fn gone() -> QueueError {
    QueueError::ReceiptGone("it was sent, removed or parked again meanwhile".to_owned())
}

/// A row, as it was when it was looked at: `row.parked_at.message_id`. The number of a row that is
/// gone may be given to another.
fn receipt(row: i64, parked_at: i64, message_id: &str) -> Receipt {
    Receipt(format!("{row}.{parked_at}.{message_id}"))
}

fn read_receipt(receipt: &Receipt) -> Option<(i64, i64, &str)> {
    let (row, rest) = receipt.0.split_once('.')?;
    let (parked_at, message_id) = rest.split_once('.')?;
    Some((row.parse().ok()?, parked_at.parse().ok()?, message_id))
}

fn rows_after(c: &mut Connection, after: i64) -> rusqlite::Result<Vec<(i64, Held)>> {
    let mut select = c.prepare_cached(
        "SELECT rowid, message_id, lane, body, reason, detail, receive_count, enqueued_at, parked_at
         FROM quarantine WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    )?;
    // Another program may have put in what is no UTF-8: that must not stop the look.
    let text = |row: &rusqlite::Row, column: usize| -> rusqlite::Result<String> {
        Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes()?).into_owned())
    };
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let rows = select.query_map((after, QUEUE_BATCH_MAX as i64), |row| {
        let (number, parked_at): (i64, i64) = (row.get(0)?, row.get(8)?);
        let (message_id, lane) = (text(row, 1)?, text(row, 2)?);
        // An id is unique within its lane alone, and all but a few are of this one.
        let id = match lane == Lane::Standard.as_str() {
            true => message_id.clone(),
            false => format!("{lane}/{message_id}"),
        };
        let parked = DeadLetter {
            id: MessageId(id),
            body: text(row, 3)?,
            origin: Origin::Quarantine,
            reason: some(text(row, 4)?),
            detail: some(text(row, 5)?),
            attempts: Some(row.get(6)?),
            lane: Lane::from_name(&lane),
            original_id: Some(MessageId(message_id.clone())),
            enqueued_at: row.get::<_, Option<i64>>(7)?.map(Wall),
            parked_at: Some(Wall(parked_at)),
        };
        Ok((number, Held { receipt: receipt(number, parked_at, &message_id), parked }))
    })?;
    rows.collect()
}

/// False if the row is gone. The body is copied within the file, byte for byte.
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
        // A copy that waits there does, as long as this one stays; but it is asked for again now.
        Some(()) if keep => {
            t.execute(
                "UPDATE message SET again = 1 WHERE lane = ?1 AND message_id = ?2",
                params![lane.as_str(), message_id],
            )?;
            return Ok(true);
        }
        // The worker that parked it may be about to delete that one, so this gets an id of its own.
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
            |row| Ok(String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?).into_owned()),
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
            message.parked_at.unwrap_or(now).0,
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
