//! From what was written to a [`Config`]. Every mistake is gathered on the way; none stops it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::keys::variable_of;
use super::raw::{Given, Origin, Raw, RawDestination, RawMention, RawWorker};
use super::{
    Backend, Buffer, Config, DESTINATIONS_MAX, Destination, MetricsOutput, Mistake, regions, values,
};
use crate::config::duration::DURATION_MAX;
use crate::finding::Level;
use crate::policy::budget::{TimeBudget, Times};
use crate::policy::filter::Threshold;
use crate::slack::Mentions;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const RETENTION_DEFAULT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// SQS keeps a message for at most 14 days. Source: SQS API reference, SetQueueAttributes.
const QUEUE_RETENTION_MAX: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const REMIND_AFTER_MIN: Duration = Duration::from_secs(60);
const PACE_DEFAULT: Duration = Duration::from_millis(1_100);
const PACE_MAX: Duration = Duration::from_secs(60 * 60);
const TIME_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// One receive brings up to ten messages, together up to 1 MiB, and room is made before it.
const BUFFER_FINDINGS: (usize, usize) = (10, 100_000);
const BUFFER_BYTES: (usize, usize) = (2 << 20, 1 << 30);
const FLEET: (usize, usize) = (1, 1_000);

pub(super) struct Validated {
    pub outcome: Result<Config, Vec<Mistake>>,
    pub warnings: Vec<Mistake>,
}

pub(super) fn validate(raw: &Raw) -> Validated {
    let mut gathered = Gathered::default();
    let threshold = gathered
        .read("min_severity", &raw.min_severity, values::threshold)
        .unwrap_or(Threshold::Level(Level::Medium));
    let backend = backend(raw, &mut gathered);
    let destinations = destinations(raw, threshold, &mut gathered);
    let (retention, remind_after) = ledger_times(raw, &mut gathered);
    let budget = budget(&raw.worker, &mut gathered);
    let buffer = buffer(&raw.worker, &mut gathered);
    let fleet = gathered.read("worker.fleet", &raw.worker.fleet, |given| {
        values::count_within(given, FLEET.0, FLEET.1)
    });
    let metrics = MetricsOutput {
        listen: gathered.read("metrics.listen", &raw.metrics.listen, values::listen).flatten(),
        emf: gathered.read("metrics.emf", &raw.metrics.emf, values::on_or_off),
    };
    let reconcile = regions::validate(&raw.reconcile, &mut gathered);
    let seed = gathered.read("worker.seed", &raw.worker.seed, values::seed);
    let Gathered { mistakes, warnings } = gathered;
    let outcome = match (backend, budget) {
        (Some(backend), Some(budget)) if mistakes.is_empty() => Ok(Config {
            threshold,
            backend,
            destinations,
            retention,
            remind_after,
            budget,
            buffer,
            fleet: fleet.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
            metrics,
            reconcile,
            seed,
        }),
        _ => Err(mistakes),
    };
    Validated { outcome, warnings }
}

#[derive(Default)]
pub(super) struct Gathered {
    pub mistakes: Vec<Mistake>,
    warnings: Vec<Mistake>,
}

impl Gathered {
    /// The value; none if it is not given, or if it is wrong, which is then a mistake.
    pub fn read<T>(
        &mut self,
        key: &str,
        given: &Option<Given>,
        read: impl FnOnce(&Given) -> Result<T, String>,
    ) -> Option<T> {
        let given = given.as_ref()?;
        read(given).map_err(|what| self.wrong(key, given, what)).ok()
    }

    /// The same for a key that must be given.
    fn need<T>(
        &mut self,
        key: &str,
        given: &Option<Given>,
        why: &str,
        read: impl FnOnce(&Given) -> Result<T, String>,
    ) -> Option<T> {
        if given.is_none() {
            let or = variable_of(key).map_or(String::new(), |name| format!(", or set {name}"));
            self.mistakes.push(Mistake::of(key, format!("is missing{why}: write it{or}")));
        }
        self.read(key, given, read)
    }

