//! The words of a finding that headlines and lists show. They are not escaped yet.

use crate::finding::sample::without_mark;
use crate::finding::{Finding, Product, Text};

/// The title, or else the type. The mark of a sample is removed, because
/// [`heading`](super::heading) shows it.
pub fn title(finding: &Finding) -> &str {
    let title = match finding.title.as_str() {
        title if finding.sample => without_mark(title),
        title => title,
    };
    [title, finding.kind.as_str()]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or("Finding without a title")
}

/// What happened, in the words that alike findings share: the vulnerability, the type, or else the
/// title.
pub fn problem(finding: &Finding) -> &str {
    let kind = finding.kind.as_str();
    match &finding.group {
        Some(group) => group.problem.as_str(),
        None if finding.canary.is_none() && kind.contains(':') && kind.contains('/') => kind,
        None => title(finding),
    }
}

/// A problem in short: `PortProbeUnprotectedPort` of `Recon:EC2/PortProbeUnprotectedPort`.
pub fn short_problem(finding: &Finding) -> &str {
    let problem = problem(finding);
    match Product::from_name(&finding.fingerprint.product) {
        Product::GuardDuty if problem == finding.kind.as_str() => {
            problem.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(problem)
        }
        _ => problem,
    }
}

/// The resource without the details in brackets.
pub fn resource(finding: &Finding) -> Option<&str> {
    let resource = finding.resource.as_ref()?.as_str();
    let name = resource.split(" (").next().unwrap_or(resource);
    (!name.is_empty()).then_some(name)
}

pub fn account(finding: &Finding) -> &str {
    or(&finding.account, "account unknown")
}

pub fn region(finding: &Finding) -> &str {
    or(&finding.region, "region unknown")
}

fn or<'a>(text: &'a Text, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text.as_str() }
}

/// Returns whether a title holds the last word of a resource, such as `i-0abc` of `EC2 instance
/// i-0abc`.
pub fn names(title: &str, resource: &str) -> bool {
    title.contains(last_word(resource))
}

/// The name alone: `i-0abc` of `EC2 instance i-0abc`. Of several the first.
pub fn last_word(resource: &str) -> &str {
    let first = resource.split(',').next().unwrap_or(resource);
    first.rsplit(' ').next().unwrap_or(first)
}
