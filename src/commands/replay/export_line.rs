//! The JSON lines that `export` writes and `import` reads. Each line holds one dead letter, with
//! its whole body.

use serde::{Deserialize, Serialize};

use crate::instants::Wall;
use crate::ports::{DeadLetter, Lane, MessageId, Origin};
use crate::terminal;

/// The longest line that is read: a body of 1 MiB, each byte escaped to six, and the other fields.
pub const LINE_BYTES_MAX: usize = 8 << 20;

/// One line. Times are in RFC 3339, to the second.
#[derive(Debug, Deserialize, Serialize)]
struct ExportLine {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_id: Option<String>,
    #[serde(default)]
    origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lane: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enqueued_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quarantined_at: Option<String>,
    body: String,
}

/// Writes a dead letter as a line, without the line end. A terminal obeys nothing in it.
pub fn write(letter: &DeadLetter) -> String {
    let line = ExportLine {
        id: letter.id.0.clone(),
        original_id: letter.original_id.as_ref().map(|id| id.0.clone()),
        origin: letter.origin.clone(),
        reason: letter.reason.clone(),
        detail: letter.detail.clone(),
        attempts: letter.attempts,
        lane: letter.lane.map(|lane| lane.as_str().to_owned()),
        enqueued_at: letter.enqueued_at.map(Wall::to_rfc3339),
        quarantined_at: letter.quarantined_at.map(Wall::to_rfc3339),
        body: letter.body.clone(),
    };
    // A line has only strings and numbers, which JSON can always hold.
    terminal::harmless_json(serde_json::to_string(&line).unwrap_or_default())
}

/// Reads a line. The error says what is wrong with it, and quotes nothing of it.
pub fn read(text: &str) -> Result<DeadLetter, String> {
    let line: ExportLine = serde_json::from_str(text).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => {
                "is JSON, but not a line of `hansho replay export`: it needs an id and a body, both \
                 strings"
            }
            _ => "is not JSON: check whether the file is cut off",
        };
        format!("{what} (column {})", error.column())
    })?;
    let moment = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Wall::parse_rfc3339(text)
            .map(Some)
            .ok_or_else(|| format!("has a {name} that is not a time such as 2026-11-26T03:15:00Z")),
    };
    let lane = match &line.lane {
        None => None,
        Some(word) => Some(
            Lane::from_name(word)
                .ok_or_else(|| "has a lane that is neither express nor standard".to_owned())?,
        ),
    };
    if line.id.is_empty() {
        return Err("has an empty id".to_owned());
    }
    Ok(DeadLetter {
        enqueued_at: moment("enqueued_at", &line.enqueued_at)?,
        quarantined_at: moment("quarantined_at", &line.quarantined_at)?,
        id: MessageId(line.id),
        body: line.body,
        origin: line.origin,
        reason: line.reason,
        detail: line.detail,
        attempts: line.attempts,
        lane,
        original_id: line.original_id.map(MessageId),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> DeadLetter {
        DeadLetter {
            id: MessageId("m-2".into()),
            body: "not json\n\u{0} 半鐘 \u{202e}\"".to_owned(),
            origin: Origin::Quarantine,
            reason: Some("not_json".to_owned()),
            detail: Some("line 1".to_owned()),
            attempts: Some(2),
            lane: Some(Lane::Express),
            original_id: Some(MessageId("m-1".into())),
            enqueued_at: Some(Wall(1_790_000_000_000)),
            quarantined_at: Some(Wall(1_790_000_060_000)),
        }
    }

    #[test]
    fn written_lines_are_read_back() {
        let some = |text: &str| Some(text.to_owned());
        for origin in [
            Origin::Quarantine,
            Origin::EventBridge { rule: some("r"), target: some("t"), exhausted: None },
            Origin::DeadLetter { source: some("q") },
            Origin::DeadLetter { source: None },
        ] {
            let letter = DeadLetter { origin, ..full() };
            let line = write(&letter);
            assert!(!line.contains('\n'));
            assert_eq!(read(&line), Ok(letter));
        }
        let bare = DeadLetter {
            reason: None,
            detail: None,
            attempts: None,
            lane: None,
            original_id: None,
            enqueued_at: None,
            quarantined_at: None,
            body: String::new(),
            ..full()
        };
        assert_eq!(write(&bare), r#"{"id":"m-2","origin":{"kind":"quarantine"},"body":""}"#);
        assert_eq!(read(&write(&bare)), Ok(bare));
    }

    #[test]
    fn wrong_lines_are_named() {
        for (line, said) in [
            ("", "not JSON"),
            (r#"{"id":"a","body":"b"#, "cut off"),
            (r#"{"id":"a"}"#, "needs an id and a body"),
            (r#"{"id":"a","body":{}}"#, "needs an id and a body"),
            (r#"{"id":"","body":"b"}"#, "empty id"),
            (r#"{"id":"a","body":"b","lane":"slow"}"#, "lane"),
            (r#"{"id":"a","body":"b","quarantined_at":"soon"}"#, "quarantined_at"),
            ("[]", "needs an id and a body"),
        ] {
            let why = read(line).unwrap_err();
            assert!(why.contains(said), "{line}: {why}");
        }
    }
}
