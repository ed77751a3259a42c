//! The report of a comparison, for people, for machines and for the log.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::finding::Finding;
use crate::instants::Wall;
use crate::ports::Accounts;

/// The most missing findings that are named for a region. The counts include all.
pub const NAMED_MAX: usize = 200;
const UNREADABLE_NAMED_MAX: usize = 5;

/// How a region's comparison ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RegionOutcome {
    /// Compared to the end of the list.
    Whole,
    /// Stopped at the limit of findings.
    Limit,
    /// Stopped by the time limit, perhaps before the start.
    #[default]
    Deadline,
    /// Another run has the region, at most until then.
    Busy(Wall),
    /// The timer of the region is not due before then.
    NotDue(Wall),
    Failed(String),
}

impl RegionOutcome {
    pub fn as_str(&self) -> &'static str {
        match self {
            RegionOutcome::Whole => "whole",
            RegionOutcome::Limit => "limit",
            RegionOutcome::Deadline => "deadline",
            RegionOutcome::Busy(_) => "busy",
            RegionOutcome::NotDue(_) => "not_due",
            RegionOutcome::Failed(_) => "failed",
        }
    }
}

/// A finding of the source that the ledger does not know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MissingFinding {
    pub fingerprint: String,
    pub level: &'static str,
    #[serde(rename = "severity")]
    pub score: Option<f64>,
    pub account: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub updated_at: Option<Wall>,
    pub sample: bool,
    pub enqueued: bool,
}

impl MissingFinding {
    /// The texts of a finding are already cleaned.
    pub fn of(finding: &Finding, enqueued: bool) -> MissingFinding {
        MissingFinding {
            fingerprint: finding.fingerprint.to_string(),
            level: finding.severity.level.as_str(),
            score: finding.severity.score,
            account: finding.account.to_string(),
            kind: finding.kind.to_string(),
            title: finding.title.to_string(),
            updated_at: finding.updated_at,
            sample: finding.sample,
            enqueued,
        }
    }
}

/// The report of one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RegionReport {
    pub region: String,
    #[serde(skip)]
    pub outcome: RegionOutcome,
    /// Findings updated from then on were compared. None: none were.
    pub since: Option<Wall>,
    /// Findings that the source listed and returned.
    pub listed: u64,
    /// Of those, the ones that are owed and old enough: known, waiting or missing.
    pub compared: u64,
    /// Already posted, or claimed by a worker.
    pub known: u64,
    /// Enqueued by an earlier comparison, and not posted yet.
    pub waiting: u64,
    pub missing: u64,
    /// Of the missing ones, those that were enqueued.
    pub enqueued: u64,
    pub below_threshold: u64,
    /// They match no destination.
    pub unmatched: u64,
    /// A silence keeps them back.
    pub silenced: u64,
    /// Left to the next run.
    pub young: u64,
    pub archived: u64,
    pub unreadable: u64,
    /// The reasons of the first few.
    pub unreadable_why: Vec<String>,
    /// The first [`NAMED_MAX`] of the missing ones.
    #[serde(rename = "findings")]
    pub named: Vec<MissingFinding>,
}

impl RegionReport {
    pub fn new(region: &str) -> RegionReport {
        RegionReport { region: region.to_owned(), ..RegionReport::default() }
    }

    pub(super) fn add_unreadable(&mut self, why: String) {
        self.unreadable += 1;
        if self.unreadable_why.len() < UNREADABLE_NAMED_MAX {
            self.unreadable_why.push(why);
        }
    }

    pub(super) fn add_missing(&mut self, missing: MissingFinding) {
        self.missing += 1;
        self.enqueued += u64::from(missing.enqueued);
        if self.named.len() < NAMED_MAX {
            self.named.push(missing);
        }
    }

    /// The counts for the metrics. Each returned finding is in one of them, unless it was missing
    /// and could not be enqueued.
    pub fn counts(&self) -> [(&'static str, u64); 9] {
        [
            ("known", self.known),
            ("waiting", self.waiting),
            ("enqueued", self.enqueued),
            ("below_threshold", self.below_threshold),
            ("unmatched", self.unmatched),
            ("silenced", self.silenced),
            ("young", self.young),
            ("archived", self.archived),
            ("unreadable", self.unreadable),
        ]
    }

    fn line(&self) -> String {
        let mut text = format!("{}: ", self.region);
        match &self.outcome {
            RegionOutcome::Busy(until) => {
                let until = until.to_rfc3339();
                return text + &format!("another run is comparing it, until {until} at most");
            }
            RegionOutcome::NotDue(until) => {
                return text + &format!("not due before {}", until.to_rfc3339());
            }
            RegionOutcome::Failed(why) => _ = write!(text, "FAILED: {why}; "),
            RegionOutcome::Limit => {
                text.push_str("stopped at the limit, the next run resumes there; ")
            }
            RegionOutcome::Deadline => {
                text.push_str("stopped by the time limit, the next run resumes there; ");
            }
            RegionOutcome::Whole => {}
        }
        if let Some(since) = self.since {
            _ = write!(text, "since {}: ", since.to_rfc3339());
        }
        _ = write!(
            text,
            "{} compared, {} known, {} missing, {} enqueued",
            self.compared, self.known, self.missing, self.enqueued
        );
        for (count, what) in [
            (self.waiting, "enqueued before and not posted yet"),
            (self.below_threshold, "below the threshold"),
            (self.unmatched, "that match no destination"),
            (self.silenced, "kept back by a silence"),
            (self.young, "too young and left to the next run"),
            (self.archived, "archived"),
            (self.unreadable, "unreadable"),
        ] {
            if count > 0 {
                _ = write!(text, ", {count} {what}");
            }
        }
        text
    }

    fn json(&self) -> Value {
        let (detail, until) = match &self.outcome {
            RegionOutcome::Failed(why) => (Some(why.as_str()), None),
            RegionOutcome::Busy(until) | RegionOutcome::NotDue(until) => (None, Some(*until)),
            _ => (None, None),
        };
        let mut value = json!(self);
        value["outcome"] = self.outcome.as_str().into();
        value["detail"] = json!(detail);
        value["until"] = json!(until);
        value
    }
}

/// The reports of all regions, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReconcileReport {
    pub regions: Vec<RegionReport>,
    /// Nothing was written and nothing enqueued.
    pub dry_run: bool,
}

