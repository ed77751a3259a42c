//! When the notes about silences are posted: one to each destination before a silence ends, and
//! each week a summary of what was kept back. Each is posted once, whatever number of workers run.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use tracing::{info, warn};

use super::note_text::{self, NoteText};
use crate::commands::counts::read::days;
use crate::commands::note::{NotePorts, NoteSender, Once, once};
use crate::config::Config;
use crate::instants::{Mono, Wall};
use crate::policy::day_counts::Day;
use crate::policy::kept_back::KeptBack;
use crate::policy::record::RecordKey;
use crate::policy::silence::{CurrentSilences, Silence};
use crate::policy::weekly::Weekly;
use crate::ports::{Clock, Ledger, LedgerError, Notifier, Post};

/// How often a worker asks whether a note is due.
pub const EVERY: Duration = Duration::from_secs(600);
/// The first time, when a worker has started and knows the silences.
const FIRST: Duration = Duration::from_secs(60);
/// A summary is given up when it is so late.
const SUMMARY_LATE_MAX: Duration = Duration::from_secs(24 * 3600);
/// The whole days that a summary covers.
const SUMMARY_DAYS: u16 = 7;
/// The most notes that a process remembers as posted. Then it asks the ledger again.
const SETTLED_MAX: usize = 10_000;

/// The notes of a worker.
pub struct Notes {
    sender: NoteSender,
    silences: CurrentSilences,
    weekly: Option<Weekly>,
    /// Notes that were posted, as far as this process knows.
    settled: BTreeSet<RecordKey>,
    posts: u64,
    next_check: Mono,
}

impl Notes {
    /// `worker_id` is unique to this process.
    pub fn new(config: &Config, worker_id: &str) -> Notes {
        Notes::of(
            NoteSender::new(config, worker_id),
            config.silences.clone(),
            config.weekly_summary.clone(),
        )
    }

    pub fn of(sender: NoteSender, silences: CurrentSilences, weekly: Option<Weekly>) -> Notes {
        let (settled, posts, next_check) = (BTreeSet::new(), 0, Mono(0));
        Notes { sender, silences, weekly, settled, posts, next_check }
    }

    /// Posts what is due, regularly, until it is dropped.
    pub async fn follow<L: Ledger, N: Notifier, C: Clock>(
        mut self,
        ports: &NotePorts<'_, L, N, C>,
    ) -> Infallible {
        ports.clock.sleep_until(ports.clock.now().mono.plus(FIRST)).await;
        loop {
            self.check(ports).await;
            ports.clock.sleep_until(ports.clock.now().mono.plus(EVERY)).await;
        }
    }

    /// Posts what is due at the end of a call of Lambda, unless a call did so lately.
    pub async fn in_call<L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        ports: &NotePorts<'_, L, N, C>,
    ) {
        let now = ports.clock.now().mono;
        if now >= self.next_check {
            self.next_check = now.plus(EVERY);
            self.check(ports).await;
        }
    }

    /// Posts what is due. What fails is tried again the next time.
    pub async fn check<L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        ports: &NotePorts<'_, L, N, C>,
    ) {
        if self.settled.len() > SETTLED_MAX {
            self.settled.clear();
        }
        let ending = self.ending(ports).await;
        let summary = self.summary(ports).await;
        for result in [ending, summary] {
            if let Err(why) = result {
                warn!(detail = %why, "the notes about silences wait: the ledger can't be read");
            }
        }
    }

    /// The notes before the end of silences.
    async fn ending<L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        ports: &NotePorts<'_, L, N, C>,
    ) -> Result<(), LedgerError> {
        let now = ports.clock.now().wall;
        let silences = self.silences.get();
        let destinations = self.sender.destinations.clone();
        let is_open = |silence: &&Silence| {
            silence.is_ending(now)
                && destinations.iter().any(|(destination, _)| {
                    !self.settled.contains(&ending_key(silence, destination))
                })
        };
        let ending: Vec<&Silence> = silences.iter().filter(is_open).collect();
        let Some(from) = ending.iter().map(|silence| silence.from).min() else { return Ok(()) };
        let kept = KeptBack::of(&days(ports.ledger, Day::of(from), Day::of(now)).await?);
        for silence in ending {
            for (destination, _) in &destinations {
                let of_it = kept.from(silence, destination);
                if of_it.number > 0 {
                    let key = ending_key(silence, destination);
                    let text = note_text::ending(silence, of_it);
                    self.post(ports, key, destination, text).await;
                }
            }
        }
        Ok(())
    }

    /// The summaries of the last week, once it is due.
    async fn summary<L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        ports: &NotePorts<'_, L, N, C>,
    ) -> Result<(), LedgerError> {
        let now = ports.clock.now().wall;
        let due = self.weekly.as_ref().and_then(|weekly| weekly.last(now));
        let Some(due) = due.filter(|due| now.since(*due) < SUMMARY_LATE_MAX) else { return Ok(()) };
        let destinations = self.sender.destinations.clone();
        let key = |destination: &str| summary_key(due, destination);
        if destinations.iter().all(|(name, _)| self.settled.contains(&key(name))) {
            return Ok(());
        }
        let (first, last) = (Day::of(due).back(SUMMARY_DAYS), Day::of(due).back(1));
        let kept = KeptBack::of(&days(ports.ledger, first, last).await?);
        let silences = self.silences.get();
        for (destination, _) in &destinations {
            let days = (first, last);
            match note_text::weekly(&silences, &kept, destination, days, now) {
                Some(text) => self.post(ports, key(destination), destination, text).await,
                None => {
                    self.settled.insert(key(destination));
                }
            }
        }
        Ok(())
    }

    async fn post<L: Ledger, N: Notifier, C: Clock>(
        &mut self,
        ports: &NotePorts<'_, L, N, C>,
        key: RecordKey,
        destination: &str,
        (title, lines): NoteText,
    ) {
        if self.settled.contains(&key) {
            return;
        }
        self.posts += 1;
        let id = format!("{}-{}", self.sender.id, self.posts);
        let note = Post::note(id, destination, ports.clock.now().wall, title, lines);
        let outcome = once(ports, &self.sender, &key, &note).await;
        match &outcome {
            Once::Posted { marked: true } => {
                info!(destination, post_id = note.id, "posted a note about silences");
            }
            Once::Posted { marked: false } => warn!(
                destination,
                post_id = note.id,
                "posted a note about silences, but the ledger does not know: it may be posted again"
            ),
            Once::Failed(why) => {
                warn!(destination, detail = %why, "a note about silences could not be posted: it waits");
            }
            Once::Known | Once::Busy => {}
        }
        if outcome.is_settled() {
            self.settled.insert(key);
        }
    }
}

/// One note for each end: a silence that gets a later end has another before that one.
fn ending_key(silence: &Silence, destination: &str) -> RecordKey {
    let id = format!("silence:{}:{}", silence.id, silence.until.to_rfc3339());
    crate::commands::note::once::key(id, destination)
}

fn summary_key(due: Wall, destination: &str) -> RecordKey {
    crate::commands::note::once::key(format!("silences:{}", due.to_rfc3339()), destination)
}
