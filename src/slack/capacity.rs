//! How many cards share a post. Slack refuses a message whose blocks are too long altogether
//! (`msg_blocks_too_long`), by a limit that it does not document: people met it at about 13,200
//! characters, and below 12,000 of text when there are many blocks (slackapi/bolt-js, threads 2509
//! and 2867), so the containers count too. Hence a card weighs what its whole JSON does.

use serde::Serialize;

use super::card::{DIGEST_ID_CHARS_MAX, attachment};
use super::message::written;
use crate::ports::Card;

/// The most that all cards of a post may weigh together.
pub const BUDGET_CHARS: usize = 10_000;

/// The most cards in a post. Each has at most 4 blocks of the 50 that a message may have, and more
/// than so many nobody reads. Source: Slack, Block Kit reference.
pub const MAX_CARDS: usize = 10;

/// The most alerts in a digest of lines ([`crate::ports::Form::Digest`]): so many always get a line
/// each, whatever is in them.
pub const DIGEST_MAX: usize = 50;

/// The heaviest card there can be: a single one always fits, with room for a list of others.
pub const CARD_CHARS_MAX: usize = 7_000;

/// How much of [`BUDGET_CHARS`] a card takes, in characters: an upper bound, whatever the digest's
/// id. At most [`CARD_CHARS_MAX`].
pub fn weigh(card: &Card) -> usize {
    // Quotation marks, because they take two characters each in JSON, as many as are shown without being cut.
    weigh_json(&attachment(card, &"\"".repeat(DIGEST_ID_CHARS_MAX - 2)))
}

pub(super) fn weigh_json(part: &impl Serialize) -> usize {
    written(part).chars().count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_weighs_the_characters_of_its_json() {
        let part = json!({"a": ["é🚀\n\"", 1.5, null], "b": {"日本": true}});
        assert_eq!(weigh_json(&part), part.to_string().chars().count());
    }
}
