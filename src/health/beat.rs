//! Every minute a line that CloudWatch makes metrics of, on the standard error among the log.

use std::sync::Arc;
use std::time::Duration;

use super::Vitals;
use crate::clock::SystemClock;
use crate::metrics::emf::Emf;
use crate::ports::Clock;

/// CloudWatch's alarms look at minutes.
const EVERY: Duration = Duration::from_secs(60);

/// Never ends. The first line comes after a minute, when the worker has had time to receive.
pub async fn run(vitals: Arc<Vitals>, emf: Arc<Emf>, clock: SystemClock) {
    let mut at = clock.now().mono;
    loop {
        at = at.plus(EVERY);
        clock.sleep_until(at).await;
        tell(&vitals, &emf, clock);
    }
}

/// Writes a line now: also when a worker ends, so that nothing that it counted is missing.
pub fn tell(vitals: &Vitals, emf: &Emf, clock: SystemClock) {
    let now = clock.now();
    vitals.refresh(now);
    eprintln!("{}", emf.line(&vitals.metrics, vitals.at_work(), now.wall));
}
