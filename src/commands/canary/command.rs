//! Runs `hansho canary` from its arguments.

use crate::commands::canary::{self, args::Canary};
use crate::commands::exit::Exit;
use crate::commands::setup;

/// # Errors
/// A canary could not be sent, or the ledger could not be read.
pub async fn start(args: &Canary) -> anyhow::Result<Exit> {
    let options = match args.options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("hansho: {why}");
            return Ok(Exit::Usage);
        }
    };
    let Some(config) = setup::config(Some(&args.config)) else {
        return Ok(Exit::Usage);
    };
    let canary::CanaryRun { flights, start, depth } = canary::run(&config, &options).await?;
    match args.json {
        true => println!("{}", canary::report::json(&flights)),
        false => println!("{}", canary::report::text(&flights, &start, depth, options.within)),
    }
    Ok(Exit::of(flights.iter().all(canary::Flight::arrived)))
}
