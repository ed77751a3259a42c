//! `hansho replay import`: puts messages back that `export` saved.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use anyhow::{Context, bail};
use sha2::{Digest as _, Sha256};

use crate::clock::SystemClock;
use crate::commands::args::Input;
use crate::commands::exit::Exit;
use crate::ports::{Clock, DeadLetter, DeadLetterQueue, Put};

use super::args::Import;
use super::console::{print, print_note};
use super::export_line::{self, LINE_BYTES_MAX};
use super::holds::Holds;
use super::table;

/// The most wrong lines that are named. The others are counted.
const MISTAKES_MAX: usize = 20;

pub async fn run<Q: DeadLetterQueue>(
    holds: &mut Holds<'_, Q, SystemClock>,
    args: &Import,
) -> anyhow::Result<Exit> {
    let input: Box<dyn Read> = match &args.input {
        Input::Stdin => Box::new(io::stdin()),
        Input::File(path) => Box::new(
            File::open(path).with_context(|| format!("{}: can't be opened", path.display()))?,
        ),
    };
    let tally = import(holds, BufReader::new(input)).await?;
    tally.mistakes.iter().for_each(print_note);
    print(&tally.text())?;
    Ok(if tally.mistakes.is_empty() { Exit::Done } else { Exit::Failure })
}

/// Result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportTally {
    pub imported: usize,
    /// The queue already held the same message.
    pub known: usize,
    /// Wrong lines, each with its number.
    pub mistakes: Vec<String>,
    /// How many more lines are wrong.
    pub more_mistakes: usize,
}

impl ImportTally {
    pub fn text(&self) -> String {
        let mut lines = vec![format!("{:>8} imported", self.imported)];
        let wrong = self.mistakes.len() + self.more_mistakes;
        let counts = [(self.known, "already in this queue"), (wrong, "wrong lines, skipped")];
        table::add_counts(&mut lines, &counts);
        lines.join("\n") + "\n"
    }

    fn mistake(&mut self, number: u64, why: &str) {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(format!("line {number} {why}"));
        } else {
            self.more_mistakes += 1;
        }
    }
}

/// Identifies a message in any queue: its id before it was quarantined, and a hash of the body.
fn identity(letter: &DeadLetter) -> (String, [u8; 32]) {
    let id = letter.original_id.as_ref().unwrap_or(&letter.id);
    (id.0.clone(), Sha256::digest(letter.body.as_bytes()).into())
}

/// Puts the message of each line into the queue, unless it is there. An interrupted import can
/// therefore run again. Wrong lines are skipped and reported.
pub async fn import<Q: DeadLetterQueue, C: Clock>(
    holds: &mut Holds<'_, Q, C>,
    mut input: impl BufRead,
) -> anyhow::Result<ImportTally> {
    let mut present = present(holds).await?;
    let mut tally = ImportTally::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let mut limited = (&mut input).take(LINE_BYTES_MAX as u64 + 1);
        let read = limited.read_until(b'\n', &mut line).context("the input can't be read")?;
        let imported = tally.imported;
        if read == 0 {
            break;
        }
        if read > LINE_BYTES_MAX {
            bail!("line {number} has more than {LINE_BYTES_MAX} bytes; {imported} were imported");
        }
        if holds.stopped() {
            bail!(
                "stopped before line {number}; {imported} were imported. Run it again for the rest"
            );
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        let letter = match export_line::read(text.trim()) {
            Ok(letter) => letter,
            Err(why) => {
                tally.mistake(number, &why);
                continue;
            }
        };
        if !present.insert(identity(&letter)) {
            tally.known += 1;
            continue;
        }
        let put = holds.retried("put", async |queue| queue.put(&letter).await).await;
        match put.with_context(|| {
            format!(
                "line {number} can't be imported; {imported} were imported. Run it again for the rest"
            )
        })? {
            Put::New => tally.imported += 1,
            Put::Known => tally.known += 1,
        }
    }
    Ok(tally)
}

/// The identities of the messages that the queue holds.
async fn present<Q: DeadLetterQueue, C: Clock>(
    holds: &mut Holds<'_, Q, C>,
) -> anyhow::Result<BTreeSet<(String, [u8; 32])>> {
    let scan = holds.scan(|_| true, true).await?;
    holds.release_all().await;
    if let Some(cut) = scan.cut {
        bail!(
            "the queue can't be scanned to its end ({cut:?}), so a message could be imported twice: \
             send or discard some of its messages first"
        );
    }
    Ok(scan.admitted.iter().map(|held| identity(&held.dead_letter)).collect())
}
