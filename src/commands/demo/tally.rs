//! Holds what went out against what came in. It trusts nothing that the workers say of themselves:
//! it reads what was put into the queue, and the messages that the stand-in accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::embedded::QuarantinedMessage;

use super::night::{Event, Role};
use super::slack_standin::{Answered, Received};

/// GuardDuty's finding ids have so many hexadecimal digits.
const ID_CHARS: usize = 32;

/// What came in and what was done to the workers, as the demo wrote it down.
#[derive(Default)]
pub struct Book {
    pub events: Vec<Event>,
    /// When each critical finding came in, in ms of the stand-in's clock.
    pub criticals: BTreeMap<String, u64>,
    pub kills: Vec<Kill>,
}

/// A worker that was killed, by the name under which it posts.
pub struct Kill {
    pub worker: String,
    pub at_ms: u64,
}

/// What came in, what went out, and whether they fit.
#[derive(Debug, Serialize)]
pub struct Verdict {
    pub messages: usize,
    pub below_threshold: usize,
    pub repeats: usize,
    pub updates: usize,
    pub escalations: usize,
    pub malformed: usize,
    /// Findings at or above the threshold, and escalations of them: what has to be told.
    pub owed: usize,
    /// Of those, told.
    pub told: usize,
    pub posts: usize,
    pub rate_limited: usize,
    /// Tries that Slack did not take, because it was away.
    pub away: usize,
    pub quarantined: usize,
    /// Owed and not told.
    pub lost: usize,
    /// LastPost more often than owed.
    pub twice: usize,
    /// Of those, told again because a worker died, or an answer was lost, after Slack had accepted.
    pub charged: usize,
    /// LastPost and not owed.
    pub uncalled: usize,
    /// Left in the queue at the end.
    pub pending: u64,
    pub criticals: usize,
    /// The longest that a critical finding waited, from the queue to Slack, while Slack took posts.
    pub critical_wait_ms: u64,
    /// The same for those that met a Slack that refused.
    pub critical_wait_refused_ms: u64,
    /// Between the two accepted posts that were the closest.
    pub closest_posts_ms: u64,
}

impl Verdict {
    /// Every promise was kept.
    pub fn kept(&self) -> bool {
        self.lost == 0
            && self.twice == self.charged
            && self.uncalled == 0
            && self.quarantined == self.malformed
            && self.pending == 0
    }
}

