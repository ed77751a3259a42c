//! The codec between records and the flat rows that adapters store.
//!
//! All kinds of records share the columns of [`StoredRow`], and some kinds use a column for a
//! meaning of their own:
//!
//! | column | alert | pace | canary | watermark | enqueued |
//! |---|---|---|---|---|---|
//! | `state` | its state | claimed: reserved | sent | claimed: a run holds the lease | free |
//! | `owner` | who claimed or marked | the last writer | who recorded | the run | |
//! | `lease_until` | the lease | end of the slot or pause | | the lease | |
//! | `level_claimed` | being posted | the next slot is for | | | |
//! | `level_sent` | posted | | its severity | | the finding's |
//! | `revision_sent` | the finding's | | put at | compared to | |
//! | `sent_at` | posted at | start of the slot or pause | put at | run began | enqueued at |
//! | `digest` | id of the post | id of the post | when it passed where | how the run ended | |
//! | `incident` | its incident | | | | |
//! | `finding_type`, `resource` | what it is about | | | | |
//!
//! The head of a document is free. `digest` has its version, `attempts` the number of parts,
//! `ambiguous` that of entries, `sent_at` the time of the write, `revision_sent` that of the parts,
//! `resource` its source.
//! A part is free, and `digest` has its text. So are the counts of a day.
//!
//! A row that breaks the rules of its kind is [`Unreadable`]. It is never taken for no record, as
//! that would post its alert again. A column that a kind does not use is written empty, and ignored
//! when read.

mod incident;

use std::fmt;

use super::{
    About, AcceptedPost, AlertRecord, AlertRecordState, CanaryRecord, DayCountsRecord,
    DocumentPartRecord, DocumentRecord, Earlier, Ended, EnqueuedRecord, NextSlot, PaceRecord,
    Progress, Record, RecordKey, RecordKind, Run, State, Version, Versioned, WatermarkRecord,
};
use crate::finding::Level;
use crate::instants::Wall;

/// The names of the columns, which are the attributes of a DynamoDB item.
pub mod column {
    pub const FINGERPRINT: &str = "fingerprint";
    pub const DESTINATION: &str = "destination";
    pub const STATE: &str = "state";
    pub const OWNER: &str = "owner";
    pub const FENCE: &str = "fence";
    pub const LEASE_UNTIL: &str = "lease_until";
    pub const LEVEL_CLAIMED: &str = "level_claimed";
    pub const LEVEL_SENT: &str = "level_sent";
    pub const REVISION_SENT: &str = "revision_sent";
    pub const SENT_AT: &str = "sent_at";
    pub const DUE_AT: &str = "due_at";
    pub const ATTEMPTS: &str = "attempts";
    pub const AMBIGUOUS: &str = "ambiguous";
    pub const DIGEST: &str = "digest";
    pub const INCIDENT: &str = "incident";
    pub const FINDING_TYPE: &str = "finding_type";
    pub const RESOURCE: &str = "resource";
    pub const EXPIRES_AT: &str = "expires_at";
}

/// A record as an adapter stores it, beside its key. Only the codec and adapters use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    pub state: State,
    /// Empty: nobody.
    pub owner: String,
    pub fence: u64,
    pub lease_until: Wall,
    pub level_claimed: Option<Level>,
    pub level_sent: Option<Level>,
    pub revision_sent: Option<Wall>,
    pub sent_at: Option<Wall>,
    pub due_at: Option<Wall>,
    pub attempts: u32,
    pub ambiguous: u32,
    pub digest: String,
    /// Empty, also in the rows of a version that kept no incidents: open.
    pub incident: String,
    /// Empty, also in the rows of a version that did not keep it: unknown.
    pub finding_type: String,
    /// As `finding_type`.
    pub resource: String,
    pub expires_at: Wall,
}

