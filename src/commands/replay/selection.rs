//! The dead letters that a command acts on, and what a person should know about the scan.

use crate::instants::Wall;
use crate::ports::{Clock, DeadLetterQueue, MessageId, QueueError};
use crate::words::number_of;

use super::args::Filters;
use super::filter::{self, Filter};
use super::holds::{BYTES_MAX, Cut, HOLD, Holds, MESSAGES_MAX, Scan, WAIT_MAX};
use super::parsed::ParsedDeadLetter;

/// Chooses dead letters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    pub filter: Filter,
    pub limit: Option<usize>,
}

/// The dead letters that a scan selected. The replay holds them.
#[derive(Debug)]
pub struct Selected {
    pub scan: Scan,
    /// How many the filter admits, before the limit.
    pub matched: usize,
    /// When messages of a replay that was killed are visible again, at the latest.
    pub visible_by: Wall,
}

impl Selection {
    pub fn new(filters: &Filters, now: Wall) -> Selection {
        Selection {
            filter: Filter {
                severities: filters.severity.clone(),
                accounts: filters.account.clone(),
                regions: filters.region.clone(),
                kinds: filters.kind.clone(),
                reasons: filters.reason.clone(),
                since: filters.since.map(|at| at.wall(now)),
                until: filters.until.map(|at| at.wall(now)),
                ids: filters.id.clone(),
            },
            limit: filters.limit.map(|n| n as usize),
        }
    }
}

/// # Errors
/// No dead letter can match.
pub fn check(filters: &Filters, now: Wall) -> Result<(), &'static str> {
    let [since, until] = [filters.since, filters.until].map(|at| at.map(|at| at.wall(now)));
    filter::time(since, until, now)
}

/// Scans the queue and holds the selected messages. Keeps their bodies if `bodies`.
pub async fn select<Q: DeadLetterQueue, C: Clock>(
    holds: &mut Holds<'_, Q, C>,
    selection: &Selection,
    bodies: bool,
) -> Result<Selected, QueueError> {
    let mut scan = holds.scan(|letter| selection.filter.admits(letter), bodies).await?;
    let matched = scan.admitted.len();
    let limit = selection.limit.unwrap_or(usize::MAX);
    if limit < matched {
        let rest: Vec<_> = scan.admitted.drain(limit..).map(|held| held.dead_letter.id).collect();
        holds.release(&rest).await;
    }
    Ok(Selected { scan, matched, visible_by: holds.clock.now().wall.plus(HOLD) })
}

/// Does the same as [`select`]. If others hide messages, waits for them and scans again. `waits`
/// gets their number and the time at which the wait ends.
pub async fn select_all<Q: DeadLetterQueue, C: Clock>(
    holds: &mut Holds<'_, Q, C>,
    selection: &Selection,
    mut waits: impl FnMut(u64, Wall),
) -> Result<Selected, QueueError> {
    let selected = select(holds, selection, true).await?;
    if selected.unseen(selection) == 0 || holds.stopped() {
        return Ok(selected);
    }
    waits(selected.scan.hidden, holds.clock.now().wall.plus(WAIT_MAX));
    holds.release_all().await;
    holds.wait_for_hidden().await?;
    select(holds, selection, true).await
}

impl Selected {
    /// How many messages were hidden and may match. Zero if the limit is reached without them.
    pub fn unseen(&self, selection: &Selection) -> u64 {
        let enough = selection.limit.is_some_and(|limit| self.scan.admitted.len() >= limit);
        if enough { 0 } else { self.scan.hidden }
    }

    /// Removes messages from the selection that a worker could not read and would quarantine again.
    /// Returns their ids.
    pub fn without_unreadable(&mut self) -> Vec<MessageId> {
        let out = self.scan.admitted.extract_if(.., |held| !held.parsed.rejections.is_empty());
        out.map(|held| held.dead_letter.id).collect()
    }

    /// The first line of the output.
    pub fn head(&self, queue: &str) -> String {
        let Selected { scan, matched, .. } = self;
        let mut head = match scan.scanned {
            0 if scan.hidden > 0 => {
                format!("{queue}: no dead letter is visible now, {} are hidden", scan.hidden)
            }
            0 => format!("{queue}: no dead letters"),
            1 => format!("{queue}: 1 dead letter"),
            n => format!("{queue}: {n} dead letters"),
        };
        match *matched {
            n if n == scan.scanned => {}
            0 => head.push_str(", none match"),
            1 => head.push_str(", 1 matches"),
            n => head.push_str(&format!(", {n} match")),
        }
        if scan.admitted.len() < *matched {
            head.push_str(&format!(", the first {} selected", scan.admitted.len()));
        }
        head
    }

    /// Why the scan may have missed messages.
    pub fn notes(&self) -> Vec<String> {
        let Scan { scanned, hidden, cut, .. } = &self.scan;
        let cut = match cut {
            None => None,
            Some(Cut::Stopped) => {
                Some(format!("stopped after {} of the scan", number_of(*scanned, "message")))
            }
            Some(Cut::Messages) => Some(format!(
                "the queue has more messages: one scan reads at most {MESSAGES_MAX}. Run the command \
                 again when these are gone"
            )),
            Some(Cut::Bytes) => Some(format!(
                "the queue has more messages: one scan reads at most {} MiB, here {}. Use filters, or \
                 run the command again when these are gone",
                BYTES_MAX >> 20,
                number_of(*scanned, "message")
            )),
            Some(Cut::Time) => Some(format!(
                "the queue has more messages: the scan took too long and ended after {scanned}. Run \
                 the command again"
            )),
        };
        let hidden = (*hidden > 0).then(|| {
            format!(
                "{hidden} {} hidden now, by another scan or by a replay that was killed. Messages of a \
                 killed replay are visible by {}. Run the command again then",
                if *hidden == 1 { "message is" } else { "messages are" },
                self.visible_by.to_rfc3339()
            )
        });
        cut.into_iter().chain(hidden).collect()
    }

    pub fn parsed(&self) -> Vec<&ParsedDeadLetter> {
        self.scan.admitted.iter().map(|held| &held.parsed).collect()
    }
}
