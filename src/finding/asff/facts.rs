//! The facts of an ASFF finding: the result of a control, a vulnerability, sensitive data.

use super::super::fact::{Fact, Facts};
use super::super::phrase::{joined, part};
use super::super::text::cut;
use super::super::vulnerability::{self, Risk};
use super::schema::{Document, Reason};

/// Collects the facts, the most important first. `control` is the id across standards.
pub(super) fn collect(document: &Document<'_>, control: Option<&str>) -> Facts {
    let mut facts = Facts::default();
    let control = control.or(document.fields.control.as_deref());
    facts.add(if control.is_some() { "Control" } else { "Check" }, document.check(control));
    if let Some(vulnerability) = document.vulnerabilities.first() {
        let risk = Risk {
            score: document.fields.inspector_score,
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
    let digest = resources.find_map(|resource| resource.details.image.digest.as_deref());
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
        let mut reasons: Vec<&str> = Vec::new();
        let all = self.compliance.reasons.items.iter().filter_map(Reason::text);
        for reason in self.fields.annotation.as_deref().into_iter().chain(all) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let reasons = reasons.into_iter().map(|reason| Some(cut(reason, Fact::CHARS_MAX)));
        joined(reasons, "; ")
    }
}

impl Reason<'_> {
    fn text(&self) -> Option<&str> {
        self.description.as_deref().or(self.code.as_deref())
    }
}
