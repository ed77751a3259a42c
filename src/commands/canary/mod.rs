//! `hansho canary`: puts a test event where findings start, waits until the ledger has its record,
//! and reports the time of each step. It tests the path of findings before a finding needs it.

pub mod args;
pub mod report;
mod wire;

use std::time::Duration;

use futures_util::future::join_all;

use crate::finding::canary::{CanaryEvent, DETAIL_TYPE, SOURCE};
use crate::instants::{Mono, Wall};
use crate::policy::canary::{CanaryPost as Post, Passed};
use crate::policy::record::{AlertRecord, AlertRecordState, CanaryRecord, RecordKey};
use crate::ports::{Bus, BusEvent, Clock, Ledger, LedgerError};

pub use wire::{CanaryRun, run, start};

/// The bus of the home region, as `infra/pipeline.yaml` names it.
pub const HOME_BUS: &str = "hansho";
/// More regions than AWS has.
pub const REGIONS_MAX: usize = 64;
/// The times that `--within` accepts.
pub const WITHIN: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3600);

/// The wait between two reads of the ledger. It grows, because most canaries arrive soon.
const READ_WAIT_FIRST: Duration = Duration::from_millis(100);
const READ_WAIT_MAX: Duration = Duration::from_secs(2);

/// The options of the command.
#[derive(Clone, Debug)]
pub struct CanaryOptions {
    /// The regions on whose default bus to put a canary. Empty: only on the home region's bus.
    pub regions: Vec<String>,
    /// The name of the home region's bus. None: [`HOME_BUS`].
    pub bus: Option<String>,
    /// Post it to every destination.
    pub post: bool,
    /// How long to wait.
    pub within: Duration,
}

/// The result of one canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    pub region: String,
    pub id: String,
    pub put_at: Wall,
    pub landing: Landing,
    /// The posts to each destination in the order of the configuration, if they were asked for.
    pub posts: Vec<CanaryPost>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// It could not be put on the bus.
    NotPut(String),
    /// The ledger had no record in time. `ledger` is the last error, if the ledger failed.
    NotSeen { ledger: Option<String> },
    /// The ledger had the record when it was read at `at`.
    Seen { passed: Passed, at: Wall },
}

/// The post to one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryPost {
    pub destination: String,
    /// When Slack accepted it. None: not in time.
    pub at: Option<Wall>,
}

impl Flight {
    /// The record is in the ledger, and all posts were accepted.
    pub fn arrived(&self) -> bool {
        match &self.landing {
            Landing::Seen { passed, .. } => {
                passed.post != Post::TooMany && self.posts.iter().all(|post| post.at.is_some())
            }
            Landing::NotPut(_) | Landing::NotSeen { .. } => false,
        }
    }
}

/// Puts a canary on a bus and waits for it, at most `within`. It is posted to `destinations`.
pub async fn fly<B: Bus, L: Ledger, C: Clock>(
    bus: &B,
    region: &str,
    ledger: &L,
    clock: &C,
    destinations: &[String],
    within: Duration,
) -> Flight {
    let began = clock.now();
    let until = began.mono.plus(within);
    let event = CanaryEvent {
        id: uuid::Uuid::new_v4().to_string(),
        region: region.to_owned(),
        put_at: began.wall,
        post: !destinations.is_empty(),
    };
    let post = |name: &String| CanaryPost { destination: name.clone(), at: None };
    let mut flight = Flight {
        region: event.region.clone(),
        id: event.id.clone(),
        put_at: event.put_at,
        landing: Landing::NotSeen { ledger: None },
        posts: destinations.iter().map(post).collect(),
    };
    let put = BusEvent { source: SOURCE, detail_type: DETAIL_TYPE, detail: event.detail() };
    let put = tokio::select! {
        biased;
        put = bus.put(&put) => put.map_err(|why| why.to_string()),
        () = clock.sleep_until(until) => Err("the bus did not answer in time".to_owned()),
    };
    if let Err(why) = put {
        flight.landing = Landing::NotPut(why);
        return flight;
    }
    tokio::select! {
        biased;
        () = watch(&mut flight, &event, ledger, clock) => {}
        () = clock.sleep_until(until) => {}
    }
    flight
}

/// Reads the ledger until it has all records.
async fn watch<L: Ledger, C: Clock>(
    flight: &mut Flight,
    event: &CanaryEvent,
    ledger: &L,
    clock: &C,
) {
    let mut pause = READ_WAIT_FIRST;
    loop {
        let read = read(flight, event, ledger, clock).await;
        if let (Err(why), Landing::NotSeen { ledger }) = (&read, &mut flight.landing) {
            *ledger = Some(why.to_string());
        }
        let refused =
            matches!(&flight.landing, Landing::Seen { passed, .. } if passed.post == Post::TooMany);
        if flight.arrived() || refused {
            return;
        }
        let next: Mono = clock.now().mono.plus(pause);
        pause = (pause * 3 / 2).min(READ_WAIT_MAX);
        clock.sleep_until(next).await;
    }
}

async fn read<L: Ledger, C: Clock>(
    flight: &mut Flight,
    event: &CanaryEvent,
    ledger: &L,
    clock: &C,
) -> Result<(), LedgerError> {
    let fingerprint = event.fingerprint();
    if !matches!(flight.landing, Landing::Seen { .. }) {
        let record: Option<CanaryRecord> = ledger.read(&RecordKey::canary(&fingerprint)).await?;
        // The ledger answered, so an earlier error no longer counts.
        flight.landing = Landing::NotSeen { ledger: None };
        let Some(record) = record else { return Ok(()) };
        flight.landing = Landing::Seen { passed: record.passed, at: clock.now().wall };
    }
    for post in flight.posts.iter_mut().filter(|post| post.at.is_none()) {
        let key = RecordKey::alert(&fingerprint, &post.destination);
        let sent = |record: AlertRecord| match record.state {
            AlertRecordState::Posted { post, .. } => Some(post.sent_at),
            _ => None,
        };
        post.at = ledger.read(&key).await?.and_then(sent);
    }
    Ok(())
}

/// Flies one canary from each bus, all at once.
pub async fn fly_all<B: Bus, L: Ledger, C: Clock>(
    buses: &[(String, B)],
    ledger: &L,
    clock: &C,
    destinations: &[String],
    within: Duration,
) -> Vec<Flight> {
    let flights =
        buses.iter().map(|(region, bus)| fly(bus, region, ledger, clock, destinations, within));
    join_all(flights).await
}
