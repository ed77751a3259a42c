//! Posts a note that a person asked for, at once.

use std::time::Duration;

use anyhow::anyhow;

use super::{NotePorts, NoteSender, post};
use crate::clock::SystemClock;
use crate::commands::wiring;
use crate::config::{Config, Destination};
use crate::finding::Text;
use crate::ports::{Clock, Ledger, Notifier, Post};

/// How long a slot of the pace and a retry are waited for. A person waits.
const WITHIN: Duration = Duration::from_secs(60);
/// The longest name that is repeated to a person, in characters.
const NAME_CHARS_MAX: usize = 200;

/// Stands for the first destination. No destination can have this name.
pub const FIRST: &str = "*";

/// The destination that the argument of `--post` names, or the first.
///
/// # Errors
/// There is none of this name, and which ones there are.
pub fn destination<'a>(config: &'a Config, name: &str) -> Result<&'a Destination, String> {
    let found = config.destinations.iter().find(|d| name == FIRST || d.name.as_str() == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = config.destinations.iter().map(|d| d.name.as_str()).collect();
        let asked = Text::new(name, NAME_CHARS_MAX);
        format!("--post: no destination {}: give one of {}", asked.as_str(), names.join(", "))
    })
}

/// Posts a title and lines at the pace of the fleet. `kind`: a letter for the id of the post.
///
/// # Errors
/// The webhook can't be read, or Slack or the ledger did not accept the post in time.
pub async fn asked<L: Ledger>(
    config: &Config,
    ledger: &L,
    destination: &Destination,
    kind: char,
    (title, lines): (String, Vec<String>),
) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let notifier = wiring::unread_notifier(config);
    let name = destination.name.as_str();
    let read = notifier.refresh(name).await;
    read.map_err(|why| anyhow!("the webhook of {name} can't be read: {why}"))?;
    let id = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
    let note = Post::note(format!("{id}-{kind}1"), name, clock.now().wall, title, lines);
    let ports = NotePorts { ledger, notifier: &notifier, clock: &clock };
    let posted = post(&ports, &NoteSender::new(config, &id), &note, WITHIN).await;
    posted.map_err(|why| anyhow!("the summary was not posted to {name}: {why}"))?;
    eprintln!("hansho: the summary is posted to {name}");
    Ok(())
}
