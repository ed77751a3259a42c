//! Whether a run of reconcile may compare a region, and where it begins.
//!
//! Each region has one [`WatermarkRecord`]. It says how far the region has been compared with the
//! ledger, and it is also the lease of the run that compares it.
//!
//! After a run that came to the end of the list, the next one begins [`OVERLAP`] before that, for
//! findings that show up late. After a run that was cut short, the next one begins exactly where it
//! stopped, so that runs that are always cut short still make progress.
//!
//! A run renews its lease page by page. A timer leaves the run of another worker alone. A person
//! who asks takes the lease over, and the earlier run stops at its next page. Two runs at once
//! would do no harm: a finding that is enqueued twice is posted once.

use std::time::Duration;

use crate::instants::Wall;

use super::ledger::Terms;
use super::record::{Ended, Expect, Progress, Run, Versioned, WatermarkRecord};

/// The next run begins this time before the end of a whole run. It is longer than the age below
/// which reconcile leaves findings to the next run, and longer than the expected lag of lists.
pub const OVERLAP: Duration = Duration::from_secs(3600);
/// The first run of a region compares the last 24 h.
pub const FIRST_WINDOW: Duration = Duration::from_secs(24 * 3600);
/// A page takes seconds.
const LEASE: Duration = Duration::from_secs(300);

/// The cause of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A person asked for it: at once, whatever run is under way.
    Asked,
    /// A timer: only if no other run is under way, and so long after the last one began.
    Timed(Duration),
}

/// Whether a run may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Yes, once this write is done.
    Go { expect: Expect, held: Held },
    /// Another run is under way, at most until then.
    Busy { until: Wall },
    /// It is not time yet.
    NotDue { until: Wall },
}

/// A run that holds its region's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub record: WatermarkRecord,
    /// Where the run begins.
    pub from: Wall,
    /// The run continues where those before it stopped, so that the record can say how far it
    /// comes. It does not if a person asked to begin at a later moment: then the progress stays.
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
fn usual(progress: Option<&Progress>, now: Wall) -> Wall {
    match progress {
        None => now.minus(FIRST_WINDOW),
        // Whatever other machines' clocks say, the future was not compared.
        Some(Progress { compared_to, ended: Ended::Whole, .. }) => {
            (*compared_to).min(now).minus(OVERLAP)
        }
        Some(Progress { compared_to, .. }) => (*compared_to).min(now),
    }
}

/// Picks what a run does, from the region's record as it was read. `me` names the run; `since` is
/// where it was asked to begin.
pub fn turn(
    seen: Option<&WatermarkRecord>,
    me: &str,
    manner: Manner,
    since: Option<Wall>,
    terms: &Terms,
    now: Wall,
) -> Turn {
    let known = seen.filter(|seen| seen.expires_at >= now);
    if let (Manner::Timed(every), Some(known)) = (manner, known)
        && let Some(not_yet) = waits(known, every, terms, now)
    {
        return not_yet;
    }
    let before = known.and_then(|known| known.progress);
    let usual = usual(before.as_ref(), now);
    let from = since.unwrap_or(usual);
    let joins = from <= usual;
    let joined = Progress { compared_to: from, began_at: now, ended: Ended::Cut };
    let record = WatermarkRecord {
        run: Run::Running { owner: me.to_owned() },
        progress: if joins { Some(joined) } else { before },
        fence: seen.map_or(0, |seen| seen.fence).saturating_add(1),
        lease_until: now.plus(LEASE),
        expires_at: terms.expiry(now),
    };
    let expect = seen.map_or(Expect::Absent, WatermarkRecord::as_seen);
    Turn::Go { expect, held: Held { record, from, joins } }
}

/// Why a timer's run does not begin, if it does not.
fn waits(known: &WatermarkRecord, every: Duration, terms: &Terms, now: Wall) -> Option<Turn> {
    let until = known.lease_until.plus(terms.skew);
    if known.is_running() && now < until {
        return Some(Turn::Busy { until });
    }
    let progress = known.progress?;
    // A run that is still under way after its lease was cut short.
    let cut = progress.ended == Ended::Cut || known.is_running();
    let until = progress.began_at.min(now).plus(every);
    (!cut && now < until).then_some(Turn::NotDue { until })
}

/// Everything up to `to` has been compared: the write that says so, and renews the lease.
pub fn advance(held: &Held, to: Wall, terms: &Terms, now: Wall) -> (Expect, WatermarkRecord) {
    let record = WatermarkRecord {
        progress: held.record.progress.map(|progress| match held.joins {
            true => reached(progress, to),
            false => progress,
        }),
        lease_until: now.plus(LEASE),
        expires_at: terms.expiry(now),
        ..held.record.clone()
    };
    (held_as(held), record)
}

/// The run is over: the write that says how it ended.
pub fn end(held: &Held, ending: Ending, terms: &Terms, now: Wall) -> (Expect, WatermarkRecord) {
    let record = WatermarkRecord {
        run: Run::Idle,
        progress: held.record.progress.map(|progress| match (held.joins, ending) {
            (false, _) => progress,
            (true, Ending::Whole(to)) => Progress { ended: Ended::Whole, ..reached(progress, to) },
            (true, Ending::Cut) => Progress { ended: Ended::Cut, ..progress },
            (true, Ending::Failed) => Progress { ended: Ended::Failed, ..progress },
        }),
        lease_until: now,
        expires_at: terms.expiry(now),
        ..held.record.clone()
    };
    (held_as(held), record)
}

fn reached(progress: Progress, to: Wall) -> Progress {
    Progress { compared_to: progress.compared_to.max(to), ..progress }
}

fn held_as(held: &Held) -> Expect {
    let owner = held.record.owner().unwrap_or_default().to_owned();
    Expect::Held { owner, fence: held.record.fence }
}

#[cfg(test)]
mod tests;
