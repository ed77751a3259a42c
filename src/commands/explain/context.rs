//! The configuration and the time by which evidence is explained.

use crate::config::{Config, Destination};
use crate::instants::Wall;
use crate::policy::ledger::Terms;
use crate::policy::route::Routes;

pub(super) struct Context<'a> {
    pub(super) config: &'a Config,
    pub(super) routes: Routes,
    pub(super) terms: Terms,
    pub(super) now: Wall,
}

impl Context<'_> {
    pub(super) fn new(config: &Config, now: Wall) -> Context<'_> {
        Context { config, routes: config.routes(), terms: config.terms(), now }
    }

    /// The threshold of a destination, in words.
    pub(super) fn threshold(&self, destination: &Destination) -> String {
        self.config.threshold_of(destination).in_words()
    }
}
