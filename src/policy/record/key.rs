//! The keys of records.

use std::fmt;

use crate::finding::Fingerprint;
use crate::policy::day_counts::Day;
use crate::words::words;

/// In place of a fingerprint. A fingerprint has four parts, so it never looks like this.
const PACE: &str = "pace";
/// In place of a fingerprint, as [`PACE`].
const WATERMARK: &str = "reconcile";
/// In place of a fingerprint, as [`PACE`].
const COVERAGE: &str = "coverage";
/// In place of a fingerprint, as [`PACE`].
const PROOF: &str = "rollout";
/// In place of a fingerprint, as [`PACE`].
const COUNTS: &str = "counts";
/// In place of a destination, for the only record of its kind and for the head of a document. A
/// part has a version, in hexadecimal.
const HEAD: &str = "head";
/// In place of a destination. The configuration allows only a-z, 0-9, `_` and `-` in names.
const CANARY: &str = "(canary)";
/// In place of a destination, as [`CANARY`].
const ENQUEUED: &str = "~reconcile";

words! {
    /// A document that is kept whole. The word is in place of a fingerprint, as `pace` is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Document {
        /// The account directory.
        Accounts = "accounts",
        Silences = "silences",
    }
}

impl Document {
    const ALL: [Document; 2] = [Document::Accounts, Document::Silences];
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    Alert,
    Pace,
    Canary,
    Watermark,
    Enqueued,
    Document,
    DocumentPart,
    DayCounts,
}

impl RecordKind {
    pub fn as_str(self) -> &'static str {
        match self {
            RecordKind::Alert => "alert",
            RecordKind::Pace => "pace",
            RecordKind::Canary => "canary",
            RecordKind::Watermark => "watermark",
            RecordKind::Enqueued => "enqueued",
            RecordKind::Document => "document",
            RecordKind::DocumentPart => "document part",
            RecordKind::DayCounts => "day counts",
        }
    }
}

/// Identifies a record. Keys are ordered by the texts of their two parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    fingerprint: String,
    destination: String,
}

impl RecordKey {
    /// The state of one alert. `fingerprint` is a [`Fingerprint`] or its text.
    pub fn alert(fingerprint: impl fmt::Display, destination: &str) -> RecordKey {
        RecordKey::stored(fingerprint.to_string(), destination.to_owned())
    }

    /// The pace of the fleet at a destination.
    pub fn pace(destination: &str) -> RecordKey {
        RecordKey::stored(PACE.to_owned(), destination.to_owned())
    }

    /// The arrival of a canary.
    pub fn canary(fingerprint: &Fingerprint) -> RecordKey {
        RecordKey::alert(fingerprint, CANARY)
    }

    /// How far a region was reconciled.
    pub fn watermark(region: &str) -> RecordKey {
        RecordKey::stored(WATERMARK.to_owned(), region.to_owned())
    }

    /// When a worker last looked at GuardDuty's coverage.
    pub fn coverage() -> RecordKey {
        RecordKey::stored(COVERAGE.to_owned(), HEAD.to_owned())
    }

    /// Whether a canary of a rollout has arrived from a region since the way was last changed.
    pub fn proof(region: &str) -> RecordKey {
        RecordKey::stored(PROOF.to_owned(), region.to_owned())
    }

    /// That reconcile enqueued a finding.
    pub fn enqueued(fingerprint: &Fingerprint) -> RecordKey {
        RecordKey::alert(fingerprint, ENQUEUED)
    }

    /// The head of a document.
    pub fn document(document: Document) -> RecordKey {
        RecordKey::stored(document.as_str().to_owned(), HEAD.to_owned())
    }

    /// A part of a version of a document, counted from 0.
    pub fn document_part(document: Document, version: &str, number: u32) -> RecordKey {
        RecordKey::stored(document.as_str().to_owned(), format!("{version}-{number}"))
    }

    /// What was counted on a day.
    pub fn day_counts(day: Day) -> RecordKey {
        RecordKey::stored(COUNTS.to_owned(), day.to_string())
    }

    /// A key as an adapter has stored it.
    pub fn stored(fingerprint: String, destination: String) -> RecordKey {
        RecordKey { fingerprint, destination }
    }

    /// The kind of the record at this key.
    pub fn kind(&self) -> RecordKind {
        match (self.fingerprint.as_str(), self.destination.as_str()) {
            (PACE, _) => RecordKind::Pace,
            (WATERMARK | COVERAGE | PROOF, _) => RecordKind::Watermark,
            (COUNTS, _) => RecordKind::DayCounts,
            (word, place) if Document::ALL.iter().any(|document| document.as_str() == word) => {
                match place {
                    HEAD => RecordKind::Document,
                    _ => RecordKind::DocumentPart,
                }
            }
            (_, CANARY) => RecordKind::Canary,
            (_, ENQUEUED) => RecordKind::Enqueued,
            _ => RecordKind::Alert,
        }
    }

    /// The partition key: the finding's fingerprint, or a word in its place.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The sort key: the destination's name, or a word in its place; for a watermark the region,
    /// for counts the day.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// The fingerprint and the destination.
    pub fn into_parts(self) -> (String, String) {
        (self.fingerprint, self.destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instants::Wall;

    #[test]
    fn each_kind_has_keys_of_its_own() {
        let finding = Fingerprint {
            product: String::new(),
            account: String::new(),
            region: String::new(),
            id: PACE.to_owned(),
        };
        for (key, kind) in [
            (RecordKey::alert(&finding, "security"), RecordKind::Alert),
            (RecordKey::pace("security"), RecordKind::Pace),
            (RecordKey::canary(&finding), RecordKind::Canary),
            (RecordKey::watermark("eu-west-1"), RecordKind::Watermark),
            (RecordKey::coverage(), RecordKind::Watermark),
            (RecordKey::proof("eu-west-1"), RecordKind::Watermark),
            (RecordKey::enqueued(&finding), RecordKind::Enqueued),
            (RecordKey::document(Document::Accounts), RecordKind::Document),
            (RecordKey::document_part(Document::Accounts, "0a1b", 3), RecordKind::DocumentPart),
            (RecordKey::document(Document::Silences), RecordKind::Document),
            (RecordKey::document_part(Document::Silences, "0a1b", 0), RecordKind::DocumentPart),
            (RecordKey::day_counts(Day::of(Wall(0))), RecordKind::DayCounts),
        ] {
            assert_eq!(key.kind(), kind, "{key:?}");
            let (fingerprint, destination) = key.clone().into_parts();
            assert_eq!(RecordKey::stored(fingerprint, destination), key);
        }
    }

    #[test]
    fn no_destination_has_the_name_of_a_kind() {
        // The configuration allows a-z, 0-9, `_` and `-` in names.
        assert!(CANARY.contains('(') && ENQUEUED.contains('~'));
    }
}
