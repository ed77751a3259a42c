//! What a person is asked: whether to begin, whom findings mention, and the webhook.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context;

use super::args::{self, MentionOf};
use crate::secret::Secret;
use crate::slack::Webhook;

/// Slack's webhooks have about 80 bytes.
const LINE_BYTES_MAX: u64 = 4096;

/// Asks a person. Without a terminal the answer is no.
///
/// # Errors
/// The answer can't be read.
pub fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        eprintln!("hansho: {question} There is no terminal to ask on: confirm with --yes");
        return Ok(false);
    }
    eprint!("{question} [yes/no] ");
    let answer = line()?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "yes" | "y"))
}

/// Asks whom findings mention. Without a terminal, and with an empty answer, it is nobody.
///
/// # Errors
/// The answer can't be read, or it is no mention.
pub fn mention() -> anyhow::Result<Option<MentionOf>> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    eprint!(
        "whom medium and more severe findings mention, such as <!here> or <!subteam^S…> (empty: \
         nobody): "
    );
    match line()?.trim() {
        "" => Ok(None),
        text => Ok(Some(args::mention(text).map_err(anyhow::Error::msg)?)),
    }
}

/// Reads the webhook from the standard input: one line, not shown on a terminal. None: there was
/// none.
///
/// # Errors
/// It can't be read, or it is no webhook. The error does not repeat it.
pub fn webhook() -> anyhow::Result<Option<Secret>> {
    let text = match io::stdin().is_terminal() {
        true => {
            eprint!("the webhook of Slack, https://hooks.slack.com/services/… (it is not shown): ");
            let hidden = hidden_line();
            eprintln!();
            hidden?
        }
        false => line()?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    Webhook::parse(text)?;
    Ok(Some(Secret::new(text)))
}

fn line() -> anyhow::Result<String> {
    let mut text = String::new();
    _ = io::stderr().flush();
    let read = io::Read::take(io::stdin().lock(), LINE_BYTES_MAX).read_line(&mut text);
    read.context("the standard input could not be read")?;
    Ok(text)
}

/// Reads a line without echo. The terminal is put back as it was.
#[cfg(unix)]
fn hidden_line() -> anyhow::Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    const WHY: &str = "the terminal's echo could not be switched off";
    let before = tcgetattr(io::stdin()).context(WHY)?;
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).context(WHY)?;
    let text = line();
    tcsetattr(io::stdin(), OptionalActions::Flush, &before).context(WHY)?;
    text
}

#[cfg(not(unix))]
fn hidden_line() -> anyhow::Result<String> {
    anyhow::bail!("give the webhook on the standard input: echo can't be switched off here")
}
