//! The record of a canary that arrived: when it passed where.

use std::fmt;
use std::str::FromStr;

use super::expect::{State, Version, Versioned};
use crate::finding::Level;
use crate::instants::Wall;

/// A canary arrived at a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryRecord {
    pub passed: Passed,
    /// The severity of the canary's event.
    pub level: Level,
    /// Which worker recorded it, under which alert.
    pub recorded_by: String,
    /// Grows by one with every write.
    pub fence: u64,
    pub expires_at: Wall,
}

impl Versioned for CanaryRecord {
    fn version(&self) -> Version<'_> {
        Version {
            state: State::Sent,
            owner: &self.recorded_by,
            fence: self.fence,
            lease_until: Wall(0),
        }
    }
}

/// When a canary passed where, each time by the clock of that place. The ledger stores it as text,
/// in milliseconds since 1970: `canary put=… queued=… received=… post=no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// It was put on the bus.
    pub put_at: Wall,
    /// It entered the queue. None: the queue did not say.
    pub queued_at: Option<Wall>,
    /// A worker received it.
    pub received_at: Wall,
    pub post: CanaryPost,
}

/// Whether a canary is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanaryPost {
    /// It did not ask for a post.
    No,
    Yes,
    /// It asked for a post, but too many canaries had been posted before it.
    TooMany,
}

impl CanaryPost {
    const ALL: [CanaryPost; 3] = [CanaryPost::No, CanaryPost::Yes, CanaryPost::TooMany];

    pub fn as_str(self) -> &'static str {
        match self {
            CanaryPost::No => "no",
            CanaryPost::Yes => "yes",
            CanaryPost::TooMany => "too-many",
        }
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "canary put={}", self.put_at.0)?;
        if let Some(at) = self.queued_at {
            write!(f, " queued={}", at.0)?;
        }
        write!(f, " received={} post={}", self.received_at.0, self.post.as_str())
    }
}

/// The text is not a canary's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not say when the canary passed where: another version of hansho wrote it")]
pub struct NotPassed;

impl FromStr for Passed {
    type Err = NotPassed;

    /// Skips words that it does not know, so that a newer worker may say more.
    fn from_str(text: &str) -> Result<Passed, NotPassed> {
        let words = text.strip_prefix("canary ").ok_or(NotPassed)?;
        let value = |key: &str| {
            words.split(' ').filter_map(|word| word.split_once('=')).find(|(k, _)| *k == key)
        };
        let at = |key: &str| value(key).map(|(_, ms)| ms.parse().map(Wall)).transpose();
        let put_at = at("put").map_err(|_| NotPassed)?.ok_or(NotPassed)?;
        let queued_at = at("queued").map_err(|_| NotPassed)?;
        let received_at = at("received").map_err(|_| NotPassed)?.ok_or(NotPassed)?;
        let word = value("post").map(|(_, word)| word).ok_or(NotPassed)?;
        let post = CanaryPost::ALL.into_iter().find(|post| post.as_str() == word);
        Ok(Passed { put_at, queued_at, received_at, post: post.ok_or(NotPassed)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_text_is_read() {
        for queued_at in [None, Some(Wall(-5)), Some(Wall(1_790_000_000_500))] {
            for post in CanaryPost::ALL {
                let (put_at, received_at) = (Wall(1_790_000_000_000), Wall(i64::MAX));
                let passed = Passed { put_at, queued_at, received_at, post };
                let text = passed.to_string();
                assert_eq!(text.parse(), Ok(passed), "{text}");
                assert!(text.len() <= 120, "a row stays under 1 KB: {text}");
            }
        }
    }

    #[test]
    fn a_newer_text_is_read_and_another_text_is_not() {
        let newer = "canary put=1 hops=2 received=3 post=no";
        let passed =
            Passed { put_at: Wall(1), queued_at: None, received_at: Wall(3), post: CanaryPost::No };
        assert_eq!(newer.parse(), Ok(passed));
        for text in [
            "",
            "canary",
            "a1b2c3-17",
            "canary put=1",
            "canary put=1 received=3",
            "canary put=1 received=3 post=perhaps",
            "canary put=x received=3 post=no",
            "canary put=1 queued=x received=3 post=no",
            "canary put=99999999999999999999 received=3 post=no",
        ] {
            assert_eq!(text.parse::<Passed>(), Err(NotPassed), "{text}");
        }
    }
}
