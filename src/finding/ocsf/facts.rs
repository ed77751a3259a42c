//! The facts of an OCSF finding: the result of a check, a vulnerability, a process, the account.

use std::borrow::Cow;

use super::super::fact::{Fact, Facts};
use super::super::phrase::{Phrase, joined, part, several};
use super::super::text::cut;
use super::super::vulnerability::{self, Risk};
use super::schema::{Account, Ancestor, Assessment, Compliance, Document, Evidence, File, Process};

/// Collects the facts, the most important first.
pub(super) fn collect(document: &Document<'_>) -> Facts {
    let mut facts = Facts::default();
    let check = &document.compliance;
    facts.add(if check.control.is_some() { "Control" } else { "Check" }, check.describe());
    if let Some(vulnerability) = document.vulnerabilities.first() {
        let risk = Risk {
            epss: vulnerability.epss,
            exploit: vulnerability.exploit.as_deref(),
            fix: vulnerability.fix.as_deref(),
            ..Risk::default()
        };
        vulnerability::add_facts(&mut facts, &vulnerability.packages, risk);
    }
    let evidences = document.evidences.items.iter();
    facts.add("Hash", evidences.clone().find_map(Evidence::hash));
    facts.add("Parents", evidences.map(Evidence::process).find_map(Process::parents));
    let owner = document.resources.first().map(|resource| &resource.account);
    let mut accounts = [Some(&document.cloud.account), owner].into_iter().flatten();
    facts.add(Fact::ACCOUNT_NAME, accounts.find_map(Account::name));
    facts
}

impl Compliance<'_> {
    /// `EC2.1 failed: Public Amazon EBS Snapshots: 2`.
    fn describe(&self) -> Option<String> {
        let status = self.status.as_deref().map(|status| match status {
            "Pass" => Cow::Borrowed("passed"),
            "Fail" => Cow::Borrowed("failed"),
            other => part(other).to_lowercase().into(),
        });
        let head = joined([self.control.as_deref().map(part), status], " ");
        let unmet = self.assessments.items.iter().filter(|one| one.is_met != Some(true));
        joined([head, joined(unmet.map(Assessment::describe), "; ")], ": ")
    }
}

impl Assessment<'_> {
    fn describe(&self) -> Option<String> {
        let text = self.description.as_deref().or(self.name.as_deref())?;
        Some(cut(text, Fact::CHARS_MAX).into_owned())
    }
}

impl Evidence<'_> {
    /// Of the process, or else of the file.
    fn hash(&self) -> Option<String> {
        self.process().file.hash().or_else(|| self.file.hash())
    }
}

impl File<'_> {
    /// `SHA-256 0a1b…`, or a hash of another algorithm.
    fn hash(&self) -> Option<String> {
        let is_sha256 = |algorithm: &str| algorithm.eq_ignore_ascii_case("SHA-256");
        let mut hashes = self.hashes.items.iter();
        let best = hashes.clone().find(|hash| hash.algorithm.as_deref().is_some_and(is_sha256));
        let hash = best.or_else(|| hashes.next())?;
        let label = part(hash.algorithm.as_deref().unwrap_or_default());
        Phrase::new(&label, Some(hash.value.as_deref()?)).build()
    }
}

impl Process<'_> {
    /// The paths of the process's ancestors, its parent first. A shell that calls itself is one.
    fn parents(&self) -> Option<String> {
        let mut paths: Vec<&str> = self.ancestry.items.iter().filter_map(Ancestor::path).collect();
        let all = paths.len();
        paths.dedup();
        let total = self.ancestry.total.saturating_sub(all - paths.len());
        several(paths, total).or_else(|| several(self.parent.path(), 1))
    }
}

impl Ancestor<'_> {
    fn path(&self) -> Option<&str> {
        self.file.as_deref().or(self.path.as_deref()).or(self.name.as_deref())
    }
}

impl Account<'_> {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
