//! Compares the posts that went out with the messages that came in. It does not trust the workers:
//! it reads the messages that were put into the queue, and the posts that the stand-in accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::night::{Event, Role};
use super::slack_standin::{Answered, Received};
use crate::ports::DeadLetter;

/// The number of hexadecimal digits of a GuardDuty finding's id.
const ID_CHARS: usize = 32;

/// The messages that came in and the workers that were killed.
#[derive(Default)]
pub struct Journal {
    pub events: Vec<Event>,
    /// When each critical finding came in, in ms of the stand-in's clock.
    pub criticals: BTreeMap<String, u64>,
    pub kills: Vec<Kill>,
}

/// A worker that was killed, by the id in its posts.
pub struct Kill {
    pub worker: String,
    pub at_ms: u64,
}

/// The numbers of a demo.
#[derive(Debug, Serialize)]
pub struct Tally {
    pub messages: usize,
    pub below_threshold: usize,
    pub repeats: usize,
    pub updates: usize,
    pub escalations: usize,
    pub malformed: usize,
    /// Alerts to post: findings at or above the threshold, and their escalations.
    pub owed: usize,
    /// Of those, posted.
    pub posted: usize,
    pub posts: usize,
    pub rate_limited: usize,
    /// Posts that Slack answered with 500 or above.
    pub unavailable: usize,
    pub quarantined: usize,
    /// Alerts that were owed and not posted.
    pub lost: usize,
    /// Alerts that were posted more often than owed.
    pub posted_twice: usize,
    /// Of those, posted again because a worker was killed or an answer was lost after Slack
    /// accepted.
    pub posted_twice_after_crash: usize,
    /// Findings below the threshold that were posted.
    pub posted_without_need: usize,
    /// Messages in the queue at the end.
    pub pending: u64,
    pub criticals: usize,
    /// The longest time of a critical finding from the queue to Slack, while Slack accepted posts.
    pub critical_wait_ms: u64,
    /// The same for critical findings during whose wait Slack refused posts.
    pub critical_wait_refused_ms: u64,
    /// The shortest time between two accepted posts.
    pub closest_posts_ms: u64,
}

impl Tally {
    /// Whether every promise was kept.
    pub fn is_good(&self) -> bool {
        self.lost == 0
            && self.posted_twice == self.posted_twice_after_crash
            && self.posted_without_need == 0
            && self.quarantined == self.malformed
            && self.pending == 0
    }
}

/// The ids of a post's findings, each as often as it has a card or a line.
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

/// The worker of a post: the first part of the post's id, which every post shows.
pub fn worker_of(payload: &Value) -> Option<String> {
    let text = payload.to_string();
    let (_, mark) = text.rsplit_once("hansho `")?;
    let (post_id, _) = mark.split_once('`')?;
    post_id.rsplit_once('-').map(|(worker, _)| worker.to_owned())
}

fn has_status(post: &Received, wanted: impl Fn(u16) -> bool) -> bool {
    matches!(post.answered, Answered::Status { status, .. } if wanted(status))
}

/// A post that Slack accepted.
struct Accepted {
    at_ms: u64,
    worker: Option<String>,
    findings: Vec<String>,
    /// The worker may not know that Slack accepted it.
    in_doubt: bool,
}

/// The accepted posts of each finding, in the order of time.
type ByFinding<'a> = BTreeMap<&'a str, Vec<&'a Accepted>>;

/// Makes the tally.
pub fn count(
    journal: &Journal,
    posts: &[Arc<Received>],
    quarantined: &[DeadLetter],
    pending: u64,
) -> Tally {
    let with_role = |role| journal.events.iter().filter(|e| e.role == role).count();
    let accepted = accepted(journal, posts);
    let mut by_finding: ByFinding<'_> = BTreeMap::new();
    for post in &accepted {
        for finding in &post.findings {
            by_finding.entry(finding).or_default().push(post);
        }
    }
    let alerts = count_alerts(journal, &by_finding);
    let noise = journal.events.iter().filter(|e| e.role == Role::Noise);
    let waits =
        || journal.criticals.iter().filter_map(|(id, from)| wait(id, *from, &by_finding, posts));
    let longest = |refused| waits().filter(|w| w.refused == refused).map(|w| w.ms).max();
    let gaps = accepted.iter().zip(accepted.iter().skip(1)).map(|(a, b)| b.at_ms - a.at_ms);
    Tally {
        messages: journal.events.len(),
        below_threshold: with_role(Role::Noise),
        repeats: with_role(Role::Repeat),
        updates: with_role(Role::Update),
        escalations: with_role(Role::Escalation),
        malformed: with_role(Role::Malformed),
        owed: alerts.owed,
        posted: alerts.posted,
        posts: accepted.len(),
        rate_limited: posts.iter().filter(|p| has_status(p, |status| status == 429)).count(),
        unavailable: posts.iter().filter(|p| has_status(p, |status| status >= 500)).count(),
        quarantined: quarantined.len(),
        lost: alerts.lost,
        posted_twice: alerts.twice,
        posted_twice_after_crash: alerts.twice_after_crash,
        posted_without_need: noise.filter(|e| by_finding.contains_key(&*e.finding)).count(),
        pending,
        criticals: journal.criticals.len(),
        critical_wait_ms: longest(false).unwrap_or_default(),
        critical_wait_refused_ms: longest(true).unwrap_or_default(),
        closest_posts_ms: gaps.min().unwrap_or_default(),
    }
}

