//! The judge bites: each history here has one mistake, and the right invariant names it.

use std::collections::BTreeSet;

use serde_json::json;

use super::judge::{judge, rules};
use super::load::{Books, Sending};
use super::observe::{Row, Seen, Slot};
use super::plan::Plan;
use super::run::run;
use super::workers::PACE_MS;
use crate::sim::drawn::Drawn;
use crate::sim::history::{Alert, Answer, Carried, Entry, PostForm, RowNote, Shown, What, Who};
use crate::sim::slack::flaw;

const W: Who = Who { slot: 0, life: 0 };
const MEDIUM: u8 = 2;
/// The finding that Slack refuses, and its message.
const POISON: u32 = 2;
/// The message without a finding.
const JUNK: u32 = 3;

fn carried(finding: u32) -> Carried {
    Carried { finding, level: MEDIUM, revision: 0, closed: false }
}

fn alert(finding: u32) -> Alert {
    Alert { finding, destination: 0 }
}

fn books() -> Books {
    let sending = |finding| Sending {
        at: 0,
        lane: hansho::ports::Lane::Standard,
        body: String::new(),
        carries: vec![carried(finding)],
        junk: false,
    };
    Books { sendings: [0, 1, POISON].map(sending).into(), poison: vec![false, false, true] }
}

struct Script {
    seen: Seen,
    at: u64,
}

impl Script {
    fn note(&mut self, who: Option<Who>, what: What) {
        self.at += 10;
        self.seen.history.push(Entry { at: self.at, who, what });
    }

    fn write(&mut self, finding: u32, state: &'static str, fence: u64, post: Option<u32>) {
        let before = self.seen.rows.get(&alert(finding)).and_then(|row| row.level_sent);
        let level_sent = if state == "sent" { Some(MEDIUM) } else { before };
        let row = RowNote {
            state,
            owned: state != "free",
            fence,
            ambiguous: 0,
            level_sent,
            closed: false,
            comebacks: 0,
            post,
            lease_until: self.at as i64 + 15_000,
            expires_at: 90 * 24 * 3_600_000,
        };
        let alert = alert(finding);
        self.seen.rows.insert(alert, Row { state: state.to_owned(), level_sent });
        self.note(Some(W), What::Write { alert, row, done: true });
    }

    fn slot(&mut self, post: u32) {
        let (before, after, from) = (self.at + 1, self.at + 2, self.at as i64);
        let (who, destination, post, length) = (W, 0, Some(post), PACE_MS);
        self.seen.slots.push(Slot { who, destination, post, before, after, from, length });
    }

    fn call(&mut self, finding: u32, post: u32) {
        let shown = Shown {
            finding,
            level: MEDIUM,
            revision: 0,
            owed_to: 0,
            escalated_from: None,
            reminder: false,
            came_back: false,
            closed: false,
            perhaps_repeated: false,
        };
        let (destination, cards, form) = (0, vec![shown], PostForm::Cards);
        let (said, drawn, flaw) = (Vec::new(), Ok(Drawn::default()), None);
        self.note(Some(W), What::PostCalled { post, destination, cards, form, said, drawn, flaw });
    }

    /// A claim, a slot, and an accepted post. The mark is left out.
    fn post(&mut self, finding: u32, post: u32, fence: u64) {
        self.at += 2 * PACE_MS;
        self.write(finding, "claimed", fence, None);
        self.slot(post);
        self.call(finding, post);
        self.note(None, What::PostTaken { post });
        self.note(Some(W), What::PostAnswered { post, answer: Answer::Accepted });
    }

    fn enqueue(&mut self, message: u32, carries: Vec<Carried>) {
        let (junk, again, bytes) = (carries.is_empty(), false, 1);
        self.note(None, What::Enqueued { message, carries, junk, again, bytes });
        self.note(Some(W), What::Received { message, count: 1 });
    }

    fn delete(&mut self, message: u32) {
        self.note(Some(W), What::Delete { message, count: 1, gone: true });
    }

    fn quarantine(&mut self, message: u32, reason: &str) {
        self.note(Some(W), What::DeadLetter { message, reason: reason.to_owned() });
    }
}

