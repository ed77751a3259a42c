//! The corpus that the benches share, and how long they run.

// Each bench uses a part of it.
#![allow(dead_code)]

use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use hansho::commands::demo::night::{Event, Mix, Night};
use hansho::finding::{Finding, parse};
use hansho::instants::Wall;

const SEED: u64 = 1;

/// All benches together take less than three minutes. A precision of some hundredths is enough,
/// because only ratios are of use.
pub fn quick() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

pub fn night() -> Night {
    Night::new(SEED, Wall(1_790_000_000_000))
}

/// New findings of every kind, 3 to 9 KB each, as EventBridge delivers them.
pub fn bodies(count: usize) -> Vec<String> {
    night().corpus(count).into_iter().map(|event| event.body).collect()
}

/// A night of this kind of finding alone.
pub fn mixed(mix: Mix) -> Vec<Event> {
    night().events(mix)
}

/// Findings at or above the threshold.
pub fn findings(count: usize) -> Vec<Arc<Finding>> {
    let alerts = std::iter::repeat_with({
        let mut night = night();
        move || night.alert()
    });
    let read = |event: Event| parse(&event.body).findings.into_iter().map(Arc::new);
    alerts.flat_map(read).take(count).collect()
}
