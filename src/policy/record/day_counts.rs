//! The record of what was counted on a day.

use std::fmt::Write;

use super::expect::{State, Version, Versioned};
use crate::instants::Wall;
use crate::policy::day_counts::DayCounts;

/// What all workers counted on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCountsRecord {
    pub counts: DayCounts,
    /// The last write of each of the last workers, the newest last, at most
    /// [`DayCountsRecord::WRITERS_MAX`]. By it a worker whose write was not answered knows whether
    /// its counts are in here.
    pub writers: Vec<Writer>,
    /// Grows by one with every write.
    pub fence: u64,
    pub expires_at: Wall,
}

/// One write of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The worker's id, at most [`Writer::BYTES_MAX`], without white space.
    pub worker: String,
    /// Which of its writes: they are numbered from 1.
    pub number: u64,
}

impl Writer {
    pub const BYTES_MAX: usize = 40;
}

const WRITER: &str = "writer\t";

impl DayCountsRecord {
    pub const WRITERS_MAX: usize = 16;

    /// The writers and the counts, as the ledger stores them.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for Writer { worker, number } in &self.writers {
            _ = writeln!(text, "{WRITER}{worker}\t{number}");
        }
        text + &self.counts.to_text()
    }

    /// Reads what any version wrote.
    pub(super) fn parse(text: &str) -> (Vec<Writer>, DayCounts) {
        let is_writer = |line: &&str| line.starts_with(WRITER);
        let writer = |line: &str| {
            let (worker, number) = line.strip_prefix(WRITER)?.split_once('\t')?;
            let worker = Some(worker).filter(|worker| worker.len() <= Writer::BYTES_MAX)?;
            Some(Writer { worker: worker.to_owned(), number: number.parse().ok()? })
        };
        let writers = text.lines().take_while(is_writer).take(DayCountsRecord::WRITERS_MAX);
        let writers: Vec<Writer> = writers.filter_map(writer).collect();
        let rest = text.lines().position(|line| !is_writer(&line));
        let from = text.split_inclusive('\n').take(rest.unwrap_or(usize::MAX)).map(str::len).sum();
        (writers, DayCounts::parse(text.get(from..).unwrap_or_default()))
    }

    /// Whether this or a later write of this worker is in here.
    pub fn has(&self, writer: &Writer) -> bool {
        let of_worker = self.writers.iter().find(|known| known.worker == writer.worker);
        of_worker.is_some_and(|known| known.number >= writer.number)
    }
}

impl Versioned for DayCountsRecord {
    fn version(&self) -> Version<'_> {
        Version { state: State::Free, owner: "", fence: self.fence, lease_until: Wall(0) }
    }
}
