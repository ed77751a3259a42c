//! Which destinations a finding is owed to.

mod candidates;
mod extent;

use std::sync::Arc;

use crate::finding::{Finding, Severity};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};

use super::current::Current;
use super::filter::Threshold;
use super::matcher::{AccountFacts, Check, Directory, LiveDirectory, MatchKey, Matcher, Subject};
use super::silence::{CurrentSilences, Silence};

use candidates::Candidates;
pub use extent::Class;

/// The route to one destination.
#[derive(Clone, Debug, Default)]
pub struct Route {
    pub destination: String,
    /// A higher threshold for this destination alone.
    pub min_severity: Option<Threshold>,
    /// The findings that it gets. By default all.
    pub matcher: Matcher,
    /// What it gets, the destinations after it do not.
    pub ends: bool,
}

impl Route {
    /// The route that gets all findings from a threshold on.
    pub fn of_all(destination: impl Into<String>, min_severity: Option<Threshold>) -> Route {
        Route { destination: destination.into(), min_severity, ..Route::default() }
    }

    /// Whether it has rules about findings.
    pub fn has_rules(&self) -> bool {
        self.matcher.rules().next().is_some()
    }

    /// Whether the severity is enough for this destination's own threshold.
    fn admits(&self, severity: &Severity) -> bool {
        self.min_severity.is_none_or(|least| least.admits(severity))
    }
}

/// The filter, the routes and the silences in force.
#[derive(Clone, Debug)]
pub struct Routes {
    pub min_severity: Threshold,
    routes: Vec<Route>,
    candidates: Candidates,
    directory: Arc<dyn LiveDirectory>,
    pub silences: CurrentSilences,
}

/// Why a finding is owed to a destination, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A person sent it on purpose, to every destination.
    Requested,
    Owed,
    BelowThreshold,
    /// Its rules do not name the finding.
    NoMatch,
    /// The destination with this index got it, and ends the search.
    EndedBy(usize),
}

/// The verdict for one destination, and what each of its rules says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasons {
    pub verdict: Verdict,
    pub checks: Vec<Check>,
}

/// Knows no account.
#[derive(Debug)]
struct NoDirectory;

impl Directory for NoDirectory {
    fn account(&self, _: &str) -> Option<&dyn AccountFacts> {
        None
    }
}

impl Routes {
    /// Routes that know no account, without silences.
    pub fn new(min_severity: Threshold, routes: Vec<Route>) -> Routes {
        Routes {
            min_severity,
            routes,
            candidates: Candidates::default(),
            directory: Arc::new(Current::from(NoDirectory)),
            silences: CurrentSilences::default(),
        }
    }

    /// The same routes, with what a directory knows of accounts.
    pub fn knowing(self, directory: impl LiveDirectory + 'static) -> Routes {
        Routes { directory: Arc::new(directory), ..self }
    }

