//! Leaves out what is owed to nobody before it is stored. Most findings are below every threshold,
//! and a row costs more than the finding.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::finding::{self, Parsed};
use crate::policy::route::Routes;

/// Sorts the messages of inputs and requests.
pub struct Sieve {
    routes: Routes,
    report: Box<dyn Fn(Parsed) + Send + Sync>,
    messages: AtomicU64,
    findings: AtomicU64,
    ignored: AtomicU64,
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    pub messages: u64,
    /// Findings below every threshold.
    pub findings: u64,
    /// Events that are no findings.
    pub ignored: u64,
}

impl Sieve {
    /// `report` gets each message that is left out.
    pub fn new(routes: Routes, report: impl Fn(Parsed) + Send + Sync + 'static) -> Sieve {
        let [messages, findings, ignored] = Default::default();
        Sieve { routes, report: Box::new(report), messages, findings, ignored }
    }

    /// Whether the message must be stored: it has a finding that may be owed to a destination, or
    /// something that can't be read. Everything else is counted and reported here.
    pub fn keeps(&self, body: &str) -> bool {
        self.keeps_parsed(self.parse(body))
    }

    /// Reads a message in full only as far as it may be owed to a destination.
    pub fn parse(&self, body: &str) -> Parsed {
        finding::parse_wanted(body, &|severity| self.routes.admit(severity))
    }

    /// [`Sieve::keeps`] for a message that was read by [`Sieve::parse`].
    pub fn keeps_parsed(&self, parsed: Parsed) -> bool {
        if !parsed.findings.is_empty() || !parsed.rejections.is_empty() {
            return true;
        }
        let count = |counter: &AtomicU64, all: usize| {
            counter.fetch_add(all as u64, Ordering::Relaxed);
        };
        count(&self.messages, 1);
        count(&self.findings, parsed.unwanted.len());
        count(&self.ignored, parsed.ignored.len());
        (self.report)(parsed);
        false
    }

    pub fn left_out(&self) -> LeftOut {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LeftOut {
            messages: read(&self.messages),
            findings: read(&self.findings),
            ignored: read(&self.ignored),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::policy::route::Route;

    fn finding(severity: f64) -> String {
        format!(
            r#"{{"schemaVersion":"2.0","id":"a","accountId":"111122223333","region":"eu-west-1","type":"Recon:EC2/Portscan","severity":{severity},"title":"t","service":{{}},"resource":{{}}}}"#
        )
    }

    #[test]
    fn only_what_is_owed_to_nobody_is_left_out() {
        let reports = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&reports);
        let route =
            |name: &str, least: &str| Route::of_all(name.to_owned(), Some(least.parse().unwrap()));
        let routes = vec![route("a", "high"), route("b", "medium")];
        let sieve = Sieve::new(Routes::new("low".parse().unwrap(), routes), move |_| {
            *counted.lock().unwrap() += 1;
        });
        let both = format!("[{},{}]", finding(2.0), finding(5.0));
        let closed = finding(2.0).replace(r#""service":{}"#, r#""service":{"archived":true}"#);
        let ignored = r#"{"version":"0","source":"aws.guardduty","account":"111122223333","region":"eu-west-1","detail-type":"AWS API Call via CloudTrail","detail":{}}"#;
        for (body, kept) in [
            (finding(8.0).as_str(), true),
            (&finding(5.0), true),
            (&finding(2.0), false),
            (&both, true),
            (&closed, true),
            (ignored, false),
            ("not JSON", true),
            ("{}", true),
            (&finding(2.0).replace(r#""id":"a","#, ""), true),
        ] {
            assert_eq!(sieve.keeps(body), kept, "{body}");
        }
        let left_out = LeftOut { messages: 2, findings: 1, ignored: 1 };
        assert_eq!((sieve.left_out(), *reports.lock().unwrap()), (left_out, 2));
    }
}