impl StoredRow {
    /// A row that has only a fence.
    pub fn blank(fence: u64) -> StoredRow {
        StoredRow {
            state: State::Free,
            owner: String::new(),
            fence,
            lease_until: Wall(0),
            level_claimed: None,
            level_sent: None,
            revision_sent: None,
            sent_at: None,
            due_at: None,
            attempts: 0,
            ambiguous: 0,
            digest: String::new(),
            incident: String::new(),
            finding_type: String::new(),
            resource: String::new(),
            expires_at: Wall(0),
        }
    }
}

impl Versioned for StoredRow {
    fn version(&self) -> Version<'_> {
        let StoredRow { state, ref owner, fence, lease_until, .. } = *self;
        Version { state, owner, fence, lease_until }
    }
}

/// A column that is not as this version writes it. Its value is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub attribute: &'static str,
    pub why: &'static str,
}

impl Unreadable {
    pub fn new(attribute: &'static str, why: &'static str) -> Unreadable {
        Unreadable { attribute, why }
    }

    pub fn missing(attribute: &'static str) -> Unreadable {
        Unreadable { attribute, why: "is missing" }
    }

    /// The error in one line, with the record's key. A fingerprint holds text from a finding, so it
    /// is quoted and cut. `place` is where the record is stored.
    pub fn at(&self, key: &RecordKey, place: &str) -> String {
        let fingerprint: String = key.fingerprint().chars().take(200).collect();
        let destination = key.destination();
        format!("the record {fingerprint:?}, {destination:?} of {place} can't be read: {self}")
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attribute {} {}", self.attribute, self.why)
    }
}

/// Reads the row at `key`.
pub fn decode(key: &RecordKey, row: StoredRow) -> Result<Record, Unreadable> {
    Ok(match key.kind() {
        RecordKind::Alert => Record::Alert(alert(row)?),
        RecordKind::Pace => Record::Pace(pace(row)?),
        RecordKind::Canary => Record::Canary(canary(row)?),
        RecordKind::Watermark => Record::Watermark(watermark(row)?),
        RecordKind::Enqueued => Record::Enqueued(enqueued(&row)?),
        RecordKind::Document => Record::Document(document(row)?),
        RecordKind::DocumentPart => Record::DocumentPart(document_part(row)?),
        RecordKind::DayCounts => Record::DayCounts(day_counts(row)?),
    })
}

fn alert(row: StoredRow) -> Result<AlertRecord, Unreadable> {
    let StoredRow { fence, lease_until, attempts, ambiguous, expires_at, .. } = row;
    let incident = incident::decode(&row.incident)?;
    let about = About { kind: row.finding_type.clone(), resource: row.resource.clone() };
    let state = match row.state {
        State::Free if row.level_sent.is_some() => {
            return Err(Unreadable::new(column::LEVEL_SENT, "belongs to no free record"));
        }
        State::Free => AlertRecordState::Free { rewound: not_empty(row.digest) },
        State::Claimed => {
            let level = row.level_claimed.ok_or(Unreadable::missing(column::LEVEL_CLAIMED))?;
            let owner = owner(&row)?;
            AlertRecordState::Claimed { owner, level, earlier: earlier(row)? }
        }
        State::Sent => {
            let marked_by = not_empty(row.owner.clone());
            let post = accepted(row)?.ok_or(Unreadable::missing(column::LEVEL_SENT))?;
            AlertRecordState::Posted { post, marked_by }
        }
    };
    Ok(AlertRecord { state, fence, lease_until, attempts, ambiguous, incident, about, expires_at })
}

fn earlier(row: StoredRow) -> Result<Earlier, Unreadable> {
    let rewound = row.digest.clone();
    Ok(match (accepted(row)?, not_empty(rewound)) {
        (Some(post), _) => Earlier::Posted(post),
        (None, Some(post_id)) => Earlier::Rewound { post_id },
        (None, None) => Earlier::None,
    })
}

fn accepted(row: StoredRow) -> Result<Option<AcceptedPost>, Unreadable> {
    let Some(level) = row.level_sent else { return Ok(None) };
    let sent_at = row.sent_at.ok_or(Unreadable::missing(column::SENT_AT))?;
    let StoredRow { revision_sent: revision, due_at, digest: post_id, .. } = row;
    Ok(Some(AcceptedPost { level, revision, sent_at, due_at, post_id }))
}

