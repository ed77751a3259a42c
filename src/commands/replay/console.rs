//! What the commands print, and what they ask a person.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::watch;

use crate::clock::SystemClock;
use crate::commands::exit::Exit;
pub use crate::commands::output::print;
use crate::ports::{Clock, DeadLetterQueue};
use crate::slack::Guide;
use crate::terminal::terminal_columns;

use super::holds::{Holds, Stop};

/// How often held messages are renewed while a person is asked.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// How to show the output.
#[derive(Clone, Debug)]
pub struct View {
    /// The name of the queue.
    pub queue: String,
    pub json: bool,
    /// The width of the terminal. None: the output is not a terminal.
    pub width: Option<usize>,
    pub colour: bool,
    /// The names of accounts.
    pub guide: Arc<Guide>,
}

/// The output of a command.
#[derive(Debug, PartialEq, Eq)]
pub struct CommandOutput {
    /// For the standard output.
    pub text: String,
    /// For the standard error, a line each.
    pub notes: Vec<String>,
    pub exit: Exit,
}

impl View {
    pub fn of_stdout(queue: &str, json: bool, guide: Arc<Guide>) -> View {
        let terminal = io::stdout().is_terminal();
        View {
            queue: queue.to_owned(),
            json,
            width: if terminal { terminal_columns() } else { None },
            colour: terminal,
            guide,
        }
    }
}

impl CommandOutput {
    pub fn print(self) -> anyhow::Result<Exit> {
        print(&self.text)?;
        self.notes.iter().for_each(print_note);
        Ok(self.exit)
    }
}

pub fn print_note(note: impl std::fmt::Display) {
    eprintln!("hansho: {note}");
}

/// Reports wrong usage.
pub fn usage(why: impl std::fmt::Display) -> anyhow::Result<Exit> {
    print_note(why);
    Ok(Exit::Usage)
}

/// Asks a person, and keeps the messages held meanwhile. Without a terminal the answer is no.
pub async fn confirmed<Q: DeadLetterQueue>(
    holds: &mut Holds<'_, Q, SystemClock>,
    question: &str,
) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        print_note(format_args!("{question} There is no terminal to ask on: confirm with --yes"));
        return Ok(false);
    }
    eprint!("{question} [yes/no] ");
    let mut asked = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    loop {
        let next = holds.clock.now().mono.plus(RENEW_EVERY);
        tokio::select! {
            biased;
            answer = &mut asked => {
                let answer = answer.map_err(|why| anyhow!("the answer could not be read: {why}"))??;
                return Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "yes" | "y"));
            }
            () = holds.sleep_until(next) => {
                if holds.stopped() {
                    eprintln!();
                    return Ok(false);
                }
                holds.renew().await;
            }
        }
    }
}

/// Becomes true after SIGTERM or Ctrl-C.
pub fn stop_signal() -> Stop {
    let (sender, stop) = watch::channel(false);
    tokio::spawn(async move {
        crate::commands::wiring::stop_signal().await;
        let _ = sender.send(true);
        // A receiver takes a dropped sender for "never".
        sender.closed().await;
    });
    stop
}
