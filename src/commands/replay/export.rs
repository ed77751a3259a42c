//! `hansho replay export`: saves messages as JSON lines.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use tracing::warn;

use crate::clock::SystemClock;
use crate::commands::args::Input;
use crate::commands::exit::Exit;
use crate::ports::{Clock, DeadLetterQueue, QUEUE_BATCH_MAX};
use crate::words::number_of;

use super::args::Export;
use super::console::{print_note, usage};
use super::export_line;
use super::holds::{HeldDeadLetter, Holds};
use super::selection::{Selection, select};

pub async fn run<Q: DeadLetterQueue>(
    holds: &mut Holds<'_, Q, SystemClock>,
    args: &Export,
    name: &str,
) -> anyhow::Result<Exit> {
    if args.remove && args.output == Input::Stdin {
        return usage("--remove needs --output FILE: what a pipe receives may never be saved");
    }
    // The file is created first, so that a wrong path fails before the scan.
    let file = match &args.output {
        Input::Stdin => None,
        Input::File(path) => Some((path, create(path)?)),
    };
    let selection = Selection::new(&args.filters, holds.clock.now().wall);
    let selected = select(holds, &selection, true).await?;
    selected.notes().iter().for_each(print_note);
    let held = &selected.scan.admitted;
    match file {
        None => write_to_stdout(held)?,
        Some((path, file)) => {
            let mut out = io::BufWriter::new(&file);
            write(held, &mut out).and_then(|()| file.sync_all()).with_context(|| {
                format!("{}: can't be written; nothing was removed", path.display())
            })?;
        }
    }
    let failed = if args.remove { remove(holds, held).await } else { 0 };
    let removed = match (args.remove, failed) {
        (false, _) => "and kept in this queue".to_owned(),
        (true, 0) => "and removed from this queue".to_owned(),
        (true, n) => format!("and removed from this queue, except {n}"),
    };
    let to = match &args.output {
        Input::Stdin => "stdout".to_owned(),
        file => file.to_string(),
    };
    let messages = number_of(held.len(), "message");
    if held.is_empty() {
        print_note(selected.head(name));
    }
    print_note(format_args!("{messages} of {name} saved to {to}, {removed}"));
    let complete = selected.scan.cut.is_none() && failed == 0 && selected.unseen(&selection) == 0;
    Ok(if complete { Exit::Done } else { Exit::Failure })
}

/// Creates a file that only its owner can read, because it will hold findings.
fn create(path: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600).open(path).with_context(|| {
        format!("{}: can't be created; check that it does not exist yet", path.display())
    })
}

fn write_to_stdout(held: &[HeldDeadLetter]) -> anyhow::Result<()> {
    match write(held, &mut io::stdout().lock()) {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the output could not be written"),
    }
}

/// Writes a line for each message. Does not sync a file to the disk.
pub fn write(held: &[HeldDeadLetter], out: &mut impl Write) -> io::Result<()> {
    for one in held {
        writeln!(out, "{}", export_line::write(&one.dead_letter))?;
    }
    out.flush()
}

/// Removes saved messages from the queue. Returns how many could not be removed.
pub async fn remove<Q: DeadLetterQueue, C: Clock>(
    holds: &mut Holds<'_, Q, C>,
    held: &[HeldDeadLetter],
) -> usize {
    let mut failed = 0;
    for batch in held.chunks(QUEUE_BATCH_MAX) {
        holds.renew().await;
        let batch: Vec<&HeldDeadLetter> = batch.iter().collect();
        for (one, answer) in batch.iter().zip(holds.remove_batch(&batch).await) {
            if let Err(why) = answer {
                warn!(message_id = ?one.id().0, detail = %why, "saved, but not removed");
                failed += 1;
            }
        }
    }
    holds.release_all().await;
    failed
}
