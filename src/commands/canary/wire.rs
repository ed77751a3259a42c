//! Chooses the buses and the ledger by the configuration.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};

use super::args::Canary;
use super::report::{self, QueueDepth, Start};
use super::{CanaryOptions, Flight, fly_all};
use crate::clock::SystemClock;
use crate::commands::exit::Exit;
use crate::commands::output;
use crate::commands::setup;
use crate::config::{Backend, Config};
use crate::embedded::{EmbeddedBus, EmbeddedLedger, EmbeddedQueue, Store};
use crate::ports::{Clock, Lane, Queue};

/// The region name of the embedded queue.
const LOCAL: &str = "local";
/// For the depth of the queue, which is read if a canary is missing.
const DEPTH_TIMEOUT: Duration = Duration::from_secs(5);

/// The results of all canaries, and what helps to find a missing one.
pub struct CanaryRun {
    pub flights: Vec<Flight>,
    pub start: Start,
    pub depth: QueueDepth,
}

/// Runs `hansho canary` from its arguments.
///
/// # Errors
/// A canary could not be sent, or the ledger could not be read.
pub async fn start(args: &Canary) -> anyhow::Result<Exit> {
    let options = match args.options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("hansho: {why}");
            return Ok(Exit::Usage);
        }
    };
    let Some(config) = setup::config(Some(&args.config)) else {
        return Ok(Exit::Usage);
    };
    let CanaryRun { flights, start, depth } = run(&config, &options).await?;
    match args.json {
        true => output::print(&format!("{}\n", report::json(&flights)))?,
        false => {
            let text = report::text(&flights, &start, depth, options.within);
            output::print(&format!("{text}\n"))?;
        }
    }
    Ok(Exit::of(flights.iter().all(Flight::arrived)))
}

/// Puts the canaries and waits for them.
///
/// # Errors
/// No canary could be tried: the backend has no buses, or does not exist.
pub async fn run(config: &Config, options: &CanaryOptions) -> anyhow::Result<CanaryRun> {
    let destinations = match options.post {
        true => config.destinations.iter().map(|d| d.name.to_string()).collect(),
        false => Vec::new(),
    };
    match &config.backend {
        Backend::Embedded { path, .. } => embedded(path, options, &destinations).await,
        #[cfg(feature = "canary")]
        Backend::Aws(aws) => {
            let (queue, ledger) = crate::commands::wiring::on_aws(aws).await;
            on_aws(&queue, &ledger, options, &destinations).await
        }
        #[cfg(not(feature = "canary"))]
        Backend::Aws(_) => Err(anyhow!(
            "this hansho was built without the feature `canary`, so it can put nothing on a bus of \
             EventBridge: build it with `--features canary`"
        )),
    }
}

async fn embedded(
    path: &Path,
    options: &CanaryOptions,
    destinations: &[String],
) -> anyhow::Result<CanaryRun> {
    if !options.regions.is_empty() || options.bus.is_some() {
        bail!(
            "--region and --bus are for AWS, but the embedded queue is configured: remove them, or \
             set queue.standard"
        );
    }
    if !path.exists() {
        bail!(
            "{} does not exist: no worker has run here with this configuration; start one with \
             `hansho run`",
            path.display()
        );
    }
    let clock = Arc::new(SystemClock::start());
    let store = Store::open(path)?;
    let queue = EmbeddedQueue::new(store.clone(), Arc::clone(&clock));
    let ledger = EmbeddedLedger::new(store);
    let buses = [(LOCAL.to_owned(), EmbeddedBus::new(queue.clone(), LOCAL))];
    let flights = fly_all(&buses, &ledger, &clock, destinations, options.within).await;
    let depth = depth(&flights, &queue, &clock).await;
    Ok(CanaryRun { flights, start: Start::Embedded(path.display().to_string()), depth })
}

#[cfg(feature = "canary")]
async fn on_aws(
    queue: &impl Queue,
    ledger: &impl crate::ports::Ledger,
    options: &CanaryOptions,
    destinations: &[String],
) -> anyhow::Result<CanaryRun> {
    use crate::aws::eventbridge::{DEFAULT_BUS, EventBus};
    let sdk = crate::aws::sdk_config().await;
    let name = options.bus.as_deref().unwrap_or(super::HOME_BUS);
    let bus = |region: Option<&str>, name: &str| {
        let bus = EventBus::new(&sdk, region, name).map_err(|why| anyhow!("{why}"))?;
        Ok((bus.region().to_owned(), bus))
    };
    let buses: anyhow::Result<Vec<(String, EventBus)>> = match options.regions.as_slice() {
        [] => [bus(None, name)].into_iter().collect(),
        regions => regions.iter().map(|region| bus(Some(region), DEFAULT_BUS)).collect(),
    };
    let clock = SystemClock::start();
    let flights = fly_all(&buses?, ledger, &clock, destinations, options.within).await;
    let depth = depth(&flights, queue, &clock).await;
    let start = match options.regions.is_empty() {
        true => Start::HomeBus(name.to_owned()),
        false => Start::Forwarder,
    };
    Ok(CanaryRun { flights, start, depth })
}

/// The messages in the standard queue, if a canary is missing. None if the queue does not answer.
async fn depth(flights: &[Flight], queue: &impl Queue, clock: &impl Clock) -> QueueDepth {
    if flights.iter().all(Flight::arrived) {
        return None;
    }
    let until = clock.now().mono.plus(DEPTH_TIMEOUT);
    tokio::select! {
        biased;
        depth = queue.depth(Lane::Standard) => depth.ok().map(|d| d.visible + d.hidden),
        () = clock.sleep_until(until) => None,
    }
}
