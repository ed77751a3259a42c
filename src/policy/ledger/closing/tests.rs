//! Closings and comebacks, by what the ledger writes for each.

use std::time::Duration;

use super::*;
use crate::finding::{Closing, FindingState, Level};
use crate::policy::ledger::{Claim, ClaimKind, UnclaimedPost, Want, claim, mark, record, release};
use crate::policy::record::AlertRecordState;

const NOW: Wall = Wall(1_000_000_000);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: None,
};
/// When no lease of `NOW` is alive.
const LATER: Wall = Wall(NOW.0 + 60_000);

fn open(level: Level, at: i64) -> Sighting {
    Sighting::open(level, Some(Wall(at)))
}

fn gone(at: i64) -> Sighting {
    Sighting { product: FindingState::Closed(Closing::Resolved), ..open(Level::Low, at) }
}

fn want(sighting: &Sighting) -> Want<'static> {
    Want { owner: "me", sighting: sighting.clone() }
}

fn claimed(seen: Option<&AlertRecord>, sighting: &Sighting, now: Wall) -> (AlertRecord, ClaimKind) {
    match claim(seen, &want(sighting), &TERMS, now) {
        Claim::Write { record, kind, expect } => {
            assert!(expect.holds(seen));
            (record, kind)
        }
        other => panic!("not claimed: {other:?}"),
    }
}

fn posted(seen: Option<&AlertRecord>, sighting: &Sighting) -> AlertRecord {
    let (held, _) = claimed(seen, sighting, NOW);
    mark(&held, "p", sighting, &TERMS, NOW).1
}

fn closed(seen: Option<&AlertRecord>, sighting: &Sighting) -> AlertRecord {
    match close(seen, sighting, true, &TERMS, LATER) {
        ClosingStep::Record(Recording::Write { expect, record }) => {
            assert!(expect.holds(seen) && !expect.holds(Some(&record)));
            record
        }
        other => panic!("not closed: {other:?}"),
    }
}

#[test]
fn what_was_posted_closes_and_is_posted_again_when_it_comes_back() {
    let first = posted(None, &open(Level::Critical, 1));
    let end = closed(Some(&first), &gone(2));
    assert_eq!(end.level_posted(), Some(Level::Critical), "the last post is kept");
    let (held, kind) = claimed(Some(&end), &open(Level::Low, 3), LATER);
    assert!(matches!(kind, ClaimKind::CameBack(_)) && held.came_back().is_some());
    assert_eq!((held.escalated_from(), held.is_reminder()), (None, false));
    let (_, second) = mark(&held, "q", &open(Level::Low, 3), &TERMS, LATER);
    assert_eq!(second.level_posted(), Some(Level::Low), "a new incident has a level of its own");
    assert_eq!((second.incident.comebacks, second.incident.closed), (1, None));
    // A claim that was given up leaves the incident closed.
    let (_, back) = release(&held, false, &TERMS, LATER);
    assert!(back.is_posted() && back.incident.is_closed());
    assert!(matches!(claimed(Some(&back), &open(Level::Low, 3), LATER).1, ClaimKind::CameBack(_)));
    // An older state changes nothing.
    for sighting in [open(Level::Critical, 1), gone(2)] {
        let answer = claim(Some(&end), &want(&sighting), &TERMS, LATER);
        assert!(matches!(answer, Claim::Closed(_)), "{answer:?}");
    }
}

#[test]
fn a_closing_without_a_record_leaves_a_trace_only_if_it_is_asked_to() {
    let known = ClosingStep::Record(Recording::Known);
    assert_eq!(close(None, &gone(2), false, &TERMS, NOW), known);
    let trace = closed(None, &gone(2));
    assert_eq!((trace.accepted(), trace.fence), (None, 1));
    let late = claim(Some(&trace), &want(&open(Level::High, 1)), &TERMS, LATER);
    assert!(matches!(late, Claim::Closed(_)), "{late:?}");
    let (held, kind) = claimed(Some(&trace), &open(Level::High, 3), LATER);
    assert_eq!((kind, held.came_back()), (ClaimKind::TakeOver, None), "it was never posted");
    let (_, first) = mark(&held, "p", &open(Level::High, 3), &TERMS, LATER);
    assert_eq!((first.incident.comebacks, first.incident.closed), (0, None));
    // An event that is closed claims nothing.
    let answer = claim(None, &want(&gone(2)), &TERMS, NOW);
    assert!(matches!(answer, Claim::Closed(_)), "{answer:?}");
}

#[test]
fn a_closing_waits_for_the_lease_and_fences_out_who_let_it_end() {
    let (held, _) = claimed(None, &open(Level::High, 1), NOW);
    let busy = ClosingStep::Record(Recording::Busy { until: held.lease_until.plus(TERMS.skew) });
    assert_eq!(close(Some(&held), &gone(2), true, &TERMS, NOW), busy);
    let end = closed(Some(&held), &gone(2));
    assert_eq!((&end.state, end.ambiguous), (&AlertRecordState::Free { rewound: None }, 1));
    let (late, _) = mark(&held, "p", &open(Level::High, 1), &TERMS, LATER);
    assert!(!late.holds(Some(&end)));
}

#[test]
fn a_mark_whose_answer_was_lost_is_recognised_after_a_closing() {
    let first = posted(None, &open(Level::High, 1));
    let end = closed(Some(&first), &gone(2));
    assert!(crate::policy::ledger::marked_by(&end, "me", first.fence, "p"));
}

#[test]
fn a_closing_after_the_record_expired_finds_nothing() {
    let first = AlertRecord { expires_at: NOW, ..posted(None, &open(Level::High, 1)) };
    let answer = close(Some(&first), &gone(2), false, &TERMS, LATER);
    assert_eq!(answer, ClosingStep::Record(Recording::Known));
}

#[test]
fn a_second_finding_of_one_problem_joins_the_incident() {
    let named = |name: &str, at| Sighting { member: name.to_owned(), ..open(Level::High, at) };
    let first = posted(None, &named("a", 1));
    let Claim::Join { expect, record: both, level } =
        claim(Some(&first), &want(&named("b", 1)), &TERMS, NOW)
    else {
        panic!("it does not join");
    };
    assert!(expect.holds(Some(&first)) && both.is_posted() && level == Level::High);
    let again = claim(Some(&both), &want(&named("b", 1)), &TERMS, NOW);
    assert_eq!(again, Claim::AlreadyPosted { level: Level::High });
    let gone = |name: &str| Sighting { member: name.to_owned(), ..gone(2) };
    let one = closed(Some(&both), &gone("a"));
    assert!(!one.incident.is_closed(), "the other is open");
    assert!(closed(Some(&one), &gone("b")).incident.is_closed());
}

#[test]
fn a_post_without_a_claim_is_of_the_incident_that_it_belongs_to() {
    let end = closed(Some(&posted(None, &open(Level::Critical, 1))), &gone(2));
    for (at, is_closed, level) in [(1, true, Level::Critical), (3, false, Level::High)] {
        let sighting = open(Level::High, at);
        let post = UnclaimedPost { post_id: "u".into(), sighting, sent_at: LATER };
        let Recording::Write { record: after, .. } = record(Some(&end), "me", &post, &TERMS, LATER)
        else {
            panic!("not recorded");
        };
        let got = (after.incident.is_closed(), after.level_posted());
        assert_eq!(got, (is_closed, Some(level)), "{at}");
    }
}