/// The ids of the findings that a message tells of, each as often as it has a card or a line.
pub fn findings_in(payload: &Value) -> Vec<String> {
    let cards = payload["attachments"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_card = |card: &Value| {
        let blocks = card["blocks"].to_string();
        let words = blocks.split(|c: char| !c.is_ascii_alphanumeric());
        let is_id = |w: &&str| w.len() == ID_CHARS && w.bytes().all(|b| b.is_ascii_hexdigit());
        words.filter(is_id).map(str::to_owned).collect::<BTreeSet<String>>()
    };
    cards.iter().flat_map(of_card).collect()
}

/// Who posted a message: the first part of the digest's id, which every message shows.
pub fn worker_of(payload: &Value) -> Option<String> {
    let text = payload.to_string();
    let (_, mark) = text.rsplit_once("hansho `")?;
    let (digest, _) = mark.split_once('`')?;
    digest.rsplit_once('-').map(|(worker, _)| worker.to_owned())
}

pub fn is_status(post: &Received, wanted: impl Fn(u16) -> bool) -> bool {
    matches!(post.answered, Answered::Status { status, .. } if wanted(status))
}

/// A message that Slack accepted.
struct Telling {
    at_ms: u64,
    worker: Option<String>,
    findings: Vec<String>,
    /// The worker may not know that it was accepted.
    in_doubt: bool,
}

pub fn judge(
    book: &Book,
    posts: &[Arc<Received>],
    parked: &[QuarantinedMessage],
    pending: u64,
) -> Verdict {
    let count = |role| book.events.iter().filter(|e| e.role == role).count();
    let mut owed: BTreeMap<&str, usize> = BTreeMap::new();
    for event in book.events.iter().filter(|e| matches!(e.role, Role::Alert | Role::Escalation)) {
        *owed.entry(&event.finding).or_default() += 1;
    }
    let tellings = tellings(book, posts);
    let mut told: BTreeMap<&str, Vec<&Telling>> = BTreeMap::new();
    for telling in &tellings {
        for finding in &telling.findings {
            told.entry(finding).or_default().push(telling);
        }
    }
    let (mut lost, mut twice, mut charged, mut right) = (0, 0, 0, 0);
    for (id, owed) in &owed {
        let told = told.get(id).map(Vec::as_slice).unwrap_or_default();
        let again = told.len().saturating_sub(*owed);
        let in_doubt = told.iter().take(told.len().saturating_sub(1)).filter(|t| t.in_doubt);
        lost += owed.saturating_sub(told.len());
        twice += again;
        charged += again.min(in_doubt.count());
        right += told.len().min(*owed);
    }
    let noise = book.events.iter().filter(|e| e.role == Role::Noise);
    let waits = || book.criticals.iter().filter_map(|(id, from)| wait(id, *from, &told, posts));
    let longest = |refused| waits().filter(|w| w.refused == refused).map(|w| w.ms).max();
    let gaps = tellings.iter().zip(tellings.iter().skip(1)).map(|(a, b)| b.at_ms - a.at_ms);
    Verdict {
        messages: book.events.len(),
        below_threshold: count(Role::Noise),
        repeats: count(Role::Repeat),
        updates: count(Role::Update),
        escalations: count(Role::Escalation),
        malformed: count(Role::Malformed),
        owed: owed.values().sum(),
        told: right,
        posts: tellings.len(),
        rate_limited: posts.iter().filter(|p| is_status(p, |status| status == 429)).count(),
        away: posts.iter().filter(|p| is_status(p, |status| status >= 500)).count(),
        quarantined: parked.len(),
        lost,
        twice,
        charged,
        uncalled: noise.filter(|e| told.contains_key(e.finding.as_str())).count(),
        pending,
        criticals: book.criticals.len(),
        critical_wait_ms: longest(false).unwrap_or_default(),
        critical_wait_refused_ms: longest(true).unwrap_or_default(),
        closest_posts_ms: gaps.min().unwrap_or_default(),
    }
}

/// What was accepted, in the order of time. In doubt is what a worker accepted last before it was
/// killed: whether it could mark it, nobody knows; and what Slack took without an answer.
fn tellings(book: &Book, posts: &[Arc<Received>]) -> Vec<Telling> {
    let telling = |post: &Arc<Received>| Telling {
        at_ms: post.at_ms,
        worker: worker_of(&post.payload),
        findings: findings_in(&post.payload),
        in_doubt: !matches!(post.answered, Answered::Status { .. }),
    };
    let mut tellings: Vec<Telling> = posts.iter().filter(|p| p.accepted).map(telling).collect();
    for kill in &book.kills {
        let by_the_dead = |t: &&mut Telling| {
            t.at_ms <= kill.at_ms && t.worker.as_deref() == Some(kill.worker.as_str())
        };
        if let Some(last) = tellings.iter_mut().rev().find(by_the_dead) {
            last.in_doubt = true;
        }
    }
    tellings
}

struct Wait {
    ms: u64,
    /// Slack refused something meanwhile.
    refused: bool,
}

fn wait(
    id: &str,
    from_ms: u64,
    told: &BTreeMap<&str, Vec<&Telling>>,
    posts: &[Arc<Received>],
) -> Option<Wait> {
    let until_ms = told.get(id)?.first()?.at_ms;
    let meanwhile = |post: &&Arc<Received>| (from_ms..=until_ms).contains(&post.at_ms);
    let refused = posts.iter().filter(meanwhile).any(|post| !post.accepted);
    Some(Wait { ms: until_ms.saturating_sub(from_ms), refused })
}

/// How wide a line with a mark is before the mark.
const MARKED_COLUMNS: usize = 34;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>6}  messages came in:", self.messages)?;
        writeln!(f, "{:>6}    below the threshold", self.below_threshold)?;
        writeln!(f, "{:>6}    repeats and {} updates, told before", self.repeats, self.updates)?;
        writeln!(
            f,
            "{:>6}    to be told, {} of them critical, {} escalated",
            self.owed, self.criticals, self.escalations
        )?;
        writeln!(f, "{:>6}    malformed", self.malformed)?;
        writeln!(f)?;
        writeln!(f, "{:>6}  told, in {} posts", self.told, self.posts)?;
        writeln!(
            f,
            "{:>6}  tries refused: {} with 429, {} with 503",
            self.rate_limited + self.away,
            self.rate_limited,
            self.away
        )?;
        let mut marked = |number: u64, what: &str, good: bool| {
            let mark = if good { "✓" } else { "✗" };
            writeln!(f, "{number:>6}  {what:<MARKED_COLUMNS$}  {mark}")
        };
        marked(self.lost as u64, "lost", self.lost == 0)?;
        let again = self.twice - self.charged.min(self.twice);
        marked(again as u64, "told twice", again == 0)?;
        if self.charged > 0 {
            marked(self.charged as u64, "told again after a crash", true)?;
        }
        marked(self.uncalled as u64, "told without need", self.uncalled == 0)?;
        let parked_right = self.quarantined == self.malformed;
        marked(self.quarantined as u64, "in quarantine, with the reason", parked_right)?;
        marked(self.pending, "left in the queue", self.pending == 0)?;
        let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1000.0);
        writeln!(f)?;
        writeln!(
            f,
            "{:>6}  the longest wait of a critical finding while Slack took posts",
            seconds(self.critical_wait_ms)
        )?;
        writeln!(f, "{:>6}  the same where it did not", seconds(self.critical_wait_refused_ms))?;
        write!(f, "{:>6}  between the two posts that were the closest", {
            seconds(self.closest_posts_ms)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 32 hexadecimal digits.
    fn id(n: usize) -> String {
        format!("{n:032x}")
    }

    fn event(role: Role, n: usize) -> Event {
        Event { role, finding: id(n), body: String::new() }
    }

    /// A post of this worker that Slack accepted.
    fn post(at_ms: u64, worker: &str, findings: &[usize]) -> Arc<Received> {
        let line = |n: &usize| json!({ "text": format!("a title · `{}` · %3D{}", id(*n), id(*n)) });
        let card = json!({ "blocks": findings.iter().map(line).collect::<Vec<Value>>() });
        let footer = json!({ "blocks": [{ "text": format!("hansho `{worker}-{at_ms}`") }] });
        Arc::new(Received {
            number: 0,
            at_ms,
            path: String::new(),
            user_agent: String::new(),
            payload: json!({ "text": "", "attachments": [card, footer] }),
            answered: Answered::Status { status: 200, body: "ok".to_owned() },
            accepted: true,
        })
    }

    fn refused(at_ms: u64, status: u16) -> Arc<Received> {
        let answered = Answered::Status { status, body: String::new() };
        Arc::new(Received { answered, accepted: false, ..(*post(at_ms, "w", &[1])).clone() })
    }

    fn book(alerts: std::ops::Range<usize>) -> Book {
        Book { events: alerts.map(|n| event(Role::Alert, n)).collect(), ..Book::default() }
    }

    #[test]
    fn finds_what_a_message_tells_and_whose_it_is() {
        let payload = &post(7, "0c02a5d2f4a0", &[3, 4]).payload;
        assert_eq!(findings_in(payload), [id(3), id(4)]);
        assert_eq!(worker_of(payload).as_deref(), Some("0c02a5d2f4a0"));
        assert_eq!(worker_of(&json!({ "text": "hansho" })), None);
    }

    #[test]
    fn tells_what_is_lost_told_twice_and_uncalled_for() {
        let mut book = book(0..4);
        book.events.push(event(Role::Noise, 8));
        book.events.push(event(Role::Escalation, 1));
        let posts = [post(0, "a", &[0, 1]), post(1500, "a", &[0, 8]), post(2600, "b", &[1, 2])];
        let verdict = judge(&book, &posts, &[], 0);
        assert_eq!((verdict.owed, verdict.told), (5, 4));
        assert_eq!((verdict.lost, verdict.twice, verdict.charged), (1, 1, 0));
        assert_eq!((verdict.uncalled, verdict.posts, verdict.closest_posts_ms), (1, 3, 1100));
        assert!(!verdict.kept());
    }

    #[test]
    fn a_repeat_is_charged_to_a_kill_only_if_it_can_be_its_fault() {
        // The dead worker's last post before the kill may be unmarked; an earlier one may not.
        for (first, killed, at_ms, charged) in
            [("a", "a", 150, 1), ("b", "a", 150, 0), ("a", "a", 50, 0), ("a", "a", 3000, 0)]
        {
            let mut book = book(0..3);
            book.kills.push(Kill { worker: killed.to_owned(), at_ms });
            let posts = [post(100, first, &[0, 1]), post(2000, "a", &[2]), post(4000, "c", &[1])];
            let verdict = judge(&book, &posts, &[], 0);
            assert_eq!((verdict.twice, verdict.charged), (1, charged), "{first} {killed} {at_ms}");
            assert_eq!(verdict.kept(), charged == 1);
        }
        // Nor does a lost answer excuse more than one repeat.
        let lost = Received { answered: Answered::Closed, ..(*post(0, "a", &[0])).clone() };
        let posts = [Arc::new(lost), post(2000, "a", &[0]), post(4000, "a", &[0])];
        let verdict = judge(&book(0..1), &posts, &[], 0);
        assert_eq!((verdict.twice, verdict.charged), (2, 1));
    }

    #[test]
    fn tells_how_long_criticals_waited_and_whether_slack_refused() {
        let mut book = book(0..3);
        book.criticals = [(id(0), 500), (id(1), 900), (id(2), 3000)].into();
        let posts = [
            post(1000, "a", &[0]),
            post(2100, "a", &[1]),
            refused(3100, 503),
            refused(3200, 429),
            post(9000, "a", &[2]),
        ];
        let verdict = judge(&book, &posts, &[], 0);
        assert_eq!((verdict.critical_wait_ms, verdict.critical_wait_refused_ms), (1200, 6000));
        assert_eq!((verdict.away, verdict.rate_limited, verdict.criticals), (1, 1, 3));
    }
}
