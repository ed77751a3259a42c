//! `hansho explain`: what became of a finding. [`asked`] reads what is asked for, [`gather`] asks
//! ledger and queues, [`story`] puts what they say in order, and [`show`] writes it. Only this file
//! and `gather` do I/O.

pub mod answer;
pub mod args;
pub mod asked;
pub mod command;
pub mod gather;
pub mod show;
pub mod story;

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};

use crate::clock::{self, SystemClock};
use crate::commands::exit::Exit;
use crate::commands::explain::args::Explain;
use crate::commands::wiring;
use crate::config::{Backend, Config};
use crate::embedded::{EmbeddedLedger, EmbeddedQueue, Store, input};
use crate::finding;

use asked::{Asked, Place, Wrong};
use gather::Evidence;

/// A file of findings may be long; one that is asked about is not.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Explains what is asked for. An error means that it could not be done; wrong usage is told on
/// `problems`.
pub async fn run(
    config: &Config,
    args: &Explain,
    out: &mut impl Write,
    problems: &mut impl Write,
) -> anyhow::Result<Exit> {
    let asked = match read(args)? {
        Ok(asked) => asked,
        Err(Wrong(why)) => {
            writeln!(problems, "hansho: {why}")?;
            return Ok(Exit::Usage);
        }
    };
    let text = asked::shown(&args.what);
    let evidence = evidence(config, asked, &text, !args.no_queues).await?;
    let story = story::tell(config, &evidence, &text, clock::wall());
    let written = match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&story)?),
        false => out.write_all(show::text(&story).as_bytes()),
    };
    written.context("the output could not be written")?;
    Ok(if story.known { Exit::Done } else { Exit::Failure })
}

async fn evidence(
    config: &Config,
    asked: Asked,
    text: &str,
    with_queues: bool,
) -> anyhow::Result<Evidence> {
    let gathered = match &config.backend {
        Backend::Embedded { path, .. } => {
            if !path.exists() {
                bail!(
                    "{} is not there, so that nothing is known: no worker has run with this \
                     configuration in this folder; give --config, or go to the worker's folder",
                    path.display()
                );
            }
            let store = Store::open(path)?;
            let queue = EmbeddedQueue::new(store.clone(), Arc::new(SystemClock::start()));
            let ledger = EmbeddedLedger::new(store);
            gather::gather(config, asked, text, &ledger, with_queues.then_some(&queue)).await
        }
        Backend::Aws { standard, express, quarantine, table } => {
            let (queue, ledger) =
                wiring::on_aws(standard, express.as_ref(), quarantine, table).await;
            gather::gather(config, asked, text, &ledger, with_queues.then_some(&queue)).await
        }
    };
    gathered.map_err(|why| anyhow!("the ledger could not be asked: {why}"))
}

/// A file if there is one of that name, else a name.
fn read(args: &Explain) -> anyhow::Result<Result<Asked, Wrong>> {
    let place = Place {
        product: args.product.clone(),
        account: args.account.clone(),
        region: args.region.clone(),
    };
    let path = Path::new(&args.what);
    let is_file = args.what == "-" || (!args.what.is_empty() && path.is_file());
    if let Err(wrong) = asked::check(is_file, &place) {
        return Ok(Err(wrong));
    }
    if is_file {
        let (bodies, parts) = messages(path)?;
        return Ok(Ok(asked::message(&bodies, &parts)));
    }
    if asked::looks_like_a_file(&args.what) {
        bail!("{} is not there, or is no file", asked::shown(&args.what));
    }
    Ok(asked::name(&args.what, &place))
}

/// The messages in a file: one, if it is one document that a queue could carry, as it would come
/// from the queue; else as `run --input` takes them from it. Then what `run --input` makes of it in
/// either case.
fn messages(path: &Path) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let name = path.display();
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).with_context(|| format!("{name} can't be opened"))?),
    };
    let mut bytes = Vec::new();
    let read = source.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("{name} can't be read"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        bail!(
            "{name} has more than {} MiB: give the one message that is meant",
            FILE_BYTES_MAX >> 20
        );
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_one = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
    let mut all = Vec::new();
    input::split(text.as_bytes(), |body| {
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
