//! With GuardDuty as the source: how the command, a worker's timer and a Lambda function compare.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use crate::aws;
use crate::aws::guardduty::GuardDuty;
use crate::commands::reconcile::args::Reconcile;
use crate::config::{Config, RegionName};
use crate::instants::Mono;
use crate::metrics::Metrics;
use crate::policy::watermark::Manner;
use crate::ports::inlet::Inlet;
use crate::ports::{Clock, Ledger};

use super::{Ask, LIMIT_DEFAULT, Ports, Report, Rules, run, timer};

/// What the command is to do.
///
/// # Errors
/// Wrong usage, and what to do instead.
pub fn ask(config: &Config, args: &Reconcile, clock: &impl Clock) -> Result<Ask, String> {
    let given = if args.regions.is_empty() { &config.reconcile.regions } else { &args.regions };
    if given.is_empty() {
        return Err("no region is named: give --region, or set reconcile.regions \
                    (HANSHO_RECONCILE_REGIONS) to those whose findings are forwarded to here"
            .to_owned());
    }
    let mut seen = BTreeSet::new();
    let mut regions = names(given);
    regions.retain(|name| seen.insert(name.clone()));
    let now = clock.now().wall;
    Ok(Ask {
        regions,
        manner: Manner::Asked,
        since: args.since.map(|since| since.moment(now)).transpose()?,
        dry_run: args.dry_run,
        limit: args.limit.map_or(LIMIT_DEFAULT, usize::from),
        until: None,
    })
}

/// What a timer outside of the process asks for: all regions of the configuration, as far as they
/// can be compared until then. The first is another one each time, so that each has its turn.
pub fn ask_of_timer(config: &Config, until: Mono, clock: &impl Clock) -> Ask {
    let mut regions = names(&config.reconcile.regions);
    let minute = usize::try_from(clock.now().wall.seconds() / 60).unwrap_or_default();
    let first = minute.checked_rem(regions.len()).unwrap_or_default();
    regions.rotate_left(first);
    Ask {
        regions,
        // Its schedule says how often. Here it matters only that no other run is at it.
        manner: Manner::Timed(Duration::ZERO),
        since: None,
        dry_run: false,
        limit: LIMIT_DEFAULT,
        until: Some(until),
    }
}

pub async fn compare<L: Ledger, I: Inlet, C: Clock>(
    ask: &Ask,
    rules: &Rules,
    ledger: &L,
    inlet: &I,
    clock: &C,
) -> Report {
    let source = guardduty(&ask.regions).await;
    run(&Ports { source: &source, ledger, inlet, clock }, rules, ask, |_| {}).await
}

/// Beside a worker: compares as often as configured, until it is dropped; or never.
pub async fn beside<L: Ledger, I: Inlet, C: Clock>(
    config: &Config,
    ledger: &L,
    inlet: &I,
    clock: &C,
    metrics: &Metrics,
) -> Infallible {
    let Some(every) = config.reconcile.every else { return std::future::pending().await };
    let regions = names(&config.reconcile.regions);
    let source = guardduty(&regions).await;
    let ports = Ports { source: &source, ledger, inlet, clock };
    timer::run_every(&ports, &super::rules(config), &regions, every, metrics).await
}

fn names(regions: &[RegionName]) -> Vec<String> {
    regions.iter().map(RegionName::to_string).collect()
}

async fn guardduty(regions: &[String]) -> GuardDuty {
    GuardDuty::new(&aws::sdk_config().await, regions.iter().map(String::as_str))
}
