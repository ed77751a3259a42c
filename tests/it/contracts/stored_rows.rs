//! Rows as an earlier version stored them: each is decoded to the record that it means, and encoded
//! to the same row. `tests/fixtures/ledger/rows.json` holds one row for each kind and state. The
//! transitions of the version before the record types wrote them, and nothing may change them.

use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::day_counts::CountedAs;
use hansho::policy::record::stored::{StoredRow, decode, encode};
use hansho::policy::record::{
    AcceptedPost, AlertRecord, AlertRecordState, CanaryPost, Earlier, Ended, NextSlot, Record,
    RecordKey, State, WatermarkRecord,
};
use serde::Deserialize;

const ROWS: &str = include_str!("../../fixtures/ledger/rows.json");
/// The name of each row, and the record that it means.
const MEANINGS: &str = include_str!("../../fixtures/ledger/meanings.txt");
/// When the first of the rows was written.
const BEGAN: i64 = 1_790_000_000_123;

/// A row with its key, as the fixture has it.
#[derive(Clone, Debug, Deserialize)]
struct Stored {
    name: String,
    fingerprint: String,
    destination: String,
    state: String,
    owner: String,
    fence: u64,
    lease_until: i64,
    level_claimed: Option<u8>,
    level_sent: Option<u8>,
    revision_sent: Option<i64>,
    sent_at: Option<i64>,
    due_at: Option<i64>,
    attempts: u32,
    ambiguous: u32,
    digest: String,
    expires_at: i64,
}

impl Stored {
    fn key(&self) -> RecordKey {
        RecordKey::stored(self.fingerprint.clone(), self.destination.clone())
    }

    fn row(&self) -> StoredRow {
        let level = |rank: u8| Level::from_rank(rank).expect("a level");
        StoredRow {
            state: State::from_name(&self.state).expect("a state"),
            owner: self.owner.clone(),
            fence: self.fence,
            lease_until: Wall(self.lease_until),
            level_claimed: self.level_claimed.map(level),
            level_sent: self.level_sent.map(level),
            revision_sent: self.revision_sent.map(Wall),
            sent_at: self.sent_at.map(Wall),
            due_at: self.due_at.map(Wall),
            attempts: self.attempts,
            ambiguous: self.ambiguous,
            digest: self.digest.clone(),
            incident: String::new(),
            finding_type: String::new(),
            resource: String::new(),
            expires_at: Wall(self.expires_at),
        }
    }
}

fn rows() -> Vec<Stored> {
    serde_json::from_str(ROWS).expect("the fixture")
}

/// The records that the rows mean, with their keys.
pub fn records() -> Vec<(RecordKey, Record)> {
    let record = |stored: &Stored| decode(&stored.key(), stored.row()).expect("it can be read");
    rows().iter().map(|stored| (stored.key(), record(stored))).collect()
}

#[test]
fn every_row_is_encoded_as_it_was_stored() {
    let rows = rows();
    assert_eq!(rows.len(), 47);
    for stored in rows {
        let record = decode(&stored.key(), stored.row());
        let record = record.unwrap_or_else(|bad| panic!("{}: {bad}", stored.name));
        assert_eq!(record.kind(), stored.key().kind(), "{}", stored.name);
        let mut expected = stored.row();
        if let Record::Canary(_) = record {
            // A canary is never due. Earlier versions wrote a time of reminder that nobody read.
            expected.due_at = None;
        }
        assert_eq!(encode(record), expected, "{}", stored.name);
    }
}

