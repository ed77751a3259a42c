//! The plan of a run, drawn from its seed: how many workers, how much comes in, what goes wrong and
//! how often.

use std::time::Duration;

use fastrand::Rng;
use hansho::policy::ledger::Terms;
use hansho::ports::Lane;

use super::rules::{Change, RoutePlan, Subjects, draw_changes, draw_routes};
use crate::support::fakes::settings;

pub const HOUR: u64 = 3_600_000;
pub const DAY: u64 = 24 * HOUR;

/// A span of simulated time, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: u64,
    pub to: u64,
}

impl Span {
    pub fn holds(&self, at: u64) -> bool {
        self.from <= at && at < self.to
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    Queue,
    Ledger,
    /// No connection can be made.
    Slack,
    /// 403, 404 or 410 from one destination.
    Dead(u8, u16),
    /// The webhook's address can't be read from where it is kept, so that nothing is posted.
    Unreadable(u8),
    /// The webhook of one destination is replaced: its old address is dead from the beginning on,
    /// for good, and there is a new one to be read from the end on.
    Replaced(u8, u16),
}

impl Outage {
    pub fn as_str(self) -> &'static str {
        match self {
            Outage::Queue => "the queue",
            Outage::Ledger => "the ledger",
            Outage::Slack => "Slack",
            Outage::Dead(..) => "a webhook",
            Outage::Unreadable(_) => "a webhook's address",
            Outage::Replaced(..) => "a webhook that is replaced",
        }
    }
}

/// Chances for each call, 0 to 1; 0 where the seed leaves a kind of fault out.
#[derive(Clone, Debug, Default)]
pub struct QueueFaults {
    pub failing: f64,
    pub answer_lost: f64,
    pub entry_failing: f64,
    pub early: f64,
    pub twice_in_a_batch: f64,
    pub shuffled: f64,
    pub stale_accepted: f64,
    pub stale_deletes: f64,
    pub comes_back: f64,
}

#[derive(Clone, Debug, Default)]
pub struct LedgerFaults {
    pub throttled: f64,
    pub answer_lost: f64,
    pub slow: f64,
    /// An expired record vanishes when it is next read, or else it stays.
    pub expiry: f64,
    /// A prefetch returns an older version of a record, which is no error.
    pub stale: f64,
    /// A prefetch leaves a record out, which is no error.
    pub unprocessed: f64,
}

#[derive(Clone, Debug, Default)]
pub struct SlackFaults {
    pub rate_limited: f64,
    pub server_error: f64,
    pub timed_out: f64,
    pub odd_body: f64,
    pub slow: f64,
    /// Of the posts that seem to fail, this share was accepted.
    pub taken_all_the_same: f64,
    pub refresh_failing: f64,
}

#[derive(Clone, Debug, Default)]
pub struct ProcessFaults {
    pub crash_at_a_call: f64,
    pub freeze_at_a_call: f64,
    pub skew: bool,
    pub timed: Vec<(u64, usize, Blow)>,
}

/// Something done to a process from outside.
#[derive(Clone, Copy, Debug)]
pub enum Blow {
    Kill,
    Stop,
    /// For so many milliseconds.
    Freeze(u64),
}

#[derive(Clone, Debug, Default)]
pub struct Load {
    pub findings: u32,
    pub bursts: u32,
    /// Findings that come within a minute, 20 of them critical.
    pub storm: u32,
    /// High findings with long texts that come within a minute, after a few of medium severity.
    pub wave: u32,
    /// Findings that come again later with a newer `updatedAt`.
    pub updated: f64,
    pub escalating: f64,
    /// Findings for which an operator requests one more post, some time after the first.
    pub again: f64,
    pub copied: f64,
    pub sharing_a_message: f64,
    pub junk: f64,
    pub poison: f64,
    pub hostile: f64,
    pub giants: u32,
    /// Findings that close and may come back.
    pub lives: u32,
    /// Findings that a person sends on purpose.
    pub requested: u32,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub length: u64,
    pub workers: usize,
    pub lanes: Vec<Lane>,
    pub destinations: u8,
    /// For each destination.
    pub routes: Vec<RoutePlan>,
    pub subjects: Subjects,
    /// When operators change silences, and how. Without changes no worker reads silences.
    pub silences: Vec<(u64, Change)>,
    pub findings_max: usize,
    pub bytes_max: usize,
    pub retention: Duration,
    pub remind_after: Option<Duration>,
    /// The destination that stands in for the first one while that is dead.
    pub fallback: Option<u8>,
    /// SQS waits 20 s at most. To wait longer changes little and costs the simulator less.
    pub receive_wait: Duration,
    pub queue: QueueFaults,
    pub ledger: LedgerFaults,
    pub slack: SlackFaults,
    pub process: ProcessFaults,
    pub outages: Vec<(Span, Outage)>,
    pub load: Load,
}

