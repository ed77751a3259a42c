//! Validates `[queue]`, `ledger.table` and `[embedded]`: the backend.

use crate::config::mistake::Gathered;
use crate::config::model::{Backend, OnAws};
use crate::config::raw::{Given, Origin, Raw};
use crate::config::values;

/// The keys that are given decide the backend. A file may describe both: its queues serve, and a
/// warning says that the embedded keys are not used. Keys of both backends are a mistake if one of
/// them is a variable, because a worker on the wrong backend loses findings unnoticed.
pub fn backend(raw: &Raw, gathered: &mut Gathered) -> Option<Backend> {
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
        gathered.warning(
            "embedded",
            "is not used, because queue.standard is configured: SQS and DynamoDB serve",
        );
    } else if both {
        gathered.mistake(
            "embedded",
            format!(
                "a worker has one backend, and both are configured: remove {} to run on SQS and \
                 DynamoDB, or {} to run on the embedded store",
                listed(&of_embedded),
                listed(&of_aws)
            ),
        );
    }
    let embedded = embedded(raw, gathered);
    let aws = if of_aws.is_empty() { None } else { aws(raw, gathered) };
    match (both && !both_in_file, of_aws.is_empty()) {
        (true, _) => None,
        (false, true) => embedded,
        (false, false) => aws,
    }
}

/// A key that is given.
struct GivenKey {
    /// The key, with its variable if it comes from one.
    shown: String,
    in_file: bool,
}

fn given_of(keys: &[(&str, &Option<Given>)]) -> Vec<GivenKey> {
    let given = |(key, given): &(&str, &Option<Given>)| {
        Some(match given.as_ref()?.origin {
            Origin::File => GivenKey { shown: (*key).to_owned(), in_file: true },
            Origin::Variable(name) => GivenKey { shown: format!("{key} ({name})"), in_file: false },
        })
    };
    keys.iter().filter_map(given).collect()
}

fn listed(keys: &[GivenKey]) -> String {
    keys.iter().map(|key| key.shown.as_str()).collect::<Vec<_>>().join(", ")
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
            gathered.mistake(key, "must be another queue than those above it");
        }
    }
    Some(Backend::Aws(OnAws { standard, express, quarantine, table: table? }))
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
        gathered.mistake(
            "embedded.token",
            "is missing: embedded.listen is not on loopback, so senders must show a token; write \
             where it is kept, e.g. env:NAME, or listen on 127.0.0.1",
        );
    }
    Some(Backend::Embedded { path: path?, listen, token })
}
