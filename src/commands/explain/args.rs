//! The arguments of `hansho explain`.

use clap::Args;

use crate::commands::args::ConfigFlag;

#[derive(Args, Debug)]
pub struct Explain {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// A finding's id, ARN or fingerprint (`product/account/region/id`, in the log as `finding`), a
    /// post's id (`hansho …` at the end of a Slack message), the id of a custom action's event, or
    /// a file with the event or the finding. `-` is the standard input
    #[arg(value_name = "FINDING|FILE|-")]
    pub what: String,
    /// The account of the finding. With --region, an id needs no search
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// The region of the finding
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The product of the finding: guardduty, inspector, macie, access-analyzer, securityhub, or
    /// company:product
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// Do not search the quarantine and the queues
    #[arg(long)]
    pub no_queues: bool,
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

pub const ABOUT: &str = "\
Show the history of a finding, from the ledger, the queues and the configuration:
- the destinations that it is owed to
- when it was posted, in which post, and how often posting failed
- the worker that is posting it now
- why it was not posted: left out by threshold or rules, closed, quarantined for a reason, or never
  received
- which events of a file are known to be no findings

Changes nothing.

The ledger knows a finding by product, account, region and id. A file, an ARN or a fingerprint
from the log has all four. An id alone needs a search of the whole ledger. On DynamoDB this is a
Scan, which costs about a cent for a million records. --account and --region avoid it.

A message in SQS can only be read by receiving it. Explain receives the messages of the
quarantine and returns them at once, which raises their receive count. It only counts the
messages of the lanes.

On AWS it needs these permissions, and reports those that are missing:
- dynamodb:Query; with only dynamodb:GetItem, it reads the configured destinations
- dynamodb:Scan for an id alone
- sqs:ReceiveMessage and sqs:ChangeMessageVisibility on the quarantine

Exit codes: 0 if something is known of the finding, 1 if nothing is known or the ledger can't be
asked, 2 for wrong usage or a wrong configuration.";
