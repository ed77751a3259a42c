//! In place of `source.rs` in a build without the feature `reconcile`: the same functions, which say
//! so.

use std::convert::Infallible;

use crate::commands::reconcile::args::Reconcile;
use crate::config::Config;
use crate::instants::Mono;
use crate::metrics::Metrics;
use crate::policy::watermark::Manner;
use crate::ports::inlet::Inlet;
use crate::ports::{Clock, Ledger};

use super::{Ask, LIMIT_DEFAULT, Outcome, RegionReport, Report, Rules};

const LEFT_OUT: &str = "this hansho was built without the feature `reconcile`, which asks GuardDuty: \
                        build it with `--features reconcile`";

/// # Errors
/// Always: what is left out, and how to get it.
pub fn ask(_: &Config, _: &Reconcile, _: &impl Clock) -> Result<Ask, String> {
    Err(LEFT_OUT.to_owned())
}

pub fn ask_of_timer(config: &Config, until: Mono, _: &impl Clock) -> Ask {
    Ask {
        regions: config.reconcile.regions.iter().map(ToString::to_string).collect(),
        manner: Manner::Asked,
        since: None,
        dry_run: false,
        limit: LIMIT_DEFAULT,
        until: Some(until),
    }
}

/// Every region fails, and says why.
pub async fn compare<L: Ledger, I: Inlet, C: Clock>(
    ask: &Ask,
    _: &Rules,
    _: &L,
    _: &I,
    _: &C,
) -> Report {
    let failed = |region: &String| RegionReport {
        outcome: Outcome::Failed(LEFT_OUT.to_owned()),
        ..RegionReport::new(region)
    };
    Report { regions: ask.regions.iter().map(failed).collect(), dry_run: ask.dry_run }
}

/// The configuration of such a build has no time for it.
pub async fn beside<L: Ledger, I: Inlet, C: Clock>(
    _: &Config,
    _: &L,
    _: &I,
    _: &C,
    _: &Metrics,
) -> Infallible {
    std::future::pending().await
}
