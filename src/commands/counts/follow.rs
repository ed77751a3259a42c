//! When the counts are written: regularly, and at the end.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::{info, warn};

use super::counter::Counter;
use crate::instants::Mono;
use crate::ports::{Clock, Ledger, LedgerError};

/// How often new counts are written. A worker that is killed loses the counts of at most so long.
pub const EVERY: Duration = Duration::from_secs(60);
/// The end of a worker, and a call of Lambda, wait so long for the ledger.
const LAST_MAX: Duration = Duration::from_secs(2);

/// Writes the counts regularly, until it is dropped.
pub async fn follow<L: Ledger, C: Clock>(counter: &Counter, ledger: &L, clock: &C) -> Infallible {
    let mut failing = false;
    loop {
        clock.sleep_until(clock.now().mono.plus(EVERY)).await;
        let written = counter.write(ledger).await;
        match &written {
            Err(why) if !failing => {
                warn!(detail = %why, "the counts of the day can't be written: they wait");
            }
            Ok(()) if failing => info!("the counts of the day are written again"),
            _ => {}
        }
        failing = written.is_err();
        tell_lost(counter);
    }
}

/// Writes the counts a last time.
pub async fn last<L: Ledger, C: Clock>(counter: &Counter, ledger: &L, clock: &C) {
    let until = clock.now().mono.plus(LAST_MAX);
    let written: Result<(), Option<LedgerError>> = tokio::select! {
        biased;
        written = counter.write(ledger) => written.map_err(Some),
        () = clock.sleep_until(until) => Err(None),
    };
    if let Err(why) = written {
        let detail = why.map_or("the ledger does not answer in time".to_owned(), |e| e.to_string());
        warn!(detail, "the last counts of the day could not be written");
    }
    tell_lost(counter);
}

fn tell_lost(counter: &Counter) {
    let days = counter.take_lost();
    if days > 0 {
        warn!(days, "the counts of days are lost: the ledger was unreachable for too long");
    }
}

/// When the calls of a Lambda function write. Nothing runs between them that could.
#[derive(Default)]
pub struct OfCalls {
    next_write: Mutex<Mono>,
}

impl OfCalls {
    /// Writes at the end of a call: at once if a silence kept something back, because the ledger
    /// has no other trace of that; else if the last write is [`EVERY`] ago.
    pub async fn write<L: Ledger, C: Clock>(&self, counter: &Counter, ledger: &L, clock: &C) {
        let mut next_write = self.next_write.lock().await;
        let due = clock.now().mono >= *next_write || counter.has_silenced();
        if due && !counter.is_written() {
            *next_write = clock.now().mono.plus(EVERY);
            last(counter, ledger, clock).await;
        }
    }
}
