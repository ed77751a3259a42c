//! Ports to ask the ledger and the queues about one finding without changing anything. Only
//! `hansho explain` uses them.

use std::future::Future;
use std::sync::Arc;

use super::{DeadLetter, Depth, Lane, Ledger, LedgerError, QueueError};
use crate::finding::{CONTROL_ID_START, requested_id};
use crate::instants::Wall;
use crate::policy::record::{Record, RecordKey};

/// The most records that a search answers with.
pub const SEARCH_RECORDS_MAX: usize = 500;
/// The most messages that a search of a queue returns.
pub const SEARCH_MESSAGES_MAX: usize = 100;

/// What is known of the records that are searched for, when their keys are not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clue {
    /// The finding's id in any of its forms, as a fingerprint writes it; or the id of a post, or
    /// of the event by which a person sent findings.
    pub ids: Vec<String>,
    /// The ids are cut off: whatever begins like one of them fits.
    pub prefix: bool,
    pub product: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
    /// The finding may share its fingerprint with others: its name among them, see
    /// [`member`](crate::finding::member).
    pub member: Option<String>,
}

impl Clue {
    /// Whether this is a record that is searched for: by its finding, or by the id of its post.
    pub fn fits(&self, key: &RecordKey, record: &Record) -> bool {
        let post_id = match record {
            Record::Alert(alert) => alert.post_id(),
            _ => None,
        };
        let is_member = || match record {
            Record::Alert(alert) => {
                let members = &alert.incident.members;
                members.iter().any(|member| self.names_member(key.fingerprint(), &member.name))
            }
            _ => false,
        };
        self.names(key.fingerprint())
            || is_member()
            || (self.place_fits(key.fingerprint())
                && post_id.is_some_and(|post| self.ids.iter().any(|id| self.is(post, id))))
    }

    /// Whether this is the fingerprint of a finding that is searched for.
    pub fn names(&self, fingerprint: &str) -> bool {
        let Some(id) = fingerprint.splitn(4, '/').nth(3) else { return false };
        let of_event = requested_id(id).map(|(event, own)| [event, own]);
        let mut names = of_event.into_iter().flatten().chain([id]);
        self.place_fits(fingerprint)
            && names.any(|name| self.ids.iter().any(|wanted| self.is(name, wanted)))
    }

    /// Whether the member of this name of the fingerprint is searched for.
    pub fn names_member(&self, fingerprint: &str, name: &str) -> bool {
        self.place_fits(fingerprint) && self.member.as_deref() == Some(name)
    }

    /// Texts of which each record that fits has one, in its fingerprint or its post's id.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let shared = self.member.as_ref().map(|_| CONTROL_ID_START);
        self.ids.iter().map(String::as_str).chain(shared)
    }

    fn is(&self, text: &str, wanted: &str) -> bool {
        if self.prefix { text.starts_with(wanted) } else { text == wanted }
    }

    fn place_fits(&self, fingerprint: &str) -> bool {
        let mut parts = fingerprint.splitn(4, '/');
        [&self.product, &self.account, &self.region].into_iter().all(|wanted| {
            let part = parts.next();
            wanted.as_deref().is_none_or(|wanted| part == Some(wanted))
        })
    }
}

/// The result of a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// Sorted by key, at most [`SEARCH_RECORDS_MAX`].
    pub records: Vec<(RecordKey, Record)>,
    /// Every record was searched, and all that fit are here.
    pub complete: bool,
    /// How many records seem to fit, but can't be read by this version.
    pub unreadable: usize,
}

/// A ledger that can be searched.
pub trait Inquiry: Ledger {
    /// The records of one fingerprint, sorted by key. Strongly consistent.
    fn records_of(
        &self,
        fingerprint: &str,
    ) -> impl Future<Output = Result<Vec<(RecordKey, Record)>, LedgerError>> + Send;

    /// Searches the ledger, bounded in time and in size. May miss a record that was written just
    /// now.
    fn search(&self, clue: &Clue) -> impl Future<Output = Result<Search, LedgerError>> + Send;
}

/// Decides by the body whether a message is searched for.
pub type BodyFilter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A message in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingMessage {
    pub lane: String,
    pub message_id: String,
    pub body: String,
    pub receive_count: u32,
    pub enqueued_at: Wall,
    /// Nobody can receive it before.
    pub visible_at: Wall,
}

