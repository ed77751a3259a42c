//! Slack on a bad day. Every digest is drawn as the real notifier draws it and judged by Slack's
//! rules; the answers are read as the real one reads them.

use std::sync::Arc;

use hansho::demo::slack_rules;
use hansho::finding::Level;
use hansho::ports::{Digest, Form, Notifier, RetryReason, Verdict};
use hansho::slack::{Mention, Mentions, answer, payload};
use serde_json::Value;

use super::history::{Answer, Carried, What};
use super::load::{DESTINATIONS, Taste, finding_number};
use super::plan::Outage;
use super::process::Process;
use super::world::World;

/// The time-out of the real notifier.
const TIMEOUT_MS: u64 = 10_000;
/// The one mention that the configuration has.
const MENTION: &str = "<!subteam^S0ONCALL0>";

pub struct SimSlack {
    world: Arc<World>,
    process: Arc<Process>,
    mentions: Mentions,
}

impl SimSlack {
    pub fn new(world: &Arc<World>, process: &Arc<Process>) -> SimSlack {
        let mention = Mention::from_id("S0ONCALL0", None).unwrap();
        SimSlack {
            world: Arc::clone(world),
            process: Arc::clone(process),
            mentions: Mentions::from_level_up(Level::Critical, mention),
        }
    }
}

/// What Slack does with a post.
struct Fate {
    /// How long until it is accepted, if it is.
    taken_after: Option<u64>,
    answered_after: u64,
    verdict: Verdict,
}

fn fate(world: &World, destination: u8, cards: &[Carried], plain: bool) -> Fate {
    let slack = &world.plan.slack;
    let soon = world.draw(50..400);
    let refused = |status, header: Option<&str>, body: &str| Fate {
        taken_after: None,
        answered_after: soon,
        verdict: answer::verdict(status, header, body.as_bytes()),
    };
    match world.away(|w| w == Outage::Slack || matches!(w, Outage::Dead(d, _) if d == destination))
    {
        Some(Outage::Dead(_, status)) => {
            world.counted("webhook dead");
            return refused(status, None, "no_service");
        }
        Some(_) => {
            world.counted("no connection to Slack");
            let verdict = Verdict::Retry {
                reason: RetryReason::Connection,
                after: None,
                ambiguous: false,
                detail: "cannot connect".to_owned(),
            };
            return Fate { taken_after: None, answered_after: soon, verdict };
        }
        None => {}
    }
    if world.fault("429", slack.rate_limited) {
        return refused(429, Some(["1", "5", "30", "120"][world.draw(0..4) as usize]), "slow_down");
    }
    let tastes = |c: &Carried| world.tastes.get(c.finding as usize).copied();
    if cards.iter().any(|c| match tastes(c) {
        Some(Taste::Good) => false,
        Some(Taste::CardRefused) => !plain,
        Some(Taste::Poison) | None => true,
    }) {
        world.counted("400");
        return refused(400, None, "invalid_blocks");
    }
    let slow = world.fault("Slack slow", slack.slow);
    let soon = if slow { world.draw(1_000..TIMEOUT_MS - 100) } else { soon };
    perhaps_taken(world, soon).unwrap_or(Fate {
        taken_after: Some(soon),
        answered_after: soon,
        verdict: Verdict::Accepted,
    })
}

/// Answers after which nobody knows.
fn perhaps_taken(world: &World, soon: u64) -> Option<Fate> {
    let slack = &world.plan.slack;
    let taken = |world: &World| world.fault("accepted all the same", slack.taken_all_the_same);
    if world.fault("timed out", slack.timed_out) {
        let verdict = Verdict::Retry {
            reason: RetryReason::TimedOut,
            after: None,
            ambiguous: true,
            detail: "no complete answer in time".to_owned(),
        };
        let late = world.draw(100..TIMEOUT_MS + 5_000);
        let taken_after = taken(world).then_some(late);
        return Some(Fate { taken_after, answered_after: TIMEOUT_MS, verdict });
    }
    if world.fault("5xx", slack.server_error) {
        let verdict = answer::verdict(500, None, b"rollup_error");
        let taken_after = taken(world).then_some(soon);
        return Some(Fate { taken_after, answered_after: soon, verdict });
    }
    if world.fault("200 with another body", slack.odd_body) {
        let verdict = answer::verdict(200, None, b"<html>");
        let taken_after = taken(world).then_some(soon);
        return Some(Fate { taken_after, answered_after: soon, verdict });
    }
    None
}

fn answer_of(verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Accepted => Answer::Accepted,
        Verdict::Retry { ambiguous: true, .. } => Answer::Ambiguous,
        Verdict::Retry { reason: RetryReason::RateLimited, after: Some(after), .. } => {
            Answer::Pause(after.as_millis() as u64)
        }
        Verdict::Retry { .. } => Answer::Failed,
        Verdict::Dead { .. } => Answer::Dead,
        Verdict::Refused { .. } => Answer::Refused,
    }
}

/// What Slack or the people would mind, if anything.
fn flaw(payload: &Value) -> Option<String> {
    if let Some(word) = slack_rules::broken(payload) {
        return Some(word.to_owned());
    }
    let text = payload.to_string();
    let tokens = text.match_indices('<').map(|(at, _)| &text[at..]);
    let calls =
        tokens.filter(|t| t.starts_with("<!") || t.starts_with("<@") || t.starts_with("<#"));
    let strange = |t: &&str| !t.starts_with("<!date^") && !t.starts_with(MENTION);
    calls.clone().find(strange).map(|t| format!("a mention: {:.40}", t))
}

impl Notifier for SimSlack {
    async fn post(&self, digest: &Digest) -> Verdict {
        let (world, who) = (Arc::clone(&self.world), Some(self.process.who));
        let post = world.new_post(&digest.id);
        let named = DESTINATIONS.iter().position(|d| *d == digest.destination);
        let destination = named.map_or(u8::MAX, |d| d as u8);
        let carried = |c: &hansho::ports::Card| Carried {
            finding: finding_number(&c.finding.fingerprint.id),
            level: c.finding.severity.level.rank(),
        };
        let cards: Vec<Carried> = digest.cards.iter().map(carried).collect();
        let plain = digest.form == Form::Plain;
        let flaw = flaw(&payload(digest, &self.mentions));
        world.note(who, What::PostCalled { post, destination, cards: cards.clone(), plain, flaw });
        let verdict = self.world.call(&self.process, async move {
            let fate = fate(&world, destination, &cards, plain);
            if let Some(after) = fate.taken_after {
                let world = Arc::clone(&world);
                tokio::spawn(async move {
                    world.sleep(after).await;
                    world.note(who, What::PostTaken { post });
                });
            }
            world.sleep(fate.answered_after + 1).await;
            fate.verdict
        });
        let verdict = verdict.await;
        self.world.note(who, What::PostAnswered { post, answer: answer_of(&verdict) });
        verdict
    }

    async fn refresh(&self, _: &str) -> Result<bool, String> {
        let world = Arc::clone(&self.world);
        self.world.call(&self.process, async move { world.sleep(20).await }).await;
        Ok(false)
    }
}
