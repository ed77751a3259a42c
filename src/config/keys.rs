//! All keys, each with its environment variable: the one list from which unknown keys, unknown
//! variables, the reading of variables, and the help are derived.

use super::raw::{Given, Raw};

/// One key of the configuration.
pub struct Key {
    /// Section and name, e.g. `queue.standard`. Those of a destination begin with `destination.`.
    pub path: &'static str,
    /// The environment variable, which wins over the file.
    pub variable: &'static str,
    /// What it is, its form and its default, in a line.
    pub about: &'static str,
    pub(super) slot: fn(&mut Raw) -> &mut Option<Given>,
}

const fn key(
    path: &'static str,
    variable: &'static str,
    about: &'static str,
    slot: fn(&mut Raw) -> &mut Option<Given>,
) -> Key {
    Key { path, variable, about, slot }
}

/// Every key, in the order in which the example file has them.
#[rustfmt::skip]
pub static KEYS: [Key; 33] = [
    key("min_severity", "HANSHO_MIN_SEVERITY",
        "the least severity that is posted: a word or a number from 0 to 10 [medium]",
        |raw| &mut raw.min_severity),
    key("queue.standard", "HANSHO_QUEUE_STANDARD",
        "URL of the SQS queue that gets every finding",
        |raw| &mut raw.queue.standard),
    key("queue.express", "HANSHO_QUEUE_EXPRESS",
        "URL of the SQS queue that gets a copy of high and critical ones",
        |raw| &mut raw.queue.express),
    key("queue.quarantine", "HANSHO_QUEUE_QUARANTINE",
        "URL of the SQS queue for what can't be processed",
        |raw| &mut raw.queue.quarantine),
    key("ledger.table", "HANSHO_LEDGER_TABLE",
        "name of the DynamoDB table; goes together with the queues",
        |raw| &mut raw.ledger.table),
    key("ledger.retention", "HANSHO_LEDGER_RETENTION",
        "how long a posted finding is remembered [90d]",
        |raw| &mut raw.ledger.retention),
    key("ledger.remind_after", "HANSHO_LEDGER_REMIND_AFTER",
        "post a finding that changed again after so long [off]",
        |raw| &mut raw.ledger.remind_after),
    key("embedded.path", "HANSHO_EMBEDDED_PATH",
        "file of the embedded queue and ledger [hansho.db]",
        |raw| &mut raw.embedded.path),
    key("embedded.listen", "HANSHO_EMBEDDED_LISTEN",
        "address that takes findings over HTTP, or off [127.0.0.1:8787]",
        |raw| &mut raw.embedded.listen),
    key("embedded.token", "HANSHO_EMBEDDED_TOKEN",
        "where the token is kept that senders must show, e.g. env:NAME; needed beyond loopback",
        |raw| &mut raw.embedded.token),
    key("worker.visibility", "HANSHO_WORKER_VISIBILITY",
        "how long a received message stays hidden from others [2m]",
        |raw| &mut raw.worker.visibility),
    key("worker.heartbeat", "HANSHO_WORKER_HEARTBEAT",
        "how often that is extended while the message waits [40s]",
        |raw| &mut raw.worker.heartbeat),
    key("worker.lease", "HANSHO_WORKER_LEASE",
        "how long a claim gives the right to post [45s]",
        |raw| &mut raw.worker.lease),
    key("worker.skew", "HANSHO_WORKER_SKEW",
        "how far apart the clocks of two workers may be [5s]",
        |raw| &mut raw.worker.skew),
    key("worker.post_timeout", "HANSHO_WORKER_POST_TIMEOUT",
        "the most that one post may take [10s]",
        |raw| &mut raw.worker.post_timeout),
    key("worker.buffer_findings", "HANSHO_WORKER_BUFFER_FINDINGS",
        "the most findings that wait in memory [500]",
        |raw| &mut raw.worker.buffer_findings),
    key("worker.buffer_bytes", "HANSHO_WORKER_BUFFER_BYTES",
        "the most bytes that they take [8 MiB]",
        |raw| &mut raw.worker.buffer_bytes),
    key("worker.fleet", "HANSHO_WORKER_FLEET",
        "how many workers share the queues; counts while the ledger is away [1]",
        |raw| &mut raw.worker.fleet),
    key("worker.seed", "HANSHO_WORKER_SEED",
        "a whole number that makes the jitter repeatable [from the system]",
        |raw| &mut raw.worker.seed),
    key("metrics.listen", "HANSHO_METRICS_LISTEN",
        "address of /healthz, /readyz and /metrics, which `hansho health` asks, or off [off]",
        |raw| &mut raw.metrics.listen),
    key("metrics.emf", "HANSHO_METRICS_EMF",
        "metrics in the log in CloudWatch's embedded format: on or off [on in Lambda, else off]",
        |raw| &mut raw.metrics.emf),
    key("reconcile.every", "HANSHO_RECONCILE_EVERY",
        "how often the worker compares the ledger with what GuardDuty holds, or off [off]",
        |raw| &mut raw.reconcile.every),
    key("reconcile.regions", "HANSHO_RECONCILE_REGIONS",
        "the regions that are compared, with commas between them [none]",
        |raw| &mut raw.reconcile.regions),
    key("destination.name", "HANSHO_DESTINATION_NAME",
        "a name for the Slack channel, a-z 0-9 _ -; duplicates are found by it, so keep it",
        |raw| &mut raw.first_destination().name),
    key("destination.webhook", "HANSHO_DESTINATION_WEBHOOK",
        "where the webhook is kept: env:NAME, file:PATH, secretsmanager:NAME[#key], ssm:NAME",
        |raw| &mut raw.first_destination().webhook),
    key("destination.min_severity", "HANSHO_DESTINATION_MIN_SEVERITY",
        "raises the threshold for this destination",
        |raw| &mut raw.first_destination().min_severity),
    key("destination.pace", "HANSHO_DESTINATION_PACE",
        "the least time between two posts, at least 1s for Slack [1.1s]",
        |raw| &mut raw.first_destination().pace),
    key("destination.fallback", "HANSHO_DESTINATION_FALLBACK",
        "the destination that gets its findings while its webhook is dead [none]",
        |raw| &mut raw.first_destination().fallback),
    key("destination.mention.informational", "HANSHO_DESTINATION_MENTION_INFORMATIONAL",
        "whom an informational finding mentions [nobody]",
        |raw| &mut raw.first_destination().mention.informational),
    key("destination.mention.low", "HANSHO_DESTINATION_MENTION_LOW",
        "whom a low finding mentions [nobody]",
        |raw| &mut raw.first_destination().mention.low),
    key("destination.mention.medium", "HANSHO_DESTINATION_MENTION_MEDIUM",
        "whom a medium finding mentions [nobody]",
        |raw| &mut raw.first_destination().mention.medium),
    key("destination.mention.high", "HANSHO_DESTINATION_MENTION_HIGH",
        "whom a high finding mentions, e.g. <!subteam^S0123|sre> [nobody]",
        |raw| &mut raw.first_destination().mention.high),
    key("destination.mention.critical", "HANSHO_DESTINATION_MENTION_CRITICAL",
        "whom a critical finding mentions, e.g. <!here> [nobody]",
        |raw| &mut raw.first_destination().mention.critical),
];