#[derive(Default)]
struct Alerts {
    owed: usize,
    posted: usize,
    lost: usize,
    twice: usize,
    twice_after_crash: usize,
}

fn count_alerts(journal: &Journal, by_finding: &ByFinding<'_>) -> Alerts {
    let mut owed_of: BTreeMap<&str, usize> = BTreeMap::new();
    let is_owed = |e: &&Event| matches!(e.role, Role::Alert | Role::Escalation);
    for event in journal.events.iter().filter(is_owed) {
        *owed_of.entry(&event.finding).or_default() += 1;
    }
    let mut alerts = Alerts::default();
    for (id, owed) in &owed_of {
        let posts = by_finding.get(id).map(Vec::as_slice).unwrap_or_default();
        let twice = posts.len().saturating_sub(*owed);
        let in_doubt = posts.iter().take(posts.len().saturating_sub(1)).filter(|p| p.in_doubt);
        alerts.owed += owed;
        alerts.posted += posts.len().min(*owed);
        alerts.lost += owed.saturating_sub(posts.len());
        alerts.twice += twice;
        alerts.twice_after_crash += twice.min(in_doubt.count());
    }
    alerts
}

/// The accepted posts, in the order of time. Two kinds are in doubt: the last post of a worker
/// before it was killed, which may be unmarked, and a post whose answer was lost.
fn accepted(journal: &Journal, posts: &[Arc<Received>]) -> Vec<Accepted> {
    let of = |post: &Arc<Received>| Accepted {
        at_ms: post.at_ms,
        worker: worker_of(&post.payload),
        findings: findings_in(&post.payload),
        in_doubt: !matches!(post.answered, Answered::Status { .. }),
    };
    let mut accepted: Vec<Accepted> = posts.iter().filter(|p| p.accepted).map(of).collect();
    for kill in &journal.kills {
        let by_the_killed = |post: &&mut Accepted| {
            post.at_ms <= kill.at_ms && post.worker.as_deref() == Some(kill.worker.as_str())
        };
        if let Some(last) = accepted.iter_mut().rev().find(by_the_killed) {
            last.in_doubt = true;
        }
    }
    accepted
}

struct Wait {
    ms: u64,
    /// Whether Slack refused a post meanwhile.
    refused: bool,
}

fn wait(
    id: &str,
    from_ms: u64,
    by_finding: &ByFinding<'_>,
    posts: &[Arc<Received>],
) -> Option<Wait> {
    let until_ms = by_finding.get(id)?.first()?.at_ms;
    let meanwhile = |post: &&Arc<Received>| (from_ms..=until_ms).contains(&post.at_ms);
    let refused = posts.iter().filter(meanwhile).any(|post| !post.accepted);
    Some(Wait { ms: until_ms.saturating_sub(from_ms), refused })
}

/// The width of a marked line before its mark.
const MARKED_COLUMNS: usize = 36;

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_counts(f)?;
        self.write_promises(f)?;
        let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1000.0);
        for (ms, what) in [
            (
                self.critical_wait_ms,
                "longest wait of a critical finding while Slack accepted posts",
            ),
            (
                self.critical_wait_refused_ms,
                "longest wait of a critical finding while Slack refused posts",
            ),
        ] {
            writeln!(f, "{:>6}  {what}", seconds(ms))?;
        }
        write!(f, "{:>6}  shortest time between two posts", seconds(self.closest_posts_ms))
    }
}

