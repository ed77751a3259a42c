//! `{"hansho":"reconcile"}`: the comparison with GuardDuty, in one call of the function.

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

use super::Deadline;

/// Compares until the moment it is told.
pub type Comparison =
    Box<dyn Fn(Mono) -> Pin<Box<dyn Future<Output = ReconcileReport> + Send>> + Send + Sync>;

/// With the queues and the ledger of the function.
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

/// One call.
///
/// # Errors
/// A region could not be compared, or there is none, or the time was up in the middle of a page.
/// What was compared until then is kept, and the next call goes on from there.
pub(super) async fn call(
    comparison: Option<&Comparison>,
    deadline: &Deadline,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, String> {
    let Some(comparison) = comparison else {
        return Err("this function has nothing to compare with".to_owned());
    };
    let report = tokio::select! {
        biased;
        report = comparison(deadline.last_post) => report,
        () = clock.sleep_until(deadline.answer) => {
            return Err("the time was up before GuardDuty, the queue or the ledger had answered".to_owned());
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
