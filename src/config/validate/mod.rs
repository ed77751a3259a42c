//! Turns the written values into a [`Config`]. It gathers every mistake, and none stops it.

mod backend;
mod destinations;
mod links;
pub(super) mod matchers;
mod on_call;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use super::accounts::accounts;
use super::duration::DURATION_MAX;
use super::mistake::{Gathered, Mistake};
use super::model::{Config, MetricsOutput, Reconcile};
use super::raw::{Given, Raw, RawReconcile};
use super::values;
use crate::finding::Level;
use crate::policy::filter::Threshold;
use crate::policy::silence::CurrentSilences;
use crate::policy::weekly::Weekly;
use crate::slack::Guide;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const RETENTION_DEFAULT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// SQS keeps a message for at most 14 days. Source: SQS API reference, SetQueueAttributes.
const QUEUE_RETENTION_MAX: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const REMIND_AFTER_MIN: Duration = Duration::from_secs(60);
/// The least and the greatest time between two comparisons. A shorter one finds nothing more,
/// because findings younger than ten minutes are not compared.
#[cfg(feature = "reconcile")]
const EVERY: (Duration, Duration) =
    (Duration::from_secs(60), Duration::from_secs(7 * 24 * 60 * 60));

/// The least and the greatest time between two looks at the coverage. A look takes hundreds of
/// calls.
#[cfg(feature = "rollout")]
const COVERAGE_EVERY: (Duration, Duration) =
    (Duration::from_secs(600), Duration::from_secs(7 * 24 * 60 * 60));

pub(super) struct Validated {
    pub outcome: Result<Config, Vec<Mistake>>,
    pub warnings: Vec<Mistake>,
}

pub(super) fn validate(raw: &Raw) -> Validated {
    let mut gathered = Gathered::default();
    let threshold = gathered
        .read("min_severity", &raw.min_severity, values::threshold)
        .unwrap_or(Threshold::Level(Level::Medium));
    let backend = backend::backend(raw, &mut gathered);
    let destinations = destinations::destinations(raw, threshold, &mut gathered);
    let drops_unmatched =
        gathered.read("unmatched", &raw.unmatched, values::drop_or_refuse).unwrap_or(false);
    destinations::reach(&destinations, threshold, drops_unmatched, &mut gathered);
    let (retention, remind_after) = ledger_times(raw, &mut gathered);
    let budget = worker::budget(&raw.worker, &mut gathered);
    let buffer = worker::buffer(&raw.worker, &mut gathered);
    let fleet = worker::fleet(&raw.worker, &mut gathered);
    let metrics = metrics(raw, &mut gathered);
    let reconcile = reconcile(&raw.reconcile, &mut gathered);
    let coverage_every =
        gathered.read("coverage.every", &raw.coverage.every, coverage_every).flatten();
    let weekly_summary = weekly_summary(raw, &mut gathered);
    let seed = gathered.read("worker.seed", &raw.worker.seed, values::seed);
    let guide = Guide {
        accounts: accounts(raw, &mut gathered).into(),
        portal: links::portal(&raw.console, &mut gathered),
        runbooks: links::runbooks(raw, &mut gathered),
        show_tags: gathered.read("show_tags", &raw.show_tags, values::tag_keys).unwrap_or_default(),
    };
    let Gathered { mistakes, warnings } = gathered;
    let outcome = match (backend, budget) {
        (Some(backend), Some(budget)) if mistakes.is_empty() => Ok(Config {
            threshold,
            drops_unmatched,
            backend,
            destinations,
            retention,
            remind_after,
            budget,
            buffer,
            fleet,
            metrics,
            reconcile,
            coverage_every,
            weekly_summary,
            silences: CurrentSilences::default(),
            guide: Arc::new(guide),
            seed,
        }),
        _ => Err(mistakes),
    };
    Validated { outcome, warnings }
}

fn metrics(raw: &Raw, gathered: &mut Gathered) -> MetricsOutput {
    MetricsOutput {
        listen: gathered.read("metrics.listen", &raw.metrics.listen, values::listen).flatten(),
        emf: gathered.read("metrics.emf", &raw.metrics.emf, values::on_or_off),
    }
}

fn weekly_summary(raw: &Raw, gathered: &mut Gathered) -> Option<Weekly> {
    let given = &raw.silences.weekly_summary;
    gathered.read("silences.weekly_summary", given, values::weekly).flatten()
}

fn ledger_times(raw: &Raw, gathered: &mut Gathered) -> (Duration, Option<Duration>) {
    let retention = gathered
        .read("ledger.retention", &raw.ledger.retention, |given| {
            values::duration_within(given, DAY, DURATION_MAX)
        })
        .unwrap_or(RETENTION_DEFAULT);
    if retention <= QUEUE_RETENTION_MAX {
        gathered.warning(
            "ledger.retention",
            "is not longer than a queue can keep a message (14d): a late copy may be posted again",
        );
    }
    let remind_after = gathered.read("ledger.remind_after", &raw.ledger.remind_after, |given| {
        let after = values::duration_within(given, REMIND_AFTER_MIN, DURATION_MAX)?;
        if after < retention {
            Ok(after)
        } else {
            Err("must be shorter than ledger.retention".to_owned())
        }
    });
    (retention, remind_after)
}

fn reconcile(raw: &RawReconcile, gathered: &mut Gathered) -> Reconcile {
    let every = gathered.read("reconcile.every", &raw.every, every).flatten();
    let regions = gathered.read("reconcile.regions", &raw.regions, values::regions);
    if every.is_some() && raw.regions.is_none() {
        gathered.mistake(
            "reconcile.regions",
            "is missing, although reconcile.every is set: name the regions, or set \
             HANSHO_RECONCILE_REGIONS",
        );
    }
    Reconcile { every, regions: regions.unwrap_or_default() }
}

fn every(given: &Given) -> Result<Option<Duration>, String> {
    unless_off(given, every_given)
}

fn coverage_every(given: &Given) -> Result<Option<Duration>, String> {
    unless_off(given, coverage_every_given)
}

fn unless_off(
    given: &Given,
    read: fn(&Given) -> Result<Duration, String>,
) -> Result<Option<Duration>, String> {
    if given.text() == Ok("off") {
        return Ok(None);
    }
    read(given).map(Some)
}

#[cfg(feature = "rollout")]
fn coverage_every_given(given: &Given) -> Result<Duration, String> {
    values::duration_within(given, COVERAGE_EVERY.0, COVERAGE_EVERY.1)
}

#[cfg(not(feature = "rollout"))]
fn coverage_every_given(_: &Given) -> Result<Duration, String> {
    Err("needs a hansho that can look at GuardDuty: build it with `--features rollout`, or remove \
         the key"
        .to_owned())
}

#[cfg(feature = "reconcile")]
fn every_given(given: &Given) -> Result<Duration, String> {
    values::duration_within(given, EVERY.0, EVERY.1)
}

#[cfg(not(feature = "reconcile"))]
fn every_given(_: &Given) -> Result<Duration, String> {
    Err("needs a hansho that can ask GuardDuty: build it with `--features reconcile`, or remove the \
         key"
    .to_owned())
}