impl Plan {
    pub fn of(seed: u64) -> Plan {
        let mut plan = Plan::as_first_drawn(seed);
        plan.draw_more();
        plan
    }

    /// The plan of a seed before further kinds of load and faults were added. Those have random
    /// sources of their own, so that days that once failed stay reproducible.
    pub fn as_first_drawn(seed: u64) -> Plan {
        let r = &mut Rng::with_seed(seed);
        let workers = r.usize(2..=3);
        let lanes = match r.u8(0..4) {
            0 => vec![Lane::Standard],
            _ => vec![Lane::Express, Lane::Standard],
        };
        let destinations = r.u8(1..=2);
        let findings_max = pick(r, &[40, 60, 120, 500]);
        let retention = if r.u8(0..5) == 0 { Duration::from_secs(3 * 3600) } else { DAYS_90 };
        let gentle = r.u8(0..8) == 0;
        let mut plan = Plan {
            seed,
            length: DAY,
            workers,
            lanes,
            destinations,
            routes: plain_routes(destinations),
            subjects: Subjects::default(),
            silences: Vec::new(),
            findings_max,
            bytes_max: pick(r, &[64 << 10, 8 << 20]),
            retention,
            remind_after: None,
            fallback: None,
            receive_wait: Duration::from_secs(pick(r, &[20, 180, 180, 600, 600])),
            queue: queue(r),
            ledger: ledger(r),
            slack: slack(r),
            process: process(r, workers),
            outages: outages(r, destinations),
            load: load(r),
        };
        if gentle {
            // All is well, so the checker also judges the cases that faults excuse elsewhere.
            plan.queue = QueueFaults::default();
            plan.ledger = LedgerFaults::default();
            plan.slack = SlackFaults::default();
            plan.process = ProcessFaults::default();
            plan.outages.clear();
        }
        plan
    }

    /// The ledger's, as each worker has them.
    pub fn terms(&self) -> Terms {
        let Plan { retention, remind_after, .. } = *self;
        Terms { retention, remind_after, ..settings("terms", false).terms }
    }

    /// Nothing but a storm, and a queue that errs a little.
    pub fn storm(findings: u32) -> Plan {
        let queue = QueueFaults {
            entry_failing: 0.01,
            twice_in_a_batch: 0.05,
            shuffled: 0.5,
            ..QueueFaults::default()
        };
        Plan {
            length: HOUR,
            workers: 2,
            lanes: vec![Lane::Express, Lane::Standard],
            destinations: 1,
            routes: plain_routes(1),
            findings_max: 500,
            bytes_max: 8 << 20,
            retention: DAYS_90,
            remind_after: None,
            fallback: None,
            receive_wait: Duration::from_secs(1),
            queue,
            ledger: LedgerFaults::default(),
            slack: SlackFaults::default(),
            process: ProcessFaults::default(),
            outages: Vec::new(),
            load: Load { storm: findings, ..Load::default() },
            ..Plan::of(0)
        }
    }

    /// The day of a seed, with findings that close and come back instead of most others.
    pub fn lives(seed: u64) -> Plan {
        let plan = Plan::of(seed);
        let r = &mut Rng::with_seed(seed ^ 0x0001_1fe5);
        let lives = r.u32(10..=60);
        // An operator who has a record forgotten would excuse what the checker looks for.
        let load =
            Load { findings: 10, bursts: 0, storm: 0, wave: 0, again: 0.0, lives, ..plan.load };
        Plan { load, ..plan }
    }

