//! Keeps the silences of a worker up to date with the ledger, beside its work. While the ledger
//! does not answer, the silences that are known stay in force until their own end.

use std::convert::Infallible;
use std::time::Duration;

use tracing::{info, warn};

use super::store::Reader;
use crate::health::SilenceState;
use crate::instants::Mono;
use crate::mutation::{self, Mutation};
use crate::policy::silence::CurrentSilences;
use crate::ports::{Clock, Ledger};

/// How often the head is read, so that a change is seen within 30 s.
pub const EVERY: Duration = Duration::from_secs(20);
/// After a read that failed they are read again so soon, because it may have missed a change.
const AGAIN: Duration = Duration::from_secs(5);
/// A worker that starts, and a call of Lambda, wait so long for the ledger. Then they work with the
/// silences that they know, perhaps with none: a post too many is better than one too few.
const READ_MAX: Duration = Duration::from_secs(3);

/// Reads the silences before findings are taken up.
pub async fn first<L: Ledger, C: Clock>(
    reader: &mut Reader,
    ledger: &L,
    clock: &C,
) -> SilenceState {
    let until = clock.now().mono.plus(READ_MAX);
    let read = tokio::select! {
        biased;
        read = reader.refresh(ledger) => read.map_err(|why| why.to_string()),
        () = clock.sleep_until(until) => Err("the ledger does not answer in time".to_owned()),
    };
    state(reader, read, clock)
}

/// Reads the silences regularly, until it is dropped. `tell` hears what each read found.
pub async fn follow<L: Ledger, C: Clock>(
    mut reader: Reader,
    ledger: &L,
    clock: &C,
    tell: impl Fn(SilenceState),
) -> Infallible {
    let mut failing = false;
    // A first read that failed or took too long is made up for at once.
    let mut pause = if reader.has_read() { EVERY } else { Duration::ZERO };
    loop {
        clock.sleep_until(clock.now().mono.plus(pause)).await;
        pause = EVERY;
        if mutation::is(Mutation::SilencesNeverReadAgain) {
            continue;
        }
        let read = reader.refresh(ledger).await.map_err(|why| why.to_string());
        match &read {
            Err(detail) if !failing => {
                warn!(detail, "the silences can't be read: those that are known stay in force");
            }
            Ok(()) if failing => info!("the silences are read again"),
            _ => {}
        }
        failing = read.is_err();
        if failing && !mutation::is(Mutation::SilencesReadAgainLate) {
            pause = AGAIN;
        }
        tell(state(&reader, read, clock));
    }
}

/// The silences of a Lambda function. Nothing runs between its calls, so a call reads them, unless
/// an earlier one did lately.
pub struct OfCalls {
    reader: Reader,
    next_read: Mono,
}

impl OfCalls {
    pub fn new(current: CurrentSilences) -> OfCalls {
        OfCalls { reader: Reader::new(current), next_read: Mono::default() }
    }

    /// None: they were read lately.
    pub async fn refresh<L: Ledger, C: Clock>(
        &mut self,
        ledger: &L,
        clock: &C,
    ) -> Option<SilenceState> {
        if clock.now().mono < self.next_read {
            return None;
        }
        let began = clock.now().mono;
        let state = first(&mut self.reader, ledger, clock).await;
        self.next_read = began.plus(if state.failed.is_none() { EVERY } else { AGAIN });
        if let Some(detail) = &state.failed {
            warn!(detail, "the silences can't be read: those that are known stay in force");
        }
        Some(state)
    }
}

fn state<C: Clock>(reader: &Reader, read: Result<(), String>, clock: &C) -> SilenceState {
    let in_force = reader.in_force(clock.now().wall);
    SilenceState { in_force, failed: read.err() }
}
