//! I6 and I11: a worker holds a bounded number of messages. They are delivered again meanwhile only
//! after a fault. A worker that is asked to stop lets them go in time.

use std::collections::BTreeMap;

use super::{Rules, Verdict};
use crate::sim::history::{Entry, What, Who};

/// A stop takes at most 25 s, and a few seconds for the last call to the queue.
const STOP_MS: u64 = 28_000;
/// The largest message that is accepted.
const BODY_MAX: usize = 1 << 20;
/// The generator puts so many findings into a message.
const FINDINGS_IN_A_MESSAGE: usize = 5;

#[derive(Default)]
struct Size {
    findings: usize,
    bytes: usize,
}

#[derive(Default)]
struct Holder {
    /// Message, and when its visibility was last counted from.
    held: BTreeMap<u32, Hold>,
    findings: usize,
    bytes: usize,
    asked_to_stop: Option<u64>,
    frozen_until: u64,
}

struct Hold {
    since: u64,
    /// Which receive of it this is.
    count: u32,
    /// Something excuses that it is delivered again.
    excused: bool,
}

pub fn check(rules: &Rules, history: &[Entry], verdict: &mut Verdict) {
    let mut sizes: BTreeMap<u32, Size> = BTreeMap::new();
    let mut holders: BTreeMap<Who, Holder> = BTreeMap::new();
    for entry in history {
        match (&entry.what, entry.who) {
            (What::Enqueued { message, carries, bytes, .. }, _) => {
                let size = Size { findings: carries.len().max(1), bytes: *bytes };
                sizes.insert(*message, size);
            }
            (What::Uncovered { message }, _) => {
                for holder in holders.values_mut() {
                    holder.held.entry(*message).and_modify(|h| h.excused = true);
                }
            }
            (What::Received { message, count }, Some(who)) => {
                redelivered(rules, &mut holders, *message, entry.at, verdict);
                let size = sizes.entry(*message).or_default();
                let holder = holders.entry(who).or_default();
                holder.take(*message, *count, size, entry.at);
                holder.bounded(rules, entry, verdict);
            }
            (What::Hide { message, count, ms, done }, Some(who)) => {
                let holder = holders.entry(who).or_default();
                if *ms != rules.visibility_ms {
                    holder.drop(*message, *count, &sizes);
                } else if *done {
                    let excused = entry.at < holder.frozen_until;
                    let hold = holder.held.entry(*message);
                    hold.and_modify(|h| *h = Hold { since: entry.at, excused, ..*h });
                } else {
                    holder.held.entry(*message).and_modify(|h| h.excused = true);
                }
            }
            (What::Delete { message, count, .. }, Some(who)) => {
                holders.entry(who).or_default().drop(*message, *count, &sizes);
            }
            (What::QueueFailed, Some(who)) => holders.entry(who).or_default().excuse(),
            (What::Frozen { ms }, Some(who)) => {
                let holder = holders.entry(who).or_default();
                holder.excuse();
                holder.frozen_until = holder.frozen_until.max(entry.at + ms);
                holder.asked_to_stop = holder.asked_to_stop.map(|_| holder.frozen_until);
            }
            (What::StopAsked, Some(who)) => {
                let holder = holders.entry(who).or_default();
                let heard = entry.at.max(holder.frozen_until);
                holder.asked_to_stop.get_or_insert(heard);
            }
            (What::Crashed | What::Ended, Some(who)) => {
                let asked = holders.remove(&who).and_then(|h| h.asked_to_stop);
                if let Some(asked) = asked.filter(|asked| entry.at > asked + STOP_MS) {
                    let what = format!("{who} took {} ms to stop", entry.at - asked);
                    verdict.breaks("I11", entry.at, None, what);
                }
            }
            _ => {}
        }
    }
}

fn redelivered(
    rules: &Rules,
    holders: &mut BTreeMap<Who, Holder>,
    message: u32,
    at: u64,
    verdict: &mut Verdict,
) {
    for (who, holder) in holders {
        let Some(hold) = holder.held.get_mut(&message) else { continue };
        let ran_out = at >= hold.since + rules.visibility_ms;
        if ran_out && !hold.excused {
            hold.excused = true;
            let what = format!("m{message} was delivered while {who} held it");
            verdict.breaks("I11", at, None, what);
        }
    }
}

impl Holder {
    fn excuse(&mut self) {
        self.held.values_mut().for_each(|h| h.excused = true);
    }

    fn take(&mut self, message: u32, count: u32, size: &Size, at: u64) {
        let new = Hold { since: at, count, excused: at < self.frozen_until };
        if self.held.insert(message, new).is_none() {
            self.findings += size.findings;
            self.bytes += size.bytes;
        }
    }

    /// By a receipt that may be older than that of a receive that came in between.
    fn drop(&mut self, message: u32, count: u32, sizes: &BTreeMap<u32, Size>) {
        if self.held.get(&message).is_some_and(|h| h.count > count) {
            return;
        }
        if let (Some(_), Some(size)) = (self.held.remove(&message), sizes.get(&message)) {
            self.findings -= size.findings;
            self.bytes -= size.bytes;
        }
    }

    fn bounded(&self, rules: &Rules, entry: &Entry, verdict: &mut Verdict) {
        let extra = rules.lanes * 10 * (FINDINGS_IN_A_MESSAGE - 1);
        if self.findings > rules.findings_max.saturating_add(extra) {
            let what = format!("{} findings are held", self.findings);
            verdict.breaks("I6", entry.at, None, what);
        }
        // A batch of each lane may be under way when the buffer is nearly full.
        let extra = 2 * BODY_MAX;
        if self.bytes > rules.bytes_max.saturating_add(extra) {
            verdict.breaks("I6", entry.at, None, format!("{} bytes are held", self.bytes));
        }
    }
}
