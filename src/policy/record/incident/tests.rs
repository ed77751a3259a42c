//! What an event means for an incident. The tables of whole lives are in `policy/ledger/closing`.

use super::*;
use crate::finding::Closing::Resolved;
use crate::finding::FindingState::{Closed as Is, Open};
use crate::finding::Level::High;

const GONE: FindingState = Is(Resolved);

fn stamp(updated: i64, observed: i64) -> Stamp {
    Stamp { updated_at: Some(Wall(updated)), observed_at: Some(Wall(observed)) }
}

/// The product's own event.
fn by_product(product: FindingState, at: i64) -> Sighting {
    Sighting { product, at: stamp(at, at), ..Sighting::open(High, None) }
}

fn member(name: &str, product: FindingState, at: i64) -> Sighting {
    Sighting { member: name.to_owned(), ..by_product(product, at) }
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
    assert_eq!(effect(&Sighting::open(High, Some(Wall(5)))), Effect::None);
    assert_eq!(effect(&by_product(Open, 6)), Effect::Noted);
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
    assert_eq!((untold.comebacks, untold.closed_before), (0, Some(closed)));
}

#[test]
fn a_time_of_update_far_ahead_of_its_event_counts_as_none() {
    let year = AHEAD_MAX.as_millis() as i64;
    for (updated, observed, expected) in [
        (Some(5), Some(7), Some(5)),
        (Some(7 + year), Some(7), Some(7 + year)),
        (Some(8 + year), Some(7), Some(7)),
        (Some(8 + year), None, Some(8 + year)),
        (None, Some(7), Some(7)),
    ] {
        let stamp = Stamp::new(updated.map(Wall), observed.map(Wall));
        assert_eq!(stamp.updated_at, expected.map(Wall), "{updated:?} {observed:?}");
    }
}
