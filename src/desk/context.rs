//! The arguments of every part of the desk: settings, timers, output and the time.

use crate::instants::Now;

use super::ids::Ids;
use super::output::Output;
use super::settings::Settings;
use super::timers::Timers;

/// The state that all parts share.
pub(super) struct Shared {
    pub settings: Settings,
    pub timers: Timers,
    pub output: Output,
    pub ids: Ids,
    /// The desk finishes what is in hand, and takes on nothing new.
    pub draining: bool,
}

/// One borrow of [`Shared`], at a moment.
pub(super) struct Context<'a> {
    pub settings: &'a Settings,
    pub timers: &'a mut Timers,
    pub output: &'a mut Output,
    pub ids: &'a mut Ids,
    pub draining: bool,
    pub now: Now,
}

impl Shared {
    pub fn new(settings: Settings, now: Now) -> Shared {
        let timers = Timers::new(&settings, now.mono);
        let (output, ids) = (Output::default(), Ids::default());
        Shared { settings, timers, output, ids, draining: false }
    }

    pub fn at(&mut self, now: Now) -> Context<'_> {
        Context {
            settings: &self.settings,
            timers: &mut self.timers,
            output: &mut self.output,
            ids: &mut self.ids,
            draining: self.draining,
            now,
        }
    }
}
