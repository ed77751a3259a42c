//! `hansho report`: what happened lately, from the ledger's records.
//!
//! [`gather`] reads the ledger into a [`Tally`](crate::policy::report::Tally). [`text`], [`json`]
//! and [`html`] show the result. Only this file and `gather` do I/O.

pub mod args;
mod chart;
pub mod gather;
pub mod html;
pub mod json;
mod names;
mod summary;
pub mod text;

use std::fs;

use anyhow::{Context, anyhow};

use crate::clock;
use crate::commands::accounts::directory;
use crate::commands::args::Input;
use crate::commands::exit::Exit;
use crate::commands::note::asked;
use crate::commands::{output, setup, wiring};
use crate::config::{self, Backend, Config};
use crate::embedded::{EmbeddedLedger, Store};
use crate::policy::report::{DAYS_MAX, Gap, Period};
use crate::ports::listing::Listing;
use crate::terminal::terminal_columns;

use gather::Gathered;
pub use names::Names;

/// Runs `hansho report` from its arguments.
///
/// # Errors
/// The ledger does not answer, or the output can't be written.
pub async fn start(args: &args::Report) -> anyhow::Result<Exit> {
    let Some(config) = configured(args) else { return Ok(Exit::Usage) };
    let period = match period(args) {
        Ok(period) => period,
        Err(why) => {
            eprintln!("hansho: {why}");
            return Ok(Exit::Usage);
        }
    };
    let gathered = match &config.backend {
        Backend::Embedded { path, .. } => {
            setup::store_exists(path)?;
            // A post takes a pace slot in the ledger.
            let open = if args.post.is_some() { Store::open } else { Store::open_to_read };
            run(args, &config, &EmbeddedLedger::new(open(path)?), period).await?
        }
        Backend::Aws(aws) => run(args, &config, &wiring::on_aws(aws).await.1, period).await?,
    };
    Ok(Exit::of(!gathered.report.gaps.contains(&Gap::Incomplete)))
}

/// The configuration. Without `--post` nothing is posted, so that no webhook is needed.
fn configured(args: &args::Report) -> Option<Config> {
    let loaded =
        setup::without_webhook(args.config.config.as_deref(), &config::environment()).loaded;
    let Some(destination) = &args.post else { return setup::valid(loaded) };
    let config = setup::config(Some(&args.config))?;
    match asked::destination(&config, destination) {
        Ok(_) => Some(config),
        Err(why) => {
            eprintln!("hansho: {why}");
            None
        }
    }
}

fn period(args: &args::Report) -> Result<Period, String> {
    let now = clock::wall();
    let period = Period::new(args.since.moment(now)?, now);
    match period.days().take(DAYS_MAX + 1).count() {
        1..=DAYS_MAX => Ok(period),
        _ => Err(format!("--since must be at most {} days ago", DAYS_MAX - 1)),
    }
}

async fn run<L: Listing>(
    args: &args::Report,
    config: &Config,
    ledger: &L,
    period: Period,
) -> anyhow::Result<Gathered> {
    directory::show(&config.guide.accounts, ledger).await;
    let gathered = gather::gather(ledger, period, config.retention).await;
    let gathered = gathered.map_err(|why| anyhow!("the ledger can't be read: {why}"))?;
    let accounts = config.guide.accounts.get();
    let names = Names::new(&accounts);
    show(args, &gathered, &names)?;
    let destination = args.post.as_ref().map(|name| asked::destination(config, name));
    if let Some(destination) = destination.and_then(Result::ok) {
        let note = summary::of(&gathered.report, &names);
        asked::asked(config, ledger, destination, 'r', note).await?;
    }
    Ok(gathered)
}

fn show(args: &args::Report, gathered: &Gathered, names: &Names<'_>) -> anyhow::Result<()> {
    if args.json {
        output::print(&format!("{:#}\n", json::of(gathered, names)))?;
    }
    match &args.html {
        Some(Input::Stdin) => output::print(&html::page(gathered, names))?,
        Some(Input::File(path)) => {
            let written = fs::write(path, html::page(gathered, names));
            written.with_context(|| format!("{} can't be written", path.display()))?;
            eprintln!("hansho: the page is in {}", path.display());
        }
        None if !args.json && args.post.is_none() => {
            output::print(&text::of(gathered, names, terminal_columns()))?
        }
        None => {}
    }
    Ok(())
}
