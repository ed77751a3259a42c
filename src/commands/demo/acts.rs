//! The play: what arrives when, and what goes wrong.

use std::time::Duration;

use anyhow::Context;

use crate::instants::Mono;

use super::crew::Seen;
use super::night::{Event, Mix, Night, Role};
use super::slack_standin::{Answered, Behaviour};
use super::{Scene, tally};

const QUIET: Mix = Mix { noise: 40, alerts: 10, repeats: 9, updates: 4, malformed: 1 };
/// Findings that were told at medium and rise to high.
const ESCALATIONS: usize = 2;
/// The first half of the quiet night arrives in so many portions, one after each post.
const PORTIONS: usize = 3;
/// What the stand-in answers to the third post, in seconds.
const RETRY_AFTER_S: u64 = 1;

const STORM: Mix = Mix { noise: 955, alerts: 520, repeats: 20, updates: 5, malformed: 0 };
/// They arrive in the middle of the storm, and while Slack is away.
const CRITICALS: [usize; 2] = [3, 2];
/// The storm comes in gusts, so that both workers get their part of it.
const GUST: usize = 20;
const GUST_EVERY: Duration = Duration::from_millis(20);
/// The second worker is killed between two posts once it holds so many, or after a while.
const ENOUGH: usize = 100;
const BETWEEN_POSTS_MS: std::ops::Range<u64> = 400..900;
const A_WHILE: Duration = Duration::from_secs(4);
/// With this seed the first worker's fourth try comes soon after Slack is back.
const SEED: (&str, &str) = ("HANSHO_WORKER_SEED", "177");
const SLACK_AWAY: Duration = Duration::from_secs(6);
/// A killed worker's messages come back after so long. The workers' times are the shortest that fit together.
pub const VISIBILITY: Duration = Duration::from_millis(16_500);
const SHARED: [(&str, &str); 6] = [
    ("HANSHO_WORKER_FLEET", "2"),
    ("HANSHO_WORKER_POST_TIMEOUT", "2s"),
    ("HANSHO_WORKER_LEASE", "14s"),
    ("HANSHO_WORKER_SKEW", "0s"),
    ("HANSHO_WORKER_HEARTBEAT", "2s"),
    ("HANSHO_WORKER_VISIBILITY", "16500ms"),
];

/// A first half, a 429, a crash, a second half.
pub async fn quiet_night(scene: &Scene, night: &mut Night) -> anyhow::Result<()> {
    let (stage, slack) = (&scene.stage, &scene.slack);
    slack.plan([
        Behaviour::Ok,
        Behaviour::Ok,
        Behaviour::RateLimited { retry_after_s: Some(RETRY_AFTER_S) },
    ]);
    stage.act("A quiet night")?;
    stage.say(
        "A company with five accounts and four regions. The worker is this program, started as a \
         process of its own; Slack is a stand-in on 127.0.0.1. Nothing leaves this machine.",
    )?;
    let mut events = night.events(QUIET);
    let mut rest = events.split_off(events.len() * 2 / 3);
    let mut portions = events.chunks(events.len().div_ceil(PORTIONS));
    let mut posts = slack.subscribe();
    scene.put(portions.next().unwrap_or_default()).await?;
    scene.step("Messages arrive, most of them noise. The worker starts.")?;
    let mut worker = scene.crew.start("", &[])?;
    loop {
        let post = worker.during(posts.recv()).await?.context("the stand-in ended")?;
        if matches!(post.answered, Answered::Status { status: 429, .. }) {
            break;
        }
        scene.put(portions.next().unwrap_or_default()).await?;
    }
    scene.pause(Duration::from_millis(300)).await;
    scene.kill(worker).await?;
    scene.step("The worker is killed (SIGKILL) while it waits to try again.")?;
    for portion in portions {
        scene.put(portion).await?;
    }
    rest.extend(worse(scene, night));
    scene.put(&rest).await?;
    scene.step(&format!(
        "{} more messages arrive: repeats, updates, escalations, a malformed one. A new worker \
         starts on what the first one left.",
        rest.len()
    ))?;
    scene.crew.start("", &[])?.end().await
}