    /// In the order of the configuration.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    pub fn all_mut(&mut self) -> &mut Vec<Route> {
        self.candidates = Candidates::default();
        &mut self.routes
    }

    /// The indexes of the destinations that a finding is owed to, in the order of the
    /// configuration. Empty: its severity is below every threshold, or no route matches.
    ///
    /// What a person sent on purpose is owed to every destination.
    pub fn owed(&self, finding: &Finding) -> Vec<usize> {
        if finding.requested_by.is_some() {
            return (0..self.routes.len()).collect();
        }
        if !self.min_severity.admits(&finding.severity) {
            return Vec::new();
        }
        let directory = self.directory.now();
        let candidates = self.candidates.of(&directory, finding.account.as_str(), || {
            let subject = Subject::of(finding, &*directory);
            let agree = |route: &Route| route.matcher.agrees(MatchKey::is_of_account, &subject);
            let routes = (0..).zip(&self.routes).filter(|(_, route)| agree(route));
            routes.map(|(index, _)| index).collect()
        });
        let subject = Subject::of(finding, &NoDirectory);
        let mut owed = Vec::new();
        for index in candidates.iter().copied().map(usize::from) {
            let route = &self.routes[index];
            if route.admits(&finding.severity)
                && route.matcher.agrees(|key| !key.is_of_account(), &subject)
            {
                owed.push(index);
                if route.ends && !mutation::is(Mutation::RouteEndForgotten) {
                    break;
                }
            }
        }
        owed
    }

    /// Whether a finding is owed to this destination.
    pub fn owes(&self, destination: usize, finding: &Finding) -> bool {
        self.owed(finding).contains(&destination)
    }

    /// The silence that keeps a finding back now from all destinations.
    pub fn silenced_by(&self, finding: &Finding, now: Wall) -> Option<Arc<Silence>> {
        let silences = self.silences.get();
        if silences.is_empty() {
            return None;
        }
        let directory = self.directory.now();
        silences.find(&Subject::of(finding, &*directory), finding, now).map(Arc::clone)
    }

    /// For each destination why a finding is owed to it, or not.
    pub fn explain(&self, finding: &Finding) -> Vec<Reasons> {
        let directory = self.directory.now();
        let subject = Subject::of(finding, &*directory);
        let mut ended_by = None;
        let reasons = self.routes.iter().enumerate().map(|(index, route)| {
            let verdict = match ended_by {
                _ if finding.requested_by.is_some() => Verdict::Requested,
                Some(by) => Verdict::EndedBy(by),
                None if !self.admits(index, &finding.severity) => Verdict::BelowThreshold,
                None if !route.matcher.matches(&subject) => Verdict::NoMatch,
                None => Verdict::Owed,
            };
            if verdict == Verdict::Owed && route.ends {
                ended_by = Some(index);
            }
            Reasons { verdict, checks: route.matcher.explain(&subject) }
        });
        reasons.collect()
    }

    /// Whether the severity of a finding is enough for any destination.
    pub fn admit(&self, severity: &Severity) -> bool {
        (0..self.routes.len()).any(|i| self.admits(i, severity))
    }

    /// Whether the severity of a finding is enough for this destination. False for an unknown
    /// index.
    pub fn admits(&self, destination: usize, severity: &Severity) -> bool {
        self.min_severity.admits(severity)
            && self.routes.get(destination).is_some_and(|route| route.admits(severity))
    }

    /// Whether a route has a rule about what only a directory of accounts knows.
    pub fn look_at_accounts(&self) -> bool {
        let mut rules = self.routes.iter().flat_map(|route| route.matcher.rules());
        rules.any(|(_, key, _)| key.is_of_directory())
    }

    /// Whether every finding from the threshold on surely has a destination: one that takes all, at
    /// no higher threshold. A route that ends the search got the finding itself.
    pub fn reach_all(&self) -> bool {
        let floor = self.min_severity.floor();
        self.routes.iter().any(|route| {
            route.matcher.is_everything()
                && route.min_severity.is_none_or(|least| least.floor() <= floor)
        })
    }
}

/// Whether a finding with these reasons is severe enough for a destination, and no rules name it:
/// a worker drops it. A closed finding is never dropped so.
pub fn is_unmatched(reasons: &[Reasons]) -> bool {
    !reasons.iter().any(|reasons| reasons.verdict.is_owed())
        && reasons.iter().any(|reasons| reasons.verdict != Verdict::BelowThreshold)
}

/// What happens to a finding that [`is_unmatched`].
pub const UNMATCHED: &str = "matches no destination: it is dropped, and counted as unmatched";

impl Verdict {
    /// The word for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Requested => "requested",
            Verdict::Owed => "matches",
            Verdict::BelowThreshold => "below_threshold",
            Verdict::NoMatch => "no_match",
            Verdict::EndedBy(_) => "ended",
        }
    }

    pub fn is_owed(self) -> bool {
        matches!(self, Verdict::Requested | Verdict::Owed)
    }
}

#[cfg(test)]
mod tests;
