//! What a comparison found, for people, for machines and for the log.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::finding::Finding;
use crate::instants::Wall;

/// So many missing findings are named for each region. The counts have them all.
pub const NAMED_MAX: usize = 200;
const UNREADABLE_NAMED_MAX: usize = 5;

/// How a region's comparison ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// To the end of the list.
    Whole,
    /// After so many findings as were allowed.
    Limit,
    /// When the time was up, perhaps before it had begun.
    Deadline,
    /// Another run is at it, at most until then.
    Busy(Wall),
    /// A timer's: it is not time before then.
    NotDue(Wall),
    Failed(String),
}

impl Outcome {
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Whole => "whole",
            Outcome::Limit => "limit",
            Outcome::Deadline => "deadline",
            Outcome::Busy(_) => "busy",
            Outcome::NotDue(_) => "not_due",
            Outcome::Failed(_) => "failed",
        }
    }
}

/// A finding that the source holds and the ledger does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    pub fingerprint: String,
    pub level: &'static str,
    pub score: Option<f64>,
    pub account: String,
    pub kind: String,
    pub title: String,
    pub updated_at: Option<Wall>,
    pub sample: bool,
    pub enqueued: bool,
}

impl Missing {
    /// Its texts were cleaned when the finding was read.
    pub fn of(finding: &Finding, enqueued: bool) -> Missing {
        Missing {
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

/// What came of one region.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionReport {
    pub region: String,
    pub outcome: Outcome,
    /// From when on findings were compared; None if it did not come to that.
    pub since: Option<Wall>,
    /// Findings that the source listed and handed out.
    pub listed: u64,
    /// Of those, the ones that are owed to somebody and old enough: the four below are its parts.
    pub compared: u64,
    /// LastPost, or in hand.
    pub known: u64,
    /// Put into the queue by an earlier comparison, and not told yet.
    pub waiting: u64,
    pub missing: u64,
    /// Of the missing ones, those that are in the queue now.
    pub enqueued: u64,
    pub below_threshold: u64,
    /// Left to the next run.
    pub young: u64,
    pub archived: u64,
    pub unreadable: u64,
    /// Why, of the first few.
    pub unreadable_why: Vec<String>,
    /// The first [`NAMED_MAX`] of the missing ones.
    pub named: Vec<Missing>,
}

impl RegionReport {
    pub fn new(region: &str) -> RegionReport {
        RegionReport {
            region: region.to_owned(),
            outcome: Outcome::Deadline,
            since: None,
            listed: 0,
            compared: 0,
            known: 0,
            waiting: 0,
            missing: 0,
            enqueued: 0,
            below_threshold: 0,
            young: 0,
            archived: 0,
            unreadable: 0,
            unreadable_why: Vec::new(),
            named: Vec::new(),
        }
    }

    pub(super) fn cannot_read(&mut self, why: String) {
        self.unreadable += 1;
        if self.unreadable_why.len() < UNREADABLE_NAMED_MAX {
            self.unreadable_why.push(why);
        }
    }

    pub(super) fn misses(&mut self, missing: Missing) {
        self.missing += 1;
        self.enqueued += u64::from(missing.enqueued);
        if self.named.len() < NAMED_MAX {
            self.named.push(missing);
        }
    }

    /// The counts that are counters of the metrics, by their words. Each finding that was handed out
    /// is in one of them, unless it was missing and could not be enqueued.
    pub fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("known", self.known),
            ("waiting", self.waiting),
            ("enqueued", self.enqueued),
            ("below_threshold", self.below_threshold),
            ("young", self.young),
            ("archived", self.archived),
            ("unreadable", self.unreadable),
        ]
    }

