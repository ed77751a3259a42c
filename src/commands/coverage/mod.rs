//! `hansho coverage`: where GuardDuty and hansho's forwarder are on, in all accounts and regions.
//!
//! [`mod@survey`] reads the estate through a port, [`crate::estate::gap`] judges it, [`last`] reads
//! the ledger, and each other file shows the result in one form. Nothing is written to AWS but the
//! records that a post takes in the ledger.

pub mod args;
mod csv;
mod json;
pub mod last;
mod page;
pub mod report;
mod summary;
pub mod survey;
mod text;
pub mod timer;

use std::collections::BTreeMap;

use anyhow::{Context, bail};

use crate::aws;
use crate::aws::estate::Estate;
use crate::clock;
use crate::commands::accounts::directory;
use crate::commands::exit::Exit;
use crate::commands::note::asked;
use crate::commands::{output, setup, wiring};
use crate::config::{Backend, Config};
use crate::embedded::{EmbeddedLedger, Store};
use crate::estate::Unreadable;
use crate::estate::gap::Wanted;
use crate::finding::Text;
use crate::ports::ACCOUNT_NAME_CHARS_MAX;
use crate::ports::listing::Listing;
use crate::terminal::terminal_columns;

use args::{Check, Coverage, RegionChoice};
use report::Report;
use survey::{Survey, survey};

/// Runs the command.
///
/// # Errors
/// Nothing could be read, the output can't be written, or the summary was not posted.
pub async fn start(args: &Coverage) -> anyhow::Result<Exit> {
    let config = match configured(args) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    if let Some(config) = &config {
        directory::show_configured(config).await;
    }
    let ask = request(args, config.as_ref());
    let source = Estate::new(&aws::sdk_config().await, args.member_role.as_deref());
    let matrix = survey(&source, &ask).await.context("the accounts could not be read")?;
    let report = Report::new(clock::wall(), matrix, &wanted(args));
    let Some(config) = config else { return end(args, &report) };
    match &config.backend {
        Backend::Embedded { path, .. } if !path.exists() => {
            let exit = end(args, &report)?;
            // A post takes a pace slot in the ledger.
            if args.post.is_some() && !report.gaps.is_empty() {
                setup::store_exists(path)?;
            }
            Ok(exit)
        }
        Backend::Embedded { path, .. } => {
            let open = if args.post.is_some() { Store::open } else { Store::open_to_read };
            with_ledger(args, &config, &EmbeddedLedger::new(open(path)?), report).await
        }
        Backend::Aws(aws) => with_ledger(args, &config, &wiring::on_aws(aws).await.1, report).await,
    }
}

/// The configuration. An auditor may have none, unless something is to be posted. One that is named
/// must be valid.
fn configured(args: &Coverage) -> Result<Option<Config>, Exit> {
    let Some(destination) = &args.post else {
        return match &args.config.config {
            Some(_) => setup::config(Some(&args.config)).map(Some).ok_or(Exit::Usage),
            None => Ok(setup::load(None).outcome.ok()),
        };
    };
    let config = setup::config(Some(&args.config)).ok_or(Exit::Usage)?;
    match asked::destination(&config, destination) {
        Ok(_) => Ok(Some(config)),
        Err(why) => {
            eprintln!("hansho: {why}");
            Err(Exit::Usage)
        }
    }
}

async fn with_ledger<L: Listing>(
    args: &Coverage,
    config: &Config,
    ledger: &L,
    report: Report,
) -> anyhow::Result<Exit> {
    let report = match args.without.contains(&Check::Findings) {
        true => report,
        false => {
            let last = last::read(ledger, &report.matrix, report.at).await;
            let why = |why| Unreadable::new(&format!("the ledger can't be read: {why}"));
            report.with_last(last.map_err(why))
        }
    };
    let exit = end(args, &report)?;
    let Some(name) = &args.post else { return Ok(exit) };
    if report.gaps.is_empty() {
        eprintln!("hansho: there is no gap, so nothing is posted");
        return Ok(exit);
    }
    match asked::destination(config, name) {
        Ok(one) => asked::asked(config, ledger, one, 'c', summary::of(&report)).await?,
        Err(why) => bail!(why),
    }
    Ok(exit)
}

/// Writes the report in the forms that are asked for.
fn end(args: &Coverage, report: &Report) -> anyhow::Result<Exit> {
    if let Some(path) = &args.html {
        let written = std::fs::write(path, page::page(report));
        written.with_context(|| format!("{} can't be written", path.display()))?;
    }
    print(args, report)?;
    Ok(report.exit())
}

fn wanted(args: &Coverage) -> Wanted {
    let plans = Some(&args.plans).filter(|plans| !plans.is_empty());
    Wanted {
        plans: plans.map(|plans| plans.iter().cloned().collect()),
        frequency: args.frequency,
        target: args.bus.clone(),
    }
}

fn request(args: &Coverage, config: Option<&Config>) -> Survey {
    let known = config.map(known_accounts).unwrap_or_default();
    Survey {
        regions: regions(args, config),
        accounts: args.accounts.iter().cloned().collect(),
        known,
        with_member_role: args.member_role.is_some(),
        without_regions: args.without.contains(&Check::Regions),
        without_forwarder: args.without.contains(&Check::Forwarder),
    }
}

/// The accounts of the configuration and of the directory, with their names.
fn known_accounts(config: &Config) -> BTreeMap<String, Text> {
    let accounts = config.guide.accounts.get();
    let name = |name: Option<&str>| Text::new(name.unwrap_or_default(), ACCOUNT_NAME_CHARS_MAX);
    accounts.iter().map(|a| (a.id().to_owned(), name(a.name()))).collect()
}

/// The regions of the command line, or else of the configuration. None: all.
fn regions(args: &Coverage, config: Option<&Config>) -> Option<Vec<String>> {
    if args.regions.contains(&RegionChoice::All) {
        return None;
    }
    let named = args.regions.iter().filter_map(|choice| match choice {
        RegionChoice::One(name) => Some(name.to_string()),
        RegionChoice::All => None,
    });
    let named: Vec<String> = named.collect();
    match named.is_empty() {
        true => config.and_then(configured_regions),
        false => Some(named),
    }
}

/// None: all regions that an account has enabled.
fn configured_regions(config: &Config) -> Option<Vec<String>> {
    let regions: Vec<String> = config.reconcile.regions.iter().map(ToString::to_string).collect();
    Some(regions).filter(|regions| !regions.is_empty())
}

fn print(args: &Coverage, report: &Report) -> anyhow::Result<()> {
    let text = match (args.json, args.csv) {
        (true, _) => serde_json::to_string_pretty(&json::json(report))? + "\n",
        (_, true) => csv::csv(report)?,
        _ => text::text(report, terminal_columns()),
    };
    output::print(&text)
}
