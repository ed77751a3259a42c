//! `{"hansho":"reconcile"}`: compares GuardDuty's findings with the ledger in one call.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::aws::dynamodb::DynamoLedger;
use crate::aws::sqs::SqsQueue;
use crate::clock::SystemClock;
use crate::commands::reconcile::{self, ReconcileReport, source, timer};
use crate::config::Config;
use crate::instants::Mono;
use crate::metrics::Metrics;
use crate::ports::Clock;

use super::deadline::Deadline;

/// Compares until the given moment.
pub type Comparison =
    Box<dyn Fn(Mono) -> Pin<Box<dyn Future<Output = ReconcileReport> + Send>> + Send + Sync>;

/// The comparison with the queues and the ledger of the function.
pub(super) fn with(
    config: &Config,
    queue: &SqsQueue,
    ledger: &DynamoLedger,
    clock: SystemClock,
) -> Comparison {
    let (rules, kept) = (reconcile::rules(config), (config.clone(), queue.clone(), ledger.clone()));
    let kept = Arc::new((kept, rules));
    Box::new(move |until| {
        let kept = Arc::clone(&kept);
        Box::pin(async move {
            let ((config, queue, ledger), rules) = &*kept;
            let ask = source::ask_of_timer(config, until, &clock);
            source::compare(&ask, rules, ledger, queue, &clock).await
        })
    })
}

/// Runs the comparison of one call.
///
/// # Errors
/// A region could not be compared, none is configured, or the time was up in the middle of a page.
/// The next call continues after the last whole page.
pub(super) async fn call(
    comparison: Option<&Comparison>,
    deadline: &Deadline,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, String> {
    let Some(comparison) = comparison else {
        return Err("this function has no comparison".to_owned());
    };
    let report = tokio::select! {
        biased;
        report = comparison(deadline.last_post) => report,
        () = clock.sleep_until(deadline.answer) => {
            return Err("the time was up before GuardDuty, the queue or the ledger answered"
                .to_owned());
        }
    };
    if report.regions.is_empty() {
        return Err("no region is named: set HANSHO_RECONCILE_REGIONS".to_owned());
    }
    report.regions.iter().for_each(|region| timer::record(region, metrics));
    let failures: Vec<String> =
        report.failures().map(|(region, why)| format!("{region}: {why}")).collect();
    if !failures.is_empty() {
        return Err(format!("not all regions could be compared: {}", failures.join("; ")));
    }
    let sum =
        |count: fn(&reconcile::RegionReport) -> u64| report.regions.iter().map(count).sum::<u64>();
    Ok(json!({
        "hansho": "reconciled", "regions": report.regions.len(),
        "compared": sum(|r| r.compared), "missing": sum(|r| r.missing),
        "enqueued": sum(|r| r.enqueued),
    }))
}