    fn wrong(&mut self, key: &str, given: &Given, what: String) {
        let variable = match given.origin {
            Origin::Variable(name) => Some(name),
            Origin::File => None,
        };
        self.mistakes.push(Mistake { key: key.to_owned(), variable, what });
    }
}

/// What is given decides which backend is meant. A file may describe both: then its queues serve,
/// and the embedded keys are idle, which is said. But a variable against a file, or keys of both
/// among the variables, is a mistake and not a choice: whoever runs on the wrong backend because of
/// a variable left over loses findings without noticing.
fn backend(raw: &Raw, gathered: &mut Gathered) -> Option<Backend> {
    let of_aws = given_of(&[
        ("queue.standard", &raw.queue.standard),
        ("queue.express", &raw.queue.express),
        ("queue.quarantine", &raw.queue.quarantine),
        ("ledger.table", &raw.ledger.table),
    ]);
    let of_embedded = given_of(&[
        ("embedded.path", &raw.embedded.path),
        ("embedded.listen", &raw.embedded.listen),
        ("embedded.token", &raw.embedded.token),
    ]);
    let both = !of_aws.is_empty() && !of_embedded.is_empty();
    let both_in_file = both && of_aws.iter().chain(&of_embedded).all(|given| given.in_file);
    if both_in_file {
        gathered.warnings.push(Mistake::of(
            "embedded",
            "not in use: queue.standard is configured, so SQS and DynamoDB serve",
        ));
    } else if both {
        gathered.mistakes.push(Mistake::of(
            "embedded",
            format!(
                "a worker has one backend, and both are configured: remove {} to run on SQS and \
                 DynamoDB, or {} to run on the embedded store",
                listed(&of_embedded),
                listed(&of_aws)
            ),
        ));
    }
    let embedded = embedded(raw, gathered);
    let aws = if of_aws.is_empty() { None } else { aws(raw, gathered) };
    match (both && !both_in_file, of_aws.is_empty()) {
        (true, _) => None,
        (false, true) => embedded,
        (false, false) => aws,
    }
}

/// A key that is given, as it is told: with its variable, if it comes from one.
struct GivenKey {
    told: String,
    in_file: bool,
}

fn given_of(keys: &[(&str, &Option<Given>)]) -> Vec<GivenKey> {
    let given = |(key, given): &(&str, &Option<Given>)| {
        Some(match given.as_ref()?.origin {
            Origin::File => GivenKey { told: (*key).to_owned(), in_file: true },
            Origin::Variable(name) => GivenKey { told: format!("{key} ({name})"), in_file: false },
        })
    };
    keys.iter().filter_map(given).collect()
}

fn listed(keys: &[GivenKey]) -> String {
    keys.iter().map(|key| key.told.as_str()).collect::<Vec<_>>().join(", ")
}

fn aws(raw: &Raw, gathered: &mut Gathered) -> Option<Backend> {
    let why = ", and SQS and DynamoDB go together";
    let queue = &raw.queue;
    let standard = gathered.need("queue.standard", &queue.standard, why, values::queue_url);
    let express = gathered.read("queue.express", &queue.express, values::queue_url);
    let quarantine = gathered.need("queue.quarantine", &queue.quarantine, why, values::queue_url);
    let table = gathered.need("ledger.table", &raw.ledger.table, why, values::table_name);
    let (standard, quarantine) = (standard?, quarantine?);
    for (key, same) in [
        ("queue.express", express.as_ref() == Some(&standard)),
        ("queue.quarantine", quarantine == standard || express.as_ref() == Some(&quarantine)),
    ] {
        if same {
            let what = "must be another queue than those above it";
            gathered.mistakes.push(Mistake::of(key, what));
        }
    }
    Some(Backend::Aws { standard, express, quarantine, table: table? })
}

