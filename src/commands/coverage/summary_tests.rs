//! The summary is bounded, whatever is missing.

use std::collections::BTreeMap;

use super::*;
use crate::estate::Caller;
use crate::estate::gap::{Gap, GapKind, Wanted};
use crate::estate::matrix::{AccountFacts, Matrix};
use crate::finding::Text;
use crate::instants::Wall;

fn report(accounts: usize, gaps: Vec<Gap>) -> Report {
    let id = |n: usize| format!("{n:012}");
    let facts = || AccountFacts { name: Text::new(&"n".repeat(50), 50), regions: None };
    let matrix = Matrix {
        caller: Caller { account: id(0), partition: "aws".to_owned() },
        in_organisation: Ok(true),
        delegated: None,
        accounts: (0..accounts).map(|n| (id(n), facts())).collect(),
        regions: BTreeMap::new(),
        places: BTreeMap::new(),
        regions_given: true,
    };
    Report { gaps, ..Report::new(Wall(0), matrix, &Wanted::default()) }
}

fn gap(kind: GapKind, account: usize, region: &str, detail: &str) -> Gap {
    let (region, account) = (Some(region.to_owned()), Some(format!("{account:012}")));
    Gap { kind, region, account, detail: detail.to_owned() }
}

#[test]
fn what_is_alike_stands_in_one_line() {
    let gaps = vec![
        gap(GapKind::DetectorMissing, 1, "eu-west-1", ""),
        gap(GapKind::DetectorMissing, 2, "eu-west-1", ""),
        gap(GapKind::PlanOff, 1, "eu-west-1", "S3"),
    ];
    let (title, lines) = of(&report(3, gaps));
    assert_eq!(title, "3 gaps in GuardDuty's coverage of 3 accounts and 0 regions");
    let name = "n".repeat(50);
    assert_eq!(
        lines,
        [
            format!("no detector: 2 accounts in eu-west-1: 000000000001 {name} and 1 more"),
            format!("plan off: S3: 000000000001 {name} in eu-west-1"),
            "hansho coverage shows all of it".to_owned(),
        ]
    );
}

#[test]
fn a_summary_has_a_dozen_lines_at_most() {
    let gaps: Vec<Gap> =
        (0..500).map(|n| gap(GapKind::PlanOff, n, "eu-west-1", &format!("PLAN_{n}"))).collect();
    let (_, lines) = of(&report(500, gaps));
    assert_eq!(lines.len(), GROUPS_MAX + 2, "{lines:?}");
    assert_eq!(lines[GROUPS_MAX], "and 490 more kinds and places");
    assert!(lines.iter().all(|line| line.chars().count() <= 300), "{lines:?}");
}
