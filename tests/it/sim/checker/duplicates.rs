//! I2: every post that repeats an earlier one is charged to the fault that made the earlier one
//! forgotten. A post is remembered when a ledger write that names it as sent took effect.

use std::collections::BTreeMap;

use super::{Rules, Verdict};
use crate::sim::history::{Alert, Answer, Carried, Entry, RowNote, Shown, What, Who};

/// Clocks differ by so much from the true time.
const SKEW_MS: i64 = 2_500;

/// No faults explain more posts of an alert than this.
const TIMES_MAX: usize = 100;

struct Post<'a> {
    number: u32,
    who: Who,
    called: u64,
    cards: &'a [Shown],
    taken: Option<u64>,
    answer: Option<(u64, Answer)>,
}

/// The ledger writes of an alert, in order.
struct Write<'a> {
    at: u64,
    who: Who,
    /// None: the answer was an error.
    row: Option<(&'a RowNote, bool)>,
}

/// The events of a process, in order.
struct Fortune {
    at: u64,
    kind: FortuneKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FortuneKind {
    Crashed,
    Ended,
    Frozen(u64),
}

#[derive(Default)]
struct Index<'a> {
    posts: BTreeMap<u32, Post<'a>>,
    writes: BTreeMap<Alert, Vec<Write<'a>>>,
    fortunes: BTreeMap<Who, Vec<Fortune>>,
    /// When an operator requested one more post.
    rewound: BTreeMap<Alert, Vec<u64>>,
    messages: BTreeMap<u32, &'a [Carried]>,
    /// When which closed states of a finding were received.
    closings: BTreeMap<u32, Vec<(u64, u8)>>,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let index = index(history);
    let mut by_alert: BTreeMap<Alert, Vec<(&Post<'_>, &Shown)>> = BTreeMap::new();
    for post in index.posts.values().filter(|p| p.taken.is_some()) {
        for card in post.cards {
            by_alert.entry(card.alert()).or_default().push((post, card));
        }
    }
    for (alert, posts) in by_alert {
        if let Some((post, _)) = posts.get(TIMES_MAX) {
            let what = format!("it was posted {TIMES_MAX} times");
            verdict.breaks("I2", post.called, Some(alert.finding), what);
        }
        for (i, (post, card)) in posts.iter().take(TIMES_MAX).enumerate() {
            let as_severe = |(earlier, shown): &&(&Post<'_>, &Shown)| {
                shown.level >= card.level
                    && !reminds(rules, earlier, shown, post, card)
                    && !index.came_back(shown, post, card)
            };
            let repeated = posts[..i].iter().filter(as_severe).map(|(p, _)| *p);
            // One violation is enough: a mistake may post without end.
            if !repeats(rules, &index, alert, repeated, post, verdict) {
                break;
            }
        }
    }
}

/// A reminder is owed for a finding newer than the last post, a while after that post was marked.
fn reminds(
    rules: &Rules,
    earlier: &Post<'_>,
    shown: &Shown,
    post: &Post<'_>,
    card: &Shown,
) -> bool {
    let since = earlier.answer.filter(|(_, answer)| *answer == Answer::Accepted);
    let due = rules.remind_after_ms.zip(since).map(|(after, (at, _))| at + after);
    // Two processes compare by their own clocks.
    let is_due = |due: u64| post.called + 2 * SKEW_MS as u64 >= due;
    card.revision > shown.revision && due.is_some_and(is_due)
}

/// Judges a post that repeats others. A fault must explain each repeat, and the last fault is
/// charged. Returns false if no fault explains one.
fn repeats<'a>(
    rules: &Rules,
    index: &Index<'_>,
    alert: Alert,
    earlier: impl Iterator<Item = &'a Post<'a>>,
    post: &Post<'_>,
    verdict: &mut Verdict,
) -> bool {
    let mut charged = None;
    for earlier in earlier {
        charged = why_forgotten(rules, index, alert, earlier, post);
        if charged.is_none() {
            let what = format!(
                "post {} repeats post {}, and no fault explains it",
                post.number, earlier.number
            );
            verdict.breaks("I2", post.called, Some(alert.finding), what);
            return false;
        }
    }
    if let Some(cause) = charged {
        *verdict.charged.entry(cause).or_default() += 1;
    }
    true
}

