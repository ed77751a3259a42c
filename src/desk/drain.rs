//! The end of a run that ends by itself: when the queues are empty, or when nothing moves.

use std::time::Duration;

use crate::mutation::{self, Mutation};
use crate::ports::Depth;

#[derive(Default)]
pub(super) struct Drain {
    /// Nothing more will be put into the queue by this process.
    input_closed: bool,
    /// Measurements in a row that found every queue empty.
    empty_measurements: u32,
    /// Lanes whose depth was asked for and not answered.
    asked: usize,
    nothing_left: bool,
    finished: bool,
    gave_up: bool,
}

impl Drain {
    pub fn close_input(&mut self) {
        self.input_closed = true;
    }

    pub fn is_input_open(&self) -> bool {
        !self.input_closed
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    pub fn give_up(&mut self) {
        self.gave_up = true;
    }

    /// Messages came: a measurement that is under way says nothing any more.
    pub fn reset(&mut self) {
        self.empty_measurements = 0;
        self.nothing_left = false;
    }

    /// The desk holds nothing and the lanes brought nothing. True if the lanes are to be measured;
    /// else the run is finished, or waits for a measurement.
    pub fn is_measurement_due(&mut self, measurements: u32) -> bool {
        if self.asked > 0 || self.finished {
            return false;
        }
        self.finished = self.empty_measurements >= measurements;
        !self.finished
    }

    /// The depth of so many lanes is asked for.
    pub fn measure(&mut self, lanes: usize) {
        self.asked = lanes;
        self.nothing_left = true;
    }

    /// The depth of a lane. None: the queue did not say.
    pub fn measured(&mut self, depth: Option<&Depth>) {
        self.asked = self.asked.saturating_sub(1);
        self.nothing_left &= depth.is_some_and(|depth| depth.is_empty());
        if self.asked == 0 {
            self.empty_measurements =
                if self.nothing_left { self.empty_measurements + 1 } else { 0 };
        }
    }
}

/// The delay with which a worker that stops returns a message.
pub(super) fn return_delay(due: Duration) -> Duration {
    if mutation::is(Mutation::DrainDelays) { Duration::from_secs(30) } else { due }
}

/// A mutant keeps what it has when it is asked to stop.
pub(super) fn is_forgotten() -> bool {
    mutation::is(Mutation::DrainForgotten)
}
