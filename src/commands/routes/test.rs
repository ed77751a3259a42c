//! Why each destination gets a finding, or not.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::config::Config;
use crate::finding::{Finding, Text};
use crate::policy::matcher::Check;
use crate::policy::route::{Reasons, Routes, UNMATCHED, Verdict, is_unmatched};

/// The configuration that findings are tested with.
pub struct Tested<'a> {
    config: &'a Config,
    routes: Routes,
}

impl Tested<'_> {
    pub fn new(config: &Config) -> Tested<'_> {
        Tested { config, routes: config.routes() }
    }

    /// The finding and what its rules look at, then each destination with its rules.
    pub fn text(&self, finding: &Finding) -> String {
        let mut out = String::new();
        // Writing to a String can't fail.
        _ = writeln!(out, "{}", Text::new(&finding.fingerprint.to_string(), FINGERPRINT_CHARS_MAX));
        for (name, value) in self.facts(finding) {
            _ = writeln!(out, "  {name:<14} {value}");
        }
        let reasons = self.routes.explain(finding);
        for (index, reasons) in reasons.iter().enumerate() {
            let name = self.name(index);
            _ = writeln!(out, "  {name}: {}", self.verdict(index, finding, reasons));
            for check in &reasons.checks {
                _ = writeln!(out, "    {}", check.signed());
            }
        }
        if reasons.iter().all(|reasons| reasons.verdict == Verdict::BelowThreshold) {
            _ = writeln!(out, "  It is below every threshold: nothing is posted.");
        } else if is_unmatched(&reasons) && !finding.condition.is_closed() {
            _ = writeln!(out, "  It {UNMATCHED}.");
        }
        if finding.condition.is_closed() {
            _ = writeln!(out, "  It is closed: nothing is posted unless a person sends it.");
        }
        out
    }

    pub fn json(&self, finding: &Finding) -> Value {
        let facts = self.facts(finding).into_iter().map(|(name, value)| (name, Value::from(value)));
        let reasons = self.routes.explain(finding);
        let destinations = reasons.iter().enumerate().map(|(index, reasons)| {
            let ended_by = match reasons.verdict {
                Verdict::EndedBy(by) => Some(self.name(by)),
                _ => None,
            };
            json!({
                "destination": self.name(index),
                "gets": reasons.verdict.is_owed(),
                "why": reasons.verdict.as_str(),
                "ended_by": ended_by,
                "rules": reasons.checks.iter().map(check_json).collect::<Vec<_>>(),
            })
        });
        json!({
            "finding": Text::new(&finding.fingerprint.to_string(), FINGERPRINT_CHARS_MAX).as_str(),
            "facts": facts.collect::<serde_json::Map<_, _>>(),
            "closed": finding.condition.is_closed(),
            "destinations": destinations.collect::<Vec<_>>(),
        })
    }

    fn name(&self, index: usize) -> &str {
        self.routes.all().get(index).map_or("", |route| &route.destination)
    }

    /// What the rules look at, as far as it is known.
    fn facts(&self, finding: &Finding) -> Vec<(String, String)> {
        let accounts = self.config.guide.accounts.get();
        let account = accounts.get(finding.account.as_str());
        let text = |text: &Text| Some(text.to_string()).filter(|text| !text.is_empty());
        let mut tags: Vec<String> = Vec::new();
        tags.extend(
            account.iter().flat_map(|a| a.tags()).map(|(key, value)| [key, "=", value].concat()),
        );
        let of_account = tags.join(", ");
        let of_resource = finding.tags.iter().map(|(key, value)| format!("{key}={value}"));
        let of_resource = of_resource.collect::<Vec<_>>().join(", ");
        let tags = |tags: String| Some(tags).filter(|tags| !tags.is_empty());
        let facts = [
            ("level", Some(finding.severity.level.to_string())),
            ("type", text(&finding.kind)),
            ("account", text(&finding.account)),
            ("account_name", account.and_then(|account| account.name()).map(str::to_owned)),
            ("ou", account.and_then(|account| account.ou()).map(str::to_owned)),
            ("account_tag", tags(of_account)),
            ("region", text(&finding.region)),
            ("product", text(&Text::new(&finding.fingerprint.product, PRODUCT_CHARS_MAX))),
            ("resource_type", finding.resource_type.as_ref().and_then(text)),
            ("resource_tag", tags(of_resource)),
        ];
        let known = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        known.collect()
    }

    fn verdict(&self, index: usize, finding: &Finding, reasons: &Reasons) -> String {
        match reasons.verdict {
            Verdict::Requested => "gets it, because a person sent it".to_owned(),
            Verdict::Owed if reasons.checks.is_empty() => "gets it, as it has no rules".to_owned(),
            Verdict::Owed => "gets it".to_owned(),
            Verdict::NoMatch => "does not get it".to_owned(),
            Verdict::EndedBy(by) => {
                format!("does not get it, because {} ends the search", self.name(by))
            }
            Verdict::BelowThreshold => {
                let destination = self.config.destinations.get(index);
                let threshold = destination.map(|d| self.config.threshold_of(d).in_words());
                let threshold = threshold.unwrap_or_default();
                let level = finding.severity.level;
                format!("does not get it, because it gets {threshold}, and this is {level}")
            }
        }
    }
}

const FINGERPRINT_CHARS_MAX: usize = 800;
const PRODUCT_CHARS_MAX: usize = 100;

fn check_json(check: &Check) -> Value {
    json!({
        "key": check.key.as_str(),
        "not": check.not,
        "passes": check.passes,
        "found": check.found,
        "pattern": check.fits,
    })
}
