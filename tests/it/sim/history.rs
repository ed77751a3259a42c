//! The events of a run: an append-only list, and the only thing that the checker reads.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::drawn::Drawn;
use crate::support::naive::Silenced;

/// One life of a worker: the place it runs in, and the how-manieth process there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    pub slot: u8,
    pub life: u16,
}

/// A finding, owed to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alert {
    pub finding: u32,
    pub destination: u8,
}

/// A finding as it is carried by a message. Levels are ranks, 0 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Carried {
    pub finding: u32,
    pub level: u8,
    /// How new it is: its `updatedAt`, in minutes after the first there is.
    pub revision: u8,
    /// Its product says that the problem is gone, so it is not to be posted.
    pub closed: bool,
}

/// A finding as it is shown by a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shown {
    pub finding: u32,
    pub level: u8,
    pub revision: u8,
    /// The destination whose alert it is: another than the post's where that one stands in for it.
    pub owed_to: u8,
    pub escalated_from: Option<u8>,
    pub reminder: bool,
    /// It says that it was closed and is open again.
    pub came_back: bool,
    /// The finding that is shown is closed.
    pub closed: bool,
    /// It says that it may repeat an earlier post.
    pub perhaps_repeated: bool,
}

impl Shown {
    pub fn alert(&self) -> Alert {
        Alert { finding: self.finding, destination: self.owed_to }
    }
}

/// The form of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostForm {
    Cards,
    Digest,
    Plain,
}

/// A statement of a post about hansho itself, below its cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Said {
    /// Its destination could not be posted to, and works again.
    Recovered,
    /// It stands in for this destination.
    StandsInFor(u8),
}

/// A ledger record as far as the checker needs it. Times are simulated, not the writer's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowNote {
    pub state: &'static str,
    /// Somebody claimed it, or marked it: a record that was released has no owner.
    pub owned: bool,
    pub fence: u64,
    pub ambiguous: u32,
    pub level_sent: Option<u8>,
    /// The incident is closed.
    pub closed: bool,
    pub comebacks: u32,
    /// The post that the record names, if it names one that was tried.
    pub post: Option<u32>,
    pub lease_until: i64,
    pub expires_at: i64,
}

