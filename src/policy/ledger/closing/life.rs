//! Lives of findings: a series of events, and what the ledger answers to each.

use std::time::Duration;

use crate::finding::Closing::{Resolved, Suppressed};
use crate::finding::FindingState::{self, Closed as Is, Open};
use crate::finding::Level::{self, Critical, High, Low};
use crate::instants::Wall;
use crate::policy::ledger::{Claim, ClaimKind, ClosingStep, Recording, Terms, Want};
use crate::policy::ledger::{claim, close, mark};
use crate::policy::record::{AlertRecord, Sighting, Stamp};

const GONE: FindingState = Is(Resolved);
const HUSHED: FindingState = Is(Suppressed);
const NOW: Wall = Wall(1_000_000_000);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: None,
};

fn stamp(updated: i64, observed: i64) -> Stamp {
    Stamp { updated_at: Some(Wall(updated)), observed_at: Some(Wall(observed)) }
}

/// The product's own event.
fn by_product(product: FindingState, at: i64) -> Sighting {
    Sighting { product, at: stamp(at, at), ..Sighting::open(High, None) }
}

/// Security Hub's event, which has the handling too.
fn by_hub(product: FindingState, handling: FindingState, updated: i64, at: i64) -> Sighting {
    Sighting { handling: Some(handling), at: stamp(updated, at), ..by_product(product, 0) }
}

fn member(name: &str, product: FindingState, at: i64) -> Sighting {
    Sighting { member: name.to_owned(), ..by_product(product, at) }
}

fn level(level: Level, sighting: Sighting) -> Sighting {
    Sighting { level, ..sighting }
}

/// The answer to each event: `posted`, `came back`, `already`, `closed`, `closes`, or `noted` where
/// only facts are written.
fn life(events: &[Sighting]) -> Vec<&'static str> {
    let mut record: Option<AlertRecord> = None;
    events.iter().map(|event| step(&mut record, event)).collect()
}

fn step(record: &mut Option<AlertRecord>, event: &Sighting) -> &'static str {
    let was_closed = record.as_ref().is_some_and(|record| record.incident.is_closed());
    if event.is_closed() {
        match close(record.as_ref(), event, true, &TERMS, NOW) {
            ClosingStep::Record(Recording::Known) => return "closed",
            ClosingStep::Record(Recording::Write { record: written, .. }) => {
                let closes = written.incident.is_closed() && !was_closed;
                *record = Some(written);
                return if closes { "closes" } else { "noted" };
            }
            ClosingStep::Record(Recording::Busy { .. }) => panic!("nobody holds a claim"),
            ClosingStep::Owed => {}
        }
    }
    let want = Want { owner: "w", sighting: event.clone() };
    match claim(record.as_ref(), &want, &TERMS, NOW) {
        Claim::Write { record: held, kind, .. } => {
            *record = Some(mark(&held, "p", event, &TERMS, NOW).1);
            if matches!(kind, ClaimKind::CameBack(_)) { "came back" } else { "posted" }
        }
        Claim::Join { record: written, .. } => {
            *record = Some(written);
            "noted"
        }
        Claim::AlreadyPosted { .. } => "already",
        Claim::Closed(_) => "closed",
        Claim::Busy { .. } => panic!("nobody holds a claim"),
    }
}

#[test]
fn a_finding_opens_closes_and_comes_back() {
    for (what, events, expected) in [
        (
            "comes back",
            vec![by_product(Open, 1), by_product(GONE, 2), by_product(Open, 3)],
            vec!["posted", "closes", "came back"],
        ),
        (
            "comes back less severe",
            vec![by_product(Open, 1), by_product(HUSHED, 2), level(Low, by_product(Open, 3))],
            vec!["posted", "closes", "came back"],
        ),
        (
            "an old open state after the closing",
            vec![by_product(Open, 1), by_product(GONE, 3), by_product(Open, 2)],
            vec!["posted", "closes", "closed"],
        ),
        (
            "an old closing after an open state",
            vec![by_product(Open, 2), by_product(GONE, 1), by_product(Open, 3)],
            vec!["posted", "closed", "noted"],
        ),
        (
            "closed twice, comes back once",
            vec![
                by_product(Open, 1),
                by_product(GONE, 2),
                by_product(GONE, 3),
                by_product(Open, 4),
                by_product(Open, 4),
            ],
            vec!["posted", "closes", "noted", "came back", "already"],
        ),
        (
            "closed before it was posted, then open",
            vec![by_product(GONE, 2), by_product(Open, 1), by_product(Open, 3)],
            vec!["closes", "closed", "posted"],
        ),
    ] {
        assert_eq!(life(&events), expected, "{what}");
    }
}

