//! A Slack with faults. The real notifier's code draws each post and reads each answer. Slack's
//! rules judge the payload.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hansho::commands::demo::slack_rules;
use hansho::finding::Level;
use hansho::ports::{Form, Note, Notifier, Post, RetryReason, Verdict};
use hansho::slack::{Guide, Mention, Mentions, answer, payload};
use serde_json::Value;

use super::drawn;
use super::history::{Answer, PostForm, Said, Shown, What};
use super::load::{DESTINATIONS, Taste, finding_number, number_of, revision_number};
use super::plan::Outage;
use super::process::Process;
use super::world::World;

/// The time-out of the real notifier.
const TIMEOUT_MS: u64 = 10_000;
/// The share of posts with a note that Slack refuses for the note.
const NOTE_REFUSED: f64 = 0.3;
/// The one mention that the configuration has.
const MENTION: &str = "<!subteam^S0ONCALL0>";

pub struct SimSlack {
    world: Arc<World>,
    process: Arc<Process>,
    mentions: Mentions,
    /// When each webhook's address was read last.
    read_at: Arc<[AtomicU64; DESTINATIONS.len()]>,
}

impl SimSlack {
    pub fn new(world: &Arc<World>, process: &Arc<Process>) -> SimSlack {
        let mention = Mention::from_id("S0ONCALL0", None).unwrap();
        SimSlack {
            world: Arc::clone(world),
            process: Arc::clone(process),
            mentions: Mentions::from_level_up(Level::Critical, mention),
            read_at: Arc::new(std::array::from_fn(|_| AtomicU64::new(world.now()))),
        }
    }
}

impl SimSlack {
    fn read_at(&self, destination: u8) -> u64 {
        self.read_at.get(usize::from(destination)).map_or(0, |at| at.load(Ordering::Relaxed))
    }
}

fn said(note: &Note) -> Option<Said> {
    match note {
        Note::Recovered { .. } => Some(Said::Recovered),
        Note::StandsIn { destination, .. } => Some(Said::StandsInFor(number_of(destination))),
        Note::Closed { .. } | Note::Own { .. } => None,
    }
}

/// The treatment of a post by Slack.
struct Fate {
    /// The time until Slack accepts it, in milliseconds; None if Slack does not.
    taken_after: Option<u64>,
    answered_after: u64,
    verdict: Verdict,
}

/// The status of an address that was replaced since it was read.
fn replaced(world: &World, destination: u8, read_at: u64) -> Option<u16> {
    let now = world.now();
    world.plan.outages.iter().find_map(|(span, what)| match what {
        Outage::Replaced(d, status) if *d == destination => {
            (span.from <= now && read_at < span.to).then_some(*status)
        }
        _ => None,
    })
}

fn fate(
    world: &World,
    destination: u8,
    read_at: u64,
    cards: &[Shown],
    form: PostForm,
    said: &[Said],
) -> Fate {
    let slack = &world.plan.slack;
    let soon = world.draw(50..400);
    let refused = |status, header: Option<&str>, body: &str| Fate {
        taken_after: None,
        answered_after: soon,
        verdict: answer::verdict(status, header, body.as_bytes()),
    };
    let not_sent = |reason: RetryReason| Fate {
        taken_after: None,
        answered_after: soon,
        verdict: Verdict::Retry {
            reason,
            after: None,
            ambiguous: false,
            detail: reason.as_str().to_owned(),
        },
    };
    let outage = world.outage(|what| match what {
        Outage::Slack => true,
        Outage::Dead(d, _) | Outage::Unreadable(d) => d == destination,
        Outage::Queue | Outage::Ledger | Outage::Replaced(..) => false,
    });
    match outage {
        Some(Outage::Dead(_, status)) => {
            world.counted("webhook dead");
            return refused(status, None, "no_service");
        }
        Some(Outage::Unreadable(_)) => {
            world.counted("webhook's address unreadable");
            return not_sent(RetryReason::NoAddress);
        }
        Some(_) => {
            world.counted("no connection to Slack");
            return not_sent(RetryReason::Connection);
        }
        None => {}
    }
    if let Some(status) = replaced(world, destination, read_at) {
        world.counted("webhook replaced");
        return refused(status, None, "no_service");
    }
    if world.fault("429", slack.rate_limited) {
        return refused(429, Some(["1", "5", "30", "120"][world.draw(0..4) as usize]), "slow_down");
    }
    let plain = form == PostForm::Plain;
    let tastes = |c: &Shown| world.tastes.get(c.finding as usize).copied();
    if cards.iter().any(|c| match tastes(c) {
        Some(Taste::Good) => false,
        Some(Taste::CardRefused) => !plain,
        Some(Taste::Poison) | None => true,
    }) {
        world.counted("400");
        return refused(400, None, "invalid_blocks");
    }
    if !said.is_empty() && world.fault("400 for a note", NOTE_REFUSED) {
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

/// Answers that leave open whether Slack accepted the post.
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
        Verdict::Retry { reason: RetryReason::NoAddress, .. } => Answer::NoAddress,
        Verdict::Retry { .. } => Answer::Failed,
        Verdict::Dead { .. } => Answer::Dead,
        Verdict::Refused { .. } => Answer::Refused,
    }
}