/// The answer that a worker received to its post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    Accepted,
    /// Not accepted, with `Retry-After` in milliseconds where there was one.
    Pause(u64),
    Failed,
    /// Not sent: the webhook's address can't be read.
    NoAddress,
    /// Perhaps accepted.
    Ambiguous,
    Dead,
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A message enters the queue. `junk`: part of it is no finding, so that it has to be
    /// quarantined.
    Enqueued {
        message: u32,
        carries: Vec<Carried>,
        junk: bool,
        /// An operator requests one more post.
        again: bool,
        bytes: usize,
    },
    /// An operator had the ledger forget that it was posted.
    Rewound {
        alert: Alert,
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
    /// A worker asks to delete a message. `gone`: this call removed it.
    Delete {
        message: u32,
        count: u32,
        gone: bool,
    },
    /// With the receipt of the `count`th receive.
    Hide {
        message: u32,
        count: u32,
        ms: u64,
        done: bool,
    },
    DeadLetter {
        message: u32,
        reason: String,
    },
    /// A ledger write reached the ledger. `done`: its condition held.
    Write {
        alert: Alert,
        row: RowNote,
        done: bool,
    },
    /// A ledger write was answered with an error, whatever became of it.
    WriteFailed {
        alert: Alert,
        /// It was to close an incident, to say more of a closed one, or to release its claim.
        closes: bool,
        fence: u64,
    },
    /// A read of a record, which a closing begins with, was answered with an error.
    ReadFailed {
        alert: Alert,
    },
    /// A write to the pace record of a destination reached the ledger. `next`: when the next slot
    /// may be, in simulated time by its writer's clock.
    PaceWrite {
        destination: u8,
        fence: u64,
        reserved: bool,
        next: i64,
        done: bool,
    },
    /// A read or write of a pace record was answered with an error.
    PaceFailed {
        destination: u8,
    },
    /// A ledger call takes long.
    LedgerSlow,
    /// The silences in the ledger, from now on.
    Silences {
        all: Vec<Silenced>,
    },
    /// A worker's read of the silences failed, or took long.
    SilencesUnread,
    /// A worker says that a silence keeps a finding back.
    KeptBack {
        carried: Carried,
        silence: String,
    },
    /// The ledger forgot an expired record.
    Expired {
        alert: Alert,
    },
    PostCalled {
        post: u32,
        destination: u8,
        cards: Vec<Shown>,
        form: PostForm,
        said: Vec<Said>,
        /// The flaw of the payload by Slack's rules, or a mention that nobody configured.
        flaw: Option<String>,
        /// What people read, or why it can't be read.
        drawn: Result<Drawn, String>,
    },
    /// Slack has it: people see it.
    PostTaken {
        post: u32,
    },
    PostAnswered {
        post: u32,
        answer: Answer,
    },
    /// A webhook's address was read again; None: that failed.
    Refreshed {
        destination: u8,
        changed: Option<bool>,
    },
    /// More calls of a kind within a minute than there is work for.
    Rush {
        kind: &'static str,
        calls: u32,
    },
    /// The run is cut short: so many posts were tried.
    TooMuch {
        posts: u32,
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

/// How long each finding of this level waited before people saw it, in milliseconds. The time
/// starts at the last message that brought it, over whichever lane. Findings that were never posted
/// are left out.
pub fn waits(history: &[Entry], level: u8) -> Vec<u64> {
    let mut came: BTreeMap<u32, u64> = BTreeMap::new();
    let mut posts: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut waited: BTreeMap<u32, u64> = BTreeMap::new();
    for entry in history {
        match &entry.what {
            What::Enqueued { carries, .. } => {
                let worst = carries.iter().filter(|c| c.level == level);
                came.extend(worst.map(|c| (c.finding, entry.at)));
            }
            What::PostCalled { post, cards, .. } => {
                posts.insert(*post, cards.iter().map(|c| c.finding).collect());
            }
            What::PostTaken { post } => {
                for finding in posts.get(post).into_iter().flatten() {
                    if let Some(at) = came.get(finding) {
                        waited.entry(*finding).or_insert(entry.at - at);
                    }
                }
            }
            _ => {}
        }
    }
    waited.into_values().collect()
}

/// Whether an entry is about a finding. `carriers` are the messages that carry it.
pub fn concerns(entry: &Entry, finding: u32, carriers: &[u32], posts: &[u32]) -> bool {
    match &entry.what {
        What::Enqueued { message, .. }
        | What::CameBack { message }
        | What::Uncovered { message }
        | What::Received { message, .. }
        | What::Delete { message, .. }
        | What::Hide { message, .. }
        | What::DeadLetter { message, .. } => carriers.contains(message),
        What::Write { alert, .. }
        | What::WriteFailed { alert, .. }
        | What::ReadFailed { alert }
        | What::Expired { alert }
        | What::Rewound { alert } => alert.finding == finding,
        What::PostCalled { post, .. }
        | What::PostTaken { post }
        | What::PostAnswered { post, .. } => posts.contains(post),
        What::PaceWrite { .. } => false,
        What::KeptBack { carried, .. } => carried.finding == finding,
        _ => true,
    }
}

/// The last `lines` of a history until a time, of one finding if there is one.
pub fn excerpt(history: &[Entry], finding: Option<u32>, until: u64, lines: usize) -> String {
    let history = &history[..history.partition_point(|e| e.at <= until)];
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
        write!(f, "f{} {}", self.finding, level.get(usize::from(self.level)).unwrap_or(&"?"))?;
        if self.revision > 0 {
            write!(f, " updated({})", self.revision)?;
        }
        f.write_str(if self.closed { " closed" } else { "" })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown { finding, level, revision, closed, .. } = *self;
        Carried { finding, level, revision, closed }.fmt(f)?;
        for (said, word) in [
            (self.escalated_from.is_some(), " escalated"),
            (self.reminder, " again"),
            (self.came_back, " came back"),
            (self.perhaps_repeated, " perhaps repeated"),
        ] {
            f.write_str(if said { word } else { "" })?;
        }
        Ok(())
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

fn list(all: &[impl fmt::Display]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Enqueued { message, carries, junk, again, .. } => {
                let junk = if *junk { " and junk" } else { "" };
                let again = if *again { ", to be posted again" } else { "" };
                write!(f, "m{message} enqueued: {}{junk}{again}", list(carries))
            }
            What::Rewound { alert } => {
                write!(f, "ledger f{}@{}: made free", alert.finding, alert.destination)
            }
            What::CameBack { message } => write!(f, "m{message} came back after its delete"),
            What::Uncovered { message } => write!(f, "m{message} visible too early"),
            What::QueueFailed => f.write_str("learns that the queue failed"),
            What::Received { message, count } => write!(f, "m{message} received ({count})"),
            What::Delete { message, gone: true, .. } => write!(f, "m{message} deleted"),
            What::Delete { message, gone: false, .. } => {
                write!(f, "m{message} delete without effect")
            }
            What::Hide { message, ms, done, .. } => {
                write!(f, "m{message} hidden for {} s{}", *ms as f64 / 1e3, unless(*done))
            }
            What::DeadLetter { message, reason } => write!(f, "m{message} quarantined: {reason}"),
            What::Write { alert, row, done } => {
                let sent = row.level_sent.map_or("-".to_owned(), |l| l.to_string());
                write!(
                    f,
                    "ledger f{}@{}: {}{}, fence {}, level sent {sent}, lease until {} ms{}",
                    alert.finding,
                    alert.destination,
                    row.state,
                    if row.closed { " and closed" } else { "" },
                    row.fence,
                    row.lease_until,
                    unless(*done)
                )
            }
            What::ReadFailed { alert } => {
                write!(f, "ledger f{}@{}: not read", alert.finding, alert.destination)
            }
            What::WriteFailed { alert, .. } => {
                write!(f, "ledger f{}@{}: error returned", alert.finding, alert.destination)
            }
            What::Expired { alert } => {
                write!(f, "ledger f{}@{}: row expired", alert.finding, alert.destination)
            }
            What::Silences { all } => {
                f.write_str("ledger silences:")?;
                all.iter().try_for_each(|silence| {
                    let Silenced { id, all, none, findings, resources, covers, from, until } =
                        silence;
                    write!(f, " {id} {all:?} not {none:?} {findings:?} {resources:?}")?;
                    write!(f, " up to {covers}, {from} to {until};")
                })
            }
            What::SilencesUnread => f.write_str("does not read the silences in time"),
            What::KeptBack { carried, silence } => write!(f, "{carried} is kept back by {silence}"),
            What::PostCalled { post, destination, cards, form, said, flaw, .. } => {
                let form = match form {
                    PostForm::Cards => "",
                    PostForm::Digest => " as a digest",
                    PostForm::Plain => " as text",
                };
                let flaw = flaw.as_deref().unwrap_or_default();
                let said = if said.is_empty() { String::new() } else { format!(" {said:?}") };
                write!(f, "post {post} to {destination}{form}: {}{said} {flaw}", list(cards))
            }
            What::PaceWrite { destination, fence, reserved, next, done } => {
                let kind = if *reserved { "a slot" } else { "open" };
                let unless = unless(*done);
                write!(f, "pace of {destination}: {kind}, {fence}, next at {next} ms{unless}")
            }
            What::PaceFailed { destination } => {
                write!(f, "pace of {destination}: error returned")
            }
            What::LedgerSlow => f.write_str("waits for a slow ledger"),
            What::Refreshed { destination, changed } => {
                let changed = match changed {
                    Some(true) => "changed",
                    Some(false) => "the same",
                    None => "not readable",
                };
                write!(f, "webhook of {destination} read again: {changed}")
            }
            What::Rush { kind, calls } => write!(f, "RUSH: {calls} calls of {kind} in a minute"),
            What::PostTaken { post } => write!(f, "post {post} accepted by Slack"),
            What::PostAnswered { post, answer } => write!(f, "post {post} answered: {answer:?}"),
            What::TooMuch { posts } => write!(f, "TOO MUCH: {posts} posts"),
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
