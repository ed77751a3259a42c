//! The capacity of a post: how many cards share it.
//!
//! Slack rejects a message whose blocks are too long together (`msg_blocks_too_long`). The limit is
//! not documented. Users met it at about 13,200 characters, and below 12,000 characters of text
//! with many blocks (slackapi/bolt-js, threads 2509 and 2867). So the JSON around the text counts
//! too, and the weight of a card is the length of its whole JSON.

use serde::Serialize;

use super::card::{POST_ID_CHARS_MAX, attachment};
use super::guide::Guide;
use super::length::units;
use super::message::written;
use crate::ports::Card;

/// The most that all cards of a post may weigh together, in UTF-16 code units.
pub const BUDGET_CHARS: usize = 10_000;

/// The most cards in a post. A card has at most 4 blocks, and a message may have 50. Nobody reads
/// more cards than this. Source: Slack, Block Kit reference.
pub const MAX_CARDS: usize = 10;

/// The most alerts in a digest ([`crate::ports::Form::Digest`]). Each of so many alerts gets a
/// line, whatever is in it.
pub const DIGEST_MAX: usize = 50;

/// The most that a card can weigh. A single card always fits, with room for a list of others.
pub const CARD_CHARS_MAX: usize = 7_000;

/// Returns how much of [`BUDGET_CHARS`] a card takes, for any post id. It is at most
/// [`CARD_CHARS_MAX`].
pub fn weigh(card: &Card, guide: &Guide) -> usize {
    // A quotation mark takes two units in JSON, so this is the heaviest id that is not cut.
    weigh_json(&attachment(card, &[], guide, &"\"".repeat(POST_ID_CHARS_MAX - 2)))
}

pub(super) fn weigh_json(part: &impl Serialize) -> usize {
    units(&written(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_weighs_as_much_as_its_json_is_long() {
        let part = json!({"a": ["é🚀\n\"", 1.5, null], "b": {"日本": true}});
        assert_eq!(weigh_json(&part), units(&part.to_string()));
    }
}
