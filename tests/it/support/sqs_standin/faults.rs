//! Faults that a test can inject.

/// A fault of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the whole call fails, e.g. (400, "RequestThrottled").
    Refuse { status: u16, code: &'static str },
    /// The entries at these indexes of a batch fail, and nothing is done for them.
    FailEntries { indexes: Vec<usize>, code: &'static str },
    /// The entries at these indexes of a batch are carried out, but the answer skips them.
    SkipEntries { indexes: Vec<usize> },
    /// All is done, but the connection breaks before the answer is complete.
    LoseAnswer,
    /// Nothing is done, and no answer comes.
    Hang,
    /// All is done, and no answer comes.
    HangAfter,
    /// Nothing is done, and the answer says that it was: a deleted message that reappears.
    Pretend,
    /// A receive leaves its messages visible, so the next receive gets them again.
    Duplicate,
    /// A receive returns the newest messages first.
    Reorder,
}

#[derive(Default)]
pub(super) struct Faults {
    ordered: Vec<(String, usize, Fault)>,
}

impl Faults {
    pub(super) fn order(&mut self, operation: &str, times: usize, fault: Fault) {
        self.ordered.push((operation.to_owned(), times, fault));
    }

    /// The fault that this call suffers, if any.
    pub(super) fn take(&mut self, operation: &str) -> Option<Fault> {
        let due = |(of, times, _): &&mut (String, usize, Fault)| of == operation && *times > 0;
        let (_, times, fault) = self.ordered.iter_mut().find(due)?;
        *times -= 1;
        Some(fault.clone())
    }
}
