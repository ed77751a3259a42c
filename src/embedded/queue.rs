//! The durable queue in SQLite. It behaves as SQS does: receives hide messages, receipts expire.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::instants::Wall;
use crate::ports::inlet::Inlet;
use crate::ports::{
    Clock, DeadLetter, Delivery, Depth, InputPlace, Lane, MessageId, QuarantineEntry, Queue,
    QueueError, Receipt, ReceiveAsk,
};

use super::quarantine::{COLUMNS, dead_letter, lossy};
use super::{Incoming, Store};

/// How often a waiting receive polls for messages of another process.
const POLL_EVERY: Duration = Duration::from_millis(250);

/// The queue port on a [`Store`].
#[derive(Clone)]
pub struct EmbeddedQueue<C> {
    pub(super) store: Store,
    clock: Arc<C>,
}

impl<C: Clock + 'static> EmbeddedQueue<C> {
    pub fn new(store: Store, clock: Arc<C>) -> EmbeddedQueue<C> {
        EmbeddedQueue { store, clock }
    }

    pub(super) fn now(&self) -> Wall {
        self.clock.now().wall
    }

    /// Puts all messages in, or none, durably. Returns how many were new.
    ///
    /// # Errors
    /// Nothing was put in, or it may be lost: the files of the store were removed or replaced.
    pub async fn put(&self, lane: Lane, messages: Vec<Incoming>) -> Result<usize, QueueError> {
        let now = self.clock.now().wall;
        let put = self.store.accept(move |c| put(c, lane, &messages, now)).await;
        let put = put.map_err(QueueError::Unavailable)?;
        self.store.arrivals.notify_one();
        Ok(put)
    }

    /// All messages in the quarantine, oldest first.
    pub async fn quarantined(&self) -> Result<Vec<DeadLetter>, QueueError> {
        let select = format!("SELECT {COLUMNS} FROM quarantine ORDER BY parked_at, message_id");
        self.call(move |c| c.prepare(&select)?.query_map((), dead_letter)?.collect()).await
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.store.call(work).await.map_err(QueueError::Unavailable)
    }
}

impl<C: Clock + 'static> Queue for EmbeddedQueue<C> {
    async fn receive(&self, ask: ReceiveAsk) -> Result<Vec<Delivery>, QueueError> {
        let until = self.clock.now().mono.plus(ask.wait);
        loop {
            let now = self.clock.now();
            let taken = self.call(move |c| take(c, ask, now.wall)).await?;
            if !taken.is_empty() || now.mono >= until {
                return Ok(taken);
            }
            let next = until.min(now.mono.plus(POLL_EVERY));
            tokio::select! {
                biased;
                () = self.store.arrivals.notified() => {}
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    async fn delete(&self, lane: Lane, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        let entries = receipts.to_vec();
        let work = move |t: &Transaction, r: &Receipt| {
            let Some((seq, count)) = read_receipt(r) else { return Ok(0) };
            t.execute(
                "DELETE FROM message WHERE seq = ?2 AND receive_count = ?3 AND lane = ?1",
                (lane.as_str(), seq, count),
            )
        };
        self.each(entries, work).await
    }

    async fn hide(
        &self,
        lane: Lane,
        entries: &[(Receipt, Duration)],
    ) -> Vec<Result<(), QueueError>> {
        let now = self.clock.now().wall;
        let work = move |t: &Transaction, (r, by): &(Receipt, Duration)| {
            let Some((seq, count)) = read_receipt(r) else { return Ok(0) };
            t.execute(
                "UPDATE message SET visible_at = ?4
                 WHERE seq = ?2 AND receive_count = ?3 AND lane = ?1",
                (lane.as_str(), seq, count, now.plus(*by).0),
            )
        };
        let answers = self.each(entries.to_vec(), work).await;
        self.store.arrivals.notify_one();
        answers
    }

    async fn quarantine(&self, entry: &QuarantineEntry) -> Result<(), QueueError> {
        let entry = entry.clone();
        self.call(move |c| insert_into_quarantine(c, &entry)).await
    }

    async fn depth(&self, lane: Lane) -> Result<Depth, QueueError> {
        let now = self.clock.now().wall;
        self.call(move |c| {
            c.query_row(
                "SELECT count(*) FILTER (WHERE visible_at <= ?2),
                        count(*) FILTER (WHERE visible_at > ?2)
                 FROM message WHERE lane = ?1",
                (lane.as_str(), now.0),
                |row| Ok(Depth { visible: row.get(0)?, hidden: row.get(1)? }),
            )
        })
        .await
    }
}

impl<C: Clock + 'static> Inlet for EmbeddedQueue<C> {
    /// The same body twice is one message while the first is still in the queue. The embedded store
    /// has one lane, and the desk posts the most severe alert first anyway.
    async fn put(&self, _: Lane, body: &str) -> Result<(), QueueError> {
        let incoming = Incoming::identified("inlet", 0, body.to_owned());
        EmbeddedQueue::put(self, Lane::Standard, vec![incoming]).await.map(|_| ())
    }
}

impl<C: Clock + 'static> EmbeddedQueue<C> {
    /// Runs one statement for each entry, all in one transaction. A statement that changes no row
    /// means that the receipt is stale.
    async fn each<E: Send + 'static>(
        &self,
        entries: Vec<E>,
        work: impl Fn(&Transaction, &E) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Vec<Result<(), QueueError>> {
        let count = entries.len();
        let all = self
            .call(move |c| {
                let t = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let changed =
                    entries.iter().map(|e| work(&t, e)).collect::<rusqlite::Result<Vec<_>>>()?;
                t.commit()?;
                Ok(changed)
            })
            .await;
        let gone = || QueueError::ReceiptGone("it was received again or deleted".to_owned());
        match all {
            Ok(changed) => {
                changed.into_iter().map(|n| if n > 0 { Ok(()) } else { Err(gone()) }).collect()
            }
            Err(error) => vec![Err(error); count],
        }
    }
}

