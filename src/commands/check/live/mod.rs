//! `hansho check --live`: whether the queues, the table and the webhooks exist, are set up as the
//! worker needs them, and accept these credentials. The adapters ask by calls that change nothing,
//! and [`judge`] turns the answers into lines.

pub mod judge;
pub mod line;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::aws::dynamodb::DynamoLedger;
use crate::aws::sqs::SqsQueue;
use crate::clock::SystemClock;
use crate::commands::accounts::directory;
use crate::commands::wiring;
use crate::config::{Backend, Config};
use crate::embedded::{self, EmbeddedLedger, Store, StoreError};
use crate::finding::Text;
use crate::instants::Wall;
use crate::policy::record::{AlertRecord, Expect, Record, RecordKey};
use crate::ports::probe::Asked;
use crate::ports::{Clock as _, Consistency, Failure, Lane, Ledger, Queue, Receipt, ReceiveAsk};

use judge::Role;
use line::{Line, State as Judged};

/// A name that no record and no receipt has.
const NOBODY: &str = "hansho-check";
/// Longer texts of a service are cut.
const DETAIL_CHARS_MAX: usize = 600;
/// The pause between two webhooks, which may be the same one.
const WEBHOOK_REST: Duration = Duration::from_millis(1100);

/// The results of all checks.
#[derive(Debug, Default, Serialize)]
pub struct Answer {
    pub lines: Vec<Line>,
}

impl Answer {
    pub fn is_wrong(&self) -> bool {
        self.lines.iter().any(|line| line.state == Judged::Wrong)
    }
}

/// Checks everything that the configuration names. Each call has its own time-out.
pub async fn run(config: &Config) -> Answer {
    let clock = SystemClock::start();
    let backend = async {
        match &config.backend {
            Backend::Embedded { path, token, .. } => {
                let mut lines = check_store(path, clock.now().wall).await;
                if let Some(token) = token {
                    lines.push(match wiring::read(token).await {
                        Ok(_) => Line::ok("token", "can be read"),
                        Err(why) => Line::wrong("token", why, "correct embedded.token"),
                    });
                }
                lines
            }
            Backend::Aws(aws) => {
                let (queue, ledger) = wiring::on_aws(aws).await;
                let names = |lane: Lane| match (lane, &aws.express) {
                    (Lane::Express, Some(express)) => express.name().to_owned(),
                    _ => aws.standard.name().to_owned(),
                };
                let (mut lines, more) = tokio::join!(
                    check_queues(config, &queue, names, aws.quarantine.name()),
                    check_table(&ledger, aws.table.as_str(), clock.now().wall),
                );
                lines.extend(more);
                lines
            }
        }
    };
    let (mut lines, more) = tokio::join!(backend, check_webhooks(config));
    lines.extend(more);
    for line in &mut lines {
        line.detail = Text::new(&line.detail, DETAIL_CHARS_MAX).to_string();
    }
    Answer { lines }
}

async fn check_queues(
    config: &Config,
    queue: &SqsQueue,
    names: impl Fn(Lane) -> String,
    quarantine: &str,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for lane in queue.lanes() {
        let subject = format!("queue {}", names(lane));
        let facts = queue.facts(lane).await;
        lines.extend(judge::queue(&subject, Role::Lane, &facts, config.budget.visibility()));
        if let Asked::Missing(_) = facts {
            continue;
        }
        lines.push(match judge::may_receive(&facts) {
            Ok(()) => {
                // The message is visible again at once, so that a worker receives it.
                let (wait, visibility) = (Duration::ZERO, Duration::ZERO);
                let ask = ReceiveAsk { lane, max: 1, wait, visibility };
                judge::receive(&subject, queue.receive(ask).await.map(|all| all.len()))
            }
            Err(why) => Line::not_checked(&subject, why),
        });
        let receipt = || Receipt(NOBODY.to_owned());
        let answer = queue.hide(lane, &[(receipt(), Duration::ZERO)]).await;
        lines.push(judge::receipt_call(&subject, "ChangeMessageVisibility", &answer));
        let answer = queue.delete(lane, &[receipt()]).await;
        lines.push(judge::receipt_call(&subject, "DeleteMessage", &answer));
    }
    let subject = format!("quarantine {quarantine}");
    let facts = queue.quarantine_facts().await;
    lines.extend(judge::queue(&subject, Role::Quarantine, &facts, Duration::ZERO));
    if !matches!(facts, Asked::Missing(_)) {
        lines.push(judge::quarantine(&subject, &queue.try_to_quarantine().await));
    }
    lines
}

