//! `export` and `import`: parked messages to a file and back.

use std::collections::BTreeSet;
use std::io::{BufRead, Read, Write};

use anyhow::{Context, bail};
use sha2::{Digest as _, Sha256};

use crate::ports::{Clock, DeadLetter, DeadLetterQueue, Put, QUEUE_BATCH_MAX, QueueError};

use super::lines::{self, LINE_BYTES_MAX};
use super::look::{Hands, Item};

/// The most mistakes that are told one by one.
const MISTAKES_MAX: usize = 20;
/// Tries of one message, each after a second.
const TRIES: u32 = 4;
const REST: std::time::Duration = std::time::Duration::from_secs(1);

/// Writes a line for each message. Whether it is on the disk is the caller's to make sure of.
pub fn write(items: &[Item], out: &mut impl Write) -> std::io::Result<()> {
    for item in items {
        writeln!(out, "{}", lines::write(&item.parked))?;
    }
    out.flush()
}

/// Removes what was saved. Answers how many could not be removed.
pub async fn remove<Q: DeadLetterQueue, C: Clock>(
    hands: &mut Hands<'_, Q, C>,
    items: &[Item],
) -> usize {
    let mut failed = 0;
    for batch in items.chunks(QUEUE_BATCH_MAX) {
        hands.renew().await;
        let receipts: Vec<_> = batch.iter().map(|item| item.receipt.clone()).collect();
        for (item, answer) in batch.iter().zip(hands.queue.remove(&receipts).await) {
            match answer {
                Ok(()) => hands.let_go(item.id()),
                Err(why) => {
                    tracing::warn!(message_id = ?item.id().0, detail = %why, "saved, but still parked");
                    failed += 1;
                }
            }
        }
    }
    hands.release_all().await;
    failed
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub parked: usize,
    /// The very same message was there already.
    pub known: usize,
    /// Lines that are no message, each with its number.
    pub mistakes: Vec<String>,
    /// More of those.
    pub more_mistakes: usize,
}

impl Imported {
    pub fn text(&self) -> String {
        let mut lines = vec![format!("{:>8} parked", self.parked)];
        if self.known > 0 {
            lines.push(format!("{:>8} were there already", self.known));
        }
        let bad = self.mistakes.len() + self.more_mistakes;
        if bad > 0 {
            lines.push(format!("{bad:>8} lines are no message, and were left out"));
        }
        lines.join("\n") + "\n"
    }
}

/// What tells one message from another wherever it is parked: the id from before it was parked, and
/// the body.
fn identity(parked: &DeadLetter) -> (String, [u8; 32]) {
    let id = parked.original_id.as_ref().unwrap_or(&parked.id);
    (id.0.clone(), Sha256::digest(parked.body.as_bytes()).into())
}

/// Parks each line's message, unless it is there already, so that an import that was interrupted can
/// be run again. A line that is none is told and left out.
pub async fn import<Q: DeadLetterQueue, C: Clock>(
    hands: &mut Hands<'_, Q, C>,
    mut input: impl BufRead,
) -> anyhow::Result<Imported> {
    let mut there = BTreeSet::new();
    let found = hands.look(|_| true, true).await?;
    there.extend(found.items.iter().map(|item| identity(&item.parked)));
    hands.release_all().await;
    if let Some(cut) = found.cut {
        bail!(
            "what is parked already can't be looked at whole ({cut:?}), so what is new can't be \
             known: send or discard some of it first"
        );
    }
    let mut tally = Imported::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let mut limited = (&mut input).take(LINE_BYTES_MAX as u64 + 1);
        let read = limited.read_until(b'\n', &mut line).context("the input can't be read")?;
        if read == 0 {
            break;
        }
        if read > LINE_BYTES_MAX {
            bail!(
                "line {number} is longer than {LINE_BYTES_MAX} bytes; {} were parked before it",
                tally.parked
            );
        }
        if hands.stopped() {
            bail!(
                "stopped before line {number}; {} were parked. Run it again for the rest",
                tally.parked
            );
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        let parked = match lines::read(text.trim()) {
            Ok(parked) => parked,
            Err(why) if tally.mistakes.len() < MISTAKES_MAX => {
                tally.mistakes.push(format!("line {number} {why}"));
                continue;
            }
            Err(_) => {
                tally.more_mistakes += 1;
                continue;
            }
        };
        if !there.insert(identity(&parked)) {
            tally.known += 1;
            continue;
        }
        match put(hands, &parked).await {
            Ok(Put::New) => tally.parked += 1,
            Ok(Put::Known) => tally.known += 1,
            Err(why) => {
                return Err(anyhow::Error::new(why).context(format!(
                    "line {number} can't be parked; {} were parked before it. Run it again for the rest",
                    tally.parked
                )));
            }
        }
    }
    Ok(tally)
}

async fn put<Q: DeadLetterQueue, C: Clock>(
    hands: &mut Hands<'_, Q, C>,
    parked: &DeadLetter,
) -> Result<Put, QueueError> {
    for _ in 1..TRIES {
        match hands.queue.put(parked).await {
            Err(QueueError::Unavailable(why)) if why.kind.may_pass() && !hands.stopped() => {
                tracing::warn!(
                    reason = why.kind.as_str(),
                    detail = why.detail,
                    "a message could not be parked, will try again"
                );
                hands.sleep_until(hands.clock.now().mono.plus(REST)).await;
            }
            answer => return answer,
        }
    }
    hands.queue.put(parked).await
}
