//! `hansho canary`: puts an event of its own where findings start, waits until the ledger has it, and
//! says how long each part of the way took. So the way is known to be open before a finding needs it.

pub mod args;
pub mod report;
mod wire;

use std::time::Duration;

use futures_util::future::join_all;

use crate::finding::canary::{CanaryEvent, DETAIL_TYPE, SOURCE};
use crate::instants::{Mono, Wall};
use crate::policy::canary::{CanaryPost as Post, Passed};
use crate::policy::record::{AlertRecord, AlertState, CanaryRecord, RecordKey};
use crate::ports::{Bus, BusEvent, Clock, Ledger, LedgerError};

pub use wire::{Outcome, run};

/// The bus of the home region, as `infra/pipeline.yaml` names it.
pub const HOME_BUS: &str = "hansho";
/// More regions than AWS has.
pub const REGIONS_MAX: usize = 64;
/// Longer than any way takes that works, and shorter than anybody waits.
pub const WITHIN: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3600);

/// How often the ledger is looked at: first often, since most ways are short.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_MAX: Duration = Duration::from_secs(2);

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Put one on the default bus of each of these regions. Empty: on the home region's bus.
    pub regions: Vec<String>,
    /// The home region's bus, if it has another name than [`HOME_BUS`].
    pub bus: Option<String>,
    /// Have it posted to every destination.
    pub post: bool,
    /// For how long to wait.
    pub within: Duration,
}

/// What became of one canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    pub region: String,
    pub id: String,
    pub put_at: Wall,
    pub landing: Landing,
    /// What the destinations were told, if they were to be; in the order of the configuration.
    pub posts: Vec<LastPost>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// It could not be put on the bus.
    NotPut(String),
    /// The ledger did not have it in time. If the ledger itself was the trouble, what it said last.
    NotSeen { ledger: Option<String> },
    /// The ledger had it when it was looked at then.
    Seen { passed: Passed, at: Wall },
}

/// A destination that is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPost {
    pub destination: String,
    /// When its post was accepted. None: not in time.
    pub at: Option<Wall>,
}

impl Flight {
    /// Everything arrived that was to.
    pub fn arrived(&self) -> bool {
        match &self.landing {
            Landing::Seen { passed, .. } => {
                passed.post != Post::TooMany && self.posts.iter().all(|told| told.at.is_some())
            }
            Landing::NotPut(_) | Landing::NotSeen { .. } => false,
        }
    }
}

/// Puts a canary on a bus and waits for it, at most `within`. `destinations` are those that it is to
/// be posted to, if any.
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
    let told = |name: &String| LastPost { destination: name.clone(), at: None };
    let mut flight = Flight {
        region: event.region.clone(),
        id: event.id.clone(),
        put_at: event.put_at,
        landing: Landing::NotSeen { ledger: None },
        posts: destinations.iter().map(told).collect(),
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

/// Looks at the ledger until it has all of it.
async fn watch<L: Ledger, C: Clock>(
    flight: &mut Flight,
    event: &CanaryEvent,
    ledger: &L,
    clock: &C,
) {
    let mut pause = LOOK_FIRST;
    loop {
        let looked = look(flight, event, ledger, clock).await;
        if let (Err(why), Landing::NotSeen { ledger }) = (&looked, &mut flight.landing) {
            *ledger = Some(why.to_string());
        }
        let refused =
            matches!(&flight.landing, Landing::Seen { passed, .. } if passed.post == Post::TooMany);
        if flight.arrived() || refused {
            return;
        }
        let next: Mono = clock.now().mono.plus(pause);
        pause = (pause * 3 / 2).min(LOOK_MAX);
        clock.sleep_until(next).await;
    }
}

async fn look<L: Ledger, C: Clock>(
    flight: &mut Flight,
    event: &CanaryEvent,
    ledger: &L,
    clock: &C,
) -> Result<(), LedgerError> {
    let fingerprint = event.fingerprint();
    if !matches!(flight.landing, Landing::Seen { .. }) {
        let record: Option<CanaryRecord> = ledger.read(&RecordKey::canary(&fingerprint)).await?;
        // An answer is an answer, also if it is that there is nothing yet.
        flight.landing = Landing::NotSeen { ledger: None };
        let Some(record) = record else { return Ok(()) };
        flight.landing = Landing::Seen { passed: record.passed, at: clock.now().wall };
    }
    let untold = flight.posts.iter_mut().filter(|told| told.at.is_none());
    for told in untold {
        let key = RecordKey::alert(&fingerprint, &told.destination);
        let sent = |record: AlertRecord| match record.state {
            AlertState::Posted { post, .. } => Some(post.sent_at),
            _ => None,
        };
        told.at = ledger.read(&key).await?.and_then(sent);
    }
    Ok(())
}

/// One from each bus, all at once.
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
