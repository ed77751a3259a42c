//! The text of day counts as the ledger stores it: one line for each number, its fields separated
//! by tabs.
//!
//! ```text
//! count   silenced  123456789012  Recon:EC2/PortProbeUnprotectedPort  2  17
//! silence weekly-scan  security  17
//! rest    silenced  4
//! ```

use std::fmt::Write;

use super::{CountKey, CountedAs, DayCounts, SilencedKey};
use crate::finding::Level;

const COUNT: &str = "count";
const SILENCE: &str = "silence";
const REST: &str = "rest";

/// The most lines of a newer version that are kept, and the longest. Others are lost.
const NEWER_LINES_MAX: usize = 200;
const NEWER_BYTES_MAX: usize = 200;
/// No older text is longer. The rest of a longer one is not read.
const LINES_MAX: usize = 10_000;

impl DayCounts {
    /// The text from which [`DayCounts::parse`] makes equal counts. At most 350 KB, if all texts
    /// are as long as they may be. Usually it has 60 bytes for each count.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (CountKey { what, account, kind, level }, number) in &self.counts {
            let (what, account, kind) = (what.as_str(), plain(account), plain(kind));
            let level = level.map_or(String::new(), |level| level.rank().to_string());
            let _ = writeln!(text, "{COUNT}\t{what}\t{account}\t{kind}\t{level}\t{number}");
        }
        for (SilencedKey { silence, destination }, number) in &self.silenced {
            let (silence, destination) = (plain(silence), plain(destination));
            let _ = writeln!(text, "{SILENCE}\t{silence}\t{destination}\t{number}");
        }
        for (what, number) in &self.rest {
            let _ = writeln!(text, "{REST}\t{}\t{number}", what.as_str());
        }
        for line in &self.newer {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Reads what any version wrote. A line that this version does not know is kept, and written
    /// again as it was, also if a carriage return ends it.
    pub fn parse(text: &str) -> DayCounts {
        let mut counts = DayCounts::default();
        for line in text.split('\n').take(LINES_MAX).filter(|line| !line.is_empty()) {
            if counts.read(line).is_none() {
                counts.keep(line);
            }
        }
        counts
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = fields.last()?.parse().ok()?;
        match fields[..] {
            [COUNT, what, account, kind, level, _] => {
                let level = match level {
                    "" => None,
                    rank => Some(Level::from_rank(rank.parse().ok()?)?),
                };
                self.count(CountKey::new(counted_as(what)?, account, kind, level), number);
            }
            [SILENCE, silence, destination, _] => {
                self.count_silenced(SilencedKey::new(silence, destination), number);
            }
            [REST, what, _] => {
                super::increase(self.rest.entry(counted_as(what)?).or_default(), number);
            }
            _ => return None,
        }
        Some(())
    }

    /// Keeps a line of a newer version.
    pub(super) fn keep(&mut self, line: &str) {
        if self.newer.len() < NEWER_LINES_MAX && line.len() <= NEWER_BYTES_MAX {
            self.newer.push(line.to_owned());
        }
    }
}

fn counted_as(word: &str) -> Option<CountedAs> {
    CountedAs::ALL.into_iter().find(|what| what.as_str() == word)
}

/// A text without separators, also if a caller made the key without cleaning it.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}
