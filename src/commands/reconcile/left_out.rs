//! Replaces `source.rs` in a build without the feature `reconcile`. Its functions report that.

use std::convert::Infallible;

use crate::commands::reconcile::args::Reconcile;
use crate::config::Config;
use crate::instants::Mono;
use crate::metrics::Metrics;
use crate::policy::watermark::Manner;
use crate::ports::inlet::Inlet;
use crate::ports::{Clock, Ledger};

use super::{
    LIMIT_DEFAULT, ReconcileReport, ReconcileRequest, ReconcileRules, RegionOutcome, RegionReport,
};

const LEFT_OUT: &str = "this hansho was built without the feature `reconcile`, which asks GuardDuty: \
                        build it with `--features reconcile`";

/// # Errors
/// Always: the feature is missing, and how to get it.
pub fn ask(_: &Config, _: &Reconcile, _: &impl Clock) -> Result<ReconcileRequest, String> {
    Err(LEFT_OUT.to_owned())
}

pub fn ask_of_timer(config: &Config, until: Mono, _: &impl Clock) -> ReconcileRequest {
    ReconcileRequest {
        regions: config.reconcile.regions.iter().map(ToString::to_string).collect(),
        manner: Manner::Asked,
        since: None,
        dry_run: false,
        limit: LIMIT_DEFAULT,
        until: Some(until),
    }
}

/// Every region fails with the reason.
pub async fn compare<L: Ledger, I: Inlet, C: Clock>(
    ask: &ReconcileRequest,
    _: &ReconcileRules,
    _: &L,
    _: &I,
    _: &C,
) -> ReconcileReport {
    let failed = |region: &String| RegionReport {
        outcome: RegionOutcome::Failed(LEFT_OUT.to_owned()),
        ..RegionReport::new(region)
    };
    ReconcileReport { regions: ask.regions.iter().map(failed).collect(), dry_run: ask.dry_run }
}

/// Never compares: the configuration of such a build has no `reconcile.every`.
pub async fn beside<L: Ledger, I: Inlet, C: Clock>(
    _: &Config,
    _: &L,
    _: &I,
    _: &C,
    _: &Metrics,
) -> Infallible {
    std::future::pending().await
}

/// Finds nothing, and says why.
pub async fn lookup(_: &Config, _: &[String], _: &[String]) -> (Vec<String>, Vec<String>) {
    (Vec::new(), vec![format!("guardduty is not asked: {LEFT_OUT}")])
}
