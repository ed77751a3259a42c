//! `hansho demo`: a quiet night and a bad night, on this machine, with nothing configured.
//!
//! The workers are real: this program, as processes of their own, on an embedded store in a
//! temporary folder. Only Slack is a stand-in. At the end the demo compares the posts that the
//! stand-in accepted with the messages that it put into the queue.
//!
//! Tests and benches use the stand-in ([`slack_standin`], [`slack_rules`]) and the generator of
//! findings ([`night`]) too.

pub mod args;
pub mod night;
pub mod slack_rules;
pub mod slack_standin;

mod acts;
mod plug;
mod scene;
mod screen;
mod status;
mod tally;
mod viewer;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::SystemClock;
use crate::commands::exit::Exit;
use crate::ports::{Clock, Lane, Queue};

use args::Demo;
use night::Night;
use scene::Scene;
use slack_standin::{RateLimit, SlackStandIn};
use viewer::Viewer;

/// The findings of each run are the same. 119 is the number of the fire brigade in Japan.
const SEED: u64 = 119;
/// A longer demo is stuck.
const TIMEOUT: Duration = Duration::from_secs(100);

/// Runs the demo. It fails if a promise was not kept.
///
/// # Errors
/// The demo was interrupted, or could not run.
pub async fn start(args: &Demo) -> anyhow::Result<Exit> {
    let folder = tempfile::tempdir().context("no temporary folder could be made")?;
    let clock = Arc::new(SystemClock::start());
    let ticks = Arc::clone(&clock);
    let slack = SlackStandIn::start(Some(RateLimit::SLACK), move || ticks.now().mono.0)
        .await
        .context("no port of 127.0.0.1 could be listened on")?;
    let scene = Scene::new(&folder.path().join("hansho.db"), clock, slack, args.json)?;
    tokio::select! {
        biased;
        signal = stop_signal() => bail!("{}: the demo ended early", signal?),
        played = tokio::time::timeout(TIMEOUT, play(&scene)) => {
            played.context("the demo took too long: is the machine very busy?")??;
        }
    }
    let quarantined = scene.queue.quarantined().await?;
    let left = scene.queue.depth(Lane::Standard).await?;
    let pending = left.visible + left.hidden;
    let posts = scene.slack.received();
    let tally = tally::count(&scene.journal.borrow(), &posts, &quarantined, pending);
    scene.screen.end(&serde_json::to_string(&tally)?, &tally.to_string())?;
    Ok(Exit::of(tally.is_good()))
}

/// Plays both nights, and shows meanwhile what Slack receives.
async fn play(scene: &Scene) -> anyhow::Result<()> {
    let mut viewer = Viewer::new(scene);
    let acts = async {
        let mut night = Night::new(SEED, scene.clock.now().wall);
        acts::quiet_night(scene, &mut night).await?;
        acts::bad_night(scene, &mut night).await
    };
    tokio::select! {
        biased;
        watched = viewer.watch() => watched?,
        played = acts => played?,
    }
    viewer.finish()
}

/// Resolves at a signal, so that the demo ends with its workers and its folder.
async fn stop_signal() -> std::io::Result<&'static str> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "terminated",
        _ = hang_up.recv() => "hung up",
    })
}
