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
    /// Compare this region's findings. May be given more than once [default: reconcile.regions]
    #[arg(long = "region", value_name = "REGION")]
    pub regions: Vec<RegionName>,
    /// Begin at this time, in RFC 3339, or so long ago, e.g. 24h [default: where the last run ended,
    /// or 24h]
    #[arg(long, value_name = "TIME|AGO")]
    pub since: Option<Since>,
    /// Say what is missing, and enqueue nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print what was found as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
    /// Stop in each region after so many findings, rounded up to pages of 50; the next run goes on
    /// from there [default: 5000]
    #[arg(long, value_name = "N")]
    pub limit: Option<NonZeroUsize>,
}

/// A moment, or a length of time before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    At(Wall),
    Ago(Duration),
}

impl Since {
    /// # Errors
    /// It is yet to come: what to write instead.
    pub fn moment(self, now: Wall) -> Result<Wall, String> {
        match self {
            Since::Ago(ago) => Ok(now.minus(ago)),
            Since::At(at) if at <= now => Ok(at),
            Since::At(_) => Err("--since must be a time that is past".to_owned()),
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Since, String> {
        if let Some(at) = Wall::parse_rfc3339(text) {
            return Ok(Since::At(at));
        }
        let expected = "must be a time such as 2026-11-20T00:00:00Z, or a length such as 24h or 7d";
        duration::parse(text).map(Since::Ago).map_err(|_| expected.to_owned())
    }
}

pub const ABOUT: &str = "\
Compare what GuardDuty holds with the ledger, and put into the queue what nobody was told of: for what
EventBridge did not deliver.

For each region: the findings that were updated since the last run and are not archived, at or above the
threshold. One that the ledger does not know goes into the standard queue, and a worker tells it like any
other; samples too. What is younger than ten minutes may still be on its way, and is left to the next run.
How far it came is kept in the ledger, so a run that was stopped is gone on with.

A worker does the same by itself with reconcile.every. Here it is done at once. Ends with 1 if a region
could not be compared; the others are compared all the same.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_how_long_ago() {
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