/// Some of what was told at medium gets worse.
fn worse(scene: &Scene, night: &mut Night) -> Vec<Event> {
    let accepted = scene.slack.received().into_iter().filter(|post| post.accepted);
    let told: Vec<String> = accepted.flat_map(|post| tally::findings_in(&post.payload)).collect();
    let book = scene.book.borrow();
    let told = |event: &&Event| event.role == Role::Alert && told.contains(&event.finding);
    book.events
        .iter()
        .filter(told)
        .filter_map(|event| night.escalate(event))
        .take(ESCALATIONS)
        .collect()
}

/// A storm, two workers, a crash, criticals in the middle of it, and a Slack that goes away.
pub async fn bad_night(scene: &Scene, night: &mut Night) -> anyhow::Result<()> {
    let (stage, crew) = (&scene.stage, &scene.crew);
    crew.forget();
    scene.in_short.set(true);
    stage.act("A bad night")?;
    stage.say(
        "A storm. Two workers, A and B, share one queue, one ledger and one channel. Of each post \
         only the first lines are shown.",
    )?;
    let mut a = crew.start("A", &[&SHARED[..], &[SEED]].concat())?;
    let b = crew.start("B", &SHARED)?;
    let both_are_there = || a.seen().at > Mono(0) && b.seen().at > Mono(0);
    scene.until(A_WHILE, both_are_there).await;
    let storm = night.storm(STORM);
    scene.step(&format!("{} messages arrive within a few seconds.", storm.len()))?;
    for gust in storm.chunks(GUST) {
        scene.put(gust).await?;
        scene.pause(GUST_EVERY).await;
    }

    let ready = || b.seen().glimpse.held >= ENOUGH && between_posts(scene, &b.seen());
    scene.until(A_WHILE, ready).await;
    let killed_at = scene.now();
    let held = scene.kill(b).await?;
    scene.step(&format!(
        "Worker B is killed (SIGKILL) with {held} findings in its hands. The queue delivers them \
         again when their visibility time-out ends."
    ))?;

    scene.pause(Duration::from_millis(800)).await;
    scene.put(&night.criticals(CRITICALS[0])).await?;
    scene.step(&format!("{} critical findings arrive, behind all others.", CRITICALS[0]))?;
    a.during(scene.pause(Duration::from_millis(2500))).await?;

    scene.slack.otherwise(Behaviour::Status(503, "service_unavailable".to_owned()));
    scene.step("Slack is away.")?;
    a.during(scene.pause(SLACK_AWAY / 3)).await?;
    scene.put(&night.criticals(CRITICALS[1])).await?;
    scene.step(&format!("{} more critical findings arrive.", CRITICALS[1]))?;
    a.during(scene.pause(SLACK_AWAY - SLACK_AWAY / 3)).await?;
    scene.slack.otherwise(Behaviour::Ok);
    scene.step("Slack is back.")?;

    let back_at = killed_at.plus(VISIBILITY + Duration::from_secs(1));
    // It may be done with everything by then, and ended.
    scene.pause(back_at.since(scene.now())).await;
    scene.step("Worker A has taken over what B held. Worker B is started again.")?;
    let b = crew.start("B", &SHARED)?;
    a.end().await?;
    b.end().await?;
    scene.step("All is told.")?;
    Ok(())
}

/// Its last post is so long ago that it is marked, and the next is not due yet.
fn between_posts(scene: &Scene, seen: &Seen) -> bool {
    let posts = scene.slack.received();
    let by_it = |id: Option<String>| id.as_deref() == Some(seen.glimpse.worker.as_str());
    let last = posts.iter().rev().find(|post| by_it(tally::worker_of(&post.payload)));
    last.is_some_and(|post| BETWEEN_POSTS_MS.contains(&scene.now().0.saturating_sub(post.at_ms)))
}