    /// The day of a seed, made short, with up to three destinations that have rules, and with
    /// silences. A short day costs less, and has as many changes.
    pub fn silenced(seed: u64) -> Plan {
        let plan = Plan::of(seed);
        let r = &mut Rng::with_seed(seed ^ 0x0005_11e7);
        let destinations = r.u8(1..=3);
        let load = Load {
            findings: r.u32(20..=60),
            bursts: r.u32(0..=1),
            storm: 0,
            wave: 0,
            updated: 0.6,
            escalating: 0.4,
            again: 0.2,
            lives: r.u32(0..=15),
            requested: r.u32(0..=8),
            ..plan.load
        };
        let process = ProcessFaults {
            timed: plan.process.timed.iter().map(|(at, who, blow)| (at / 8, *who, *blow)).collect(),
            ..plan.process
        };
        let is_there = |what: &Outage| {
            !matches!(what, Outage::Dead(d, _) | Outage::Unreadable(d)
            | Outage::Replaced(d, _) if *d >= destinations)
        };
        let outages = plan.outages.iter().filter(|(_, what)| is_there(what));
        let sooner = |span: &Span| Span {
            from: span.from / 8,
            // A webhook that is replaced works again at the end of the day.
            to: (span.from / 8 + (span.to - span.from) / 2).min(DAY / 8),
        };
        Plan {
            length: DAY / 8,
            destinations,
            routes: draw_routes(r, destinations),
            subjects: Subjects { varied: true },
            silences: draw_changes(r, DAY / 8),
            fallback: plan.fallback.filter(|_| destinations > 1),
            process,
            outages: outages.map(|(span, what)| (sooner(span), *what)).collect(),
            load,
            ..plan
        }
    }

    /// All is well.
    pub fn is_gentle(&self) -> bool {
        let Plan { queue, ledger, slack, process, outages, .. } = self;
        let calls = [queue.failing, queue.answer_lost, queue.entry_failing, queue.early];
        let copies = [queue.twice_in_a_batch, queue.comes_back, ledger.throttled];
        let answers = [ledger.answer_lost, ledger.slow, slack.rate_limited, slack.server_error];
        let slack = [slack.timed_out, slack.odd_body, slack.slow, slack.refresh_failing];
        let blows = [process.crash_at_a_call, process.freeze_at_a_call];
        let all = [&calls[..], &copies, &answers, &slack, &blows].concat();
        let quiet = all.iter().all(|chance| *chance == 0.0);
        quiet && process.timed.is_empty() && !process.skew && outages.is_empty()
    }

    fn draw_more(&mut self) {
        let r = &mut Rng::with_seed(self.seed ^ 0x0002_d1a3);
        let gentle = self.is_gentle();
        self.remind_after =
            (r.u8(0..5) == 0).then(|| Duration::from_millis(pick(r, &[HOUR / 2, 2 * HOUR])));
        self.fallback = (r.bool() && self.destinations > 1).then_some(1);
        self.load.updated = chance(r, 0.5);
        self.load.wave = if r.u8(0..6) == 0 { r.u32(150..=400) } else { 0 };
        self.slack.refresh_failing = chance(r, 0.5);
        let destination = r.u8(0..self.destinations);
        let status = pick(r, &[403, 404, 410]);
        for (one_in, longest, what) in [
            (3, 2 * HOUR, Outage::Unreadable(destination)),
            (4, 2 * HOUR, Outage::Replaced(destination, status)),
        ] {
            let drawn = r.u8(0..one_in) == 0;
            let from = r.u64(0..DAY - longest);
            let to = from + (longest as f64 * 30f64.powf(-r.f64())) as u64;
            if drawn {
                self.outages.push((Span { from, to }, what));
            }
        }
        // A fallback needs a dead destination, or it has nothing to do.
        if self.fallback.is_some() && r.bool() {
            let from = r.u64(0..DAY - 6 * HOUR);
            self.outages.push((Span { from, to: from + 6 * HOUR }, Outage::Dead(0, status)));
        }
        if gentle {
            self.slack.refresh_failing = 0.0;
            self.outages.clear();
        }
        self.draw_prefetches(gentle);
    }

    /// Faults of prefetches, from a random source of their own.
    fn draw_prefetches(&mut self, gentle: bool) {
        let r = &mut Rng::with_seed(self.seed ^ 0x0000_100c);
        self.load.again = chance(r, 0.5);
        if !gentle {
            self.ledger.stale = chance(r, 0.5);
            self.ledger.unprocessed = chance(r, 0.5);
        }
    }
}