fn index(history: &[Entry]) -> Index<'_> {
    let mut index = Index::default();
    for Entry { at, who, what } in history {
        let at = *at;
        if let (What::PostTaken { post }, _) = (what, who) {
            index.posts.entry(*post).and_modify(|p| p.taken = Some(at));
            continue;
        }
        if let What::Enqueued { message, carries, .. } = what {
            index.messages.insert(*message, carries);
        }
        if let What::Received { message, .. } = what {
            let carries = index.messages.get(message).copied().unwrap_or_default();
            for c in carries.iter().filter(|c| c.closed) {
                index.closings.entry(c.finding).or_default().push((at, c.revision));
            }
        }
        if let What::Rewound { alert } = what {
            index.rewound.entry(*alert).or_default().push(at);
        }
        let Some(who) = *who else { continue };
        match what {
            What::PostCalled { post, cards, .. } => {
                let (number, taken, answer) = (*post, None, None);
                let new = Post { number, who, called: at, cards, taken, answer };
                index.posts.insert(number, new);
            }
            What::PostAnswered { post, answer } => {
                index.posts.entry(*post).and_modify(|p| p.answer = Some((at, *answer)));
            }
            What::Write { alert, row, done } => {
                let write = Write { at, who, row: Some((row, *done)) };
                index.writes.entry(*alert).or_default().push(write);
            }
            What::WriteFailed { alert, .. } => {
                index.writes.entry(*alert).or_default().push(Write { at, who, row: None });
            }
            What::Crashed => index.fortune(who, at, FortuneKind::Crashed),
            What::Ended => index.fortune(who, at, FortuneKind::Ended),
            What::Frozen { ms } => index.fortune(who, at, FortuneKind::Frozen(*ms)),
            _ => {}
        }
    }
    index
}

impl Index<'_> {
    fn fortune(&mut self, who: Who, at: u64, kind: FortuneKind) {
        self.fortunes.entry(who).or_default().push(Fortune { at, kind });
    }

    fn happened(&self, who: Who, test: impl Fn(&Fortune) -> bool) -> bool {
        self.fortunes.get(&who).is_some_and(|all| all.iter().any(test))
    }

    /// The finding was closed after the state that the earlier post shows, and is open again.
    fn came_back(&self, shown: &Shown, post: &Post<'_>, card: &Shown) -> bool {
        let mut closings = self.closings.get(&card.finding).into_iter().flatten();
        closings.any(|(at, revision)| {
            *at < post.called && (shown.revision..card.revision).contains(revision)
        })
    }

    /// Whether the process was frozen at any time between.
    fn frozen(&self, who: Who, from: u64, to: u64) -> bool {
        self.happened(who, |f| match f.kind {
            FortuneKind::Frozen(ms) => f.at <= to && f.at + ms >= from,
            _ => false,
        })
    }
}

