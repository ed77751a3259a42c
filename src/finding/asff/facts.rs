//! The facts of an ASFF finding: the result of a control, a vulnerability, sensitive data.

use std::borrow::Cow;

use super::super::fact::{Fact, Facts};
use super::super::phrase::{joined, part};
use super::super::text::cut;
use super::super::vulnerability::{self, Risk};
use super::schema::{Document, Reason, Resource};

/// Adds to the facts of the activity. `control` is the id across standards.
pub(super) fn collect(document: &Document<'_>, control: Option<&str>, mut facts: Facts) -> Facts {
    let control = control.or(document.fields.known.control.as_deref());
    facts.add(if control.is_some() { "Control" } else { "Check" }, document.check(control));
    if let Some(vulnerability) = document.vulnerabilities.first() {
        let risk = Risk {
            score: document.fields.known.inspector_score,
            epss: vulnerability.epss,
            exploit: vulnerability.exploit.as_deref(),
            exploited_at: vulnerability.exploited_at,
            fix: vulnerability.fix.as_deref(),
        };
        vulnerability::add_facts(&mut facts, &vulnerability.packages, risk);
    }
    let mut resources = document.resources.items.iter();
    let data = resources.find_map(|resource| resource.sensitive_data.describe());
    facts.add("Sensitive data", data);
    let mut resources = document.resources.items.iter();
    let digest = resources.find_map(Resource::digest);
    facts.add(Fact::IMAGE, digest.map(part));
    facts.add(Fact::ACCOUNT_NAME, document.account_name.as_deref().map(part));
    facts
}

impl Document<'_> {
    /// `EC2.1 failed: Public Amazon EBS Snapshots: 2`.
    fn check(&self, control: Option<&str>) -> Option<String> {
        let status = self.compliance.status.as_deref();
        let status = status.map(|status| part(status).to_lowercase().replace('_', " "));
        let head = joined([control.map(|id| part(id).into_owned()), status], " ");
        joined([head, self.why()], ": ")
    }

    /// The result in words, or else the reasons.
    fn why(&self) -> Option<String> {
        let mut reasons: Vec<Cow<'_, str>> = Vec::new();
        let all = self.compliance.reasons.items.iter().filter_map(Reason::text);
        let annotation = self.fields.known.annotation.as_deref().map(Cow::Borrowed);
        for reason in annotation.into_iter().chain(all) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let reasons = reasons.iter().map(|reason| Some(cut(reason, Fact::CHARS_MAX)));
        joined(reasons, "; ")
    }
}

impl Reason<'_> {
    /// The description, or else the code in words: `Config evaluations empty`.
    /// Source: Security Hub user guide, "Compliance status reason codes".
    fn text(&self) -> Option<Cow<'_, str>> {
        let in_words = || {
            let code = self.code.as_deref()?.replace('_', " ");
            let (first, rest) = code.split_at_checked(1)?;
            Some(Cow::Owned([first, &rest.to_ascii_lowercase()].concat()))
        };
        self.description.as_deref().map(Cow::Borrowed).or_else(in_words)
    }
}
