//! `hansho status`: the state of the worker of this machine, or of its queues where none answers.

pub mod args;
mod ask;
mod queues;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use serde_json::json;

use crate::clock::{self, SystemClock};
use crate::commands::exit::Exit;
use crate::commands::{output, setup, wiring};
use crate::config::Config;
use crate::health::status::Status;
use crate::ports::Clock;
use crate::terminal;

use args::StatusCommand;
use queues::Queues;

const WATCH_EVERY: Duration = Duration::from_secs(2);
/// The columns where the terminal does not say how many it has.
const COLUMNS: usize = 80;
/// Moves the cursor home and clears the screen. Source: ECMA-48, CUP and ED.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// What can be known.
enum Seen {
    Worker(Box<Status>),
    /// No worker answers, for this reason.
    Queues(String, Queues),
}

/// Prints the state, once or until it is stopped.
///
/// # Errors
/// No worker answers and the queues can't be read, or the output can't be written.
pub async fn start(args: &StatusCommand) -> anyhow::Result<Exit> {
    let Some(config) = setup::config_without_webhook(&args.config) else {
        return Ok(Exit::Usage);
    };
    if !args.watch {
        let seen = see(&config).await?;
        return show(&seen, args, "");
    }
    let clear = if io::stdout().is_terminal() && !args.json { CLEAR } else { "" };
    let clock = SystemClock::start();
    let mut stop = std::pin::pin!(wiring::stop_signal());
    loop {
        match see(&config).await {
            Ok(seen) => {
                show(&seen, args, clear)?;
            }
            // The next look may find more.
            Err(why) => output::print(&format!("{clear}{why:#}\n"))?,
        }
        tokio::select! {
            () = &mut stop => return Ok(Exit::Done),
            () = clock.sleep_until(clock.now().mono.plus(WATCH_EVERY)) => {}
        }
    }
}

async fn see(config: &Config) -> anyhow::Result<Seen> {
    let why = match ask::worker(config.metrics.listen).await {
        Ok(status) => return Ok(Seen::Worker(Box::new(status))),
        Err(why) => why,
    };
    Ok(Seen::Queues(why, queues::read(config).await?))
}

fn show(seen: &Seen, args: &StatusCommand, clear: &str) -> anyhow::Result<Exit> {
    let width = terminal::terminal_columns().unwrap_or(COLUMNS);
    let now = clock::wall();
    let text = match seen {
        Seen::Worker(status) if args.json => format!("{}\n", json!({ "worker": status })),
        Seen::Queues(why, queues) if args.json => {
            format!("{}\n", json!({ "worker": null, "why": why, "queues": queues }))
        }
        Seen::Worker(status) => screen::worker(status, now, width),
        Seen::Queues(why, queues) => screen::queues(why, queues, now, width),
    };
    let mut out = output::stdout();
    write!(out, "{clear}{text}")?;
    out.flush()?;
    Ok(match seen {
        Seen::Worker(status) => Exit::of(status.problems.is_empty()),
        Seen::Queues(..) => Exit::Done,
    })
}
