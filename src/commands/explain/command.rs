//! Runs `hansho explain` from its arguments.

use std::io::{self, Write};

use crate::commands::exit::Exit;
use crate::commands::explain;
use crate::commands::explain::args::Explain;
use crate::commands::setup;

/// # Errors
/// The ledger or a queue could not be read, or the output could not be written.
pub async fn start(args: &Explain) -> anyhow::Result<Exit> {
    let Some(config) = setup::config(Some(&args.config)) else {
        return Ok(Exit::Usage);
    };
    let mut out = io::stdout().lock();
    let exit = explain::run(&config, args, &mut out, &mut io::stderr()).await?;
    out.flush()?;
    Ok(exit)
}
