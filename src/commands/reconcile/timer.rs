//! Comparisons on a timer beside a worker. A failure does not affect the worker: it is logged,
//! counted, and the next run retries.

use std::convert::Infallible;
use std::time::Duration;

use tracing::{debug, info, warn};

use super::{
    LIMIT_DEFAULT, ReconcilePorts, ReconcileRequest, ReconcileRules, RegionOutcome, RegionReport,
    check_every, run,
};
use crate::metrics::Metrics;
use crate::policy::watermark::Manner;
use crate::ports::findings::FindingsSource;
use crate::ports::inlet::Inlet;
use crate::ports::{Clock, Ledger};

/// Compares each region every `every`, counting the runs of all workers together, until it is
/// dropped.
pub async fn run_every<S: FindingsSource, L: Ledger, I: Inlet, C: Clock>(
    ports: &ReconcilePorts<'_, S, L, I, C>,
    rules: &ReconcileRules,
    regions: &[String],
    every: Duration,
    metrics: &Metrics,
) -> Infallible {
    let ask = ReconcileRequest {
        regions: regions.to_vec(),
        manner: Manner::Timed(every),
        since: None,
        dry_run: false,
        limit: LIMIT_DEFAULT,
        until: None,
    };
    let mut random = fastrand::Rng::new();
    loop {
        // The first run waits too, because messages that gathered in the queues are not missing.
        // The random part keeps workers from running at the same moment.
        let rest = check_every(every).mul_f64(0.75 + random.f64() / 2.0);
        ports.clock.sleep_until(ports.clock.now().mono.plus(rest)).await;
        run(ports, rules, &ask, |region| record(region, metrics)).await;
    }
}

/// Counts and logs the report of a region.
pub fn record(report: &RegionReport, metrics: &Metrics) {
    let region = report.region.as_str();
    if let RegionOutcome::NotDue(_) | RegionOutcome::Busy(_) = report.outcome {
        debug!(region, outcome = report.outcome.as_str(), "not compared");
        return;
    }
    for (outcome, count) in report.counts() {
        metrics.reconciled(region, outcome, count);
    }
    metrics.reconcile_ended(region, report.outcome.as_str());
    for why in &report.unreadable_why {
        warn!(region, detail = %why, "a finding that GuardDuty holds can't be read");
    }
    for missing in &report.named {
        info!(
            region,
            finding = %missing.fingerprint,
            level = missing.level,
            enqueued = missing.enqueued,
            "a finding was missing"
        );
    }
    let RegionReport { compared, known, waiting, missing, enqueued, .. } = *report;
    match &report.outcome {
        RegionOutcome::Failed(why) => {
            warn!(region, compared, missing, enqueued, detail = %why, "a region could not be compared");
        }
        outcome => info!(
            region,
            outcome = outcome.as_str(),
            compared,
            known,
            waiting,
            missing,
            enqueued,
            "a region was compared with GuardDuty"
        ),
    }
}
