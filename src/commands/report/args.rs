//! The arguments of `hansho report`.

use clap::Args;

use crate::commands::args::{ConfigFlag, Input};
use crate::commands::note::asked::FIRST;
use crate::commands::reconcile::args::Since;

#[derive(Args, Debug)]
pub struct Report {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Begin with the day (UTC) of this time, in RFC 3339, or of this age, e.g. 7d. At most 365d
    #[arg(long, value_name = "TIME|AGO", default_value = "7d")]
    pub since: Since,
    /// Write a page with charts to this file instead of the text. `-` is the standard output
    #[arg(long, value_name = "FILE|-")]
    pub html: Option<Input>,
    /// Print one JSON object instead of the text
    #[arg(long)]
    pub json: bool,
    /// Also post a summary of a few lines to this destination [default: the first one]
    #[arg(long, value_name = "DESTINATION", num_args = 0..=1, default_missing_value = FIRST)]
    pub post: Option<String>,
}

pub const ABOUT: &str = "\
Show what happened lately: findings, alerts and posts by account, type, level and day, how long posts
took, the noisiest types and resources with the silence that one would add for each, and the open
incidents by age.

It reads the ledger alone, and changes nothing. It ends with what it can't know.
--post alone posts, and so needs a webhook. The summary mentions nobody.

On DynamoDB it scans the table, a megabyte at a time: at most 100 reads for 100,000 records, for less
than a cent. It needs dynamodb:Scan and dynamodb:GetItem.

Exit codes: 0 if the report is there, 1 if the ledger does not answer, if not all of it was read, if
the output can't be written, or if the summary was not posted, 2 for wrong usage or a wrong configuration.";
