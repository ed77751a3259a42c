//! Mistakes made on purpose, to see that the tests find them. Without debug assertions, as in a
//! release, [`is`] is a constant and nothing of this is left in the program.

/// A mistake: what the program forgets or does wrong while it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Every post starts from the oldest alert instead of the most severe.
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
    /// A `Retry-After` is not written into the record of the pace.
    FleetPauseForgotten,
    /// A message is hidden again only when it is visible already.
    HeartbeatLate,
    /// A message that is to return is left to reappear by itself.
    ReturnForgotten,
    /// That a post may have been accepted is not written into the ledger.
    AmbiguityForgotten,
    /// A claim whose post failed is not released.
    ReleaseForgotten,
    /// A refused post is retried as it was.
    SplitForgotten,
    /// An alert that was refused alone is quarantined, and not posted as plain text.
    PlainForgotten,
    /// A worker that is asked to stop keeps what it has.
    DrainForgotten,
    /// An alert is posted without a claim.
    ClaimForgotten,
    /// A message is deleted when its post is accepted, and not when the ledger knows of it.
    DeleteBeforeMark,
    /// A post at a lower level settles a more severe alert.
    SettledByLowerLevel,
    /// A post without a claim is not recorded when the ledger is reachable again.
    UnclaimedNotRecorded,
    /// No fallback stands in for a dead destination.
    FallbackForgotten,
    /// A full desk returns the most severe alerts instead of the least severe.
    OutrankedMostSevere,
    /// A fallback receives alerts of a destination that works.
    FallbackServesTheLiving,
    /// Critical alerts wait for an unreachable ledger for ever.
    UnreachableForgotten,
    /// While the ledger is unreachable every worker posts at the whole pace.
    UnreachablePaceUndivided,
    /// An accepted post does not reset the count of failures in a row.
    BreakerNeverCloses,
    /// A claim that is taken over keeps its number.
    FenceKept,
    /// The release of a claim forgets the earlier post.
    ReleaseFreesTheSent,
    /// A worker that is asked to stop returns its messages with a delay.
    DrainDelays,
    /// A message that was returned counts as new.
    AgeForgotten,
    /// A note is repeated with every post from then on.
    NotesRepeated,
    /// Every failure is worth a note.
    NotesForTrifles,
    /// A claimed record is taken for one of a post.
    ClaimedTakenForPosted,
    /// A closing changes no record.
    ClosingIgnored,
    /// A closing forgets that the alert was posted.
    ClosingForgetsPost,
    /// A closing does not wait for a claim of another worker.
    ClosingBreaksClaim,
    /// A closing that has no record is not written.
    ClosingLeavesNoTrace,
    /// The state that came last replaces the one before.
    ArrivalDecides,
    /// A record does not learn of a state that is newer than what it knows.
    NewerStateForgotten,
    /// A finding that comes back stays closed.
    ComebackForgotten,
    /// This worker's memory settles also a state that the record had not seen.
    MemorySettlesComebacks,
    /// An expired record settles alerts for ever.
    ExpiryForgotten,
    /// This worker's memory of a record is never too old.
    MemoryNeverAges,
    /// An alert that an operator sent again is settled by memory or prefetch.
    AgainForgotten,
    /// An alert that the prefetch did not find counts as posted.
    UnknownTakenForPosted,
    /// Further receives of a lane are ordered whether the buffer has a place or not.
    ReceivesWithoutPlace,
    /// A silence keeps findings back for ten minutes after its end.
    SilenceEndsLate,
    /// A silence keeps findings back whatever their level.
    SilenceCoversAll,
    /// What stands below `not` is no rule.
    RulesBelowNotIgnored,
    /// The silences are read once, at the start.
    SilencesNeverReadAgain,
    /// After a read that failed, the silences are read no sooner than after any other.
    SilencesReadAgainLate,
    /// An alert that an operator sent again is kept back.
    AgainSilenced,
    /// What a person sent on purpose is kept back.
    RequestedSilenced,
    /// A closing is kept back.
    ClosingSilenced,
    /// A change of the silences replaces one that another operator made meanwhile.
    SilenceChangeLost,
    /// A destination that ends the search does not end it.
    RouteEndForgotten,
    /// Alike alerts of different levels share a line.
    DigestIgnoresLevels,
    /// A line of several alerts names the account of the first.
    DigestAccountOfFirst,
    /// Every card says that its finding was seen once.
    CountForgotten,
    /// The type is shown instead of the title.
    TitleForgotten,
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
