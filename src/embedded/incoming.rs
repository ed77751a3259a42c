//! A message on its way into the embedded queue.

use sha2::{Digest, Sha256};

use crate::ports::InputPlace;

/// A message to put into the queue. The queue keeps the first message of each id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    pub message_id: String,
    pub body: String,
    pub place: Option<InputPlace>,
}

impl Incoming {
    /// Makes the id from the message's place in an input and from its content. A file that is read
    /// again after a crash adds no message that is still in the queue.
    pub fn identified(input: &str, index: u64, body: String) -> Incoming {
        let mut hash = Sha256::new();
        hash.update((input.len() as u64).to_be_bytes());
        hash.update(input.as_bytes());
        hash.update(index.to_be_bytes());
        hash.update(body.as_bytes());
        let id: String = hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect();
        Incoming { message_id: format!("input-{id}"), body, place: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_and_content_have_the_same_id() {
        let id = |input, index, body: &str| {
            Incoming::identified(input, index, body.to_owned()).message_id
        };
        assert_eq!(id("f", 1, "a"), id("f", 1, "a"));
        assert_ne!(id("f", 1, "a"), id("f", 2, "a"));
        assert_ne!(id("f", 1, "a"), id("f", 1, "b"));
        assert_ne!(id("f", 1, "a"), id("g", 1, "a"));
    }
}
