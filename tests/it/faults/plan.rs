//! How large a run is. The environment says it, or else the lane of testing.

use std::env;
use std::time::Duration;

use fastrand::Rng;

use super::workers::{PACE_MS, Strike, StrikeKind};
use crate::support::lane::ByLane;

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub findings: u32,
    /// SIGKILLs and SIGSTOPs together.
    pub kills: u32,
    /// The time in which findings are sent, workers are struck, and the network fails.
    pub span: Duration,
    pub workers: u8,
    pub pace_ms: u64,
    /// How many of 1,000 requests meet a fault.
    pub share: u32,
}

/// The most messages that are sent a second, on average.
const FINDINGS_A_SECOND: u32 = 40;

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}: it takes a number")))
}

impl Plan {
    /// Nothing fails. It takes a few seconds.
    pub fn calm(seed: u64) -> Plan {
        let span = Duration::from_secs(1);
        Plan { seed, findings: 20, kills: 0, span, workers: 1, pace_ms: PACE_MS, share: 0 }
    }

    /// About 40 s, most of which are the lease and the visibility of killed workers.
    pub fn short(seed: u64) -> Plan {
        let span = Duration::from_secs(7);
        Plan { seed, findings: 300, kills: 6, span, workers: 3, pace_ms: PACE_MS, share: 120 }
    }

    pub fn by_lane(seed: u64) -> Plan {
        let is_deep = ByLane { all: 0, deep: 1 }.get() == 1;
        if is_deep { Plan::short(seed) } else { Plan::calm(seed) }
    }

    /// As the variables say. Without one of them, as `short`.
    pub fn from_environment() -> Plan {
        let mut plan = Plan::short(variable("HANSHO_FAULTS_SEED").unwrap_or(1));
        plan.findings = variable("HANSHO_FAULTS_FINDINGS").unwrap_or(plan.findings);
        plan.kills = variable("HANSHO_FAULTS_KILLS").unwrap_or(plan.kills);
        plan.share = variable("HANSHO_FAULTS_SHARE").unwrap_or(plan.share);
        let least = plan.findings.div_ceil(FINDINGS_A_SECOND).max(plan.kills * 4);
        let seconds = variable("HANSHO_FAULTS_SECONDS").unwrap_or(u64::from(least));
        plan.span = Duration::from_secs(seconds).max(plan.span);
        plan
    }

    /// The command that repeats the run, up to its timing.
    pub fn command(&self) -> String {
        format!(
            "HANSHO_FAULTS_SEED={} HANSHO_FAULTS_FINDINGS={} HANSHO_FAULTS_KILLS={} \
             HANSHO_FAULTS_SHARE={} HANSHO_FAULTS_SECONDS={} \
             cargo test --test it faults::long -- --ignored --nocapture",
            self.seed,
            self.findings,
            self.kills,
            self.share,
            self.span.as_secs()
        )
    }

    /// The strikes of each place. Half of them kill. Most freeze for less than a lease.
    pub fn strikes(&self) -> Vec<Vec<Strike>> {
        let mut r = Rng::with_seed(self.seed ^ 0x57a1);
        let mut all = vec![Vec::new(); usize::from(self.workers)];
        for number in 0..self.kills {
            let at = r.u64(1_000..self.span.as_millis() as u64);
            let kind = match number % 2 {
                0 => StrikeKind::Kill { away: r.u64(0..1_500) },
                _ if self.kills > 20 && r.u8(0..8) == 0 => {
                    StrikeKind::Freeze { ms: r.u64(14_000..21_000) }
                }
                _ => StrikeKind::Freeze { ms: r.u64(200..4_000) },
            };
            all[r.usize(..usize::from(self.workers))].push(Strike { at, kind });
        }
        all.iter_mut().for_each(|strikes| strikes.sort_by_key(|strike| strike.at));
        all
    }

    /// When everything has to be done after the last fault. A stuck worker never gets there, and a
    /// busy machine does: all waits together take less than a third of the constant part.
    pub fn drained_within(&self) -> Duration {
        Duration::from_secs(180) + Duration::from_millis(50) * self.findings
    }
}
