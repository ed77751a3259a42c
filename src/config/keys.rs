//! All keys, each with its environment variable. This one list serves four uses: finding unknown
//! keys, finding unknown variables, reading the variables, and the help.

use super::raw::{Given, Raw};

/// One key of the configuration.
pub struct Key {
    /// Section and name, e.g. `queue.standard`. Keys of a destination begin with `destination.`.
    pub path: &'static str,
    /// The environment variable. It wins over the file.
    pub variable: &'static str,
    /// Meaning, form and default, in one line of the help.
    pub about: &'static str,
    pub(super) slot: fn(&mut Raw) -> &mut Option<Given>,
}

/// A key, by its place in [`Raw`]. A key of `destination` or `runbook` stands for the first one.
macro_rules! key {
    (runbook.$name:ident, $($texts:literal),+) => {
        key!(@ [runbook $name], |raw| &mut raw.first_runbook().$name, $($texts),+)
    };
    (destination $(.$name:ident)+, $($texts:literal),+) => {
        key!(@ [destination $($name)+], |raw| &mut raw.first_destination()$(.$name)+, $($texts),+)
    };
    ($first:ident $(.$name:ident)*, $($texts:literal),+) => {
        key!(@ [$first $($name)*], |raw| &mut raw.$first$(.$name)*, $($texts),+)
    };
    (@ [$first:ident $($name:ident)*], $slot:expr, $variable:literal, $about:literal) => {
        Key {
            path: concat!(stringify!($first) $(, ".", stringify!($name))*),
            variable: $variable,
            about: $about,
            slot: $slot,
        }
    };
}

/// Every key, in the order in which the example file has them.
#[rustfmt::skip]
pub static KEYS: [Key; 44] = [
    key!(min_severity, "HANSHO_MIN_SEVERITY",
        "the least severity that is posted: a word or a number from 0 to 10 [medium]"),
    key!(unmatched, "HANSHO_UNMATCHED",
        "drop: findings that match no destination are dropped; else such rules are refused [refuse]"),
    key!(accounts_file, "HANSHO_ACCOUNTS_FILE",
        "accounts: CSV, or JSON of `aws organizations list-accounts` or `hansho accounts list` [none]"),
    key!(show_tags, "HANSHO_SHOW_TAGS",
        "the tags of a resource that a card shows, with commas between them, e.g. Team,Env [none]"),
    key!(queue.standard, "HANSHO_QUEUE_STANDARD",
        "URL of the SQS queue that gets every finding"),
    key!(queue.express, "HANSHO_QUEUE_EXPRESS",
        "URL of the SQS queue that gets a copy of high and critical findings"),
    key!(queue.quarantine, "HANSHO_QUEUE_QUARANTINE",
        "URL of the SQS queue for messages that can't be processed"),
    key!(ledger.table, "HANSHO_LEDGER_TABLE",
        "name of the DynamoDB table; the queues need one"),
    key!(ledger.retention, "HANSHO_LEDGER_RETENTION",
        "how long the record of a posted finding is kept [90d]"),
    key!(ledger.remind_after, "HANSHO_LEDGER_REMIND_AFTER",
        "post a finding again if it changes after this time [off]"),
    key!(embedded.path, "HANSHO_EMBEDDED_PATH",
        "file of the embedded queue and ledger [hansho.db]"),
    key!(embedded.listen, "HANSHO_EMBEDDED_LISTEN",
        "address that takes findings over HTTP, or off [127.0.0.1:8787]"),
    key!(embedded.token, "HANSHO_EMBEDDED_TOKEN",
        "where the token of the senders is kept, e.g. env:NAME; needed beyond loopback"),
    key!(worker.visibility, "HANSHO_WORKER_VISIBILITY",
        "how long a received message stays hidden from others [2m]"),
    key!(worker.heartbeat, "HANSHO_WORKER_HEARTBEAT",
        "how often that time is extended while the message waits [40s]"),
    key!(worker.lease, "HANSHO_WORKER_LEASE",
        "how long a claim gives the right to post [45s]"),
    key!(worker.skew, "HANSHO_WORKER_SKEW",
        "how far apart the clocks of two workers may be [5s]"),
    key!(worker.post_timeout, "HANSHO_WORKER_POST_TIMEOUT",
        "the longest time that one post may take [10s]"),
    key!(worker.buffer_findings, "HANSHO_WORKER_BUFFER_FINDINGS",
        "how many findings may wait in memory [500]"),
    key!(worker.buffer_bytes, "HANSHO_WORKER_BUFFER_BYTES",
        "how many bytes these findings may take [8 MiB]"),
    key!(worker.fleet, "HANSHO_WORKER_FLEET",
        "how many workers share the queues; used while the ledger is unreachable [1]"),
    key!(worker.seed, "HANSHO_WORKER_SEED",
        "a whole number that makes the jitter of retries repeatable [random]"),
    key!(metrics.listen, "HANSHO_METRICS_LISTEN",
        "address of /healthz, /readyz and /metrics, which `hansho health` asks, or off [off]"),
    key!(metrics.emf, "HANSHO_METRICS_EMF",
        "metrics in the log, in CloudWatch's embedded format: on or off [on in Lambda, else off]"),
    key!(reconcile.every, "HANSHO_RECONCILE_EVERY",
        "how often the worker compares GuardDuty's findings with the ledger, or off [off]"),
    key!(reconcile.regions, "HANSHO_RECONCILE_REGIONS",
        "the regions that are compared, with commas between them [none]"),
    key!(coverage.every, "HANSHO_COVERAGE_EVERY",
        "how often a worker looks where GuardDuty is on, and posts gaps, or off [off]"),
    key!(silences.weekly_summary, "HANSHO_SILENCES_WEEKLY_SUMMARY",
        "when to post what silences kept back, e.g. mon 09:00 Europe/Berlin, or off [off]"),
    key!(console.portal, "HANSHO_CONSOLE_PORTAL",
        "address of the AWS access portal, which opens findings in their account [none]"),
    key!(console.role, "HANSHO_CONSOLE_ROLE",
        "the permission set that the portal uses [the portal asks]"),
    Key {
        path: "runbook.type",
        variable: "HANSHO_RUNBOOK_TYPE",
        about: "pattern for the types of findings that have this runbook, e.g. CryptoCurrency:*",
        slot: |raw| &mut raw.first_runbook().types,
    },
    key!(runbook.url, "HANSHO_RUNBOOK_URL",
        "https address of the runbook"),
    key!(destination.name, "HANSHO_DESTINATION_NAME",
        "a name for the Slack channel, a-z 0-9 _ -; a renamed one gets everything again"),
    key!(destination.webhook, "HANSHO_DESTINATION_WEBHOOK",
        "where the webhook is kept: env:NAME, file:PATH, secretsmanager:NAME[#key], ssm:NAME"),
    key!(destination.min_severity, "HANSHO_DESTINATION_MIN_SEVERITY",
        "raises the threshold for this destination"),
    key!(destination.pace, "HANSHO_DESTINATION_PACE",
        "the least time between two posts, at least 1s for Slack [1.1s]"),
    key!(destination.fallback, "HANSHO_DESTINATION_FALLBACK",
        "the destination that gets its alerts while its webhook is dead [none]"),
    key!(destination.resolved, "HANSHO_DESTINATION_RESOLVED",
        "quiet: its next post has a line for each finding that is closed, without a mention [off]"),
    Key {
        path: "destination.continue",
        variable: "HANSHO_DESTINATION_CONTINUE",
        about: "false: what this destination gets, those after it do not [true]",
        slot: |raw| &mut raw.first_destination().continues,
    },
    key!(destination.mention.informational, "HANSHO_DESTINATION_MENTION_INFORMATIONAL",
        "whom an informational finding mentions [nobody]"),
    key!(destination.mention.low, "HANSHO_DESTINATION_MENTION_LOW",
        "whom a low finding mentions [nobody]"),
    key!(destination.mention.medium, "HANSHO_DESTINATION_MENTION_MEDIUM",
        "whom a medium finding mentions [nobody]"),
    key!(destination.mention.high, "HANSHO_DESTINATION_MENTION_HIGH",
        "whom a high finding mentions, e.g. <!subteam^S0123|sre> [nobody]"),
    key!(destination.mention.critical, "HANSHO_DESTINATION_MENTION_CRITICAL",
        "whom a critical finding mentions, e.g. <!here> [nobody]"),
];