/// The receipt of a row: `seq.receive_count`. It is not stored, because SQLite would then write the
/// row again, with its body.
fn receipt(seq: i64, count: u32) -> Receipt {
    Receipt(format!("{seq}.{count}"))
}

fn read_receipt(receipt: &Receipt) -> Option<(i64, u32)> {
    let (seq, count) = receipt.0.split_once('.')?;
    Some((seq.parse().ok()?, count.parse().ok()?))
}

fn put(c: &mut Connection, lane: Lane, all: &[Incoming], now: Wall) -> rusqlite::Result<usize> {
    let t = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut new = 0;
    {
        let mut insert = t.prepare_cached(
            "INSERT INTO message (lane, message_id, body, enqueued_at, visible_at, place)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT DO NOTHING",
        )?;
        for message in all {
            let place = message.place.as_ref().map(InputPlace::to_row).unwrap_or_default();
            let Incoming { message_id, body, .. } = message;
            new += insert.execute((lane.as_str(), message_id, body, now.0, place))?;
        }
    }
    t.commit()?;
    Ok(new)
}

fn take(c: &mut Connection, ask: ReceiveAsk, now: Wall) -> rusqlite::Result<Vec<Delivery>> {
    // Most polls find no message, so they take no lock that stops writers.
    let due: Option<i64> = c
        .query_row(
            "SELECT 1 FROM message WHERE lane = ?1 AND visible_at <= ?2 LIMIT 1",
            (ask.lane.as_str(), now.0),
            |row| row.get(0),
        )
        .optional()?;
    if due.is_none() {
        return Ok(Vec::new());
    }
    let t = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let hidden_until = now.plus(ask.visibility).0;
    let taken = {
        let mut select = t.prepare_cached(
            "SELECT seq, message_id, body, enqueued_at, receive_count + 1, again, place
             FROM message INDEXED BY message_age
             WHERE lane = ?1 AND visible_at <= ?2 ORDER BY seq LIMIT ?3",
        )?;
        // A program of before 0.1.0 stored a receipt, which ends here.
        let mut update = t.prepare_cached(
            "UPDATE message SET visible_at = ?2, receive_count = ?3, receipt = NULL WHERE seq = ?1",
        )?;
        let rows = select.query_map((ask.lane.as_str(), now.0, ask.max as i64), |row| {
            let (seq, count): (i64, u32) = (row.get(0)?, row.get(4)?);
            let delivery = Delivery {
                lane: ask.lane,
                message_id: MessageId(row.get(1)?),
                receipt: receipt(seq, count),
                // Another program may have written invalid UTF-8, which must not stop the lane.
                body: String::from_utf8_lossy(row.get_ref(2)?.as_bytes()?).into_owned(),
                receive_count: count,
                enqueued_at: Some(Wall(row.get(3)?)),
                again: row.get(5)?,
                place: InputPlace::from_row(&lossy(row, 6)?),
            };
            Ok((seq, delivery))
        })?;
        let mut taken = Vec::new();
        for row in rows {
            let (seq, delivery) = row?;
            update.execute((seq, hidden_until, delivery.receive_count))?;
            taken.push(delivery);
        }
        taken
    };
    t.commit()?;
    Ok(taken)
}

fn insert_into_quarantine(c: &mut Connection, entry: &QuarantineEntry) -> rusqlite::Result<()> {
    // After a crash before the delete, the same message comes here again and replaces the first
    // row. The row gets the newer time, so that an operator who has seen the older row does not
    // remove it.
    c.execute(
        "INSERT INTO quarantine
         (message_id, lane, body, reason, detail, receive_count, enqueued_at, parked_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (lane, message_id)
         DO UPDATE SET receive_count = ?6, reason = ?4, detail = ?5, parked_at = ?8",
        params![
            entry.message_id.0,
            entry.lane.as_str(),
            entry.body,
            entry.reason,
            entry.detail,
            entry.receive_count,
            entry.enqueued_at.map(|at| at.0),
            entry.quarantined_at.0,
        ],
    )?;
    Ok(())
}
