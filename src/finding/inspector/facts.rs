//! The facts of an Inspector finding: the vulnerable package, port or code, and the image.

use super::super::fact::{Fact, Facts};
use super::super::phrase::{Phrase, joined, part, words};
use super::super::vulnerability::{self, Risk, day};
use super::schema::{CodeVulnerability, ContainerImage, Document, Reachability};

/// Collects the facts, the most important first.
pub(super) fn collect(document: &Document<'_>) -> Facts {
    let mut facts = Facts::default();
    let risk = Risk {
        score: document.score,
        epss: document.epss,
        exploit: document.exploit.as_deref(),
        exploited_at: document.exploited_at,
        fix: document.fix.as_deref(),
    };
    vulnerability::add_facts(&mut facts, &document.vulnerability.packages, risk);
    facts.add("Open port", document.reachability.describe());
    facts.add("Code", document.code.describe());
    let image = document.resources.first().map(|resource| &resource.details.image);
    facts.add(Fact::IMAGE, image.and_then(ContainerImage::describe));
    facts
}

impl Reachability<'_> {
    /// `22 TCP`, `8000-8080 TCP`.
    fn describe(&self) -> Option<String> {
        let begin = self.ports.begin?;
        let ports = match self.ports.end {
            Some(end) if end != begin => format!("{begin}-{end}"),
            _ => begin.to_string(),
        };
        joined([Some(ports), words([&self.protocol])], " ")
    }
}

impl CodeVulnerability<'_> {
    fn describe(&self) -> Option<String> {
        let file = self.file.path.as_deref().or(self.file.name.as_deref());
        Phrase::new("", file).with(self.detector.as_deref()).build()
    }
}

impl ContainerImage<'_> {
    /// `sha256:0a1b…, in use by 3 tasks or pods, last on 2026-11-02`.
    fn describe(&self) -> Option<String> {
        let in_use = self.in_use.map(|count| match count {
            0 => "not in use".to_owned(),
            1 => "in use by 1 task or pod".to_owned(),
            count => format!("in use by {count} tasks or pods"),
        });
        joined(
            [
                self.digest.as_deref().map(|digest| part(digest).into_owned()),
                in_use,
                self.last_in_use.map(|at| format!("last on {}", day(at))),
            ],
            ", ",
        )
    }
}
