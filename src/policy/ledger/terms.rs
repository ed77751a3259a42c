//! How long rights and records last.

use std::time::Duration;

use super::AlertRecord;
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
    /// Until when a worker may be posting the alert of this record. None without a claim, or if its
    /// lease is over: a lease is its owner's until the slowest clock says that it has ended.
    pub(super) fn busy_until(&self, record: &AlertRecord, now: Wall) -> Option<Wall> {
        let until = record.lease_until.plus(self.skew);
        (record.is_claimed() && now < until).then_some(until)
    }

    /// When a record written at `now` may be forgotten. In whole seconds, rounded up: a TTL
    /// attribute holds no more, so a record is read as it was written.
    pub(crate) fn expiry(&self, now: Wall) -> Wall {
        now.plus(self.retention).whole_second()
    }
}
