//! CloudWatch's embedded metric format: a line of JSON in the log, out of which CloudWatch Logs makes
//! metrics by itself, whatever wrote the line. So a worker that nobody can ask, in Lambda or behind a
//! closed security group, needs neither a call nor a right to say how it is.
//! Source: CloudWatch user guide, "Specification: Embedded metric format".
//!
//! Each metric costs money every month, and one with dimensions costs it for each combination. So few
//! are metrics, without dimensions; what else is in the line is for queries over the log.

use std::sync::{Mutex, PoisonError};

use prometheus::proto::{MetricFamily, MetricType};
use serde_json::{Map, Value, json};

use super::{Metrics, keep};
use crate::instants::Wall;
use crate::ports::FailureKind;

pub const NAMESPACE: &str = "hansho";
/// The worker is at work. `infra/pipeline.yaml` has the alarm on its absence.
pub const HEARTBEAT: &str = "heartbeat";

/// Calls to queue and ledger that were throttled: in the line, for queries.
const THROTTLED: &str = "throttled";

/// What of the line is a metric, with its unit.
const METRICS: [(&str, &str); 11] = [
    ("findings", "Count"),
    ("posted", "Count"),
    ("quarantined", "Count"),
    ("post_failures", "Count"),
    ("destination_dead", "Count"),
    ("breaker_open", "Count"),
    ("waiting", "Count"),
    ("oldest_waiting_seconds", "Seconds"),
    ("arrival_to_post_seconds", "Seconds"),
    // Only where canaries are put: `infra/pipeline.yaml` has the alarm on its absence.
    ("canary_seconds", "Seconds"),
    // Only where the worker compares: `infra/pipeline.yaml` has the alarm on it.
    ("reconcile_failed", "Count"),
];

/// What was told already, since a line says what was added.
#[derive(Default)]
pub struct Emf {
    told: Mutex<Map<String, Value>>,
}

impl Emf {
    /// One line for the log: what was counted since the last one, and how things are now. `beats`
    /// says whether the worker can say of itself that it is at work.
    pub fn line(&self, metrics: &Metrics, beats: bool, now: Wall) -> String {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = Map::new();
        for family in metrics.gather() {
            let name = short(family.name());
            match family.get_field_type() {
                MetricType::COUNTER => {
                    let sum = sum(&family);
                    let before = told.insert(name.to_owned(), sum.into());
                    let before = before.and_then(|v| v.as_f64()).unwrap_or(0.0);
                    line.insert(name.to_owned(), number(sum - before));
                    if name == "call_failures" {
                        let sum = throttled(&family);
                        let before = told.insert(THROTTLED.to_owned(), sum.into());
                        let before = before.and_then(|v| v.as_f64()).unwrap_or(0.0);
                        line.insert(THROTTLED.to_owned(), number(sum - before));
                    }
                }
                MetricType::GAUGE if name == "oldest_waiting_seconds" => {
                    line.insert(name.to_owned(), number(most(&family)));
                }
                MetricType::GAUGE if name != "build_info" => {
                    line.insert(name.to_owned(), number(sum(&family)));
                }
                _ => {}
            }
        }
        for (name, recent) in [
            ("arrival_to_post_seconds", &metrics.recent),
            ("canary_seconds", &metrics.recent_canaries),
        ] {
            let times = std::mem::take(&mut keep(recent).0);
            if !times.is_empty() {
                line.insert(name.to_owned(), json!(times));
            }
        }
        let mut units = METRICS.to_vec();
        if beats {
            units.push((HEARTBEAT, "Count"));
            line.insert(HEARTBEAT.to_owned(), json!(1));
        }
        let units = units.into_iter().filter(|(name, _)| line.contains_key(*name));
        let units: Vec<Value> =
            units.map(|(name, unit)| json!({"Name": name, "Unit": unit})).collect();
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": units});
        line.insert(
            "_aws".to_owned(),
            json!({"Timestamp": now.0, "CloudWatchMetrics": [directive]}),
        );
        Value::Object(line).to_string()
    }
}

/// `hansho_posted_total` is `posted`.
fn short(name: &str) -> &str {
    let name = name.strip_prefix("hansho_").unwrap_or(name);
    name.strip_suffix("_total").unwrap_or(name)
}

fn values(family: &MetricFamily) -> impl Iterator<Item = f64> {
    family.get_metric().iter().map(|metric| match family.get_field_type() {
        MetricType::COUNTER => metric.get_counter().get_value(),
        _ => metric.get_gauge().get_value(),
    })
}

fn sum(family: &MetricFamily) -> f64 {
    values(family).sum()
}

/// Of the calls that failed, those that were throttled.
fn throttled(family: &MetricFamily) -> f64 {
    let is = |label: &prometheus::proto::LabelPair| {
        label.name() == "reason" && label.value() == FailureKind::Throttled.as_str()
    };
    let metrics = family.get_metric().iter().filter(|metric| metric.get_label().iter().any(is));
    metrics.map(|metric| metric.get_counter().get_value()).sum()
}

fn most(family: &MetricFamily) -> f64 {
    values(family).fold(0.0, f64::max)
}

/// Whole numbers without a point, as people write them.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9e15;
    if value.fract() == 0.0 && value.abs() < EXACT { json!(value as i64) } else { json!(value) }
}
