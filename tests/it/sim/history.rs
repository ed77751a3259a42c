//! What happened in a run: an append-only list, the only thing that the checker reads.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One life of a worker: the place it runs in, and the how-manieth process there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    pub slot: u8,
    pub life: u16,
}

/// A finding, owed to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notice {
    pub finding: u32,
    pub destination: u8,
}

/// A finding as it is carried by a message or shown by a post. Levels are ranks, 0 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Carried {
    pub finding: u32,
    pub level: u8,
}

/// A ledger row as far as the checker cares. Times are simulated, not the writer's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowNote {
    pub state: &'static str,
    pub fence: u64,
    pub level_sent: Option<u8>,
    /// The post that the row names, if it names one that was tried.
    pub post: Option<u32>,
    pub lease_until: i64,
    pub expires_at: i64,
}

/// What a worker was told about its post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    Accepted,
    /// Not accepted, with `Retry-After` in milliseconds where there was one.
    Pause(u64),
    Failed,
    /// Perhaps accepted.
    Ambiguous,
    Dead,
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A message enters the queue. `junk`: part of it is no finding, so that it has to be parked.
    Enqueued {
        message: u32,
        carries: Vec<Carried>,
        junk: bool,
        bytes: usize,
    },
    /// A deleted message is in the queue again.
    CameBack {
        message: u32,
    },
    /// A hidden message is visible before its time.
    Uncovered {
        message: u32,
    },
    /// A call to the queue was answered with an error, for all or some of it.
    QueueFailed,
    /// A worker learns of a message.
    Received {
        message: u32,
        count: u32,
    },
    /// A delete reached the queue. `gone`: this one removed the message.
    Delete {
        message: u32,
        gone: bool,
    },
    Hide {
        message: u32,
        ms: u64,
        done: bool,
    },
    Parked {
        message: u32,
        reason: String,
    },
    /// A ledger write reached the ledger. `done`: its condition held.
    Write {
        notice: Notice,
        row: RowNote,
        done: bool,
    },
    /// A ledger write was answered with an error, whatever became of it.
    WriteFailed {
        notice: Notice,
    },
    /// The ledger forgot an expired row.
    Expired {
        notice: Notice,
    },
    PostCalled {
        post: u32,
        destination: u8,
        cards: Vec<Carried>,
        plain: bool,
        /// What is wrong with the payload by Slack's rules, or a mention that nobody configured.
        flaw: Option<String>,
    },
    /// Slack has it: people see it.
    PostTaken {
        post: u32,
    },
    PostAnswered {
        post: u32,
        answer: Answer,
    },
    Started {
        skew_ms: i64,
    },
    Crashed,
    StopAsked,
    Ended,
    Frozen {
        ms: u64,
    },
    /// An outage begins or ends.
    Outage {
        what: &'static str,
        begins: bool,
    },
    /// No more faults from here on.
    Calm,
    End,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Simulated milliseconds since the start.
    pub at: u64,
    pub who: Option<Who>,
    pub what: What,
}

#[derive(Default)]
pub struct History {
    entries: Vec<Entry>,
}