/// The record in a few words: its state, and the level, the time in seconds and the id of the post.
fn meaning(record: &Record) -> String {
    match record {
        Record::Alert(alert) => alert_meaning(alert),
        Record::Pace(pace) => {
            let length = pace.closed_until.since(pace.closed_from).as_millis();
            let next = match &pace.next {
                NextSlot::Open { closed_by } => format!("open, closed by {closed_by}"),
                NextSlot::Reserved { by, level } => format!("reserved by {by} for {level}"),
            };
            let from = seconds(pace.closed_from);
            format!("{next}, {length} ms from {from}, after {:?}", pace.last_post_id)
        }
        Record::Canary(canary) => {
            let passed = &canary.passed;
            let queued = passed.queued_at.map_or("-".to_owned(), seconds);
            let post = match passed.post {
                CanaryPost::No => "no post",
                CanaryPost::Yes => "post",
                CanaryPost::TooMany => "too many posts",
            };
            let (put, received) = (seconds(passed.put_at), seconds(passed.received_at));
            format!("put {put}, queued {queued}, received {received}, {post}")
        }
        Record::Watermark(watermark) => watermark_meaning(watermark),
        Record::Document(head) => {
            let (synced, stored) = (seconds(head.written_at), seconds(head.stored_at));
            let (version, parts, entries) = (&head.version, head.parts, head.entries);
            format!(
                "{version}: {parts} parts, {entries} entries, written {synced}, stored {stored}"
            )
        }
        Record::DocumentPart(part) => part.text.clone(),
        Record::DayCounts(day) => {
            let of = |what| day.counts.total(what);
            let writers = day.writers.iter().map(|by| format!("{} {}", by.worker, by.number));
            format!(
                "{} silenced, {} of them by weekly-scan, {} quarantined, {} posted; written by {}; \
                 fence {}",
                of(CountedAs::Silenced),
                day.counts.silenced_by("weekly-scan"),
                of(CountedAs::Quarantined),
                of(CountedAs::Posted),
                writers.collect::<Vec<_>>().join(", "),
                day.fence
            )
        }
        Record::Enqueued(enqueued) => {
            format!("{} at {}", enqueued.level, seconds(enqueued.enqueued_at))
        }
    }
}

fn alert_meaning(alert: &AlertRecord) -> String {
    let state = match &alert.state {
        AlertRecordState::Free { rewound: None } => "free".to_owned(),
        AlertRecordState::Free { rewound: Some(post_id) } => {
            format!("free, rewound from {post_id}")
        }
        AlertRecordState::Claimed { owner, level, earlier } => {
            let earlier = match earlier {
                Earlier::None => "nothing".to_owned(),
                Earlier::Rewound { post_id } => format!("a rewind from {post_id}"),
                Earlier::Posted(post) => post_meaning(post),
            };
            format!("claimed by {owner} for {level} after {earlier}")
        }
        AlertRecordState::Posted { post, marked_by } => {
            let by = marked_by.as_deref().unwrap_or("nobody");
            format!("posted {} by {by}", post_meaning(post))
        }
    };
    format!("{state}; fence {}, {}+{} tries", alert.fence, alert.attempts, alert.ambiguous)
}

fn post_meaning(post: &AcceptedPost) -> String {
    let due = post.due_at.map_or("-".to_owned(), seconds);
    let revision = post.revision.map_or("-".to_owned(), seconds);
    let (level, id, at) = (post.level, &post.post_id, seconds(post.sent_at));
    format!("{level} {id} at {at} (revision {revision}, due {due})")
}

fn watermark_meaning(watermark: &WatermarkRecord) -> String {
    let run = watermark.owner().map_or("idle".to_owned(), |owner| format!("run of {owner}"));
    let progress = watermark.progress.map_or("no progress".to_owned(), |progress| {
        let ended = match progress.ended {
            Ended::Whole => "whole",
            Ended::Cut => "cut",
            Ended::Failed => "failed",
        };
        let (to, began) = (seconds(progress.compared_to), seconds(progress.began_at));
        format!("compared to {to}, began {began}, {ended}")
    });
    format!("{run}; {progress}; fence {}", watermark.fence)
}

/// Seconds since the first of the rows.
fn seconds(at: Wall) -> String {
    let ms = at.0 - BEGAN;
    assert_eq!(ms % 1000, 0);
    (ms / 1000).to_string()
}

#[test]
fn every_row_means_what_it_meant() {
    let all: Vec<String> = rows()
        .iter()
        .map(|stored| {
            let record = decode(&stored.key(), stored.row()).expect("it can be read");
            format!("{} | {}", stored.name, meaning(&record))
        })
        .collect();
    for (found, expected) in all.iter().zip(MEANINGS.trim().lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(all.len(), MEANINGS.trim().lines().count(), "{}", all.join("\n"));
}
