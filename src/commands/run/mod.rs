//! `hansho run`: starts the worker on the backend that is configured.

pub mod args;
mod dry_run;
pub mod feed;
pub mod inputs;
mod progress;
pub mod summary;
pub mod worker;

use std::path::PathBuf;

use crate::commands::check::probe;
use crate::commands::exit::Exit;
use crate::commands::output;
use crate::commands::setup;

use args::Run;
use worker::RunOptions;

/// Runs the worker, and prints the summary of a run that drained its queues.
///
/// # Errors
/// The worker could not start.
pub async fn start(args: &Run) -> anyhow::Result<Exit> {
    if args.dry_run {
        return dry_run::start(args);
    }
    let loaded = setup::load(Some(&args.config));
    let obstacles = probe::obstacles(&probe::local(&loaded));
    let Some(config) = setup::valid(loaded) else {
        return Ok(Exit::Usage);
    };
    if !obstacles.is_empty() {
        setup::unusable(&obstacles);
        return Ok(Exit::Usage);
    }
    let inputs = args.input.iter().map(|input| PathBuf::from(input.to_string())).collect();
    let options = RunOptions { inputs, drain: args.drain, give_up: args.give_up };
    let outcome = worker::run(&config, &options).await?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string(&outcome.tally)?))?;
    } else if args.drain {
        let text = summary::text(&outcome, worker::patience(&config, &options));
        output::print(&format!("{text}\n"))?;
    }
    // A draining run that left work behind has failed, though nothing is lost.
    let drained = !args.drain || outcome.complete;
    let quarantined = args.drain && !args.input.is_empty() && outcome.tally.quarantined > 0;
    Ok(Exit::of(!outcome.input_cut && drained && (args.allow_quarantine || !quarantined)))
}