impl ReconcileReport {
    /// The regions that failed, with their reasons.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.regions.iter().filter_map(|r| match &r.outcome {
            RegionOutcome::Failed(why) => Some((r.region.as_str(), why.as_str())),
            _ => None,
        })
    }

    /// For people: a line for each region, and a table of missing findings, with the names of their
    /// accounts.
    pub fn text(&self, accounts: &Accounts) -> String {
        let mut text = String::new();
        for region in &self.regions {
            _ = writeln!(text, "{}", region.line());
            for why in &region.unreadable_why {
                _ = writeln!(text, "  unreadable: {why}");
            }
        }
        if self.regions.iter().any(|region| !region.named.is_empty()) {
            self.table(&mut text, accounts);
        }
        if self.dry_run {
            text.push_str(
                "dry run: nothing was enqueued, and the next run starts at the same place\n",
            );
        }
        text
    }

    fn table(&self, text: &mut String, accounts: &Accounts) {
        const HEAD: [&str; 6] = ["LEVEL", "SEVERITY", "UPDATED", "ACCOUNT", "FINDING", "TYPE"];
        let row = |m: &MissingFinding| {
            [
                m.level.to_owned(),
                m.score.map_or_else(|| "-".to_owned(), |score| score.to_string()),
                m.updated_at.map_or_else(|| "-".to_owned(), Wall::to_rfc3339),
                accounts.label(&m.account),
                m.fingerprint.clone(),
                if m.sample { format!("{} (sample)", m.kind) } else { m.kind.clone() },
            ]
        };
        let rows = self.regions.iter().flat_map(|region| region.named.iter().map(row));
        let rows: Vec<_> = std::iter::once(HEAD.map(str::to_owned)).chain(rows).collect();
        let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        text.push('\n');
        for row in &rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        let missing: u64 = self.regions.iter().map(|region| region.missing).sum();
        let left_out = missing.saturating_sub(rows.len() as u64 - 1);
        if left_out > 0 {
            _ = writeln!(text, "and {left_out} more");
        }
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let regions: Vec<Value> = self.regions.iter().map(RegionReport::json).collect();
        json!({"dry_run": self.dry_run, "regions": regions})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(kind: &str, enqueued: bool) -> MissingFinding {
        MissingFinding {
            fingerprint: "guardduty/1/eu-west-1/f1".to_owned(),
            level: "high",
            score: Some(7.5),
            account: "111122223333".to_owned(),
            kind: kind.to_owned(),
            title: "A title".to_owned(),
            updated_at: Some(Wall(1_790_000_000_000)),
            sample: kind == "s",
            enqueued,
        }
    }

    #[test]
    fn people_get_a_line_for_each_region_and_a_table() {
        let mut one = RegionReport::new("eu-west-1");
        one.outcome = RegionOutcome::Whole;
        one.since = Some(Wall(1_790_000_000_000));
        (one.compared, one.known, one.young) = (4, 2, 1);
        one.add_missing(missing("Trojan:EC2/X", true));
        one.add_missing(missing("s", false));
        one.add_unreadable("no_identity, id: the finding has no id".to_owned());
        let mut two = RegionReport::new("us-east-1");
        two.outcome = RegionOutcome::Failed("guardduty ListFindings in us-east-1: no".to_owned());
        let report = ReconcileReport { regions: vec![one, two], dry_run: false };
        assert_eq!(
            report.text(&Accounts::default()),
            "\
eu-west-1: since 2026-09-21T14:13:20Z: 4 compared, 2 known, 2 missing, 1 enqueued, 1 too young and left to the next run, 1 unreadable
  unreadable: no_identity, id: the finding has no id
us-east-1: FAILED: guardduty ListFindings in us-east-1: no; 0 compared, 0 known, 0 missing, 0 enqueued

LEVEL  SEVERITY  UPDATED               ACCOUNT       FINDING                   TYPE
high   7.5       2026-09-21T14:13:20Z  111122223333  guardduty/1/eu-west-1/f1  Trojan:EC2/X
high   7.5       2026-09-21T14:13:20Z  111122223333  guardduty/1/eu-west-1/f1  s (sample)
"
        );
        assert_eq!(report.failures().count(), 1);
        let json = report.json();
        assert_eq!(json["regions"][0]["missing"], 2);
        assert_eq!(json["regions"][0]["findings"][1]["enqueued"], false);
        assert_eq!(json["regions"][1]["outcome"], "failed");
    }

    #[test]
    fn what_is_named_is_bounded_and_what_is_counted_is_not() {
        let mut region = RegionReport::new("eu-west-1");
        for _ in 0..NAMED_MAX + 3 {
            region.add_missing(missing("x", true));
            region.add_unreadable("why".to_owned());
        }
        assert_eq!((region.named.len(), region.missing), (NAMED_MAX, NAMED_MAX as u64 + 3));
        assert_eq!(region.unreadable_why.len(), UNREADABLE_NAMED_MAX);
        let report = ReconcileReport { regions: vec![region], dry_run: true };
        assert!(report.text(&Accounts::default()).contains("and 3 more\ndry run: "));
    }
}