/// The three of the simplest set-up, which need nothing else.
pub const SLACK_WEBHOOK_URL: &str = "SLACK_WEBHOOK_URL";
pub const SLACK_MENTION_ID: &str = "SLACK_MENTION_ID";
pub const SLACK_MENTION_NAME: &str = "SLACK_MENTION_NAME";

/// Names the configuration file.
pub const HANSHO_CONFIG: &str = "HANSHO_CONFIG";

/// Variables without a key: name, and what it is in a line.
pub static OTHER_VARIABLES: [(&str, &str); 5] = [
    (SLACK_WEBHOOK_URL, "the webhook itself: with it alone, everything works"),
    (
        SLACK_MENTION_ID,
        "whom it mentions for high and critical: a member U… or W…, a group S…, here",
    ),
    (SLACK_MENTION_NAME, "the label of a group's mention"),
    (HANSHO_CONFIG, "the configuration file, if --config is not given"),
    ("HANSHO_LOG", "what is logged, e.g. debug or hansho=trace [info]"),
];

/// All variables that hansho reads, with what they are: the simplest ones first.
pub fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    OTHER_VARIABLES.into_iter().chain(KEYS.iter().map(|key| (key.variable, key.about)))
}

/// The variable of a key. `key` may carry a destination's number: `destination[1].pace`. Only the
/// first destination has variables.
pub fn variable_of(key: &str) -> Option<&'static str> {
    let path = key.replacen("destination[1]", "destination", 1);
    KEYS.iter().find(|known| known.path == path).map(|known| known.variable)
}

/// The known name nearest to `name`, if it is near enough to be a slip.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer ones are no slip, and their distance would take long to compute.
    const NAME_LEN_MAX: usize = 64;
    if name.len() > NAME_LEN_MAX {
        return None;
    }
    let slips = name.len().div_ceil(3).clamp(1, 3);
    let lower = name.to_ascii_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's: how many letters must be put in, taken out or changed.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, above) in to.chars().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(a != b);
            left = changed.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
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
    fn counts_the_letters_that_differ() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("kitten", "sitting", 3),
            ("listne", "listen", 2),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn suggests_slips_only() {
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
