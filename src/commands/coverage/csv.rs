//! The report as CSV: a line for each account and region.

use std::collections::BTreeMap;

use csv::Writer;

use crate::estate::matrix::{Place, PlaceFacts};
use crate::instants::Wall;

use super::json::{UNREADABLE, detector, forwarder, frequency, member};
use super::report::Report;

const HEAD: [&str; 13] = [
    "account",
    "name",
    "region",
    "enabled",
    "detector",
    "member",
    "plans_on",
    "plans_off",
    "frequency",
    "forwarder",
    "gaps",
    "unreadable",
    "last_finding",
];

/// # Errors
/// A line can't be written.
pub fn csv(report: &Report) -> anyhow::Result<String> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(HEAD)?;
    let said = Said::of(report);
    for ((region, account), place) in &report.matrix.places {
        let facts = match place {
            Place::NotEnabled => None,
            Place::Enabled(facts) => Some(&**facts),
        };
        let row = row(report, &said, region, account, facts);
        writer.write_record(row.map(|cell| defused(&cell)))?;
    }
    // Gaps of the organisation, of regions as a whole, and in regions that no list names.
    for gap in &report.gaps {
        let place =
            (gap.region.clone().unwrap_or_default(), gap.account.clone().unwrap_or_default());
        if report.matrix.places.contains_key(&place) {
            continue;
        }
        let (region, account) = place;
        let mut row: [String; 13] = Default::default();
        row[1] = name(report, &account);
        (row[0], row[2], row[10]) = (account, region, phrase(gap.kind.as_str(), &gap.detail));
        writer.write_record(row.map(|cell| defused(&cell)))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn name(report: &Report, account: &str) -> String {
    let facts = report.matrix.accounts.get(account);
    facts.map(|facts| facts.name.as_str().to_owned()).unwrap_or_default()
}

/// Empty: not known, or there is none.
fn last(report: &Report, region: &str, account: &str) -> String {
    match &report.last {
        Some(Err(_)) => UNREADABLE.to_owned(),
        _ => report.last_of(region, account).map(Wall::to_rfc3339).unwrap_or_default(),
    }
}

fn phrase(kind: &str, detail: &str) -> String {
    if detail.is_empty() { kind.to_owned() } else { format!("{kind}: {detail}") }
}

/// Gaps and reasons by region and account.
struct Said<'a> {
    gaps: BTreeMap<(&'a str, &'a str), Vec<String>>,
    unread: BTreeMap<(&'a str, &'a str), Vec<String>>,
}

impl<'a> Said<'a> {
    fn of(report: &'a Report) -> Said<'a> {
        let mut all = Said { gaps: BTreeMap::new(), unread: BTreeMap::new() };
        for gap in &report.gaps {
            if let (Some(region), Some(account)) = (&gap.region, &gap.account) {
                let phrases = all.gaps.entry((region, account)).or_default();
                phrases.push(phrase(gap.kind.as_str(), &gap.detail));
            }
        }
        for one in &report.unread {
            if let (Some(region), Some(account)) = (&one.region, &one.account) {
                let phrases = all.unread.entry((region, account)).or_default();
                phrases.push(phrase(one.fact, one.why.why()));
            }
        }
        all
    }
}

fn row(
    report: &Report,
    said: &Said<'_>,
    region: &str,
    account: &str,
    facts: Option<&PlaceFacts>,
) -> [String; 13] {
    let joined = |all: &BTreeMap<(&str, &str), Vec<String>>| {
        all.get(&(region, account)).map(|phrases| phrases.join("; ")).unwrap_or_default()
    };
    let plans = |on: bool| match facts.map(|facts| &facts.plans) {
        None => String::new(),
        Some(Err(_)) => UNREADABLE.to_owned(),
        Some(Ok(plans)) => {
            let such = plans.iter().filter(|(_, plan)| plan.on == on);
            such.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
        }
    };
    let is_administrator = report.matrix.is_administrator(account);
    let rule = report.matrix.regions.get(region).and_then(|facts| facts.forwarder.as_ref());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        account.to_owned(),
        name(report, account),
        region.to_owned(),
        if facts.is_some() { "yes" } else { "no" }.to_owned(),
        text(facts.map(detector)),
        text(facts.map(|facts| member(is_administrator, facts))),
        plans(true),
        plans(false),
        text(facts.and_then(frequency)),
        text(rule.filter(|_| is_administrator).map(forwarder)),
        joined(&said.gaps),
        joined(&said.unread),
        last(report, region, account),
    ]
}

/// A spreadsheet takes a text that begins with one of these for a formula. A quote in front makes
/// it a text again. Source: OWASP, "CSV Injection".
pub fn defused(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        for (text, shown) in [
            ("prod", "prod"),
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(defused(text), shown, "{text:?}");
        }
    }
}
