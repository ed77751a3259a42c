//! The comparison on a timer beside a worker. Nothing that goes wrong here harms the worker: it is
//! logged, counted, and tried again at the next time.

use std::convert::Infallible;
use std::time::Duration;

use tracing::{debug, info, warn};

use super::{Ask, LIMIT_DEFAULT, Outcome, Ports, RegionReport, Rules, look_every, run};
use crate::metrics::Metrics;
use crate::policy::watermark::Manner;
use crate::ports::findings::FindingsSource;
use crate::ports::inlet::Inlet;
use crate::ports::{Clock, Ledger};

/// Compares each region as often as asked, of all workers together, until it is dropped.
pub async fn run_every<S: FindingsSource, L: Ledger, I: Inlet, C: Clock>(
    ports: &Ports<'_, S, L, I, C>,
    rules: &Rules,
    regions: &[String],
    every: Duration,
    metrics: &Metrics,
) -> Infallible {
    let ask = Ask {
        regions: regions.to_vec(),
        manner: Manner::Timed(every),
        since: None,
        dry_run: false,
        limit: LIMIT_DEFAULT,
        until: None,
    };
    let mut random = fastrand::Rng::new();
    loop {
        // Not at once: what has gathered in the queues while no worker ran is not missing. And not
        // all workers at the same moment.
        let rest = look_every(every).mul_f64(0.75 + random.f64() / 2.0);
        ports.clock.sleep_until(ports.clock.now().mono.plus(rest)).await;
        run(ports, rules, &ask, |region| heard(region, metrics)).await;
    }
}

/// Counts what came of a region, and logs it.
pub fn heard(report: &RegionReport, metrics: &Metrics) {
    let region = report.region.as_str();
    if let Outcome::NotDue(_) | Outcome::Busy(_) = report.outcome {
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
        Outcome::Failed(why) => {
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
