//! What every message gives: findings whose texts are clean and bounded, or reasons.

use hansho::finding::region::is_region_name;
use hansho::finding::{Fact, Finding, Fingerprint, Level, MAX_FINDINGS, Parsed, Text};
use hansho::finding::{parse, parse_wanted};

/// A title, a description and so on have less: `src/finding/draft.rs`.
const TEXT_CHARS_MAX: usize = 1_500;
const TAGS_MAX: usize = 50;

fn check_text(text: &Text, lines: bool) {
    let text = text.as_str();
    assert!(text.chars().count() <= TEXT_CHARS_MAX, "{text:?}");
    assert!(!text.contains(|c: char| c.is_control() && !(lines && c == '\n')), "{text:?}");
    assert!(!text.contains(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}')), "{text:?}");
}

fn check_fingerprint(fingerprint: &Fingerprint) {
    let Fingerprint { account, region, id, .. } = fingerprint;
    assert!(!id.is_empty() && id.len() <= Fingerprint::MAX_ID_BYTES, "{id:?}");
    assert!(account.len() <= 256 && region.len() <= 256, "{account:?} {region:?}");
    let key = fingerprint.to_string();
    // The limit of DynamoDB for a partition key, and nothing that a terminal obeys.
    assert!(key.len() < 2048 && !key.contains(char::is_control), "{key}");
}

pub fn check(finding: &Finding) {
    check_fingerprint(&finding.fingerprint);
    let Finding { account, region, severity, .. } = finding;
    let is_account = account.as_str().len() == 12 && account.as_str().is_ascii();
    assert!(account.is_empty() || is_account, "{account}");
    assert!(region.is_empty() || is_region_name(region.as_str()) || finding.canary.is_some());
    assert!(Level::ALL.contains(&severity.level) && !finding.title.is_empty());
    assert!(finding.facts.len() <= Fact::MAX && finding.tags.len() <= TAGS_MAX);
    assert!(finding.standards.len() <= Finding::STANDARDS_MAX);
    let some = [&finding.resource_type, &finding.resource, &finding.member, &finding.requested_by];
    let group = finding.group.iter().flat_map(|group| [&group.problem, &group.resources]);
    let facts = finding.actor.iter().chain(&finding.facts).map(|fact| &fact.text);
    let tags = finding.tags.iter().flat_map(|(key, value)| [key, value]);
    let texts = [account, region, &finding.kind, &finding.title].into_iter().chain(group);
    let texts = texts.chain(some.into_iter().flatten()).chain(facts).chain(tags);
    texts.chain(&finding.standards).for_each(|text| check_text(text, false));
    finding.description.iter().for_each(|text| check_text(text, true));
}

/// The body of a message. What is unwanted is read in part, and must come out as in a full read.
pub fn finding(bytes: &[u8]) {
    let body = String::from_utf8_lossy(bytes);
    let Parsed { findings, unwanted, ignored, rejections } = parse(&body);
    assert!(unwanted.is_empty());
    assert!(findings.len() <= MAX_FINDINGS);
    assert!(findings.len() + ignored.len() + rejections.len() > 0, "lost: {body}");
    findings.iter().for_each(check);
    for rejection in &rejections {
        check_text(&rejection.place, false);
        check_text(&rejection.why, false);
    }
    let high = parse_wanted(&body, &|severity| severity.level >= Level::High);
    assert_eq!((&high.ignored, &high.rejections), (&ignored, &rejections));
    let is_kept = |finding: &&Finding| {
        finding.severity.level >= Level::High
            || finding.condition.is_closed()
            || finding.requested_by.is_some()
            || finding.canary.is_some()
    };
    assert!(findings.iter().filter(is_kept).eq(&high.findings), "{body}");
    let left = findings.iter().filter(|finding| !is_kept(finding));
    let left = left.map(|finding| (&finding.fingerprint, &finding.severity));
    assert!(left.eq(high.unwanted.iter().map(|one| (&one.fingerprint, &one.severity))), "{body}");
}
