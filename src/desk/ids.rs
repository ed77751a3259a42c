//! The desk's own numbers for what it holds.

/// A delivery that the desk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// An alert that the desk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertId(pub u64);

/// One counter for deliveries, alerts and posts. It never starts again within a process, because
/// owners and posts are named by its numbers.
#[derive(Clone, Copy, Default)]
pub(super) struct Ids(u64);

impl Ids {
    pub fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    /// No alert that exists has a higher number.
    pub fn last_alert(self) -> AlertId {
        AlertId(self.0)
    }
}
