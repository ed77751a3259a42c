//! The arguments of `hansho silence`.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::commands::args::{ConfigFlag, Input};
use crate::config::duration;
use crate::finding::Level;
use crate::instants::Wall;

#[derive(Args, Debug)]
pub struct SilenceCommand {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Add a silence
    #[command(long_about = ADD)]
    Add(Box<Add>),
    /// List the silences that are in force, or will be
    List(List),
    /// Show one silence
    Show(One),
    /// End a silence now. The next update of what it kept back is posted
    Expire(One),
    /// Add and change silences as a file says
    #[command(long_about = IMPORT)]
    Import(Import),
}

#[derive(Args, Debug)]
pub struct Add {
    #[command(flatten)]
    pub config: ConfigFlag,
    #[command(flatten)]
    pub rules: Rules,
    /// The id, ARN or fingerprint of a finding. Can be repeated
    #[arg(long = "id", value_name = "FINDING")]
    pub findings: Vec<String>,
    /// The affected resource: its id or name, or the whole text that posts show. Can be repeated
    #[arg(long = "resource", value_name = "GLOB")]
    pub resources: Vec<String>,
    /// The end: a time in RFC 3339, or a time from now such as 14d. At most 90d
    #[arg(long, value_name = "TIME|IN")]
    pub until: Until,
    /// The begin, as --until [default: now]
    #[arg(long, value_name = "TIME|IN")]
    pub from: Option<Until>,
    /// Why, for those who ask. Posts and tables show it
    #[arg(long, value_name = "TEXT")]
    pub because: String,
    /// Who knows more of it: a person or a team
    #[arg(long, value_name = "TEXT")]
    pub owner: Option<String>,
    /// The most severe level that is kept back, critical excepted
    #[arg(long, value_name = "LEVEL", default_value = "high")]
    pub covers: Level,
    /// Keep back critical findings as well. Then --type is needed, without a leading wildcard
    #[arg(long, conflicts_with = "covers")]
    pub critical: bool,
    /// The silence's own id: a-z, 0-9, - and _ [default: eight random digits]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Say which of the findings that were posted in the last 7 days it would keep back, or which
    /// of those in a file, and add nothing
    #[arg(long, value_name = "FILE|-", num_args = 0..=1)]
    pub dry_run: Option<Option<Input>>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// One flag for each key of a matcher. Each can be repeated: the finding fits any of the patterns.
#[derive(Args, Debug, Default)]
pub struct Rules {
    /// The finding's type. Can be repeated, as all that follow
    #[arg(long = "type", value_name = "GLOB")]
    pub types: Vec<String>,
    /// The account: its id, or a glob for its name
    #[arg(long, value_name = "ID|GLOB")]
    pub account: Vec<String>,
    /// A glob for the name of the account
    #[arg(long, value_name = "GLOB")]
    pub account_name: Vec<String>,
    /// A tag of the account
    #[arg(long, value_name = "KEY=GLOB")]
    pub account_tag: Vec<String>,
    /// The path of the account's organisational unit
    #[arg(long, value_name = "GLOB")]
    pub ou: Vec<String>,
    #[arg(long, value_name = "GLOB")]
    pub region: Vec<String>,
    #[arg(long, value_name = "GLOB")]
    pub product: Vec<String>,
    #[arg(long, value_name = "GLOB")]
    pub resource_type: Vec<String>,
    /// A tag of the resource
    #[arg(long, value_name = "KEY=GLOB")]
    pub resource_tag: Vec<String>,
    #[arg(long, value_name = "LEVEL")]
    pub level: Vec<String>,
    /// What the finding must not fit: one of the keys above, such as type=Policy:* or
    /// account_tag=Team=shop
    #[arg(long, value_name = "KEY=PATTERN")]
    pub not: Vec<String>,
}

#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Also list those that ended in the last seven days
    #[arg(long)]
    pub all: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct One {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// The id of the silence
    #[arg(value_name = "ID")]
    pub id: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// TOML with a `[[silence]]` for each. `-` is the standard input
    #[arg(value_name = "FILE|-")]
    pub file: Input,
    /// End the silences that the file does not have
    #[arg(long)]
    pub prune: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A moment, or a time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    At(Wall),
    In(Duration),
}

impl Until {
    /// To the second, as silences are stored.
    pub fn moment(self, now: Wall) -> Wall {
        match self {
            Until::At(at) => at.whole_second(),
            Until::In(time) => now.plus(time).whole_second(),
        }
    }
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Until, String> {
        if let Some(at) = Wall::parse_rfc3339(text) {
            return Ok(Until::At(at));
        }
        let expected =
            "must be a time such as 2026-12-24T18:00:00Z, or a time from now such as 14d";
        duration::parse(text).map(Until::In).map_err(|_| expected.to_owned())
    }
}

pub const ABOUT: &str = "\
Keep expected findings from being posted for a time, by rules that are kept in the ledger.

A silence names findings by the same rules as `match` of a [[destination]], by ids and by resources:
all of them must fit. It needs a type, a resource or an id, an end within 90 days, and a reason.
Workers see a change within 30 s.

What a silence keeps back is counted and logged; the ledger has no record of the finding. So when the
silence ends, or when the finding gets worse than it covers, the next update is posted as ever. Three
days before a silence ends, Slack gets a note with what it kept back. Closings are still recorded. What a person sends on purpose is never silenced: a custom action
of Security Hub, or `hansho replay send`.";

const ADD: &str = "\
Add a silence.

  hansho silence add --type 'Recon:EC2/*' --account prod-scanner --until 14d \\
      --because 'weekly scan by team X'

Whoever makes a resource chooses its name and its tags. The id of a resource or an account is safer.

--dry-run says what it would have kept back of the findings that were posted in the last 7 days, by
the records of the ledger. They have neither tags nor types of resources. For rules about these, give
a file of findings: --dry-run FILE.

Exit codes: 0 if it was added, 1 if the ledger does not answer, 2 for wrong usage.";

const IMPORT: &str = "\
Add and change silences as a file says, so that they can be reviewed as code. All of the file is
taken, or nothing.

  [[silence]]
  id = \"weekly-scan\"
  match = { type = [\"Recon:EC2/*\"], account_name = [\"prod-scanner\"], not = { region = [\"us-*\"] } }
  resource = [\"i-0abc*\"]           # finding = [\"ID\"] names findings
  covers = \"high\"                  # the default; \"critical\" needs types without a leading wildcard
  until = 2026-12-24T18:00:00Z
  because = \"weekly scan by team X\"
  owner = \"team X\"

A silence with an id that is known is changed. Others stay, unless --prune ends them. One that has
ended changes nothing.

Exit codes: 0 if the silences are as the file says, 1 if the ledger does not answer, 2 for a wrong
file.";