fn embedded(raw: &Raw, gathered: &mut Gathered) -> Option<Backend> {
    let given = &raw.embedded;
    let path = match &given.path {
        None => Some(Backend::EMBEDDED_PATH.into()),
        path => gathered.read("embedded.path", path, values::path),
    };
    let listen = match &given.listen {
        None => Backend::EMBEDDED_LISTEN.parse().ok().map(Some),
        listen => gathered.read("embedded.listen", listen, values::listen),
    };
    let token = gathered.read("embedded.token", &given.token, values::reference);
    let listen = listen?;
    if listen.is_some_and(|at| !at.ip().is_loopback()) && given.token.is_none() {
        gathered.mistakes.push(Mistake::of(
            "embedded.token",
            "is missing: embedded.listen is not on loopback, so senders must show a token; write \
             where it is kept, e.g. env:NAME, or listen on 127.0.0.1",
        ));
    }
    Some(Backend::Embedded { path: path?, listen, token })
}

fn destinations(raw: &Raw, threshold: Threshold, gathered: &mut Gathered) -> Vec<Destination> {
    if raw.destination.is_empty() {
        gathered.mistakes.push(Mistake::of(
            "destination",
            "there is none: set SLACK_WEBHOOK_URL in the environment, or write a [[destination]] \
             with a name and a webhook",
        ));
    }
    if raw.destination.len() > DESTINATIONS_MAX {
        let what = format!(
            "there are more than {DESTINATIONS_MAX}: run a second worker with a queue of its own for them"
        );
        gathered.mistakes.push(Mistake::of("destination", what));
    }
    let mut names = BTreeSet::new();
    let mut webhooks = BTreeSet::new();
    let mut all = Vec::new();
    for (given, number) in raw.destination.iter().zip(1..).take(DESTINATIONS_MAX) {
        let key = format!("destination[{number}]");
        let name = gathered.need(&format!("{key}.name"), &given.name, "", values::destination_name);
        if name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
            let what = "must be another than those above it: the ledger tells destinations by it";
            gathered.mistakes.push(Mistake::of(format!("{key}.name"), what));
        }
        let webhook =
            gathered.need(&format!("{key}.webhook"), &given.webhook, "", values::reference);
        if webhook.as_ref().is_some_and(|webhook| !webhooks.insert(webhook.clone())) {
            let what = "is that of another destination too: what both get is posted twice";
            gathered.warnings.push(Mistake::of(format!("{key}.webhook"), what));
        }
        let (own, pace) =
            (own_threshold(given, &key, threshold, gathered), pace(given, &key, gathered));
        let mentions = mentions(&given.mention, &key, gathered);
        if let (Some(name), Some(webhook)) = (name, webhook) {
            // Resolved when all names are known.
            let fallback = None;
            all.push(Destination { name, webhook, mentions, threshold: own, pace, fallback });
        }
    }
    // With a destination missing, the places in the two lists would not be the same.
    if all.len() == raw.destination.len() {
        for (i, given) in raw.destination.iter().enumerate() {
            all[i].fallback = fallback(given, i, &all, threshold, gathered);
        }
    }
    all
}

/// Who takes over from the destination `of`, counted from 0.
fn fallback(
    given: &RawDestination,
    of: usize,
    all: &[Destination],
    overall: Threshold,
    gathered: &mut Gathered,
) -> Option<usize> {
    let key = format!("destination[{}].fallback", of + 1);
    let name = gathered.read(&key, &given.fallback, values::destination_name)?;
    let others =
        || all.iter().map(|d| d.name.as_str()).filter(|other| *other != all[of].name.as_str());
    let found = all.iter().position(|d| d.name == name).filter(|&i| i != of);
    let Some(found) = found else {
        let known = others().collect::<Vec<_>>().join(", ");
        let what = match (all[of].name == name, known.as_str()) {
            (_, "") => "must name another destination, and there is none".to_owned(),
            (true, known) => format!("must be another destination than itself: {known}"),
            (false, known) => format!("is no destination; known are {known}"),
        };
        gathered.mistakes.push(Mistake::of(key, what));
        return None;
    };
    let floor = |d: &Destination| d.threshold.unwrap_or(overall).floor().max(overall.floor());
    if floor(&all[found]) <= floor(&all[of]) {
        let what = "has nothing to take over: it gets all of these findings for itself, and none \
                    is told twice in one place; what only this destination lacks waits for it";
        gathered.warnings.push(Mistake::of(key, what));
    }
    Some(found)
}

