//! What the ledger says of a canary, for whoever waits for it: when it passed where.

use std::fmt;
use std::str::FromStr;

use crate::finding::Fingerprint;
use crate::instants::Wall;

use super::ledger::RecordKey;

/// The sort key of a canary's own row. No destination can have this name.
pub const ROW: &str = "(canary)";

/// The key of a canary's own row, which it leaves whether it is posted or not.
pub fn key(fingerprint: &Fingerprint) -> RecordKey {
    RecordKey::new(fingerprint, ROW)
}

/// When a canary passed where, each by the clock of that place. Its row has them as text in the
/// place of the post's id: `canary put=… queued=… received=… post=no`, in ms since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// It was put on the bus.
    pub put_at: Wall,
    /// It entered the queue. None: the queue did not say.
    pub queued_at: Option<Wall>,
    /// A worker received it.
    pub received_at: Wall,
    pub post: Post,
}

/// Whether a canary is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// It did not ask for it.
    No,
    Yes,
    /// It asked for it, but too many had been posted before.
    TooMany,
}

impl Post {
    const ALL: [Post; 3] = [Post::No, Post::Yes, Post::TooMany];

    pub fn as_str(self) -> &'static str {
        match self {
            Post::No => "no",
            Post::Yes => "yes",
            Post::TooMany => "too-many",
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
#[error("the canary's row does not say when it passed where: it is of another version of hansho")]
pub struct NotPassed;

impl FromStr for Passed {
    type Err = NotPassed;

    /// Words that are not known are passed over, so that a newer worker may say more.
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
        let post = Post::ALL.into_iter().find(|post| post.as_str() == word).ok_or(NotPassed)?;
        Ok(Passed { put_at, queued_at, received_at, post })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for queued_at in [None, Some(Wall(-5)), Some(Wall(1_790_000_000_500))] {
            for post in Post::ALL {
                let (put_at, received_at) = (Wall(1_790_000_000_000), Wall(i64::MAX));
                let passed = Passed { put_at, queued_at, received_at, post };
                let text = passed.to_string();
                assert_eq!(text.parse(), Ok(passed), "{text}");
                assert!(text.len() <= 120, "a row stays under 1 KB: {text}");
            }
        }
    }

    #[test]
    fn a_newer_one_is_read_and_another_text_is_not() {
        let newer = "canary put=1 hops=2 received=3 post=no";
        let passed =
            Passed { put_at: Wall(1), queued_at: None, received_at: Wall(3), post: Post::No };
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

    #[test]
    fn no_destination_is_called_so() {
        assert!(ROW.contains(['(', ')']), "the configuration allows a-z 0-9 _ - in names");
    }
}
