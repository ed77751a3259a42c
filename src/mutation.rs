//! Mistakes made on purpose, to see that the tests find them. Without debug assertions, as in a
//! release, [`is`] is a constant and nothing of this is left in the program.

/// A mistake: what the program forgets or does wrong while it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Every post starts from the oldest alert instead of the worst.
    PriorityIgnored,
    CriticalsShareWithLesser,
    BreakerKeepsReceiving,
    /// No post starts from the oldest alert.
    AgeingForgotten,
    /// The oldest has its turn even while a critical waits.
    AgeingOvertakesCriticals,
    /// Lesser posts use all of the fleet's pace.
    ShareIgnored,
    /// A slot of the fleet's pace is not waited for.
    FleetPaceIgnored,
    /// The other workers are not told of a `Retry-After`.
    FleetPauseForgotten,
    /// A message is hidden again only when it is visible already.
    HeartbeatLate,
    /// What goes back to the queue is left to reappear by itself.
    ReturnForgotten,
    /// That a post may have been accepted is not written into the ledger.
    AmbiguityForgotten,
    /// A claim whose post failed is not given up.
    ReleaseForgotten,
    /// A refused post is tried again as it was.
    SplitForgotten,
    /// An alert that was refused alone is parked, and not tried as text.
    PlainForgotten,
    /// A worker that is asked to stop keeps what it has.
    DrainForgotten,
    /// An alert is posted without a claim.
    ClaimForgotten,
    /// A message is deleted when its post is accepted, and not when the ledger knows of it.
    DeleteBeforeMark,
    /// A post at a lower level covers a worse one.
    CoveredByLowerLevel,
    /// What was posted without a claim is not written into the ledger when that is back.
    UnclaimedNotRecorded,
    /// Nobody stands in for a dead destination.
    FallbackForgotten,
    /// A full desk hands back the most urgent instead of the least.
    OutrankedMostSevere,
    /// A fallback takes what a destination that works could be told itself.
    FallbackServesTheLiving,
    /// With the ledger away criticals wait for it for ever.
    UnreachableForgotten,
    /// With the ledger away every worker posts at the whole pace.
    UnreachablePaceUndivided,
    /// What failed in a row is not forgotten when a post is accepted.
    BreakerNeverCloses,
    /// A claim that is taken over keeps its number.
    FenceKept,
    /// A claim of what was told before is given up as if it never had been.
    ReleaseFreesTheSent,
    /// A worker that is asked to stop keeps what it hands back hidden for a while.
    DrainDelays,
    /// What was handed back begins to wait anew.
    AgeForgotten,
    /// That a destination was in trouble is said with every post from then on.
    NotesRepeated,
    /// Every failure is worth a word.
    NotesForTrifles,
    /// A row that somebody has claimed is taken for one that was posted.
    ClaimedTakenForTold,
    /// A row that has expired, or is remembered, covers for ever.
    ExpiryForgotten,
    /// A worker's memory is never too old.
    MemoryNeverAges,
    /// What was asked for again is settled by a memory or a look.
    AgainForgotten,
    /// What a look did not find counts as covered.
    UnknownTakenForPosted,
    /// Receives beside the first one of a lane are made whether there is room or not.
    ReceivesWithoutPlace,
}

#[cfg(debug_assertions)]
thread_local! {
    static ON: std::cell::Cell<Option<Mutation>> = const { std::cell::Cell::new(None) };
}

/// Whether this mistake is to be made here.
#[inline]
pub fn is(mutation: Mutation) -> bool {
    #[cfg(debug_assertions)]
    return ON.get() == Some(mutation);
    #[cfg(not(debug_assertions))]
    {
        let _ = mutation;
        false
    }
}

/// Runs something with a mistake in it. The mistake is this thread's alone, and ends with the run,
/// also when that panics.
#[cfg(debug_assertions)]
pub fn with<T>(mutation: Mutation, run: impl FnOnce() -> T) -> T {
    struct Undo(Option<Mutation>);
    impl Drop for Undo {
        fn drop(&mut self) {
            ON.set(self.0);
        }
    }
    let _undo = Undo(ON.replace(Some(mutation)));
    run()
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_made_only_within_its_run_and_on_its_thread() {
        let asked = Mutation::ClaimForgotten;
        assert!(!is(asked));
        with(asked, || {
            assert!(is(asked));
            assert!(!is(Mutation::DrainForgotten));
            assert!(std::thread::spawn(move || !is(asked)).join().unwrap());
            with(Mutation::DrainForgotten, || assert!(!is(asked)));
            assert!(is(asked));
        });
        assert!(!is(asked));
        let panicked = std::panic::catch_unwind(|| with(asked, || panic!("in the run")));
        assert!(panicked.is_err() && !is(asked));
    }
}