    fn line(&self) -> String {
        let mut text = format!("{}: ", self.region);
        match &self.outcome {
            Outcome::Busy(until) => {
                let until = until.to_rfc3339();
                return text + &format!("another run is at it, until {until} at most");
            }
            Outcome::NotDue(until) => {
                return text + &format!("not due before {}", until.to_rfc3339());
            }
            Outcome::Failed(why) => _ = write!(text, "FAILED: {why}; "),
            Outcome::Limit => {
                text.push_str("stopped at the limit, the next run goes on from there; ")
            }
            Outcome::Deadline => {
                text.push_str("stopped when the time was up, the next run goes on from there; ");
            }
            Outcome::Whole => {}
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
            (self.waiting, "enqueued before and not told yet"),
            (self.below_threshold, "below the threshold"),
            (self.young, "too young, left to the next run"),
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
        let time = |at: Option<Wall>| at.map(Wall::to_rfc3339);
        let (detail, until) = match &self.outcome {
            Outcome::Failed(why) => (Some(why.as_str()), None),
            Outcome::Busy(until) | Outcome::NotDue(until) => (None, Some(*until)),
            _ => (None, None),
        };
        let named = |m: &Missing| {
            json!({
                "fingerprint": m.fingerprint, "level": m.level, "severity": m.score,
                "account": m.account, "type": m.kind, "title": m.title, "sample": m.sample,
                "updated_at": time(m.updated_at), "enqueued": m.enqueued,
            })
        };
        json!({
            "region": self.region, "outcome": self.outcome.as_str(), "detail": detail,
            "until": time(until), "since": time(self.since), "listed": self.listed,
            "compared": self.compared, "known": self.known, "waiting": self.waiting,
            "missing": self.missing, "enqueued": self.enqueued,
            "below_threshold": self.below_threshold, "young": self.young,
            "archived": self.archived, "unreadable": self.unreadable,
            "unreadable_why": self.unreadable_why,
            "findings": self.named.iter().map(named).collect::<Vec<_>>(),
        })
    }
}

/// What came of all regions, in the order asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub regions: Vec<RegionReport>,
    /// Nothing was written and nothing enqueued.
    pub dry_run: bool,
}

impl Report {
    /// The regions that failed, with their reasons.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.regions.iter().filter_map(|r| match &r.outcome {
            Outcome::Failed(why) => Some((r.region.as_str(), why.as_str())),
            _ => None,
        })
    }

    /// For people: a line for each region, and a table of what is missing.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for region in &self.regions {
            _ = writeln!(text, "{}", region.line());
            for why in &region.unreadable_why {
                _ = writeln!(text, "  unreadable: {why}");
            }
        }
        if self.regions.iter().any(|region| !region.named.is_empty()) {
            self.table(&mut text);
        }
        if self.dry_run {
            text.push_str(
                "dry run: nothing was enqueued, and the next run begins where this one did\n",
            );
        }
        text
    }

    fn table(&self, text: &mut String) {
        const HEAD: [&str; 6] = ["LEVEL", "SEVERITY", "UPDATED", "ACCOUNT", "FINDING", "TYPE"];
        let row = |m: &Missing| {
            [
                m.level.to_owned(),
                m.score.map_or_else(|| "-".to_owned(), |score| score.to_string()),
                m.updated_at.map_or_else(|| "-".to_owned(), Wall::to_rfc3339),
                m.account.clone(),
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
            _ = writeln!(text, "and {left_out} more, which are not named here");
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

    fn missing(kind: &str, enqueued: bool) -> Missing {
        Missing {
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
        one.outcome = Outcome::Whole;
        one.since = Some(Wall(1_790_000_000_000));
        (one.compared, one.known, one.young) = (4, 2, 1);
        one.misses(missing("Trojan:EC2/X", true));
        one.misses(missing("s", false));
        one.cannot_read("no_identity, id: the finding has no id".to_owned());
        let mut two = RegionReport::new("us-east-1");
        two.outcome = Outcome::Failed("guardduty ListFindings in us-east-1: no".to_owned());
        let report = Report { regions: vec![one, two], dry_run: false };
        assert_eq!(
            report.text(),
            "\
eu-west-1: since 2026-09-21T14:13:20Z: 4 compared, 2 known, 2 missing, 1 enqueued, 1 too young, left to the next run, 1 unreadable
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
            region.misses(missing("x", true));
            region.cannot_read("why".to_owned());
        }
        assert_eq!((region.named.len(), region.missing), (NAMED_MAX, NAMED_MAX as u64 + 3));
        assert_eq!(region.unreadable_why.len(), UNREADABLE_NAMED_MAX);
        let report = Report { regions: vec![region], dry_run: true };
        assert!(report.text().contains("and 3 more, which are not named here\ndry run: "));
    }
}