/// The three variables of the simplest set-up, which needs nothing else.
pub const SLACK_WEBHOOK_URL: &str = "SLACK_WEBHOOK_URL";
pub const SLACK_MENTION_ID: &str = "SLACK_MENTION_ID";
pub const SLACK_MENTION_NAME: &str = "SLACK_MENTION_NAME";

/// Names the configuration file.
pub const HANSHO_CONFIG: &str = "HANSHO_CONFIG";

/// Variables without a key, each with its line of the help.
pub static OTHER_VARIABLES: [(&str, &str); 5] = [
    (SLACK_WEBHOOK_URL, "the webhook itself; hansho needs no other variable"),
    (
        SLACK_MENTION_ID,
        "whom high and critical findings mention: a member U… or W…, a group S…, or here",
    ),
    (SLACK_MENTION_NAME, "the label of a group's mention"),
    (HANSHO_CONFIG, "the configuration file, if --config is not given"),
    ("HANSHO_LOG", "what is logged, e.g. debug or hansho=trace [info]"),
];

/// All variables that hansho reads, each with its line of the help; the simplest ones first.
pub fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    OTHER_VARIABLES.into_iter().chain(KEYS.iter().map(|key| (key.variable, key.about)))
}

/// The variable of a key. Only the first destination and the first runbook have variables:
/// `destination[1].pace`.
pub fn variable_of(key: &str) -> Option<&'static str> {
    let path = key.replacen("[1]", "", 1);
    KEYS.iter().find(|known| known.path == path).map(|known| known.variable)
}

/// The known name nearest to `name`, if it is near enough to be a typing error.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The distance of longer names takes long to compute.
    const NAME_LEN_MAX: usize = 64;
    if name.len() > NAME_LEN_MAX {
        return None;
    }
    let edits_max = name.len().div_ceil(3).clamp(1, 3);
    let lower = name.to_ascii_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::levenshtein(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= edits_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_its_key_in_capitals() {
        for key in &KEYS {
            let derived = format!("HANSHO_{}", key.path.replace('.', "_").to_uppercase());
            assert_eq!(key.variable, derived);
        }
    }

    #[test]
    fn no_two_keys_write_to_the_same_place() {
        let mut raw = Raw::default();
        for key in &KEYS {
            let slot = (key.slot)(&mut raw);
            assert!(slot.is_none(), "{}", key.path);
            *slot = Some(Given::variable(key.variable, key.path));
        }
    }

    #[test]
    fn suggests_names_with_few_differences() {
        let known = ["standard", "express", "quarantine"];
        for (name, nearest_known) in [
            ("standart", Some("standard")),
            ("Express", Some("express")),
            ("quarantaine", Some("quarantine")),
            ("url", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), nearest_known, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1_000), known), None);
    }
}
