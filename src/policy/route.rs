//! Which destinations a finding is owed to.

use crate::finding::{Finding, Severity};

use super::filter::Threshold;

/// The route to one destination.
#[derive(Clone, Debug)]
pub struct Route {
    pub destination: String,
    /// A higher threshold for this destination alone.
    pub min_severity: Option<Threshold>,
}

/// The filter and the routes in force.
#[derive(Clone, Debug)]
pub struct Routes {
    pub min_severity: Threshold,
    pub routes: Vec<Route>,
}

impl Routes {
    /// The indexes of the destinations that a finding is owed to, in the order of the
    /// configuration. Empty: its severity is below every threshold.
    pub fn owed(&self, finding: &Finding) -> Vec<usize> {
        (0..self.routes.len()).filter(|&i| self.owes(i, finding)).collect()
    }

    /// Whether a finding is owed to this destination. What a person sent on purpose is owed to
    /// every destination.
    pub fn owes(&self, destination: usize, finding: &Finding) -> bool {
        finding.requested_by.is_some() || self.admits(destination, &finding.severity)
    }

    /// Whether a finding of this severity is owed to any destination.
    pub fn admit(&self, severity: &Severity) -> bool {
        (0..self.routes.len()).any(|i| self.admits(i, severity))
    }

    /// Whether a finding of this severity is owed to this destination. False for an unknown index.
    pub fn admits(&self, destination: usize, severity: &Severity) -> bool {
        self.min_severity.admits(severity)
            && self
                .routes
                .get(destination)
                .is_some_and(|route| route.min_severity.is_none_or(|least| least.admits(severity)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Level, parse};

    const LOW: &str = r#"{"SchemaVersion":"2018-10-08","Id":"f","AwsAccountId":"111122223333",
        "Region":"eu-west-1","Severity":{"Label":"LOW"}}"#;

    #[test]
    fn what_a_person_sends_is_owed_to_every_destination() {
        let least = |level| Some(Threshold::Level(level));
        let route = |name: &str, min_severity| Route { destination: name.to_owned(), min_severity };
        let routes = Routes {
            min_severity: Threshold::Level(Level::Low),
            routes: vec![route("all", None), route("worst", least(Level::Critical))],
        };
        let sent = |detail_type: &str| {
            let event = format!(
                r#"{{"id":"e","detail-type":"{detail_type}","source":"aws.securityhub",
                "detail":{{"actionName":"Send","findings":[{LOW}]}}}}"#
            );
            parse(&event).findings.remove(0)
        };
        assert_eq!(routes.owed(&sent("Security Hub Findings - Imported")), [0]);
        assert_eq!(routes.owed(&sent("Security Hub Findings - Custom Action")), [0, 1]);
        let higher = Routes { min_severity: Threshold::Level(Level::High), ..routes };
        assert!(higher.owed(&sent("Security Hub Findings - Imported")).is_empty());
        assert_eq!(higher.owed(&sent("Security Hub Findings - Custom Action")), [0, 1]);
    }
}
