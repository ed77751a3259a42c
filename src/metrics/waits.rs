//! Metrics of waiting: how long findings and canaries take, and what waits now.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::{Error, Gauge, GaugeVec, HistogramVec, IntGaugeVec};

use super::register::{Register, observe, set, set_seconds};
use crate::desk::{Report, Snapshot};
use crate::finding::Level;
use crate::instants::Now;

/// Seconds from a finding's entry into its queue to Slack's acceptance. The low buckets show a slow
/// worker, the high ones an outage.
const WAITED: [f64; 13] =
    [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0];

/// CloudWatch takes at most this many values of a metric in one line.
/// Source: CloudWatch user guide, "Specification: Embedded metric format".
pub const VALUES_MAX: usize = 100;

pub struct WaitMetrics {
    arrival_to_post: HistogramVec,
    canary: HistogramVec,
    waiting: IntGaugeVec,
    oldest_waiting: GaugeVec,
    held: Gauge,
    held_bytes: Gauge,
    recent_waits: Mutex<Longest>,
    recent_canaries: Mutex<Longest>,
}

impl WaitMetrics {
    pub fn register(register: &Register<'_>) -> Result<WaitMetrics, Error> {
        Ok(WaitMetrics {
            arrival_to_post: register.histograms_of_seconds(
                "hansho_arrival_to_post_seconds",
                "Time from a finding's entry into its queue until Slack accepted its post.",
                &["level"],
                &WAITED,
            )?,
            canary: register.histograms_of_seconds(
                "hansho_canary_seconds",
                "Time from the send of a canary until its record was in the ledger.",
                &[],
                &WAITED,
            )?,
            waiting: register.gauges(
                "hansho_waiting",
                "Alerts that wait in this worker to be posted.",
                &["destination", "level"],
            )?,
            oldest_waiting: register.gauges_of_seconds(
                "hansho_oldest_waiting_seconds",
                "Time since the oldest waiting alert entered its queue.",
                &["destination"],
            )?,
            held: register.gauge("hansho_held_findings", "Findings in this worker's buffer.")?,
            held_bytes: register.gauge("hansho_held_bytes", "Bytes in this worker's buffer.")?,
            recent_waits: Mutex::default(),
            recent_canaries: Mutex::default(),
        })
    }

    pub fn record(&self, report: &Report) {
        match report {
            Report::Posted { level, waited, .. } => {
                observe(&self.arrival_to_post, &[level.as_str()], *waited);
                push(&self.recent_waits, *waited);
            }
            Report::Canary { took, .. } => {
                observe(&self.canary, &[], *took);
                push(&self.recent_canaries, *took);
            }
            _ => {}
        }
    }

    pub fn update(&self, snapshot: &Snapshot, now: Now) {
        self.held.set(snapshot.held as f64);
        self.held_bytes.set(snapshot.held_bytes as f64);
        for d in &snapshot.destinations {
            for level in Level::ALL {
                let waiting = i64::try_from(d.waiting(level)).unwrap_or(i64::MAX);
                set(&self.waiting, &[&d.name, level.as_str()], waiting);
            }
            let age = d.oldest.map_or(Duration::ZERO, |since| now.wall.since(since));
            set_seconds(&self.oldest_waiting, &[&d.name], age);
        }
    }

    /// The seconds that findings waited since the last call; at most [`VALUES_MAX`], the longest.
    pub fn take_waits(&self) -> Vec<f64> {
        take(&self.recent_waits)
    }

    /// The seconds that canaries took since the last call; at most [`VALUES_MAX`], the longest.
    pub fn take_canaries(&self) -> Vec<f64> {
        take(&self.recent_canaries)
    }
}

/// Seconds: the longest [`VALUES_MAX`] of all that were pushed.
#[derive(Default)]
struct Longest(Vec<f64>);

impl Longest {
    fn push(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        if self.0.len() < VALUES_MAX {
            self.0.push(seconds);
        } else if let Some(least) = self.0.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *least = least.max(seconds);
        }
    }
}

// A panic while the lock is held leaves the numbers valid, so a poisoned lock is used all the same.

fn push(recent: &Mutex<Longest>, time: Duration) {
    recent.lock().unwrap_or_else(PoisonError::into_inner).push(time);
}

fn take(recent: &Mutex<Longest>) -> Vec<f64> {
    std::mem::take(&mut recent.lock().unwrap_or_else(PoisonError::into_inner).0)
}
