//! Writes the metrics to the log every minute, in CloudWatch's embedded metric format.

use std::sync::Arc;
use std::time::Duration;

use super::vitals::Vitals;
use crate::clock::SystemClock;
use crate::metrics::emf::Emf;
use crate::ports::Clock;

/// CloudWatch's alarms have a period of one minute.
const EVERY: Duration = Duration::from_secs(60);

/// Never ends. Writes the first line after a minute, when the worker has received once.
pub async fn run(vitals: Arc<Vitals>, emf: Arc<Emf>, clock: SystemClock) {
    let mut at = clock.now().mono;
    loop {
        at = at.plus(EVERY);
        clock.sleep_until(at).await;
        write(&vitals, &emf, clock);
    }
}

/// Writes one line. A worker also writes one when it ends, so that no count is missing.
pub fn write(vitals: &Vitals, emf: &Emf, clock: SystemClock) {
    let now = clock.now();
    vitals.refresh(now);
    eprintln!("{}", emf.line(&vitals.metrics, vitals.is_at_work(), now.wall));
}