async fn check_table(ledger: &DynamoLedger, table: &str, now: Wall) -> Vec<Line> {
    let subject = format!("table {table}");
    let facts = ledger.facts().await;
    let mut lines = vec![judge::table(&subject, &facts)];
    if !matches!(facts, Asked::Missing(_)) {
        lines.extend(judge::ttl(&subject, &ledger.ttl().await));
        lines.extend(read_and_write(&subject, ledger).await);
        lines.push(check_directory(ledger, now).await);
    }
    lines
}

async fn check_directory(ledger: &impl Ledger, now: Wall) -> Line {
    judge::directory("account directory", directory::head(ledger).await, now)
}

/// Checks the calls of the worker with a record that does not exist. The write expects that the
/// record is claimed, so it changes nothing.
async fn read_and_write(subject: &str, ledger: &impl Ledger) -> [Line; 3] {
    let key = RecordKey::alert(NOBODY, NOBODY);
    let read = ledger.read_any(&key).await.map(drop);
    let prefetched =
        ledger.prefetch(std::slice::from_ref(&key), Consistency::Strong).await.map(drop);
    let record = Record::Alert(AlertRecord::unposted(0));
    let expect = Expect::Held { owner: NOBODY.to_owned(), fence: 0 };
    let written = ledger.write_any(&key, &expect, record).await;
    [
        judge::ledger_read(subject, read),
        judge::ledger_prefetch(subject, prefetched),
        judge::ledger_write(subject, written),
    ]
}

/// The first worker creates the store. Before that, the folder must be writable.
async fn check_store(path: &Path, now: Wall) -> Vec<Line> {
    let subject = format!("store {}", path.display());
    let fix = "make the folder writable for the worker, or set embedded.path to another place";
    if !path.exists() {
        return vec![match embedded::can_be_made(path) {
            Ok(()) => Line::ok(&subject, "does not exist yet; the worker can create it"),
            Err(why) => Line::wrong(&subject, why, fix),
        }];
    }
    let failed = |why: &Failure| {
        Line::wrong(&subject, why.to_string(), judge::fix::of(why.kind, fix.to_owned()))
    };
    let (store, written) = match Store::open(path) {
        Ok(store) => {
            let written = match store.try_write().await {
                Ok(()) => Line::ok(&subject, "can be opened and written"),
                Err(why) => failed(&why),
            };
            (store, written)
        }
        // Who may only read it sees what can be read.
        Err(StoreError::Open(why)) => match Store::open_to_read(path) {
            Ok(store) => (store, failed(&why)),
            Err(_) => return vec![failed(&why)],
        },
        Err(why) => return vec![Line::wrong(&subject, why.to_string(), fix)],
    };
    let ledger = EmbeddedLedger::new(store);
    let [read, ..] = read_and_write(&subject, &ledger).await;
    vec![written, read, check_directory(&ledger, now).await]
}

/// One after the other, because two destinations may have the same webhook.
async fn check_webhooks(config: &Config) -> Vec<Line> {
    let clock = Arc::new(SystemClock::start());
    let notifier = wiring::unread_notifier(config);
    if let Err(why) = notifier.prepare() {
        return vec![Line::wrong(
            "webhooks",
            why.to_string(),
            "repair the TLS setup of this machine",
        )];
    }
    let mut lines = Vec::new();
    for (index, destination) in config.destinations.iter().enumerate() {
        if index > 0 {
            clock.sleep_until(clock.now().mono.plus(WEBHOOK_REST)).await;
        }
        let subject = format!("webhook of {}", destination.name);
        let verdict = notifier.probe(destination.name.as_str()).await;
        lines.push(judge::webhook(&subject, &verdict));
    }
    lines
}

/// The results as lines for a terminal.
pub fn text(answer: &Answer) -> String {
    let width = answer.lines.iter().map(|line| line.subject.chars().count()).max();
    let width = width.unwrap_or_default();
    let mut out = String::from("\nLive\n");
    for line in &answer.lines {
        // Writing to a String can't fail.
        let _ =
            write!(out, "  {:<11}  {:<width$}  {}", line.state.as_str(), line.subject, line.detail);
        match &line.fix {
            Some(fix) => {
                let _ = writeln!(out, " → {fix}");
            }
            None => out.push('\n'),
        }
    }
    let wrong = answer.lines.iter().filter(|line| line.state == Judged::Wrong).count();
    let left = answer.lines.iter().filter(|line| line.state == Judged::NotChecked).count();
    let _ = match (wrong, left) {
        (0, 0) => writeln!(out, "\nNothing is wrong."),
        (0, left) => {
            writeln!(out, "\nNothing is wrong; {left} not checked.")
        }
        (wrong, left) => writeln!(out, "\n{wrong} wrong, {left} not checked."),
    };
    out
}