fn pace(row: StoredRow) -> Result<PaceRecord, Unreadable> {
    let next = match row.state {
        State::Free => NextSlot::Open { closed_by: row.owner.clone() },
        State::Claimed => NextSlot::Reserved {
            by: owner(&row)?,
            level: row.level_claimed.ok_or(Unreadable::missing(column::LEVEL_CLAIMED))?,
        },
        State::Sent => return Err(Unreadable::new(column::STATE, "is not one of a pace record")),
    };
    Ok(PaceRecord {
        next,
        closed_from: row.sent_at.ok_or(Unreadable::missing(column::SENT_AT))?,
        closed_until: row.lease_until,
        last_post_id: row.digest,
        fence: row.fence,
        expires_at: row.expires_at,
    })
}

fn canary(row: StoredRow) -> Result<CanaryRecord, Unreadable> {
    if row.state != State::Sent {
        return Err(Unreadable::new(column::STATE, "is not that of a canary's record"));
    }
    let why = "does not say when the canary passed where: another version of hansho wrote it";
    Ok(CanaryRecord {
        passed: row.digest.parse().map_err(|_| Unreadable::new(column::DIGEST, why))?,
        level: row.level_sent.ok_or(Unreadable::missing(column::LEVEL_SENT))?,
        recorded_by: row.owner,
        fence: row.fence,
        expires_at: row.expires_at,
    })
}

fn watermark(row: StoredRow) -> Result<WatermarkRecord, Unreadable> {
    let run = match row.state {
        State::Free => Run::Idle,
        State::Claimed => Run::Running { owner: owner(&row)? },
        State::Sent => return Err(Unreadable::new(column::STATE, "is not one of a watermark")),
    };
    Ok(WatermarkRecord {
        run,
        progress: progress(&row)?,
        fence: row.fence,
        lease_until: row.lease_until,
        expires_at: row.expires_at,
    })
}

fn progress(row: &StoredRow) -> Result<Option<Progress>, Unreadable> {
    let Some(compared_to) = row.revision_sent else { return Ok(None) };
    let ended = Ended::ALL.into_iter().find(|ended| ended.as_str() == row.digest);
    Ok(Some(Progress {
        compared_to,
        began_at: row.sent_at.ok_or(Unreadable::missing(column::SENT_AT))?,
        ended: ended.ok_or(Unreadable::new(column::DIGEST, "is no end of a run"))?,
    }))
}

fn enqueued(row: &StoredRow) -> Result<EnqueuedRecord, Unreadable> {
    if row.state != State::Free {
        return Err(Unreadable::new(column::STATE, "is not that of an enqueued finding"));
    }
    Ok(EnqueuedRecord {
        level: row.level_sent.ok_or(Unreadable::missing(column::LEVEL_SENT))?,
        enqueued_at: row.sent_at.ok_or(Unreadable::missing(column::SENT_AT))?,
        fence: row.fence,
        expires_at: row.expires_at,
    })
}

fn document(row: StoredRow) -> Result<DocumentRecord, Unreadable> {
    let StoredRow { fence, expires_at, attempts: parts, ambiguous: entries, .. } = row;
    Ok(DocumentRecord {
        version: not_empty(row.digest).ok_or(Unreadable::missing(column::DIGEST))?,
        parts,
        entries,
        source: row.resource,
        written_at: row.sent_at.ok_or(Unreadable::missing(column::SENT_AT))?,
        stored_at: row.revision_sent.ok_or(Unreadable::missing(column::REVISION_SENT))?,
        fence,
        expires_at,
    })
}

fn document_part(row: StoredRow) -> Result<DocumentPartRecord, Unreadable> {
    let StoredRow { fence, expires_at, .. } = row;
    let text = not_empty(row.digest).ok_or(Unreadable::missing(column::DIGEST))?;
    Ok(DocumentPartRecord { text, fence, expires_at })
}

