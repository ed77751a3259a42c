//! Which destinations a finding is owed to.

use crate::finding::{Finding, Severity};

use super::filter::Threshold;

/// One destination as the routes see it.
#[derive(Clone, Debug)]
pub struct Route {
    pub destination: String,
    /// Raises the threshold for this destination alone.
    pub min_severity: Option<Threshold>,
}

/// The filter and the routes in force.
#[derive(Clone, Debug)]
pub struct Routes {
    pub min_severity: Threshold,
    pub routes: Vec<Route>,
}

impl Routes {
    /// The indexes of the destinations to which the finding is owed, in the order of the
    /// configuration. Empty: it is below every threshold, and owed to nobody.
    pub fn owed(&self, finding: &Finding) -> Vec<usize> {
        let admits = |route: &Route| {
            let own = |severity: &Severity| {
                route.min_severity.as_ref().is_none_or(|least| least.admits(severity))
            };
            self.min_severity.admits(&finding.severity) && own(&finding.severity)
        };
        self.routes.iter().enumerate().filter(|(_, r)| admits(r)).map(|(i, _)| i).collect()
    }
}
