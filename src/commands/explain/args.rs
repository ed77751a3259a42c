//! The arguments of `hansho explain`.

use clap::Args;

use crate::commands::args::ConfigFlag;

#[derive(Args, Debug)]
pub struct Explain {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// A finding's id, ARN or fingerprint (`product/account/region/id`, which the log calls
    /// `finding`), a post's id (`hansho …` at the end of a Slack message), or a file with the event
    /// or the finding. `-` is the standard input
    #[arg(value_name = "FINDING|FILE|-")]
    pub what: String,
    /// The account that the finding is about: with it and --region an id is found at once
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// The region that the finding is about
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The product that made it: guardduty, inspector, macie, access-analyzer, securityhub, or
    /// company:product
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// Leave the queues alone: do not look for it in quarantine, nor among what waits
    #[arg(long)]
    pub no_queues: bool,
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

pub const ABOUT: &str = "\
Tell what became of a finding, in the order of time, from the ledger, the queues and the
configuration: where it is owed, whether and when it was posted, in which post, how often that
failed, who is at it now; or why not: below the threshold, parked in quarantine with the reason,
never seen. Changes nothing.

What is known of a finding is kept under product, account, region and id. A file, an ARN or the
fingerprint that the log shows says all four. An id alone is searched for in the whole ledger: a
Scan, on DynamoDB, which costs about a cent for a million rows; --account and --region spare it.

A message of SQS can't be looked at without receiving it. So the quarantine is received from, what
was looked at is handed back at once, and its receive count grows; the lanes are only counted.
Needs dynamodb:Query (else dynamodb:GetItem, and then only the destinations that are configured are
looked up), dynamodb:Scan for an id alone, and on the quarantine sqs:ReceiveMessage and
sqs:ChangeMessageVisibility; what may not be asked is said.

Ends with 0 if there is any trace of it, in the ledger or in a queue; with 1 if there is none, or if
the ledger could not be asked; with 2 on wrong usage or a wrong configuration.";