fn day_counts(row: StoredRow) -> Result<DayCountsRecord, Unreadable> {
    let StoredRow { fence, expires_at, .. } = row;
    let text = not_empty(row.digest).ok_or(Unreadable::missing(column::DIGEST))?;
    let (writers, counts) = DayCountsRecord::parse(&text);
    Ok(DayCountsRecord { counts, writers, fence, expires_at })
}

/// The owner of a claimed record.
fn owner(row: &StoredRow) -> Result<String, Unreadable> {
    let empty = Unreadable::new(column::OWNER, "is empty, though the record is claimed");
    not_empty(row.owner.clone()).ok_or(empty)
}

fn not_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The row of a record.
pub fn encode(record: Record) -> StoredRow {
    let Version { state, owner, fence, lease_until } = record.version();
    let blank =
        StoredRow { state, owner: owner.to_owned(), lease_until, ..StoredRow::blank(fence) };
    match record {
        Record::Alert(alert) => encode_alert(alert, blank),
        Record::Pace(pace) => StoredRow {
            level_claimed: pace.reserved_for(),
            sent_at: Some(pace.closed_from),
            digest: pace.last_post_id,
            expires_at: pace.expires_at,
            ..blank
        },
        Record::Canary(canary) => StoredRow {
            level_sent: Some(canary.level),
            revision_sent: Some(canary.passed.put_at),
            sent_at: Some(canary.passed.put_at),
            digest: canary.passed.to_string(),
            expires_at: canary.expires_at,
            ..blank
        },
        Record::Watermark(watermark) => StoredRow {
            revision_sent: watermark.progress.map(|progress| progress.compared_to),
            sent_at: watermark.progress.map(|progress| progress.began_at),
            digest: watermark.progress.map_or("", |progress| progress.ended.as_str()).to_owned(),
            expires_at: watermark.expires_at,
            ..blank
        },
        Record::Enqueued(enqueued) => StoredRow {
            level_sent: Some(enqueued.level),
            sent_at: Some(enqueued.enqueued_at),
            expires_at: enqueued.expires_at,
            ..blank
        },
        Record::Document(document) => StoredRow {
            revision_sent: Some(document.stored_at),
            sent_at: Some(document.written_at),
            attempts: document.parts,
            ambiguous: document.entries,
            resource: document.source,
            digest: document.version,
            expires_at: document.expires_at,
            ..blank
        },
        Record::DocumentPart(part) => {
            StoredRow { digest: part.text, expires_at: part.expires_at, ..blank }
        }
        Record::DayCounts(day) => encode_day_counts(&day, blank),
    }
}

fn encode_day_counts(day: &DayCountsRecord, blank: StoredRow) -> StoredRow {
    StoredRow { digest: day.to_text(), expires_at: day.expires_at, ..blank }
}

fn encode_alert(alert: AlertRecord, blank: StoredRow) -> StoredRow {
    let level_claimed = alert.level_claimed();
    let AlertRecord { attempts, ambiguous, expires_at, .. } = alert;
    let incident = incident::encode(&alert.incident);
    let About { kind: finding_type, resource } = alert.about;
    let row = StoredRow {
        level_claimed,
        attempts,
        ambiguous,
        incident,
        finding_type,
        resource,
        expires_at,
        ..blank
    };
    let post = match alert.state {
        AlertRecordState::Free { rewound: None } => return row,
        AlertRecordState::Claimed { earlier: Earlier::None, .. } => return row,
        AlertRecordState::Free { rewound: Some(digest) }
        | AlertRecordState::Claimed { earlier: Earlier::Rewound { post_id: digest }, .. } => {
            return StoredRow { digest, ..row };
        }
        AlertRecordState::Claimed { earlier: Earlier::Posted(post), .. }
        | AlertRecordState::Posted { post, .. } => post,
    };
    StoredRow {
        level_sent: Some(post.level),
        revision_sent: post.revision,
        sent_at: Some(post.sent_at),
        due_at: post.due_at,
        digest: post.post_id,
        ..row
    }
}

#[cfg(test)]
mod tests;
