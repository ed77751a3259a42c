//! Validates `[worker]`: the times, the buffer and the fleet.

use std::time::Duration;

use crate::config::mistake::Gathered;
use crate::config::model::Buffer;
use crate::config::raw::RawWorker;
use crate::config::values;
use crate::policy::budget::{TimeBudget, Times};

const TIME_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// At least one receive must fit: ten messages of together up to 1 MiB.
const BUFFER_FINDINGS: (usize, usize) = (10, 100_000);
const BUFFER_BYTES: (usize, usize) = (2 << 20, 1 << 30);
const FLEET: (usize, usize) = (1, 1_000);

pub fn fleet(given: &RawWorker, gathered: &mut Gathered) -> u32 {
    let count = gathered
        .read("worker.fleet", &given.fleet, |given| values::count_within(given, FLEET.0, FLEET.1));
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1)
}

pub fn budget(given: &RawWorker, gathered: &mut Gathered) -> Option<TimeBudget> {
    let mut times = Times::default();
    let known = gathered.mistakes.len();
    for (key, given, time) in [
        ("worker.visibility", &given.visibility, &mut times.visibility),
        ("worker.heartbeat", &given.heartbeat, &mut times.heartbeat),
        ("worker.lease", &given.lease, &mut times.lease),
        ("worker.skew", &given.skew, &mut times.skew),
        ("worker.post_timeout", &given.post_timeout, &mut times.post_timeout),
    ] {
        let read = gathered
            .read(key, given, |given| values::duration_within(given, Duration::ZERO, TIME_MAX));
        *time = read.unwrap_or(*time);
    }
    // The rules between the times are only checked if all times could be read.
    if gathered.mistakes.len() > known {
        return None;
    }
    times.connect_timeout = times.connect_timeout.min(times.post_timeout);
    match TimeBudget::new(times) {
        Ok(budget) => Some(budget),
        Err(broken) => {
            broken.into_iter().for_each(|what| gathered.mistake("worker", what));
            None
        }
    }
}

pub fn buffer(given: &RawWorker, gathered: &mut Gathered) -> Buffer {
    let usual = Buffer::default();
    let (least, most) = BUFFER_FINDINGS;
    let findings = gathered.read("worker.buffer_findings", &given.buffer_findings, |given| {
        values::count_within(given, least, most)
    });
    let (least, most) = BUFFER_BYTES;
    let bytes = gathered.read("worker.buffer_bytes", &given.buffer_bytes, |given| {
        values::bytes_within(given, least, most)
    });
    Buffer { findings: findings.unwrap_or(usual.findings), bytes: bytes.unwrap_or(usual.bytes) }
}