#[test]
fn equal_and_missing_times_count_towards_open() {
    for (what, events, expected) in [
        (
            "equal times: open wins",
            vec![
                by_product(Open, 1),
                by_product(GONE, 1),
                by_product(GONE, 2),
                by_product(Open, 2),
            ],
            vec!["posted", "closed", "closes", "came back"],
        ),
        (
            "an open state without a time counts as the newest",
            vec![by_product(Open, 1), by_product(GONE, 2), Sighting::open(High, None)],
            vec!["posted", "closes", "came back"],
        ),
        (
            "an open state without a time stays open after an older closing",
            vec![by_product(Open, 3), Sighting::open(High, None), by_product(GONE, 2)],
            vec!["posted", "already", "closed"],
        ),
        (
            "a closing without a time counts as the oldest",
            vec![by_product(Open, 1), Sighting { product: GONE, ..Sighting::open(High, None) }],
            vec!["posted", "closed"],
        ),
    ] {
        assert_eq!(life(&events), expected, "{what}");
    }
}

#[test]
fn what_a_person_handled_does_not_ring_again_with_the_next_update() {
    let opened = || vec![by_product(Open, 1), by_hub(Open, Open, 1, 2)];
    let handled = |state| by_hub(Open, state, 1, 5);
    for (what, then, expected) in [
        ("GuardDuty's update", vec![handled(GONE), by_product(Open, 9)], vec!["closes", "closed"]),
        (
            "Security Hub says NEW again",
            vec![handled(HUSHED), by_product(Open, 9), by_hub(Open, Open, 9, 10)],
            vec!["closes", "closed", "came back"],
        ),
        (
            "a late copy of NEW",
            vec![handled(HUSHED), by_hub(Open, Open, 1, 4)],
            vec!["closes", "closed"],
        ),
        (
            "worse than what was handled",
            vec![handled(GONE), level(Critical, by_product(Open, 9)), by_product(Open, 10)],
            vec!["closes", "came back", "noted"],
        ),
        (
            "worse in Security Hub's own event",
            vec![handled(GONE), level(Critical, by_hub(Open, GONE, 9, 9))],
            vec!["closes", "came back"],
        ),
        (
            "worse, but in an old state",
            vec![handled(GONE), level(Critical, by_product(Open, 1))],
            vec!["closes", "closed"],
        ),
        (
            "handled, archived, and no longer archived",
            vec![handled(GONE), by_product(HUSHED, 7), by_product(Open, 9)],
            vec!["closes", "noted", "closed"],
        ),
        (
            "archived, and Security Hub says NEW in an older state",
            vec![by_product(HUSHED, 7), by_hub(Open, Open, 6, 8)],
            vec!["closes", "closed"],
        ),
    ] {
        let mut all = opened();
        all.extend(then);
        assert_eq!(life(&all)[2..], expected, "{what}");
    }
}

#[test]
fn a_problem_closes_when_all_its_members_are_closed() {
    let two = || vec![member("a", Open, 1), member("b", Open, 1)];
    for (what, then, expected) in [
        (
            "both",
            vec![member("a", GONE, 2), member("b", GONE, 2), member("b", Open, 3)],
            vec!["noted", "closes", "came back"],
        ),
        (
            "one opens again before the other closes",
            vec![member("a", GONE, 2), member("a", Open, 3), member("b", GONE, 4)],
            vec!["noted", "noted", "noted"],
        ),
        (
            "a third closes, and its open state comes late",
            vec![member("c", GONE, 3), member("c", Open, 2)],
            vec!["noted", "already"],
        ),
        (
            "a third was open before both closed, and did not close",
            vec![member("a", GONE, 3), member("b", GONE, 4), member("c", Open, 2)],
            vec!["noted", "closes", "came back"],
        ),
        (
            "a third closes after both, its open state comes late, and it opens again",
            vec![
                member("a", GONE, 3),
                member("b", GONE, 4),
                member("c", GONE, 6),
                member("c", Open, 5),
                member("c", Open, 7),
            ],
            vec!["noted", "closes", "noted", "closed", "came back"],
        ),
        (
            "a third opens after both closed",
            vec![member("a", GONE, 3), member("b", GONE, 4), member("c", Open, 5)],
            vec!["noted", "closes", "came back"],
        ),
    ] {
        let mut all = two();
        all.extend(then);
        let got = life(&all);
        assert_eq!(got[..2], ["posted", "noted"], "{what}");
        assert_eq!(got[2..], expected, "{what}");
    }
}