const DAYS_90: Duration = Duration::from_secs(90 * 86_400);

/// The first receives findings from medium up, the second from high up.
fn plain_routes(destinations: u8) -> Vec<RoutePlan> {
    (0..destinations).map(|d| RoutePlan { high: d > 0, ..RoutePlan::default() }).collect()
}

pub fn pick<T: Copy>(r: &mut Rng, of: &[T]) -> T {
    of[r.usize(..of.len())]
}

/// Nothing half of the time, else up to `most`, small values as likely as large ones.
fn chance(r: &mut Rng, most: f64) -> f64 {
    if r.bool() { 0.0 } else { most * 10f64.powf(-2.0 * r.f64()) }
}

fn queue(r: &mut Rng) -> QueueFaults {
    QueueFaults {
        failing: chance(r, 0.1),
        answer_lost: chance(r, 0.2),
        entry_failing: chance(r, 0.3),
        early: chance(r, 0.3),
        twice_in_a_batch: chance(r, 0.1),
        shuffled: chance(r, 1.0),
        stale_accepted: chance(r, 1.0),
        stale_deletes: chance(r, 1.0),
        comes_back: chance(r, 0.1),
    }
}

fn ledger(r: &mut Rng) -> LedgerFaults {
    LedgerFaults {
        throttled: chance(r, 0.2),
        answer_lost: chance(r, 0.2),
        slow: chance(r, 0.1),
        expiry: r.f64(),
        ..LedgerFaults::default()
    }
}

fn slack(r: &mut Rng) -> SlackFaults {
    SlackFaults {
        rate_limited: chance(r, 0.2),
        server_error: chance(r, 0.2),
        timed_out: chance(r, 0.1),
        odd_body: chance(r, 0.1),
        slow: chance(r, 0.3),
        taken_all_the_same: r.f64(),
        refresh_failing: 0.0,
    }
}

fn process(r: &mut Rng, workers: usize) -> ProcessFaults {
    let mut timed = Vec::new();
    let mut some = |most: u32, blow: &mut dyn FnMut(&mut Rng) -> Blow, r: &mut Rng| {
        let n = if r.bool() { 0 } else { r.u32(0..=most) };
        for _ in 0..n {
            timed.push((r.u64(0..DAY), r.usize(..workers), blow(r)));
        }
    };
    some(20, &mut |_| Blow::Kill, r);
    some(10, &mut |_| Blow::Stop, r);
    some(10, &mut |r| Blow::Freeze(pick(r, &[2_000, 40_000, 60_000, 150_000, 1_800_000])), r);
    ProcessFaults {
        crash_at_a_call: chance(r, 0.05),
        freeze_at_a_call: chance(r, 0.03),
        skew: r.bool(),
        timed,
    }
}

fn outages(r: &mut Rng, destinations: u8) -> Vec<(Span, Outage)> {
    let mut all = Vec::new();
    let mut some = |most: u32, longest: u64, what: Outage, r: &mut Rng| {
        let n = if r.bool() { 0 } else { r.u32(0..=most) };
        for _ in 0..n {
            let from = r.u64(0..DAY);
            let length = (longest as f64 * 30f64.powf(-r.f64())) as u64;
            all.push((Span { from, to: from + length }, what));
        }
    };
    some(2, HOUR, Outage::Queue, r);
    some(2, 3 * HOUR, Outage::Ledger, r);
    some(1, 6 * HOUR, Outage::Slack, r);
    let status = pick(r, &[403, 404, 410]);
    some(1, 2 * HOUR, Outage::Dead(r.u8(0..destinations), status), r);
    all
}

fn load(r: &mut Rng) -> Load {
    let storm = if r.u8(0..20) == 0 { r.u32(400..=1200) } else { 0 };
    Load {
        findings: r.u32(10..=80),
        bursts: r.u32(0..=2),
        storm,
        wave: 0,
        updated: 0.0,
        again: 0.0,
        escalating: chance(r, 0.5),
        copied: chance(r, 0.5),
        sharing_a_message: chance(r, 0.5),
        junk: chance(r, 0.2),
        poison: chance(r, 0.2),
        hostile: chance(r, 0.5),
        giants: if r.u8(0..40) == 0 { 1 } else { 0 },
        lives: 0,
        requested: 0,
    }
}
