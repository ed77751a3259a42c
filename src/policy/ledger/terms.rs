//! How long rights and records last.

use std::time::Duration;

use crate::instants::Wall;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long a claim gives the right to post.
    pub lease: Duration,
    /// How far apart the clocks of two machines may be.
    pub skew: Duration,
    /// How long a record is kept after its last write.
    pub retention: Duration,
    /// Post again at the same level after so long, if the finding changed. None: never.
    pub remind_after: Option<Duration>,
}

impl Terms {
    /// When a record written at `now` may be forgotten. In whole seconds, rounded up: a TTL
    /// attribute holds no more, so a record is read as it was written.
    pub(crate) fn expiry(&self, now: Wall) -> Wall {
        let ms = now.plus(self.retention).0.saturating_add(999);
        Wall(ms.div_euclid(1000).saturating_mul(1000))
    }
}
