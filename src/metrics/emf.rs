//! CloudWatch's embedded metric format: a line of JSON in the log, from which CloudWatch Logs makes
//! metrics. A worker that no scraper reaches, in Lambda or behind a closed security group, needs no
//! call and no right to publish its metrics.
//! Source: CloudWatch user guide, "Specification: Embedded metric format".
//!
//! Each metric costs money every month, and dimensions multiply the cost. Therefore only a few
//! values of the line are metrics, without dimensions. The other values are for queries over the
//! log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::proto::{MetricFamily, MetricType};
use serde_json::{Map, Value, json};

use super::all::Metrics;
use crate::instants::Wall;
use crate::ports::FailureKind;

pub const NAMESPACE: &str = "hansho";
/// The worker runs and receives. `infra/pipeline.yaml` has an alarm on its absence.
pub const HEARTBEAT: &str = "heartbeat";

/// Calls that were throttled. For queries over the log.
const THROTTLED: &str = "throttled";

/// The values of the line that are metrics, with their units.
const METRICS: [(&str, &str); 13] = [
    ("findings", "Count"),
    ("posted", "Count"),
    ("quarantined", "Count"),
    ("post_failures", "Count"),
    ("destination_dead", "Count"),
    ("breaker_open", "Count"),
    ("waiting", "Count"),
    ("oldest_waiting_seconds", "Seconds"),
    ("arrival_to_post_seconds", "Seconds"),
    // Only if canaries are sent. `infra/pipeline.yaml` has an alarm on its absence.
    ("canary_seconds", "Seconds"),
    // Only if the worker reconciles. `infra/pipeline.yaml` has an alarm on it.
    ("reconcile_failed", "Count"),
    // Only after a look at the coverage. `infra/pipeline.yaml` has an alarm on it.
    ("coverage_incomplete", "Count"),
    (HEARTBEAT, "Count"),
];

/// The sums of the last line, because a line holds what was added since.
#[derive(Default)]
pub struct Emf {
    sums: Mutex<BTreeMap<String, f64>>,
}

impl Emf {
    /// One line for the log: the counts since the last line, and the gauges. `beats`: whether the
    /// line has the heartbeat.
    pub fn line(&self, metrics: &Metrics, beats: bool, now: Wall) -> String {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = Map::new();
        for family in metrics.gather() {
            let name = short(family.name());
            match family.get_field_type() {
                MetricType::COUNTER => {
                    line.insert(name.to_owned(), added(&mut sums, name, sum(&family)));
                    if name == "call_failures" {
                        let added = added(&mut sums, THROTTLED, throttled(&family));
                        line.insert(THROTTLED.to_owned(), added);
                    }
                }
                MetricType::GAUGE if name == "oldest_waiting_seconds" => {
                    line.insert(name.to_owned(), number(greatest(&family)));
                }
                MetricType::GAUGE if name != "build_info" => {
                    line.insert(name.to_owned(), number(sum(&family)));
                }
                _ => {}
            }
        }
        for (name, values) in [
            ("arrival_to_post_seconds", metrics.waits.take_waits()),
            ("canary_seconds", metrics.waits.take_canaries()),
            ("coverage_incomplete", metrics.coverage.take()),
        ] {
            if !values.is_empty() {
                line.insert(name.to_owned(), json!(values));
            }
        }
        if beats {
            line.insert(HEARTBEAT.to_owned(), json!(1));
        }
        line.insert("_aws".to_owned(), directive(&line, now));
        Value::Object(line).to_string()
    }
}

/// Declares which values of the line are metrics.
fn directive(line: &Map<String, Value>, now: Wall) -> Value {
    let metrics = METRICS.iter().filter(|(name, _)| line.contains_key(*name));
    let metrics: Vec<Value> =
        metrics.map(|(name, unit)| json!({"Name": name, "Unit": unit})).collect();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics});
    json!({"Timestamp": now.0, "CloudWatchMetrics": [directive]})
}

/// The difference between a sum and its value in the last line.
fn added(sums: &mut BTreeMap<String, f64>, name: &str, sum: f64) -> Value {
    let before = sums.insert(name.to_owned(), sum).unwrap_or_default();
    number(sum - before)
}

/// The short name: `hansho_posted_total` is `posted`.
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

/// The number of failed calls that were throttled.
fn throttled(family: &MetricFamily) -> f64 {
    let is = |label: &prometheus::proto::LabelPair| {
        label.name() == "reason" && label.value() == FailureKind::Throttled.as_str()
    };
    let metrics = family.get_metric().iter().filter(|metric| metric.get_label().iter().any(is));
    metrics.map(|metric| metric.get_counter().get_value()).sum()
}

fn greatest(family: &MetricFamily) -> f64 {
    values(family).fold(0.0, f64::max)
}

/// Whole numbers have no decimal point.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9e15;
    if value.fract() == 0.0 && value.abs() < EXACT { json!(value as i64) } else { json!(value) }
}
