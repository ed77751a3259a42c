//! The configuration and the time by which evidence is explained.

use crate::commands::check::and_above;
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
        let overall = self.config.threshold;
        let own = destination.threshold.filter(|own| own.floor() > overall.floor());
        and_above(own.unwrap_or(overall))
    }
}
