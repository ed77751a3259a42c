//! The arguments of `hansho reconcile`.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::commands::args::ConfigFlag;
use crate::config::RegionName;
use crate::config::duration;
use crate::instants::Wall;

#[derive(Args, Debug)]
pub struct Reconcile {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Compare the findings of this region. Can be repeated [default: reconcile.regions]
    #[arg(long = "region", value_name = "REGION")]
    pub regions: Vec<RegionName>,
    /// Start with findings of this time, in RFC 3339, or of this age, e.g. 24h [default: the end of
    /// the last run, or 24h]
    #[arg(long, value_name = "TIME|AGO")]
    pub since: Option<Since>,
    /// Report missing findings, and enqueue nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the report as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
    /// Stop in each region after N findings, rounded up to pages of 50. The next run resumes there
    /// [default: 5000]
    #[arg(long, value_name = "N")]
    pub limit: Option<NonZeroUsize>,
}

/// A moment, or an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    At(Wall),
    Ago(Duration),
}

impl Since {
    /// # Errors
    /// The moment is in the future.
    pub fn moment(self, now: Wall) -> Result<Wall, String> {
        match self {
            Since::Ago(ago) => Ok(now.minus(ago)),
            Since::At(at) if at <= now => Ok(at),
            Since::At(_) => Err("--since must be in the past".to_owned()),
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Since, String> {
        if let Some(at) = Wall::parse_rfc3339(text) {
            return Ok(Since::At(at));
        }
        let expected = "must be a time such as 2026-11-20T00:00:00Z, or an age such as 24h or 7d";
        duration::parse(text).map(Since::Ago).map_err(|_| expected.to_owned())
    }
}

pub const ABOUT: &str = "\
Compare the findings in GuardDuty with the ledger, and enqueue those that EventBridge did not
deliver.

In each region, it compares findings that were updated since the last run, are not archived, and
are at or above the threshold. A finding that the ledger does not know is put into a queue: high
and critical ones into the express queue, if there is one, all others into the standard queue. A
worker posts it like any other, samples too. Findings younger than ten minutes may still arrive,
and are left to the next run. The ledger keeps the progress, so a run that was interrupted
resumes.

A worker does the same regularly with reconcile.every. This command does it at once. Exit codes:
1 if a region could not be compared; the others are compared anyway.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ages_are_read() {
        let hour = Duration::from_secs(3600);
        let now = Wall(1_790_000_000_000);
        for (text, moment) in [
            ("24h", Some(now.minus(hour * 24))),
            ("2026-09-21T14:13:20Z", Some(now)),
            ("2026-09-21T14:13:21Z", None),
            ("0", Some(now)),
        ] {
            let since: Since = text.parse().unwrap();
            assert_eq!(since.moment(now).ok(), moment, "{text}");
        }
        for text in ["", "yesterday", "24", "2026-09-21", "-1h"] {
            assert!(text.parse::<Since>().unwrap_err().contains("24h"), "{text}");
        }
    }
}
