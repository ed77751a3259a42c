//! Metrics of the looks at GuardDuty's coverage.

use std::sync::{Mutex, PoisonError};

use prometheus::{Error, IntCounterVec, IntGaugeVec};

use super::register::{Register, count, set};
use super::waits::VALUES_MAX;
use crate::instants::Wall;

pub struct CoverageMetrics {
    gaps: IntGaugeVec,
    unreadable: IntGaugeVec,
    looked_at: IntGaugeVec,
    looks: IntCounterVec,
    /// 1 for each look that did not find everything complete, 0 for each other, since the last
    /// line for CloudWatch.
    recent: Mutex<Vec<f64>>,
}

impl CoverageMetrics {
    pub fn register(register: &Register<'_>) -> Result<CoverageMetrics, Error> {
        Ok(CoverageMetrics {
            gaps: register.gauges(
                "hansho_coverage_gaps",
                "Gaps in the last look at GuardDuty's coverage. Only the worker that looked last \
                 has it.",
                &["kind"],
            )?,
            unreadable: register.gauges(
                "hansho_coverage_unreadable",
                "Facts that the last look could not read. Only the worker that looked last has it.",
                &[],
            )?,
            looked_at: register.gauges(
                "hansho_coverage_looked_timestamp_seconds",
                "When the last look ended, in seconds since 1970. Only the worker that looked last \
                 has it.",
                &[],
            )?,
            looks: register.counters(
                "hansho_coverage_looks_total",
                "Looks at GuardDuty's coverage, by the result.",
                &["outcome"],
            )?,
            recent: Mutex::default(),
        })
    }

    pub fn looked(&self, gaps: &[(&str, usize)], unreadable: usize, complete: bool, at: Wall) {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        gaps.iter().for_each(|(kind, gaps)| set(&self.gaps, &[kind], number(*gaps)));
        set(&self.unreadable, &[], number(unreadable));
        set(&self.looked_at, &[], at.seconds());
        count(&self.looks, &[if complete { "complete" } else { "incomplete" }]);
        self.push(!complete);
    }

    pub fn failed(&self) {
        count(&self.looks, &["failed"]);
        self.push(true);
    }

    /// Another worker knows better.
    pub fn elsewhere(&self) {
        self.gaps.reset();
        self.unreadable.reset();
        self.looked_at.reset();
    }

    /// The looks since the last call; at most [`VALUES_MAX`].
    pub fn take(&self) -> Vec<f64> {
        std::mem::take(&mut self.recent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, incomplete: bool) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() < VALUES_MAX {
            recent.push(f64::from(u8::from(incomplete)));
        }
    }
}