impl History {
    pub fn note(&mut self, at: u64, who: Option<Who>, what: What) {
        self.entries.push(Entry { at, who, what });
    }

    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// The same for the same history, in every run.
pub fn hash(history: &[Entry]) -> u64 {
    let mut hasher = DefaultHasher::new();
    history.hash(&mut hasher);
    hasher.finish()
}

/// Whether an entry tells something about a finding; `carriers` are the messages that carry it.
pub fn concerns(entry: &Entry, finding: u32, carriers: &[u32], posts: &[u32]) -> bool {
    match &entry.what {
        What::Enqueued { message, .. }
        | What::CameBack { message }
        | What::Uncovered { message }
        | What::Received { message, .. }
        | What::Delete { message, .. }
        | What::Hide { message, .. }
        | What::Parked { message, .. } => carriers.contains(message),
        What::Write { notice, .. } | What::WriteFailed { notice } | What::Expired { notice } => {
            notice.finding == finding
        }
        What::PostCalled { post, .. }
        | What::PostTaken { post }
        | What::PostAnswered { post, .. } => posts.contains(post),
        _ => true,
    }
}

/// The last `lines` of a history, of one finding if there is one.
pub fn excerpt(history: &[Entry], finding: Option<u32>, lines: usize) -> String {
    let mut carriers = Vec::new();
    let mut posts = Vec::new();
    for entry in history {
        match &entry.what {
            What::Enqueued { message, carries, .. }
                if carries.iter().any(|c| Some(c.finding) == finding) =>
            {
                carriers.push(*message);
            }
            What::PostCalled { post, cards, .. }
                if cards.iter().any(|c| Some(c.finding) == finding) =>
            {
                posts.push(*post);
            }
            _ => {}
        }
    }
    let keep = |e: &&Entry| finding.is_none_or(|f| concerns(e, f, &carriers, &posts));
    let mut kept: Vec<String> =
        history.iter().rev().filter(keep).take(lines).map(ToString::to_string).collect();
    kept.reverse();
    kept.join("\n")
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}.{}", self.slot, self.life)
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = ["info", "low", "medium", "high", "critical"];
        write!(f, "f{} {}", self.finding, level.get(usize::from(self.level)).unwrap_or(&"?"))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, ms) = (self.at / 1000, self.at % 1000);
        write!(f, "{:02}:{:02}:{:02}.{ms:03} ", s / 3600, s / 60 % 60, s % 60)?;
        match self.who {
            Some(who) => write!(f, "{:<6} ", who.to_string())?,
            None => f.write_str("       ")?,
        }
        self.what.fmt(f)
    }
}

fn list(carried: &[Carried]) -> String {
    carried.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Enqueued { message, carries, junk, .. } => {
                let junk = if *junk { " and junk" } else { "" };
                write!(f, "m{message} enqueued: {}{junk}", list(carries))
            }
            What::CameBack { message } => write!(f, "m{message} came back after its delete"),
            What::Uncovered { message } => write!(f, "m{message} visible too early"),
            What::QueueFailed => f.write_str("is told that the queue failed"),
            What::Received { message, count } => write!(f, "m{message} received ({count})"),
            What::Delete { message, gone: true } => write!(f, "m{message} deleted"),
            What::Delete { message, gone: false } => write!(f, "m{message} delete without effect"),
            What::Hide { message, ms, done } => {
                write!(f, "m{message} hidden for {} s{}", *ms as f64 / 1e3, unless(*done))
            }
            What::Parked { message, reason } => write!(f, "m{message} parked: {reason}"),
            What::Write { notice, row, done } => {
                let sent = row.level_sent.map_or("-".to_owned(), |l| l.to_string());
                write!(
                    f,
                    "ledger f{}@{}: {}, fence {}, level sent {sent}, lease until {} ms{}",
                    notice.finding,
                    notice.destination,
                    row.state,
                    row.fence,
                    row.lease_until,
                    unless(*done)
                )
            }
            What::WriteFailed { notice } => {
                write!(f, "ledger f{}@{}: told of an error", notice.finding, notice.destination)
            }
            What::Expired { notice } => {
                write!(f, "ledger f{}@{}: row expired", notice.finding, notice.destination)
            }
            What::PostCalled { post, destination, cards, plain, flaw } => {
                let form = if *plain { " as text" } else { "" };
                let flaw = flaw.as_deref().unwrap_or_default();
                write!(f, "post {post} to {destination}{form}: {} {flaw}", list(cards))
            }
            What::PostTaken { post } => write!(f, "post {post} accepted by Slack"),
            What::PostAnswered { post, answer } => write!(f, "post {post} answered: {answer:?}"),
            What::Started { skew_ms } => write!(f, "starts, its clock off by {skew_ms} ms"),
            What::Crashed => f.write_str("CRASH"),
            What::StopAsked => f.write_str("is asked to stop"),
            What::Ended => f.write_str("ends"),
            What::Frozen { ms } => write!(f, "FROZEN for {} s", *ms as f64 / 1e3),
            What::Outage { what, begins } => {
                write!(f, "OUTAGE of {what} {}", if *begins { "begins" } else { "ends" })
            }
            What::Calm => f.write_str("CALM: no more faults"),
            What::End => f.write_str("END"),
        }
    }
}

fn unless(done: bool) -> &'static str {
    if done { "" } else { ", without effect" }
}