/// Two findings, a third one that Slack refuses, and a message without one. All goes well.
fn good() -> Script {
    let mut script = Script { seen: Seen::default(), at: 0 };
    script.note(Some(W), What::Started { skew_ms: 0 });
    for finding in [0, 1, POISON] {
        script.enqueue(finding, vec![carried(finding)]);
    }
    script.enqueue(JUNK, Vec::new());
    for finding in [0, 1] {
        script.post(finding, finding, 1);
        script.write(finding, "sent", 1, Some(finding));
        script.delete(finding);
    }
    for message in [POISON, JUNK] {
        script.quarantine(message, "a reason");
        script.delete(message);
    }
    script
}

/// The invariants that a history breaks, once it has ended.
fn broken(mut script: Script) -> BTreeSet<&'static str> {
    script.note(None, What::Calm);
    script.note(None, What::End);
    let books = books();
    let verdict = judge(&rules(&books), &books.owed(), &script.seen);
    verdict.violations.iter().map(|violation| violation.invariant).collect()
}

fn remove(script: &mut Script, is_it: impl Fn(&What) -> bool) {
    let before = script.seen.history.len();
    script.seen.history.retain(|entry| !is_it(&entry.what));
    assert_eq!(script.seen.history.len() + 1, before, "one entry");
}

/// A mistake in a good history.
type Mistake = fn(&mut Script);

