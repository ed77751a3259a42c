//! The two nights: what arrives when, and what goes wrong.

use std::time::Duration;

use anyhow::Context;

use super::night::{Event, Mix, Night, Role};
use super::scene::Scene;
use super::slack_standin::{Answered, Behaviour};
use super::tally;
use super::workers::{VISIBILITY, Worker, WorkerState};
use crate::instants::Mono;

const QUIET: Mix = Mix { noise: 40, alerts: 10, repeats: 9, updates: 4, malformed: 1 };
/// Findings that were posted at medium and rise to high.
const ESCALATIONS: usize = 2;
/// The first half of the quiet night arrives in this many portions, one after each post.
const PORTIONS: usize = 3;
/// The `Retry-After` of the third post's answer, in seconds.
const RETRY_AFTER_S: u64 = 1;

const STORM: Mix = Mix { noise: 955, alerts: 520, repeats: 20, updates: 5, malformed: 0 };
/// Critical findings that arrive in the middle of the storm, and while Slack is unreachable.
const CRITICALS: [usize; 2] = [3, 2];
/// The storm comes in gusts, so that both workers receive a part of it.
const GUST: usize = 20;
const GUST_EVERY: Duration = Duration::from_millis(20);
/// The second worker is killed between two posts once it holds this many findings, or after
/// [`WAIT_MAX`].
const HELD_ENOUGH: usize = 100;
const BETWEEN_POSTS_MS: std::ops::Range<u64> = 400..900;
const WAIT_MAX: Duration = Duration::from_secs(4);
/// With this seed the first worker's fourth retry comes soon after Slack answers again.
const SEED: (&str, &str) = ("HANSHO_WORKER_SEED", "177");
const OUTAGE: Duration = Duration::from_secs(6);
/// The shortest times that fit together, so that the demo is short.
const SHARED: [(&str, &str); 6] = [
    ("HANSHO_WORKER_FLEET", "2"),
    ("HANSHO_WORKER_POST_TIMEOUT", "2s"),
    ("HANSHO_WORKER_LEASE", "14s"),
    ("HANSHO_WORKER_SKEW", "0s"),
    ("HANSHO_WORKER_HEARTBEAT", "2s"),
    ("HANSHO_WORKER_VISIBILITY", "16500ms"),
];

/// Half of the messages, a 429, a crash, the other half, and escalations.
pub async fn quiet_night(scene: &Scene, night: &mut Night) -> anyhow::Result<()> {
    let (screen, slack) = (&scene.screen, &scene.slack);
    slack.plan([
        Behaviour::Ok,
        Behaviour::Ok,
        Behaviour::RateLimited { retry_after_s: Some(RETRY_AFTER_S) },
    ]);
    screen.act("A quiet night")?;
    screen.say(
        "A company has five accounts in four regions. The worker is this program, started as a \
         second process. Slack is a stand-in on 127.0.0.1. Nothing leaves this machine.",
    )?;
    let mut events = night.events(QUIET);
    let rest = events.split_off(events.len() * 2 / 3);
    let mut portions = events.chunks(events.len().div_ceil(PORTIONS));
    let mut posts = slack.subscribe();
    scene.put(portions.next().unwrap_or_default()).await?;
    scene.step("Messages arrive, most of them below the threshold. The worker starts.")?;
    let mut worker = scene.workers.start("", &[])?;
    loop {
        let Some(post) = worker.during(posts.recv()).await? else {
            worker = scene.workers.start("", &[])?;
            continue;
        };
        let post = post.context("the stand-in ended")?;
        if matches!(post.answered, Answered::Status { status: 429, .. }) {
            break;
        }
        let portion = portions.next();
        scene.put(portion.context("no post was refused: this machine is too busy")?).await?;
    }
    scene.pause(Duration::from_millis(300)).await;
    scene.kill(worker).await?;
    scene.step("The worker is killed (SIGKILL) while it waits for its retry.")?;
    for portion in portions {
        scene.put(portion).await?;
    }
    scene.put(&rest).await?;
    scene.step(&format!(
        "{} more messages arrive: repeats, updates, a malformed one. A second worker starts with \
         the messages that the first one left.",
        rest.len()
    ))?;
    scene.workers.start("", &[])?.end().await?;
    let escalations = escalations(scene, night);
    scene.put(&escalations).await?;
    scene.step(&format!("{} findings rise from medium to high.", escalations.len()))?;
    scene.workers.start("", &[])?.end().await
}

