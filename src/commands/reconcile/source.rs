//! Comparisons with GuardDuty, for the command, for the timer of a worker, and for a Lambda
//! function.

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

use super::lookup::Lookup;
use super::{
    LIMIT_DEFAULT, ReconcilePorts, ReconcileReport, ReconcileRequest, ReconcileRules, run, timer,
};

/// The request of the command.
///
/// # Errors
/// Wrong usage, and what to do instead.
pub fn ask(
    config: &Config,
    args: &Reconcile,
    clock: &impl Clock,
) -> Result<ReconcileRequest, String> {
    let given = if args.regions.is_empty() { &config.reconcile.regions } else { &args.regions };
    if given.is_empty() {
        return Err("no region is given: give --region, or set reconcile.regions \
                    (HANSHO_RECONCILE_REGIONS) to the regions that forward their findings"
            .to_owned());
    }
    let mut seen = BTreeSet::new();
    let mut regions = names(given);
    regions.retain(|name| seen.insert(name.clone()));
    let now = clock.now().wall;
    Ok(ReconcileRequest {
        regions,
        manner: Manner::Asked,
        since: args.since.map(|since| since.moment(now)).transpose()?,
        dry_run: args.dry_run,
        limit: args.limit.map_or(LIMIT_DEFAULT, usize::from),
        until: None,
    })
}

/// The request of a timer outside the process: all regions of the configuration, as far as the time
/// allows. Each run starts with another region, so that all have their turn.
pub fn ask_of_timer(config: &Config, until: Mono, clock: &impl Clock) -> ReconcileRequest {
    let mut regions = names(&config.reconcile.regions);
    let minute = usize::try_from(clock.now().wall.seconds() / 60).unwrap_or_default();
    let first = minute.checked_rem(regions.len()).unwrap_or_default();
    regions.rotate_left(first);
    ReconcileRequest {
        regions,
        // The schedule decides how often. Only the lease against other runs matters here.
        manner: Manner::Timed(Duration::ZERO),
        since: None,
        dry_run: false,
        limit: LIMIT_DEFAULT,
        until: Some(until),
    }
}

pub async fn compare<L: Ledger, I: Inlet, C: Clock>(
    ask: &ReconcileRequest,
    rules: &ReconcileRules,
    ledger: &L,
    inlet: &I,
    clock: &C,
) -> ReconcileReport {
    let source = guardduty(&ask.regions).await;
    run(&ReconcilePorts { source: &source, ledger, inlet, clock }, rules, ask, |_| {}).await
}

/// Beside a worker: compares regularly until it is dropped, or never, as configured.
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
    let ports = ReconcilePorts { source: &source, ledger, inlet, clock };
    timer::run_every(&ports, &super::rules(config), &regions, every, metrics).await
}

/// The texts of the finding of a name, as GuardDuty has it, and why it may have more. The regions
/// are that of the name, else those of `reconcile.regions`.
pub async fn lookup(
    config: &Config,
    fingerprints: &[String],
    words: &[String],
) -> (Vec<String>, Vec<String>) {
    let Some(lookup) = Lookup::of(fingerprints, words, &names(&config.reconcile.regions)) else {
        let why = "guardduty is not asked: the name is not that of a finding of GuardDuty";
        return (Vec::new(), vec![why.to_owned()]);
    };
    if lookup.regions.is_empty() {
        let why = "guardduty is not asked: give the finding's ARN, or set reconcile.regions";
        return (Vec::new(), vec![why.to_owned()]);
    }
    let (found, failed) = lookup.find(&guardduty(&lookup.regions).await).await;
    (found, failed.iter().map(ToString::to_string).collect())
}

fn names(regions: &[RegionName]) -> Vec<String> {
    regions.iter().map(RegionName::to_string).collect()
}

async fn guardduty(regions: &[String]) -> GuardDuty {
    GuardDuty::new(&aws::sdk_config().await, regions.iter().map(String::as_str))
}
