//! What an event means for an incident, case by case.

use super::*;
use crate::finding::Closing::{Resolved, Suppressed};
use crate::finding::FindingState::{Closed as Is, Open};
use crate::finding::Level::{Critical, High, Low};

const GONE: FindingState = Is(Resolved);
const HUSHED: FindingState = Is(Suppressed);

fn stamp(updated: i64, observed: i64) -> Stamp {
    Stamp { updated_at: Some(Wall(updated)), observed_at: Some(Wall(observed)) }
}

/// The product's own event.
fn by_product(product: FindingState, at: i64) -> Sighting {
    Sighting { product, at: stamp(at, at), ..Sighting::open(High, None) }
}

/// Security Hub's event, which tells the handling too.
fn by_hub(product: FindingState, handling: FindingState, updated: i64, at: i64) -> Sighting {
    Sighting { handling: Some(handling), at: stamp(updated, at), ..by_product(product, 0) }
}

fn member(name: &str, product: FindingState, at: i64) -> Sighting {
    Sighting { member: name.to_owned(), ..by_product(product, at) }
}

fn level(level: Level, sighting: Sighting) -> Sighting {
    Sighting { level, ..sighting }
}

/// Tells the incident each event as the ledger does, and names what came of each: `posted`,
/// `already`, `closed`, `closes`, `noted`, or `came back`.
fn life(events: &[Sighting]) -> Vec<&'static str> {
    let mut incident = Incident::default();
    let mut post: Option<AcceptedPost> = None;
    let mut told = Vec::new();
    for (i, event) in events.iter().enumerate() {
        let (seen, effect) = incident.see(event, post.as_ref());
        let owed = post.as_ref().is_none_or(|post| post.level < event.level);
        let is_open = !incident.is_closed() && !event.is_closed();
        let answer = match effect {
            Effect::Opens if post.is_some() => "came back",
            Effect::Opens => "posted",
            Effect::Closes(_) => "closes",
            _ if is_open && owed => "posted",
            Effect::Noted => "noted",
            Effect::None if is_open => "already",
            Effect::None => "closed",
        };
        incident = match (effect, answer) {
            (Effect::Closes(closed), _) => seen.close(closed),
            (_, "posted" | "came back") => {
                post = Some(AcceptedPost {
                    level: event.level,
                    revision: event.at.updated_at,
                    sent_at: Wall(i as i64),
                    due_at: None,
                    post_id: i.to_string(),
                });
                seen.open(Wall(i as i64), answer == "came back")
            }
            (Effect::Noted, _) => seen,
            _ => incident,
        };
        told.push(answer);
    }
    told
}

#[test]
fn a_finding_opens_closes_and_comes_back() {
    for (what, events, told) in [
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
            vec!["posted", "already", "already"],
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
            vec!["posted", "closes", "closed", "came back", "already"],
        ),
        (
            "closed before anybody was told, then open",
            vec![by_product(GONE, 2), by_product(Open, 1), by_product(Open, 3)],
            vec!["closes", "closed", "posted"],
        ),
        (
            "equal times: open wins",
            vec![
                by_product(Open, 1),
                by_product(GONE, 1),
                by_product(GONE, 2),
                by_product(Open, 2),
            ],
            vec!["posted", "already", "closes", "came back"],
        ),
        (
            "an open state without a time counts as the newest",
            vec![by_product(Open, 1), by_product(GONE, 2), Sighting::open(High, None)],
            vec!["posted", "closes", "came back"],
        ),
        (
            "a closing without a time counts as the oldest",
            vec![by_product(Open, 1), Sighting { product: GONE, ..Sighting::open(High, None) }],
            vec!["posted", "already"],
        ),
    ] {
        let told: Vec<_> = told
            .into_iter()
            .zip(&events)
            // A closed event that changes nothing in an open incident.
            .map(|(told, event)| match (told, event.is_closed()) {
                ("already", true) => "closed",
                _ => told,
            })
            .collect();
        assert_eq!(life(&events), told, "{what}");
    }
}

#[test]
fn what_a_person_handled_does_not_ring_again_with_the_next_update() {
    let opened = || vec![by_product(Open, 1), by_hub(Open, Open, 1, 2)];
    let handled = |state| by_hub(Open, state, 1, 5);
    for (what, then, told) in [
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
            vec!["closes", "came back", "already"],
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
            vec!["closes", "noted", "noted"],
        ),
        (
            "archived, and Security Hub says NEW in an older state",
            vec![by_product(HUSHED, 7), by_hub(Open, Open, 6, 8)],
            vec!["closes", "closed"],
        ),
    ] {
        let mut all = opened();
        all.extend(then);
        assert_eq!(life(&all)[2..], told, "{what}");
    }
}

#[test]
fn a_problem_closes_when_all_its_members_are_closed() {
    let two = || vec![member("a", Open, 1), member("b", Open, 1)];
    for (what, then, told) in [
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
        ("a stranger closes", vec![member("c", GONE, 2)], vec!["closed"]),
        (
            "a third was open before both closed",
            vec![member("a", GONE, 3), member("b", GONE, 4), member("c", Open, 2)],
            vec!["noted", "closes", "closed"],
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
        assert_eq!(got[2..], told, "{what}");
    }
}

#[test]
fn members_are_bounded() {
    let mut incident = Incident::default();
    for i in 0..2 * Incident::MEMBERS_MAX {
        incident = incident.see(&member(&i.to_string(), Open, 1), None).0;
    }
    assert_eq!(incident.members.len(), Incident::MEMBERS_MAX);
    assert!(incident.member("16").is_none(), "no open member gives up its place");
    incident = incident.see(&member("3", GONE, 2), None).0;
    incident = incident.see(&member("16", Open, 2), None).0;
    assert!(incident.member("16").is_some() && incident.member("3").is_none());
}

#[test]
fn a_record_of_before_is_open_at_the_revision_that_was_posted() {
    let post = AcceptedPost {
        level: High,
        revision: Some(Wall(5)),
        sent_at: Wall(6),
        due_at: None,
        post_id: String::new(),
    };
    let effect = |event: &Sighting| Incident::default().see(event, Some(&post)).1;
    assert_eq!(
        effect(&Sighting { product: GONE, ..Sighting::open(High, Some(Wall(4))) }),
        Effect::None
    );
    assert_eq!(
        effect(&Sighting { product: GONE, ..Sighting::open(High, Some(Wall(5))) }),
        Effect::None
    );
    assert!(matches!(effect(&by_product(GONE, 6)), Effect::Closes(_)));
    assert_eq!(effect(&by_product(Open, 6)), Effect::None);
}

#[test]
fn a_comeback_is_counted_and_keeps_the_end_of_the_incident_before() {
    let closed = Closed { at: stamp(1, 2), why: Resolved, by: ClosedBy::Product };
    let first = Incident::default().open(Wall(1), false);
    assert_eq!((first.opened_at, first.comebacks), (Some(Wall(1)), 0));
    assert_eq!(first.clone().open(Wall(2), false), first, "a later post of the same incident");
    let second = first.close(closed).open(Wall(9), true);
    assert_eq!((second.opened_at, second.comebacks), (Some(Wall(9)), 1));
    assert_eq!((second.closed, second.closed_before), (None, Some(closed)));
    let untold = Incident::default().close(closed).open(Wall(9), false);
    assert_eq!((untold.comebacks, untold.closed_before), (0, None));
}