/// Escalations of findings that were posted at medium.
fn escalations(scene: &Scene, night: &mut Night) -> Vec<Event> {
    let accepted = scene.slack.received().into_iter().filter(|post| post.accepted);
    let posted: Vec<String> = accepted.flat_map(|post| tally::findings_in(&post.payload)).collect();
    let journal = scene.journal.borrow();
    let posted = |event: &&Event| event.role == Role::Alert && posted.contains(&event.finding);
    journal
        .events
        .iter()
        .filter(posted)
        .filter_map(|event| night.escalate(event))
        .take(ESCALATIONS)
        .collect()
}

/// A storm, two workers, a crash, critical findings in the middle, and an outage of Slack.
pub async fn bad_night(scene: &Scene, night: &mut Night) -> anyhow::Result<()> {
    let (a, b) = begin_bad_night(scene).await?;
    let storm = night.storm(STORM);
    scene.step(&format!("{} messages arrive within a few seconds.", storm.len()))?;
    for gust in storm.chunks(GUST) {
        scene.put(gust).await?;
        scene.pause(GUST_EVERY).await;
    }
    let killed_at = crash(scene, b).await?;
    outage(scene, night, a, killed_at).await
}

async fn begin_bad_night(scene: &Scene) -> anyhow::Result<(Worker, Worker)> {
    let (screen, workers) = (&scene.screen, &scene.workers);
    workers.forget();
    scene.brief.set(true);
    screen.act("A bad night")?;
    screen.say(
        "A storm of findings. Two workers, A and B, share one queue, one ledger and one channel. \
         Only the first lines of each post are shown.",
    )?;
    let a = workers.start("A", &[&SHARED[..], &[SEED]].concat())?;
    let b = workers.start("B", &SHARED)?;
    let both_run = || a.state().at > Mono(0) && b.state().at > Mono(0);
    scene.until(WAIT_MAX, both_run).await;
    Ok((a, b))
}

/// Kills the second worker between two of its posts.
async fn crash(scene: &Scene, b: Worker) -> anyhow::Result<Mono> {
    let ready = || b.state().snapshot.held >= HELD_ENOUGH && is_between_posts(scene, &b.state());
    scene.until(WAIT_MAX, ready).await;
    let killed_at = scene.now();
    let held = scene.kill(b).await?;
    scene.step(&format!(
        "Worker B is killed (SIGKILL) while it holds {held} findings. The queue delivers them \
         again when their visibility time-out ends."
    ))?;
    Ok(killed_at)
}

/// Lets time pass. A worker that is done too early is started again.
async fn pass(scene: &Scene, worker: &mut Worker, time: Duration) -> anyhow::Result<()> {
    let until = scene.now().plus(time);
    while worker.during(scene.pause(until.since(scene.now()))).await?.is_none() {
        *worker = scene.workers.start("A", &SHARED)?;
    }
    Ok(())
}

/// Critical findings and an outage of Slack, until both workers have posted everything.
async fn outage(
    scene: &Scene,
    night: &mut Night,
    mut a: Worker,
    killed_at: Mono,
) -> anyhow::Result<()> {
    scene.pause(Duration::from_millis(800)).await;
    scene.put(&night.criticals(CRITICALS[0])).await?;
    scene.step(&format!("{} critical findings arrive behind all others.", CRITICALS[0]))?;
    pass(scene, &mut a, Duration::from_millis(2500)).await?;

    scene.slack.otherwise(Behaviour::Status(503, "service_unavailable".to_owned()));
    scene.step("Slack answers 503 from now on.")?;
    pass(scene, &mut a, OUTAGE / 3).await?;
    scene.put(&night.criticals(CRITICALS[1])).await?;
    scene.step(&format!("{} more critical findings arrive.", CRITICALS[1]))?;
    pass(scene, &mut a, OUTAGE - OUTAGE / 3).await?;
    scene.slack.otherwise(Behaviour::Ok);
    scene.step("Slack accepts posts again.")?;

    let delivered_at = killed_at.plus(VISIBILITY + Duration::from_secs(1));
    // Worker A may have finished and ended by then.
    scene.pause(delivered_at.since(scene.now())).await;
    scene.step("Worker A received the findings that B held. Worker B is started again.")?;
    let b = scene.workers.start("B", &SHARED)?;
    a.end().await?;
    b.end().await?;
    scene.step("All alerts are posted.")?;
    Ok(())
}

/// Whether a worker's last post is marked by now, and its next post is not due yet.
fn is_between_posts(scene: &Scene, state: &WorkerState) -> bool {
    let posts = scene.slack.received();
    let by_it = |id: Option<String>| id.as_deref() == Some(state.snapshot.worker.as_str());
    let last = posts.iter().rev().find(|post| by_it(tally::worker_of(&post.payload)));
    last.is_some_and(|post| BETWEEN_POSTS_MS.contains(&scene.now().0.saturating_sub(post.at_ms)))
}
