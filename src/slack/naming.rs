//! The words of a finding that headlines and lists show. They are not escaped yet.

use crate::finding::arn::short_name;
use crate::finding::sample::without_mark;
use crate::finding::{Fact, Finding, Product};
use crate::mutation::{self, Mutation};
use crate::ports::Accounts;

/// The title, or else the type. The mark of a sample is removed, because
/// [`heading`](super::heading) shows it.
pub fn title(finding: &Finding) -> &str {
    let title = match finding.title.as_str() {
        _ if mutation::is(Mutation::TitleForgotten) => finding.kind.as_str(),
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

/// How the resource of several begins. Their title names them all.
pub const SUCH_AS: &str = "such as ";

/// The resource without the details in brackets.
pub fn resource(finding: &Finding) -> Option<&str> {
    let resource = finding.resource.as_ref()?.as_str();
    let name = resource.split(" (").next().unwrap_or(resource);
    (!name.is_empty() && !name.starts_with(SUCH_AS)).then_some(name)
}

pub fn account(finding: &Finding) -> &str {
    match finding.account.as_str() {
        "" => "account unknown",
        id => id,
    }
}

pub fn region(finding: &Finding) -> &str {
    finding.region.as_str()
}

/// The name of the account: the configured one, or else the finding's own.
pub fn account_name<'a>(finding: &'a Finding, accounts: &'a Accounts) -> Option<&'a str> {
    let own = || finding.facts.iter().find(|fact| fact.label == Fact::ACCOUNT_NAME);
    accounts.name(finding.account.as_str()).or_else(|| Some(own()?.text.as_str()))
}

/// The title for lists: without the full stop, and with the name alone of each ARN.
pub fn short_title(finding: &Finding) -> String {
    let words = title(finding).trim_end_matches('.').split(' ');
    words
        .map(|word| if word.starts_with("arn:") { short_name(word) } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns whether a title holds the name of a resource, such as `i-0abc` of `EC2 instance i-0abc`,
/// as a word. A name of letters alone may be an ordinary word of the title.
pub fn names(title: &str, resource: &str) -> bool {
    let name = last_word(resource);
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/');
    name.contains(|c: char| !c.is_alphabetic())
        && title.match_indices(name).any(|(at, _)| {
            let (before, rest) = title.split_at(at);
            let after = rest.get(name.len()..).unwrap_or_default();
            !before.ends_with(in_name) && !after.starts_with(in_name)
        })
}

/// The name alone: `i-0abc` of `EC2 instance i-0abc`. Of several the first.
pub fn last_word(resource: &str) -> &str {
    let first = resource.split(',').next().unwrap_or(resource);
    first.rsplit(' ').next().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_a_resource_by_a_whole_word() {
        for (title, resource, named) in [
            ("EC2 instance i-0abc talks to Tor.", "EC2 instance i-0abc", true),
            ("EC2 instance i-0abcd talks to Tor.", "EC2 instance i-0abc", false),
            ("Credentials of web-1-role were used", "EC2 instance web-1", false),
            ("Trail (org-trail) was disabled", "trail org-trail", true),
            ("Potential data compromise of buckets", "S3 bucket data", false),
            ("Pods kube-system/web-1 ran", "pods web-1", false),
        ] {
            assert_eq!(names(title, resource), named, "{title}: {resource}");
        }
    }
}