/// The fault that explains why the earlier post was unknown when the later one was made.
fn why_forgotten(
    rules: &Rules,
    index: &Index<'_>,
    alert: Alert,
    earlier: &Post<'_>,
    later: &Post<'_>,
) -> Option<&'static str> {
    let writes = index.writes.get(&alert).map_or(&[][..], Vec::as_slice);
    let Shown { level, revision: shown, .. } =
        *earlier.cards.iter().find(|c| c.alert() == alert)?;
    let rewound = index.rewound.get(&alert).into_iter().flatten().copied();
    let rewound = rewound.filter(|at| *at <= later.called).max();
    if rewound.is_some_and(|at| at >= earlier.called) {
        return Some("repeated on request");
    }
    let marks = |w: &&Write<'_>| {
        w.row.is_some_and(|(row, _)| row.state == "sent" && row.post == Some(earlier.number))
    };
    let marked = |w: &Write<'_>| w.row.is_some_and(|(_, done)| done);
    // The checks of I12 judge whether the post may go without a claim. A worker has to remember its
    // own posts that it marked, until a reminder may be due or the incident closes.
    let closings = index.closings.get(&alert.finding).into_iter().flatten();
    let mut closed = closings.filter(|(at, revision)| *at < later.called && *revision > shown);
    let lately = rules.remind_after_ms.unwrap_or(rules.retention_ms);
    let own = earlier.who == later.who
        && closed.next().is_none()
        && later.called < earlier.called + lately
        && writes.iter().filter(marks).any(marked);
    if !own && !claimed(writes, later) {
        return Some("ledger unreachable");
    }
    if writes.iter().filter(marks).any(|w| marked(w) && w.at <= later.called) {
        let forgotten =
            expired(writes, earlier, later, level) || claimed_blank(writes, earlier, later);
        return forgotten.then_some("row expired");
    }
    // A post without a claim is not written where the ledger knew of as high a level before. The
    // ledger does not know what it knew before an operator made the record free.
    let known = |w: &Write<'_>| {
        let mine = w.who == earlier.who && w.at <= later.called;
        mine && w.row.is_some_and(|(_, done)| !done)
    };
    if !claimed(writes, earlier) && writes.iter().filter(marks).any(known) {
        return ran_out(writes, rewound.unwrap_or(0), later, level).then_some("row expired");
    }
    // A post without a claim can't be in the ledger before it is answered.
    let is_answered = |(at, _): (u64, Answer)| at + MOMENT_MS < later.called;
    if !claimed(writes, earlier) && !earlier.answer.is_some_and(is_answered) {
        return Some("ledger unreachable");
    }
    let taken = earlier.taken?;
    if let Some((_, answer)) = earlier.answer
        && answer != Answer::Accepted
    {
        return (answer == Answer::Ambiguous).then_some("ambiguous answer");
    }
    if index.happened(earlier.who, |f| f.kind == FortuneKind::Crashed && f.at >= earlier.called) {
        return Some("crash before the mark");
    }
    let tried = writes.iter().rfind(marks).map(|w| w.at).unwrap_or(taken);
    if index.frozen(earlier.who, earlier.called.saturating_sub(LEASE_MS), tried) {
        return Some("frozen past the lease");
    }
    let mine =
        |w: &&Write<'_>| w.who == earlier.who && w.at >= earlier.called && w.at <= later.called;
    if writes.iter().filter(mine).any(|w| w.row.is_none()) {
        return Some("ledger failed at the mark");
    }
    None
}

/// Whether the post went under a claim.
fn claimed(writes: &[Write<'_>], post: &Post<'_>) -> bool {
    let mine =
        |w: &&Write<'_>| w.who == post.who && w.at <= post.called && w.at + LEASE_MS >= post.called;
    let claims = |w: &Write<'_>| w.row.is_some_and(|(row, done)| done && row.state == "claimed");
    writes.iter().filter(mine).any(claims)
}

/// The time that a write takes to reach the ledger.
const MOMENT_MS: u64 = 1_000;
/// The longest time from a claim to its post, in milliseconds.
const LEASE_MS: u64 = 60_000;

/// Whether the record that knew of the earlier post had expired when the later post was made.
fn expired(writes: &[Write<'_>], earlier: &Post<'_>, later: &Post<'_>, level: u8) -> bool {
    ran_out(writes, earlier.called, later, level)
}

/// Whether every record of this level that was written after a time had expired.
fn ran_out(writes: &[Write<'_>], from: u64, later: &Post<'_>, level: u8) -> bool {
    let knows = |w: &&Write<'_>| {
        let after = w.at >= from && w.at <= later.called;
        after && w.row.is_some_and(|(row, done)| done && row.level_sent >= Some(level))
    };
    let until = writes.iter().filter(knows).filter_map(|w| w.row.map(|(r, _)| r.expires_at)).max();
    until.is_none_or(|until| later.called as i64 + SKEW_MS >= until)
}

/// Whether a claim in between knew of no post. The record had expired then, which the check of that
/// claim's own post judges.
fn claimed_blank(writes: &[Write<'_>], earlier: &Post<'_>, later: &Post<'_>) -> bool {
    let marks = |w: &Write<'_>| w.row.is_some_and(|(row, done)| done && row.state == "sent");
    let known = writes.iter().find(|w| w.at >= earlier.called && marks(w)).map(|w| w.at);
    let blank = |w: &Write<'_>| {
        w.row.is_some_and(|(row, done)| done && row.state == "claimed" && row.level_sent.is_none())
    };
    let between = |w: &&Write<'_>| Some(w.at) > known && w.at + LEASE_MS < later.called;
    known.is_some() && writes.iter().filter(between).any(blank)
}
