//! `hansho replay list`: the table of dead letters, and sums by reason.

use serde_json::{Value, json};

use crate::commands::exit::Exit;
use crate::ports::{Clock, DeadLetterQueue, QueueError};

use super::console::{CommandOutput, View};
use super::holds::{Cut, Holds};
use super::selection::{Selected, Selection, select};
use super::{reasons, table};

/// Lists the selected messages, and releases them.
pub async fn list<Q: DeadLetterQueue, C: Clock>(
    holds: &mut Holds<'_, Q, C>,
    selection: &Selection,
    view: &View,
) -> Result<CommandOutput, QueueError> {
    let selected = select(holds, selection, false).await?;
    holds.release_all().await;
    let now = holds.clock.now().wall;
    let letters = selected.parsed();
    let sums = reasons::sums(letters.iter().copied());
    let text = if view.json {
        let mut value = json(&selected, view);
        value["by_reason"] = sums.iter().map(|sum| sum.json(now)).collect();
        value["messages"] = letters.iter().map(|letter| table::as_json(letter, now)).collect();
        format!("{value}\n")
    } else {
        let mut text = format!("{}\n", selected.head(&view.queue));
        if !letters.is_empty() {
            text.push_str(&format!("\n{}", table::list(&letters, now, view)));
            text.push_str(&format!("\n{}", reasons::table(&sums, now)));
        }
        text
    };
    let exit = if selected.scan.cut == Some(Cut::Stopped) { Exit::Failure } else { Exit::Done };
    Ok(CommandOutput { text, notes: selected.notes(), exit })
}

/// The counts of a scan, for machines.
pub fn json(selected: &Selected, view: &View) -> Value {
    json!({
        "queue": view.queue,
        "dead_letters": selected.scan.scanned,
        "matched": selected.matched,
        "complete": selected.scan.cut.is_none(),
        "hidden": selected.scan.hidden,
    })
}
