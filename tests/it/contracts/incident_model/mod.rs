//! Every state that the life of one finding can reach, within bounds: two workers process the
//! events of a finding in any order, each as often as faults have it delivered again. The
//! transitions are the real ones of `policy::ledger`, and the workers' memory is the real
//! [`hansho::policy::recent::Recent`]. The model adds the worker around them, as the desk is.
//!
//! Promises checked in every state:
//!
//! - *lost*: an open state that is newer than every closing that was settled so far is itself
//!   settled only if a post at its level or above covers it. The ledger's newest closing ends all
//!   posts before it, but for those of a state that is newer than it, and those that were claimed
//!   after the ledger knew it. A closing counts that was settled while a record existed, or left a
//!   trace, unless the ledger knew of a newer open state by then. At the end, when all messages are
//!   settled, the same holds once more, now among all closings;
//! - *used up*: as *lost*, for a finding that was never posted;
//! - *closed*: no claim is made for a post while the newest that is known, with the state to be
//!   posted, is a closing;
//! - *shortcut*: a memory or a prefetch settles no open state that a claim would post by the record
//!   of this very moment, and no closing that would be written. One exception: the state is older
//!   than a closing that was settled and that the record does not know;
//! - *claim*: nobody but its owner replaces a claim whose lease is not over;
//! - *stuck*: once faults stop, all messages can still be settled.
//!
//! A fault is a crash, the lost answer to a write or a post, a message that is not deleted, a post
//! without a claim, or a lease that ends on a worker at its post. A prefetch may take any time
//! between its read and the decision. As all messages wait from the start, that covers each older
//! version of the record that an eventually consistent read may answer with.
//!
//! Time is abstract, as in `claim_model`. Not in the model: further members of an incident,
//! reminders, expiry, rewinds, records without an incident, states without a time, and a closed
//! event that is more severe than what was handled.

mod events;
mod records;
mod steps;
mod world;

use hansho::finding::Level::{Critical, High, Low};
use hansho::finding::{Closing, FindingState};
use hansho::mutation::{self, Mutation};
use hansho::policy::record::Sighting;

use super::explore::{Outcome, explore};
use crate::support::lane::ByLane;
use events::{closed, handled, open};
use records::Records;
use steps::{Label, Model};

fn resolved(updated: i64, at: i64) -> Sighting {
    handled(FindingState::Closed(Closing::Resolved), updated, at)
}

fn new(updated: i64, at: i64) -> Sighting {
    handled(FindingState::Open, updated, at)
}

/// The finding comes back.
fn comes_back() -> Vec<Sighting> {
    vec![open(1, High), closed(2), open(3, High)]
}

fn check(events: Vec<Sighting>, trace: bool, faults: u64) -> Outcome<Label> {
    let what = format!("{} events, trace {trace}, faults {faults}", events.len());
    let faults = u8::try_from(faults).expect("few faults");
    let outcome = explore(&Model { records: Records::new(events, trace), faults });
    println!("{what}: {} states, broken: {:?}", outcome.states, outcome.broken);
    outcome
}

fn holds(events: &[Sighting], trace: bool, faults: u64) {
    let Outcome { broken, trace: steps, .. } = check(events.to_vec(), trace, faults);
    assert!(broken.is_empty(), "{broken:?} after {steps:?} of {events:?}, trace {trace}");
}

#[test]
fn no_comeback_is_lost_and_nothing_closed_is_posted() {
    let faults = ByLane { all: 1, deep: 2 }.get();
    for events in [vec![closed(1), open(2, High)], comes_back()] {
        holds(&events, true, faults);
        holds(&events, false, faults);
    }
    holds(&[open(1, High), closed(2), open(3, Low)], true, faults);
    holds(&[open(2, High), closed(2), open(3, High)], true, faults);
}

#[test]
fn handling_keeps_the_promises() {
    let faults = ByLane { all: 1, deep: 2 }.get();
    for events in [
        vec![open(1, High), resolved(1, 2), open(3, Critical)],
        vec![open(1, High), resolved(1, 2), new(1, 3)],
    ] {
        holds(&events, true, faults);
    }
}

#[test]
fn longer_lives_keep_the_promises() {
    let (faults, lives) = (ByLane { all: 0, deep: 1 }.get(), ByLane { all: 3, deep: 5 }.get());
    let all = [
        vec![open(1, High), closed(2), open(3, High), closed(4)],
        vec![closed(2), open(3, Critical), closed(4), open(5, High)],
        vec![open(1, High), resolved(1, 2), closed(3), new(4, 5)],
        // Copies that are processed at once.
        vec![open(1, High), closed(2), open(3, High), closed(2)],
        vec![open(1, High), closed(2), open(3, High), open(3, High)],
    ];
    for (events, _) in all.iter().zip(0..lives) {
        holds(events, true, faults);
    }
}

#[cfg(debug_assertions)]
#[test]
fn each_mistake_is_found() {
    for (mistake, promise, events) in [
        (Mutation::MemorySettlesComebacks, "shortcut", comes_back()),
        (Mutation::MemorySettlesComebacks, "lost", comes_back()),
        (Mutation::ArrivalDecides, "closed", comes_back()),
        (Mutation::ComebackForgotten, "lost", comes_back()),
        (Mutation::ComebackForgotten, "used up", vec![closed(1), open(2, High)]),
        (Mutation::ClosingIgnored, "lost", comes_back()),
        (Mutation::ClosingLeavesNoTrace, "closed", vec![open(1, High), closed(2)]),
        (Mutation::ClosingBreaksClaim, "claim", comes_back()),
        (Mutation::SettledByLowerLevel, "lost", vec![open(1, Low), open(2, High)]),
    ] {
        let outcome = mutation::with(mistake, || check(events, true, 0));
        assert!(outcome.broken.contains_key(promise), "{mistake:?} was not found: {outcome:?}");
    }
}
