//! `hansho explain`: the history of a finding.
//!
//! [`question`] reads the question, [`gather`] asks the ledger and the queues, [`explanation`] puts
//! their answers in order, and [`show`] writes the result. Only this file and `gather` do I/O.

pub mod answer;
pub mod args;
mod context;
pub mod explanation;
pub mod gather;
mod history;
mod incidents;
mod notes;
mod outlook;
pub mod question;
pub mod show;

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};

use crate::clock::{self, SystemClock};
use crate::commands::accounts::directory;
use crate::commands::exit::Exit;
use crate::commands::explain::args::Explain;
use crate::commands::reconcile::source;
use crate::commands::silence::store as silences;
use crate::commands::{output, setup, wiring};
use crate::config::{Backend, Config};
use crate::embedded::{EmbeddedLedger, EmbeddedQueue, Store, input};
use crate::finding::{self, Finding, Text};

use gather::Evidence;
use question::{Question, Scope, WrongUsage};

/// The longest error of a service that is shown, in characters.
const GAP_CHARS_MAX: usize = 1000;
/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Runs `hansho explain` from its arguments.
///
/// # Errors
/// The ledger or a queue could not be read, or the output could not be written.
pub async fn start(args: &Explain) -> anyhow::Result<Exit> {
    let Some(config) = setup::config_without_webhook(&args.config) else {
        return Ok(Exit::Usage);
    };
    let mut out = output::stdout();
    let exit = run(&config, args, &mut out, &mut io::stderr()).await?;
    out.flush()?;
    Ok(exit)
}

/// Answers the question on `out`. Writes wrong usage to `problems`.
///
/// # Errors
/// The question could not be answered.
pub async fn run(
    config: &Config,
    args: &Explain,
    out: &mut impl Write,
    problems: &mut impl Write,
) -> anyhow::Result<Exit> {
    let question = match read(args)? {
        Ok(question) => question,
        Err(WrongUsage(why)) => {
            writeln!(problems, "hansho: {why}")?;
            return Ok(Exit::Usage);
        }
    };
    let text = question::shown(&args.what);
    let evidence = evidence(config, question, &text, !args.no_queues).await?;
    let explanation = explanation::explain(config, &evidence, &text, clock::wall());
    let written = match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&explanation)?),
        false => out.write_all(show::text(&explanation).as_bytes()),
    };
    written.context("the output could not be written")?;
    Ok(if explanation.known { Exit::Done } else { Exit::Failure })
}

async fn evidence(
    config: &Config,
    question: Question,
    text: &str,
    with_queues: bool,
) -> anyhow::Result<Evidence> {
    let gathered = match &config.backend {
        Backend::Embedded { path, .. } => {
            setup::store_exists(path)?;
            let store = Store::open_to_read(path)?;
            let queue = EmbeddedQueue::new(store.clone(), Arc::new(SystemClock::start()));
            let ledger = EmbeddedLedger::new(store);
            directory::show(&config.guide.accounts, &ledger).await;
            silences::show(&config.silences, &ledger).await;
            gather::gather(config, question, text, &ledger, with_queues.then_some(&queue)).await
        }
        Backend::Aws(aws) => {
            let (queue, ledger) = wiring::on_aws(aws).await;
            directory::show(&config.guide.accounts, &ledger).await;
            silences::show(&config.silences, &ledger).await;
            gather::gather(config, question, text, &ledger, with_queues.then_some(&queue)).await
        }
    };
    gathered.map_err(|why| anyhow!("the ledger could not be asked: {why}"))
}

/// The findings of this name, or why the name is none. Their text is that of a message in a queue
/// or in the quarantine. If none waits there, it is that of GuardDuty, where hansho runs on AWS or
/// `reconcile.regions` is set.
///
/// # Errors
/// The ledger could not be asked, or nobody has the text.
pub async fn findings(config: &Config, name: &str) -> anyhow::Result<Result<Vec<Finding>, String>> {
    let question = match question::name(name, &Scope::default()) {
        Ok(question) => question,
        Err(WrongUsage(why)) => return Ok(Err(why)),
    };
    let asked = match &question {
        Question::Name(asked) => Some(asked.clone()),
        Question::Message(_) => None,
    };
    let evidence = evidence(config, question, &question::shown(name), true).await?;
    let mut gaps = evidence.gaps;
    let waiting = evidence.subjects.into_iter().filter_map(|subject| subject.finding);
    let mut findings: Vec<Finding> = waiting.collect();
    let mut guardduty = "GuardDuty is not asked, because hansho runs without AWS: set \
                         reconcile.regions, or";
    let on_aws = matches!(config.backend, Backend::Aws(_)) || !config.reconcile.regions.is_empty();
    if let (Some(asked), true) = (asked, findings.is_empty() && on_aws) {
        let (texts, failed) = source::lookup(config, &asked.fingerprints, &asked.words).await;
        findings.extend(texts.iter().flat_map(|text| finding::parse(text).findings));
        guardduty = match failed.is_empty() {
            true => "GuardDuty does not have it:",
            false => "GuardDuty did not answer for the reason above:",
        };
        gaps.extend(failed);
    }
    for gap in &gaps {
        eprintln!("hansho: {}", Text::new(gap, GAP_CHARS_MAX));
    }
    if findings.is_empty() {
        bail!(
            "no message with the text of this finding waits, and the ledger keeps no text. {guardduty} \
             give the finding as a file, or as - on the standard input"
        );
    }
    Ok(Ok(findings))
}

/// Reads the argument: as a file if there is one, else as a name.
fn read(args: &Explain) -> anyhow::Result<Result<Question, WrongUsage>> {
    let scope = Scope {
        product: args.product.clone(),
        account: args.account.clone(),
        region: args.region.clone(),
    };
    let path = Path::new(&args.what);
    let is_file = args.what == "-" || (!args.what.is_empty() && path.is_file());
    if let Err(wrong) = question::check(is_file, &scope) {
        return Ok(Err(wrong));
    }
    if is_file {
        let (bodies, parts) = messages(path)?;
        return Ok(Ok(question::message(&bodies, &parts)));
    }
    if question::looks_like_a_file(&args.what) {
        bail!("{} does not exist, or is not a file", question::shown(&args.what));
    }
    Ok(question::name(&args.what, &scope))
}

/// The messages in a file, and the messages that `run --input` makes of it. The former are one
/// message if the file is one JSON document that fits a queue, else they are the latter.
fn messages(path: &Path) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let name = path.display();
    let source = match path.as_os_str() == "-" {
        true => input::decode(io::stdin()),
        false => {
            input::decode(File::open(path).with_context(|| format!("{name} can't be opened"))?)
        }
    };
    let source = source.with_context(|| format!("{name} can't be read"))?;
    let mut bytes = Vec::new();
    let read = source.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("{name} can't be read"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        bail!("{name} has more than {} MiB: give one message", FILE_BYTES_MAX >> 20);
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_one = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
    let mut all = Vec::new();
    input::split(text.as_bytes(), |body, _| {
        all.push(body);
        ControlFlow::Continue(())
    })
    .with_context(|| format!("{name} can't be read"))?;
    if all.is_empty() {
        bail!("{name} is empty: give the event or the finding as JSON");
    }
    if is_one && text.len() <= finding::MAX_BYTES {
        return Ok((vec![text.to_owned()], all));
    }
    Ok((all, Vec::new()))
}
