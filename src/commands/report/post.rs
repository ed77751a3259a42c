//! Posts the summary of a report as a note.

use std::time::Duration;

use anyhow::anyhow;

use super::args::FIRST;
use super::gather::Gathered;
use super::names::Names;
use super::summary;
use crate::clock::SystemClock;
use crate::commands::note::{self, NotePorts, NoteSender};
use crate::commands::wiring;
use crate::config::{Config, Destination};
use crate::ports::{Clock, Ledger, Notifier, Post};

/// How long a slot of the pace and a retry are waited for. A person waits.
const WITHIN: Duration = Duration::from_secs(60);

/// The destination of this name, or the first.
pub fn destination<'a>(config: &'a Config, name: &str) -> Option<&'a Destination> {
    config.destinations.iter().find(|one| name == FIRST || one.name.as_str() == name)
}

/// Posts the summary at the pace of the fleet.
///
/// # Errors
/// The webhook can't be read, or Slack or the ledger did not accept the post in time.
pub async fn summary<L: Ledger>(
    config: &Config,
    ledger: &L,
    destination: &Destination,
    gathered: &Gathered,
    names: &Names<'_>,
) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let notifier = wiring::unread_notifier(config);
    let name = destination.name.as_str();
    let read = notifier.refresh(name).await;
    read.map_err(|why| anyhow!("the webhook of {name} can't be read: {why}"))?;
    let id = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
    let (title, lines) = summary::of(&gathered.report, names);
    let post = Post::note(format!("{id}-r1"), name, clock.now().wall, title, lines);
    let ports = NotePorts { ledger, notifier: &notifier, clock: &clock };
    let posted = note::post(&ports, &NoteSender::new(config, &id), &post, WITHIN).await;
    posted.map_err(|why| anyhow!("the summary was not posted to {name}: {why}"))?;
    eprintln!("hansho: the summary is posted to {name}");
    Ok(())
}