/// The flaw that Slack or the people would mind, if any.
pub fn flaw(payload: &Value) -> Option<String> {
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
    async fn post(&self, post: &Post) -> Verdict {
        let (world, who) = (Arc::clone(&self.world), Some(self.process.who));
        let number = world.new_post(&post.id);
        let destination = number_of(&post.destination);
        let shown = |c: &hansho::ports::Card| Shown {
            finding: finding_number(&c.finding.fingerprint.id),
            level: c.finding.severity.level.rank(),
            revision: revision_number(c.finding.updated_at),
            owed_to: c.meant_for.as_deref().map_or(destination, number_of),
            escalated_from: c.escalated_from.map(Level::rank),
            reminder: c.reminder,
            came_back: c.came_back.is_some(),
            closed: c.finding.condition.closed().is_some(),
            perhaps_repeated: c.perhaps_repeated,
        };
        let cards: Vec<Shown> = post.cards.iter().map(shown).collect();
        let form = match post.form {
            Form::Cards => PostForm::Cards,
            Form::Digest => PostForm::Digest,
            Form::Plain => PostForm::Plain,
            Form::Note => unreachable!("the desk posts no notes alone"),
        };
        let said: Vec<Said> = post.notes.iter().filter_map(said).collect();
        let payload = payload(post, &self.mentions, &Guide::default());
        let (flaw, drawn) = (flaw(&payload), drawn::read(&payload, form, MENTION));
        world.rush(self.process.who, "post");
        world.note(
            who,
            What::PostCalled {
                post: number,
                destination,
                cards: cards.clone(),
                form,
                said: said.clone(),
                flaw,
                drawn,
            },
        );
        let read_at = self.read_at(destination);
        let verdict = self.world.call(&self.process, async move {
            let fate = fate(&world, destination, read_at, &cards, form, &said);
            if let Some(after) = fate.taken_after {
                let world = Arc::clone(&world);
                tokio::spawn(async move {
                    world.sleep(after).await;
                    world.note(who, What::PostTaken { post: number });
                });
            }
            world.sleep(fate.answered_after + 1).await;
            fate.verdict
        });
        let verdict = verdict.await;
        self.world.note(who, What::PostAnswered { post: number, answer: answer_of(&verdict) });
        verdict
    }

    async fn refresh(&self, destination: &str) -> Result<bool, String> {
        let world = Arc::clone(&self.world);
        let destination = number_of(destination);
        let old = self.read_at(destination);
        world.rush(self.process.who, "refresh");
        let read = self.world.call(&self.process, async move {
            world.sleep(20).await;
            let outage = world.outage(|what| what == Outage::Unreadable(destination)).is_some();
            if outage || world.fault("refresh failed", world.plan.slack.refresh_failing) {
                return None;
            }
            let was_dead = replaced(&world, destination, old).is_some();
            Some(was_dead && replaced(&world, destination, world.now()).is_none())
        });
        let changed = read.await;
        if changed.is_some()
            && let Some(read_at) = self.read_at.get(usize::from(destination))
        {
            read_at.store(self.world.now(), Ordering::Relaxed);
        }
        self.world.note(Some(self.process.who), What::Refreshed { destination, changed });
        changed.ok_or_else(|| "access denied".to_owned())
    }
}
