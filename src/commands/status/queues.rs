//! What queues and ledger know where no worker answers. Only reads.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use serde::Serialize;

use crate::clock::SystemClock;
use crate::commands::{setup, wiring};
use crate::config::{Backend, Config};
use crate::embedded::{EmbeddedLedger, EmbeddedQueue, Store};
use crate::instants::Wall;
use crate::policy::record::{PaceRecord, RecordKey};
use crate::ports::{Lane, Ledger, Queue};

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Queues {
    /// The embedded file, or `SQS`.
    pub place: String,
    pub lanes: Vec<LaneDepth>,
    pub destinations: Vec<Pause>,
}

/// The messages of one lane. SQS's counts are approximate.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LaneDepth {
    pub lane: &'static str,
    pub waiting: u64,
    /// In the hands of a worker, or delayed.
    pub hidden: u64,
}

/// When the ledger allows the next post.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pause {
    pub destination: String,
    /// None: there was no post yet.
    pub closed_until: Option<Wall>,
}

/// # Errors
/// The queues or the ledger can't be read.
pub async fn read(config: &Config) -> anyhow::Result<Queues> {
    match &config.backend {
        Backend::Embedded { path, .. } => {
            setup::store_exists(path)?;
            let store = Store::open_to_read(path)?;
            let queue = EmbeddedQueue::new(store.clone(), Arc::new(SystemClock::start()));
            let place = path.display().to_string();
            of(config, place, &queue, &[Lane::Standard], &EmbeddedLedger::new(store)).await
        }
        Backend::Aws(aws) => {
            let (queue, ledger) = wiring::on_aws(aws).await;
            let lanes: Vec<Lane> = queue.lanes().collect();
            of(config, "SQS".to_owned(), &queue, &lanes, &ledger).await
        }
    }
}

async fn of<Q: Queue, L: Ledger>(
    config: &Config,
    place: String,
    queue: &Q,
    lanes: &[Lane],
    ledger: &L,
) -> anyhow::Result<Queues> {
    let mut queues = Queues { place, ..Queues::default() };
    for lane in lanes {
        let depth = queue.depth(*lane).await.map_err(|why| anyhow!("{why}"))?;
        let (waiting, hidden) = (depth.visible, depth.hidden);
        queues.lanes.push(LaneDepth { lane: lane.as_str(), waiting, hidden });
    }
    for destination in &config.destinations {
        let key = RecordKey::pace(destination.name.as_str());
        let record: Option<PaceRecord> = ledger.read(&key).await.context("the ledger")?;
        queues.destinations.push(Pause {
            destination: destination.name.to_string(),
            closed_until: record.map(|record| record.closed_until),
        });
    }
    Ok(queues)
}