fn check(mistakes: &[(&str, &[&'static str], Mistake)]) {
    for (what, invariants, make) in mistakes {
        let mut script = good();
        make(&mut script);
        assert_eq!(broken(script), invariants.iter().copied().collect(), "{what}");
    }
}

#[test]
fn nothing_is_wrong_with_a_good_history() {
    assert_eq!(broken(good()), BTreeSet::new());
}

#[test]
fn lost_findings_are_named() {
    check(&[
        // The worker believes that Slack accepted it.
        ("a post that Slack did not accept", &["I1", "I12"], |script| {
            remove(script, |what| *what == What::PostTaken { post: 1 });
        }),
        ("a finding that nobody posts", &["I1", "I8", "I12"], |script| {
            script.seen.history.retain(|entry| match &entry.what {
                What::PostCalled { post: 1, .. }
                | What::PostTaken { post: 1 }
                | What::PostAnswered { post: 1, .. } => false,
                What::Write { alert, .. } => alert.finding != 1,
                _ => true,
            });
            script.seen.rows.remove(&alert(1));
        }),
        ("a message that stays in the queue", &["I3"], |script| {
            remove(script, |what| matches!(what, What::Delete { message: 1, .. }));
        }),
    ]);
}

#[test]
fn repeats_are_named_unless_a_fault_explains_them() {
    check(&[
        ("an unexplained repeat", &["I2"], |script| {
            script.post(0, 7, 2);
            script.write(0, "sent", 2, Some(7));
        }),
        ("a repeat of a post that was never marked, by the same life", &["I2"], |script| {
            remove(
                script,
                |what| matches!(what, What::Write { alert, row, .. } if alert.finding == 0 && row.state == "sent"),
            );
            remove(script, |what| matches!(what, What::Delete { message: 0, .. }));
            script.post(0, 7, 2);
            script.write(0, "sent", 2, Some(7));
            script.delete(0);
        }),
        ("a repeat after an ambiguous answer", &[], |script| {
            for entry in &mut script.seen.history {
                if let What::PostAnswered { post: 0, answer } = &mut entry.what {
                    *answer = Answer::Ambiguous;
                }
            }
            remove(
                script,
                |what| matches!(what, What::Write { alert, row, .. } if alert.finding == 0 && row.state == "sent"),
            );
            remove(script, |what| matches!(what, What::Delete { message: 0, .. }));
            script.post(0, 7, 2);
            script.write(0, "sent", 2, Some(7));
            script.delete(0);
        }),
    ]);
}

#[test]
fn posts_that_come_too_early_are_named() {
    check(&[
        ("a slot before it is due", &["I4"], |script| {
            let [first, second] = &mut script.seen.slots[..] else { panic!("two slots") };
            second.after = first.before + PACE_MS * 5 / 4 - 10;
        }),
        ("a post without a slot", &["I4"], |script| script.seen.slots.truncate(1)),
        ("a slot of another worker", &["I4"], |script| {
            script.seen.slots[1].who = Who { slot: 1, life: 0 };
        }),
        ("a post before the end of a pause", &["I4"], |script| {
            let paused = What::PostAnswered { post: 0, answer: Answer::Pause(60_000) };
            let at = script
                .seen
                .history
                .iter()
                .position(|entry| matches!(entry.what, What::PostCalled { post: 1, .. }));
            let at = at.expect("the second post");
            let (time, who) = (script.seen.history[at].at, Some(W));
            script.seen.history.insert(at, Entry { at: time, who, what: paused });
        }),
    ]);
}

#[test]
fn mistakes_about_the_quarantine_are_named() {
    check(&[
        ("a good message", &["I7"], |script| script.quarantine(0, "a reason")),
        ("a message that was changed", &["I7"], |script| {
            script.quarantine(JUNK, "a reason, and changed on the way");
        }),
        ("junk that is not quarantined", &["I7"], |script| {
            remove(script, |what| matches!(what, What::DeadLetter { message: JUNK, .. }));
        }),
        ("poison that is not quarantined", &["I7", "I12"], |script| {
            remove(script, |what| matches!(what, What::DeadLetter { message: POISON, .. }));
        }),
    ]);
}

#[test]
fn payloads_that_mention_somebody_or_break_a_rule_are_named() {
    for payload in [
        json!({ "text": "HIGH <!channel>" }),
        json!({ "text": "HIGH", "attachments": [{ "blocks": [], "fallback": "<@U0123>" }] }),
        json!({ "text": "" }),
    ] {
        let mut script = good();
        for entry in &mut script.seen.history {
            if let What::PostCalled { post: 0, flaw: found, .. } = &mut entry.what {
                *found = flaw(&payload);
            }
        }
        assert_eq!(broken(script), BTreeSet::from(["I9"]), "{payload}");
    }
    assert_eq!(flaw(&json!({ "text": "CRITICAL <!subteam^S0ONCALL0>" })), None);
}

#[test]
fn mistakes_about_the_ledger_are_named() {
    check(&[
        ("a post without a claim", &["I12"], |script| {
            remove(
                script,
                |what| matches!(what, What::Write { alert, row, .. } if alert.finding == 1 && row.state == "claimed"),
            );
        }),
        ("a post after the lease", &["I12"], |script| {
            for entry in &mut script.seen.history {
                if let What::Write { row, .. } = &mut entry.what {
                    row.lease_until = 0;
                }
            }
        }),
        ("a message that is deleted before the mark", &["I12"], |script| {
            let deleted = |entry: &Entry| matches!(entry.what, What::Delete { message: 1, .. });
            let at = script.seen.history.iter().position(deleted).expect("its delete");
            script.seen.history.swap(at, at - 1);
        }),
        ("a finding that no message has at this level", &["I2", "I12"], |script| {
            script.post(0, 7, 2);
            for entry in &mut script.seen.history {
                if let What::PostCalled { post: 7, cards, .. } = &mut entry.what {
                    cards[0].level = 1;
                }
            }
            script.write(0, "sent", 2, Some(7));
        }),
        ("a fence that shrinks", &["I8"], |script| {
            script.write(0, "claimed", 3, None);
            script.write(0, "sent", 2, Some(0));
        }),
        ("a claim that is left", &["I8"], |script| {
            let row = script.seen.rows.get_mut(&alert(0)).expect("its row");
            row.state = "claimed".to_owned();
        }),
        ("an oddity", &["oddity"], |script| script.seen.oddities.push("it ended".to_owned())),
    ]);
}

/// The real program with a wrong setting.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_that_are_too_fast_are_named() {
    let run = run(Plan { pace_ms: PACE_MS / 4, ..Plan::calm(1) }).await;
    let broken: BTreeSet<&str> = run.verdict.violations.iter().map(|v| v.invariant).collect();
    assert_eq!(broken, BTreeSet::from(["I4"]), "{:?}", run.verdict.violations);
}