impl Tally {
    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>6}  messages came in:", self.messages)?;
        writeln!(f, "{:>6}    below the threshold", self.below_threshold)?;
        let (repeats, updates) = (self.repeats, self.updates);
        writeln!(f, "{repeats:>6}    repeats and {updates} updates, already posted")?;
        writeln!(
            f,
            "{:>6}    alerts to post, {} of them critical, {} of them escalations",
            self.owed, self.criticals, self.escalations
        )?;
        writeln!(f, "{:>6}    malformed", self.malformed)?;
        writeln!(f)?;
        writeln!(f, "{:>6}  alerts posted, in {} posts", self.posted, self.posts)?;
        let (rate_limited, unavailable) = (self.rate_limited, self.unavailable);
        let refused = rate_limited + unavailable;
        writeln!(f, "{refused:>6}  posts refused, {rate_limited} with 429, {unavailable} with 503")
    }

    fn write_promises(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut marked = |number: u64, what: &str, good: bool| {
            let mark = if good { "✓" } else { "✗" };
            writeln!(f, "{number:>6}  {what:<MARKED_COLUMNS$}  {mark}")
        };
        marked(self.lost as u64, "alerts lost", self.lost == 0)?;
        let excused = self.posted_twice_after_crash;
        let twice = self.posted_twice.saturating_sub(excused);
        marked(twice as u64, "alerts posted twice", twice == 0)?;
        if excused > 0 {
            marked(excused as u64, "alerts posted again after a crash", true)?;
        }
        let needless = self.posted_without_need;
        marked(needless as u64, "posted although below the threshold", needless == 0)?;
        let right = self.quarantined == self.malformed;
        marked(self.quarantined as u64, "quarantined with the reason", right)?;
        marked(self.pending, "messages left in the queue", self.pending == 0)?;
        writeln!(f)
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

    fn journal(alerts: std::ops::Range<usize>) -> Journal {
        Journal { events: alerts.map(|n| event(Role::Alert, n)).collect(), ..Journal::default() }
    }

    #[test]
    fn finds_the_findings_and_the_worker_of_a_post() {
        let payload = &post(7, "0c02a5d2f4a0", &[3, 4]).payload;
        assert_eq!(findings_in(payload), [id(3), id(4)]);
        assert_eq!(worker_of(payload).as_deref(), Some("0c02a5d2f4a0"));
        assert_eq!(worker_of(&json!({ "text": "hansho" })), None);
    }

    #[test]
    fn counts_lost_repeated_and_needless_posts() {
        let mut journal = journal(0..4);
        journal.events.push(event(Role::Noise, 8));
        journal.events.push(event(Role::Escalation, 1));
        let posts = [post(0, "a", &[0, 1]), post(1500, "a", &[0, 8]), post(2600, "b", &[1, 2])];
        let tally = count(&journal, &posts, &[], 0);
        assert_eq!((tally.owed, tally.posted), (5, 4));
        assert_eq!((tally.lost, tally.posted_twice, tally.posted_twice_after_crash), (1, 1, 0));
        assert_eq!((tally.posted_without_need, tally.posts, tally.closest_posts_ms), (1, 3, 1100));
        assert!(!tally.is_good());
    }

    #[test]
    fn a_kill_excuses_a_repeat_only_if_it_can_be_the_cause() {
        // The last post of the killed worker may be unmarked. An earlier post is marked.
        for (first, killed, at_ms, excused) in
            [("a", "a", 150, 1), ("b", "a", 150, 0), ("a", "a", 50, 0), ("a", "a", 3000, 0)]
        {
            let mut journal = journal(0..3);
            journal.kills.push(Kill { worker: killed.to_owned(), at_ms });
            let posts = [post(100, first, &[0, 1]), post(2000, "a", &[2]), post(4000, "c", &[1])];
            let tally = count(&journal, &posts, &[], 0);
            assert_eq!(
                (tally.posted_twice, tally.posted_twice_after_crash),
                (1, excused),
                "{first} {killed} {at_ms}"
            );
            assert_eq!(tally.is_good(), excused == 1);
        }
        // A lost answer excuses one repeat.
        let lost = Received { answered: Answered::Closed, ..(*post(0, "a", &[0])).clone() };
        let posts = [Arc::new(lost), post(2000, "a", &[0]), post(4000, "a", &[0])];
        let tally = count(&journal(0..1), &posts, &[], 0);
        assert_eq!((tally.posted_twice, tally.posted_twice_after_crash), (2, 1));
    }

    #[test]
    fn counts_how_long_criticals_waited_and_whether_slack_refused() {
        let mut journal = journal(0..3);
        journal.criticals = [(id(0), 500), (id(1), 900), (id(2), 3000)].into();
        let posts = [
            post(1000, "a", &[0]),
            post(2100, "a", &[1]),
            refused(3100, 503),
            refused(3200, 429),
            post(9000, "a", &[2]),
        ];
        let tally = count(&journal, &posts, &[], 0);
        assert_eq!((tally.critical_wait_ms, tally.critical_wait_refused_ms), (1200, 6000));
        assert_eq!((tally.unavailable, tally.rate_limited, tally.criticals), (1, 1, 3));
    }
}