/// Result of a search of the quarantine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuarantineSearch {
    /// At most [`SEARCH_MESSAGES_MAX`].
    pub messages: Vec<DeadLetter>,
    /// How many messages were read.
    pub scanned: usize,
    /// Every message was read, as far as the queue can tell.
    pub complete: bool,
}

/// Result of a search of the lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneSearch {
    /// The messages that are searched for, at most [`SEARCH_MESSAGES_MAX`].
    Found(Vec<WaitingMessage>),
    /// Only numbers: reading a message would mean receiving it.
    Counted(Vec<(Lane, Depth)>),
}

/// Queues that can be searched without taking anything away.
pub trait QueueInquiry: Send + Sync {
    fn search_quarantine(
        &self,
        filter: &BodyFilter,
    ) -> impl Future<Output = Result<QuarantineSearch, QueueError>> + Send;

    fn search_lanes(
        &self,
        filter: &BodyFilter,
    ) -> impl Future<Output = Result<LaneSearch, QueueError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level;
    use crate::policy::record::{AcceptedPost, AlertRecord, AlertRecordState, EnqueuedRecord};

    fn posted(post_id: &str) -> Record {
        let post = AcceptedPost {
            level: Level::High,
            revision: None,
            sent_at: Wall(0),
            due_at: None,
            post_id: post_id.to_owned(),
        };
        let state = AlertRecordState::Posted { post, marked_by: None };
        Record::Alert(AlertRecord { state, ..AlertRecord::unposted(1) })
    }

    #[test]
    fn a_clue_fits_by_id_by_post_and_by_place() {
        let clue = |ids: &[&str], prefix| Clue {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            prefix,
            ..Clue::default()
        };
        let placed = |product: &str, account: &str, region: &str| Clue {
            product: Some(product.to_owned()),
            account: Some(account.to_owned()),
            region: Some(region.to_owned()),
            ..clue(&["f1"], false)
        };
        let key = "guardduty/111122223333/us-east-1/f1";
        let arn = "securityhub/1/us-east-1/arn:aws:x:us-east-1:1:a/finding/f1";
        let sent = "securityhub/1/us-east-1/event/e-1/arn:aws:x:us-east-1:1:a/finding/f1";
        for (fingerprint, clue, fits) in [
            (key, clue(&["f1"], false), true),
            (key, clue(&["f2", "f1"], false), true),
            (key, clue(&["f"], false), false),
            (key, clue(&["f"], true), true),
            (key, clue(&["us-east-1/f1"], false), false),
            (key, clue(&["post-1"], false), true),
            (key, clue(&["post"], true), true),
            (key, clue(&[], true), false),
            (arn, clue(&["f1"], false), false),
            (arn, clue(&["arn:aws:x:us-east-1:1:a/finding/f1"], false), true),
            (sent, clue(&["e-1"], false), true),
            (sent, clue(&["e-"], false), false),
            (sent, clue(&["e-"], true), true),
            (sent, clue(&["arn:aws:x:us-east-1:1:a/finding/f1"], false), true),
            (sent, clue(&["event/e-1/arn:aws:x:us-east-1:1:a/finding/f1"], false), true),
            (sent, clue(&["event"], false), false),
            (key, placed("guardduty", "111122223333", "us-east-1"), true),
            (key, placed("macie", "111122223333", "us-east-1"), false),
            (key, placed("guardduty", "111122223334", "us-east-1"), false),
            (key, placed("guardduty", "111122223333", "us-east-2"), false),
        ] {
            let key = RecordKey::alert(fingerprint, "d");
            assert_eq!(clue.fits(&key, &posted("post-1")), fits, "{fingerprint} {clue:?}");
        }
        let enqueued = Record::Enqueued(EnqueuedRecord {
            level: Level::High,
            enqueued_at: Wall(0),
            fence: 1,
            expires_at: Wall(0),
        });
        for (clue, fits) in [(clue(&["f1"], false), true), (clue(&["post-1"], false), false)] {
            assert_eq!(
                clue.fits(&RecordKey::stored(key.into(), "~reconcile".into()), &enqueued),
                fits
            );
        }
    }
}
