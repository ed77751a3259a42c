//! `hansho check`: explains the configuration, and with `--live` asks AWS and Slack about it.

pub mod args;
pub mod explanation;
pub mod live;
mod places;
pub mod probe;

use crate::commands::exit::Exit;
use crate::commands::output;
use crate::commands::setup;

use args::Check;

/// Explains the configuration on stdout. The checks of `--live` follow if it has no mistake.
///
/// # Errors
/// The result could not be written as JSON.
pub async fn start(args: &Check) -> anyhow::Result<Exit> {
    let loaded = setup::load(Some(&args.config));
    let mut probes = probe::local(&loaded);
    if let Ok(config) = &loaded.outcome {
        probes.places = places::wrong(config, args.live).await;
    }
    let explanation = explanation::text(&loaded, &probes);
    let exit = explanation::exit(&loaded, &probes);
    match args.json {
        false => output::print(&explanation.to_string())?,
        true if !args.live => {
            output::print(&format!("{}\n", explanation::json(&loaded, &probes)))?;
        }
        true if exit != Exit::Done => eprint!("{explanation}"),
        true => {}
    }
    let Some(config) = loaded.outcome.ok().filter(|_| args.live && exit == Exit::Done) else {
        return Ok(exit);
    };
    let checked = live::run(&config).await;
    match args.json {
        true => output::print(&format!("{}\n", serde_json::to_string_pretty(&checked)?))?,
        false => output::print(&live::text(&checked))?,
    }
    Ok(Exit::of(!checked.is_wrong()))
}
