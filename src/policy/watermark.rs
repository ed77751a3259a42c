//! How far a region's findings have been compared with the ledger: for each region one row in the
//! ledger, which is also the right to compare it.
//!
//! Everything that was updated before the row's `revision_sent` has been compared. After a run that
//! came to the end of the list the next one begins [`OVERLAP`] before that, for what shows up late;
//! after one that was cut short it begins exactly there, so that runs that are always cut short
//! still get on. The row's `digest` says which of the two it was.
//!
//! Who compares renews its lease page by page. The timers of several workers leave one another
//! alone; a person who asks takes over, and whoever was at it alerts at its next page. Two at once
//! would do no harm: what is put into the queue twice is told once.

use std::time::Duration;

use crate::instants::Wall;

use super::ledger::{Expect, RecordKey, Row, State, Terms, blank};

/// In place of a fingerprint. No fingerprint looks like this: they have four parts.
pub const WATERMARK: &str = "reconcile";
/// So long before the end of a whole run the next one begins. It is longer than any finding is left
/// to settle (see [`crate::commands::reconcile`]), and than lists should lag behind.
pub const OVERLAP: Duration = Duration::from_secs(3600);
/// Where a region begins that was never compared.
pub const FIRST_LOOK: Duration = Duration::from_secs(24 * 3600);
/// A page takes seconds.
const LEASE: Duration = Duration::from_secs(300);

/// The last run came to the end of the list.
const WHOLE: &str = "whole";
/// It was to stop before: the next one need not wait for its time.
const CUT: &str = "cut";
/// It stopped because something failed.
const FAILED: &str = "failed";

/// The row of a region.
pub fn key(region: &str) -> RecordKey {
    RecordKey { fingerprint: WATERMARK.to_owned(), destination: region.to_owned() }
}

/// By what right a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Somebody asked for it: at once, whoever else is at it.
    Asked,
    /// A timer: only if nobody else is at it, and so long after the last one began.
    Timed(Duration),
}

/// Whether a run may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Yes, once this write is done.
    Go { expect: Expect, held: Held },
    /// Another run is at it, at most until then.
    Busy { until: Wall },
    /// It is not time yet.
    NotDue { until: Wall },
}

/// The right to compare a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The row, as it is kept.
    pub row: Row,
    /// Findings updated since this moment are to be compared.
    pub from: Wall,
    /// What is compared joins what was compared before, so that the row can say so. It does not if
    /// somebody asked to begin at a later moment: then the row stays as it is.
    pub joins: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything up to this moment was compared.
    Whole(Wall),
    Cut,
    Failed,
}

/// Where a run begins if nothing else is asked for.
fn usual(row: Option<&Row>, now: Wall) -> Wall {
    match row.and_then(|row| Some((row.revision_sent?, row.digest.as_str()))) {
        None => now.minus(FIRST_LOOK),
        // Whatever the clocks of others say, nothing was compared that is yet to come.
        Some((compared, WHOLE)) => compared.min(now).minus(OVERLAP),
        Some((compared, _)) => compared.min(now),
    }
}

/// Picks what a run is to do, from the region's row as it was seen. `me` names the run; `since` is
/// where it was asked to begin.
pub fn turn(
    seen: Option<&Row>,
    me: &str,
    manner: Manner,
    since: Option<Wall>,
    terms: &Terms,
    now: Wall,
) -> Turn {
    let known = seen.filter(|row| row.expires_at >= now);
    if let (Manner::Timed(every), Some(row)) = (manner, known) {
        let until = row.lease_until.plus(terms.skew);
        if row.state == State::Claimed && now < until {
            return Turn::Busy { until };
        }
        // Who holds it still after its lease is gone, and was cut short.
        let cut = row.digest == CUT || row.state == State::Claimed;
        let due = row.sent_at.map(|began| began.min(now).plus(every));
        if let Some(due) = due.filter(|due| !cut && now < *due) {
            return Turn::NotDue { until: due };
        }
    }
    let usual = usual(known, now);
    let from = since.unwrap_or(usual);
    let joins = from <= usual;
    let before = known.cloned().unwrap_or_else(|| blank(0));
    let row = Row {
        state: State::Claimed,
        owner: me.to_owned(),
        fence: seen.map_or(0, |row| row.fence).saturating_add(1),
        lease_until: now.plus(LEASE),
        revision_sent: if joins { Some(from) } else { before.revision_sent },
        sent_at: if joins { Some(now) } else { before.sent_at },
        digest: if joins { CUT.to_owned() } else { before.digest.clone() },
        expires_at: terms.expiry(now),
        ..before
    };
    let expect = seen.map_or(Expect::Absent, Row::as_seen);
    Turn::Go { expect, held: Held { row, from, joins } }
}

/// Everything up to `to` has been compared: the write that says so, and renews the lease.
pub fn advance(held: &Held, to: Wall, terms: &Terms, now: Wall) -> (Expect, Row) {
    let row = Row {
        lease_until: now.plus(LEASE),
        revision_sent: match held.joins {
            true => held.row.revision_sent.max(Some(to)),
            false => held.row.revision_sent,
        },
        expires_at: terms.expiry(now),
        ..held.row.clone()
    };
    (held_as(held), row)
}

/// The run is over: the write that says how.
pub fn end(held: &Held, ending: Ending, terms: &Terms, now: Wall) -> (Expect, Row) {
    let mut row = Row {
        state: State::Free,
        owner: String::new(),
        lease_until: now,
        expires_at: terms.expiry(now),
        ..held.row.clone()
    };
    if held.joins {
        row.digest = match ending {
            Ending::Whole(_) => WHOLE,
            Ending::Cut => CUT,
            Ending::Failed => FAILED,
        }
        .to_owned();
        if let Ending::Whole(to) = ending {
            row.revision_sent = row.revision_sent.max(Some(to));
        }
    }
    (held_as(held), row)
}

fn held_as(held: &Held) -> Expect {
    Expect::Held { owner: held.row.owner.clone(), fence: held.row.fence }
}

#[cfg(test)]
mod tests;
