//! `hansho coverage`: where GuardDuty and hansho's forwarder are on, in all accounts and regions.
//!
//! [`mod@survey`] reads the estate through a port, [`crate::estate::gap`] judges it, and each other
//! file shows the result in one form. Nothing is written to AWS.

pub mod args;
mod csv;
mod json;
mod page;
pub mod report;
pub mod survey;
mod text;

use anyhow::Context;

use crate::aws;
use crate::aws::estate::Estate;
use crate::clock;
use crate::commands::accounts::directory;
use crate::commands::exit::Exit;
use crate::commands::output;
use crate::commands::setup;
use crate::config::Config;
use crate::estate::gap::Wanted;
use crate::finding::Text;
use crate::ports::ACCOUNT_NAME_CHARS_MAX;
use crate::terminal::terminal_columns;

use args::{Check, Coverage, RegionChoice};
use report::Report;
use survey::{Survey, survey};

/// Runs the command.
///
/// # Errors
/// Nothing could be read, or the output can't be written.
pub async fn start(args: &Coverage) -> anyhow::Result<Exit> {
    // An auditor may have no configuration. One that is named must be valid.
    let config = match &args.config.config {
        Some(_) => match setup::config(Some(&args.config)) {
            Some(config) => Some(config),
            None => return Ok(Exit::Usage),
        },
        None => setup::load(None).outcome.ok(),
    };
    if let Some(config) = &config {
        directory::show_configured(config).await;
    }
    let ask = request(args, config.as_ref());
    let source = Estate::new(&aws::sdk_config().await, args.member_role.as_deref());
    let matrix = survey(&source, &ask).await.context("the accounts could not be read")?;
    let report = Report::new(clock::wall(), matrix, &wanted(args));
    if let Some(path) = &args.html {
        let written = std::fs::write(path, page::page(&report));
        written.with_context(|| format!("{} can't be written", path.display()))?;
    }
    print(args, &report)?;
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
    let known = config.into_iter().flat_map(|config| {
        let accounts = config.guide.accounts.get();
        let name = |name: Option<&str>| Text::new(name.unwrap_or_default(), ACCOUNT_NAME_CHARS_MAX);
        accounts.iter().map(|a| (a.id().to_owned(), name(a.name()))).collect::<Vec<_>>()
    });
    Survey {
        regions: regions(args, config),
        accounts: args.accounts.iter().cloned().collect(),
        known: known.collect(),
        with_member_role: args.member_role.is_some(),
        without_regions: args.without.contains(&Check::Regions),
        without_forwarder: args.without.contains(&Check::Forwarder),
    }
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
    let configured = config.into_iter().flat_map(|config| &config.reconcile.regions);
    let configured = configured.map(ToString::to_string);
    let regions: Vec<String> = if named.is_empty() { configured.collect() } else { named };
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