fn own_threshold(
    given: &RawDestination,
    key: &str,
    overall: Threshold,
    gathered: &mut Gathered,
) -> Option<Threshold> {
    let key = format!("{key}.min_severity");
    let own = gathered.read(&key, &given.min_severity, values::threshold)?;
    if own.floor() < overall.floor() {
        let what = "is lower than min_severity and has no effect: it can only raise the threshold";
        gathered.warnings.push(Mistake::of(key, what));
    }
    Some(own)
}

fn pace(given: &RawDestination, key: &str, gathered: &mut Gathered) -> Duration {
    let read = gathered.read(&format!("{key}.pace"), &given.pace, |given| {
        values::duration_within(given, Duration::ZERO, PACE_MAX)
    });
    read.unwrap_or(PACE_DEFAULT)
}

fn mentions(given: &RawMention, key: &str, gathered: &mut Gathered) -> Mentions {
    let mut mentions = Mentions::none();
    for level in Level::ALL {
        let text = match level {
            Level::Informational => &given.informational,
            Level::Low => &given.low,
            Level::Medium => &given.medium,
            Level::High => &given.high,
            Level::Critical => &given.critical,
        };
        let key = format!("{key}.mention.{level}");
        if let Some(mention) = gathered.read(&key, text, values::mention) {
            mentions.set(level, mention);
        }
    }
    mentions
}

fn ledger_times(raw: &Raw, gathered: &mut Gathered) -> (Duration, Option<Duration>) {
    let retention = gathered
        .read("ledger.retention", &raw.ledger.retention, |given| {
            values::duration_within(given, DAY, DURATION_MAX)
        })
        .unwrap_or(RETENTION_DEFAULT);
    if retention <= QUEUE_RETENTION_MAX {
        let what = "is not longer than a queue can keep a message (14d): what comes late may be \
                    posted again";
        gathered.warnings.push(Mistake::of("ledger.retention", what));
    }
    let remind_after = gathered.read("ledger.remind_after", &raw.ledger.remind_after, |given| {
        let after = values::duration_within(given, REMIND_AFTER_MIN, DURATION_MAX)?;
        if after < retention {
            Ok(after)
        } else {
            Err("must be shorter than ledger.retention".to_owned())
        }
    });
    (retention, remind_after)
}

fn budget(given: &RawWorker, gathered: &mut Gathered) -> Option<TimeBudget> {
    let mut times = Times::default();
    let known = gathered.mistakes.len();
    for (key, given, time) in [
        ("worker.visibility", &given.visibility, &mut times.visibility),
        ("worker.heartbeat", &given.heartbeat, &mut times.heartbeat),
        ("worker.lease", &given.lease, &mut times.lease),
        ("worker.skew", &given.skew, &mut times.skew),
        ("worker.post_timeout", &given.post_timeout, &mut times.post_timeout),
    ] {
        let read = gathered
            .read(key, given, |given| values::duration_within(given, Duration::ZERO, TIME_MAX));
        *time = read.unwrap_or(*time);
    }
    // How the times hang together is only worth saying of times that could be read.
    if gathered.mistakes.len() > known {
        return None;
    }
    times.connect_timeout = times.connect_timeout.min(times.post_timeout);
    match TimeBudget::new(times) {
        Ok(budget) => Some(budget),
        Err(broken) => {
            gathered.mistakes.extend(broken.into_iter().map(|what| Mistake::of("worker", what)));
            None
        }
    }
}

fn buffer(given: &RawWorker, gathered: &mut Gathered) -> Buffer {
    let usual = Buffer::default();
    let (least, most) = BUFFER_FINDINGS;
    let findings = gathered.read("worker.buffer_findings", &given.buffer_findings, |given| {
        values::count_within(given, least, most)
    });
    let (least, most) = BUFFER_BYTES;
    let bytes = gathered.read("worker.buffer_bytes", &given.buffer_bytes, |given| {
        values::bytes_within(given, least, most)
    });
    Buffer { findings: findings.unwrap_or(usual.findings), bytes: bytes.unwrap_or(usual.bytes) }
}
