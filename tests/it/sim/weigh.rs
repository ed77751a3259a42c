//! The weight of a card, drawn once. The desk weighs what waits whenever it picks a post, and a
//! third of a simulated day would be spent on drawing the same cards.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use hansho::finding::{Finding, Level};
use hansho::ports::Card;
use hansho::slack;

/// A card is the same as another if it shows the very same finding in the same way. The finding is
/// kept, so that its place in memory is not another's later.
type Key = (usize, Option<Level>, bool, bool, Option<String>);
type Weights = BTreeMap<Key, (Arc<Finding>, usize)>;

thread_local! {
    /// A run has its thread to itself.
    static WEIGHTS: RefCell<Weights> = RefCell::default();
}

/// What [`slack::weigh`] says, which is asked once for each card.
pub fn weigh(card: &Card) -> usize {
    let place = Arc::as_ptr(&card.finding) as usize;
    // No field may be left out, or two cards that differ in it would weigh the same.
    let Card { finding: _, escalated_from, reminder, perhaps_repeated, meant_for } = card;
    let key = (place, *escalated_from, *reminder, *perhaps_repeated, meant_for.clone());
    WEIGHTS.with_borrow_mut(|weights| {
        weights.entry(key).or_insert_with(|| (Arc::clone(&card.finding), slack::weigh(card))).1
    })
}

/// A run begins: nothing of another's is kept.
pub fn forget() {
    WEIGHTS.take();
}
