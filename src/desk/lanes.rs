//! Lanes: the receives that are in flight, and when the next may be ordered.

use std::time::Duration;

use crate::instants::Mono;
use crate::ports::{Lane, QUEUE_BATCH_MAX, QueueError, ReceiveAsk};

use super::context::Context;
use super::settings::Settings;

/// The rest of a lane that returned an empty batch at once, although it was asked to wait.
const EMPTY_RECEIVE_REST: Duration = Duration::from_millis(200);
/// The most receives in flight on a lane, while they come back full. One round trip to SQS takes
/// some milliseconds and brings ten messages.
const RECEIVES_MAX: usize = 4;
/// The wait of further receives on a lane. They are for a deep queue, so that an idle worker polls
/// each lane once. The wait is above zero, because a short poll asks only some of SQS's servers.
/// Source: SQS developer guide, "Amazon SQS short and long polling".
const FURTHER_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Lanes(Vec<LaneState>);

struct LaneState {
    lane: Lane,
    /// Receives in flight.
    receiving: usize,
    /// The most receives in flight for now, from 1 to [`RECEIVES_MAX`]. A full batch adds one, a
    /// partial batch removes one, an empty batch or an error resets to one.
    receiving_max: usize,
    /// Findings and bytes that the last batch took up in the buffer.
    took_up: (usize, usize),
    not_before: Mono,
    /// Receives that failed in a row.
    failures: u32,
    /// The last receive brought nothing, and no other was in flight then.
    empty: bool,
}

impl LaneState {
    fn came_back(&mut self, messages: usize) {
        self.failures = 0;
        self.empty = messages == 0 && self.receiving == 0;
        self.receiving_max = match messages {
            0 => 1,
            1..QUEUE_BATCH_MAX => (self.receiving_max - 1).max(1),
            _ => (self.receiving_max + 1).min(RECEIVES_MAX),
        };
    }
}

impl Lanes {
    pub fn new(lanes: &[Lane], now: Mono) -> Lanes {
        let lane = |&lane: &Lane| LaneState {
            lane,
            receiving: 0,
            receiving_max: 1,
            took_up: (0, 0),
            not_before: now,
            failures: 0,
            empty: false,
        };
        Lanes(lanes.iter().map(lane).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn lane(&self, i: usize) -> Lane {
        self.0[i].lane
    }

    pub fn index(&self, lane: Lane) -> Option<usize> {
        self.0.iter().position(|state| state.lane == lane)
    }

    pub fn receiving(&self, i: usize) -> usize {
        self.0[i].receiving
    }

    /// All receives in flight.
    pub fn all_receiving(&self) -> usize {
        self.0.iter().map(|state| state.receiving).sum()
    }

    pub fn has_all_receives(&self, i: usize) -> bool {
        self.0[i].receiving >= self.0[i].receiving_max
    }

    /// Receives in flight if every lane had one more, and at least two.
    pub fn receives_with_one_more(&self) -> usize {
        self.0.iter().map(|state| state.receiving.max(1) + 1).sum()
    }

    /// The most findings and bytes that the last batch of any lane took up.
    pub fn largest_batch(&self) -> (usize, usize) {
        self.0.iter().fold((QUEUE_BATCH_MAX, 0), |most, state| {
            (most.0.max(state.took_up.0), most.1.max(state.took_up.1))
        })
    }

    pub fn not_before(&self, i: usize) -> Mono {
        self.0[i].not_before
    }

    pub fn is_empty(&self, i: usize) -> bool {
        self.0[i].empty
    }

    pub fn are_all_empty(&self) -> bool {
        self.0.iter().all(|state| state.empty)
    }

    pub fn failures(&self) -> Vec<(Lane, u32)> {
        self.0.iter().map(|state| (state.lane, state.failures)).collect()
    }

    /// The next measurement comes after another receive that brings nothing. Returns the
    /// lanes to measure.
    pub fn measure(&mut self) -> Vec<Lane> {
        self.0.iter_mut().for_each(|state| state.empty = false);
        self.0.iter().map(|state| state.lane).collect()
    }

    /// Starts one more receive.
    pub fn receive(&mut self, i: usize, settings: &Settings) -> ReceiveAsk {
        let state = &mut self.0[i];
        let wait = match state.lane {
            Lane::Express => settings.express_wait,
            Lane::Standard => settings.receive_wait,
        };
        let wait = if state.receiving == 0 { wait } else { wait.min(FURTHER_WAIT) };
        state.receiving += 1;
        ReceiveAsk {
            lane: state.lane,
            max: QUEUE_BATCH_MAX,
            wait,
            visibility: settings.budget.visibility(),
        }
    }

    /// A receive returned this number of messages.
    pub fn received(&mut self, i: usize, messages: usize, now: Mono) {
        let state = &mut self.0[i];
        state.receiving = state.receiving.saturating_sub(1);
        state.came_back(messages);
        if messages == 0 {
            state.not_before = now.plus(EMPTY_RECEIVE_REST);
        }
    }

    /// Records how much of the buffer the last batch took up.
    pub fn took_up(&mut self, i: usize, findings: usize, bytes: usize) {
        if findings > 0 {
            self.0[i].took_up = (findings, bytes);
        }
    }

    /// A receive failed.
    pub fn receive_failed(&mut self, i: usize, error: &QueueError, cx: &mut Context<'_>) {
        let state = &mut self.0[i];
        state.receiving = state.receiving.saturating_sub(1);
        state.empty = false;
        state.receiving_max = 1;
        let now = cx.now.mono;
        // Receives that were in flight at the first failure count as the same failure.
        if state.not_before <= now {
            state.failures += 1;
            state.not_before = now.plus(cx.timers.retry_delay(state.failures));
        }
        let delay = state.not_before.since(now);
        cx.output.queue_failed("receive", Some(state.lane), error, delay);
    }
}
