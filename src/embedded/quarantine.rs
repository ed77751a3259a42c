//! Reads rows of the quarantine.

use rusqlite::Row;

use crate::instants::Wall;
use crate::ports::{DeadLetter, Lane, MessageId, Origin};

/// The columns that [`dead_letter`] reads.
pub(super) const COLUMNS: &str =
    "message_id, lane, body, reason, detail, receive_count, enqueued_at, parked_at";

/// Reads a text column. Another program may have written text that is not UTF-8. It must not stop a
/// scan.
pub(super) fn lossy(row: &Row, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes()?).into_owned())
}

/// Reads a row that begins with [`COLUMNS`].
pub(super) fn dead_letter(row: &Row) -> rusqlite::Result<DeadLetter> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let (message_id, lane) = (lossy(row, 0)?, lossy(row, 1)?);
    // Ids are unique within a lane only. Nearly all are of the standard lane, and stay short.
    let id = match lane == Lane::Standard.as_str() {
        true => message_id.clone(),
        false => format!("{lane}/{message_id}"),
    };
    Ok(DeadLetter {
        id: MessageId(id),
        body: lossy(row, 2)?,
        origin: Origin::Quarantine,
        reason: some(lossy(row, 3)?),
        detail: some(lossy(row, 4)?),
        attempts: Some(row.get(5)?),
        lane: Lane::from_name(&lane),
        original_id: Some(MessageId(message_id)),
        enqueued_at: row.get::<_, Option<i64>>(6)?.map(Wall),
        quarantined_at: Some(Wall(row.get(7)?)),
    })
}
