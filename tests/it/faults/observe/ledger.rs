//! What the ledger's writes say.

use serde_json::Value;

use super::{Before, Detail, Observer, Row, Slot, of_seconds};
use crate::faults::load::DESTINATIONS;
use crate::faults::wire::Message;
use crate::sim::history::{Alert, RowNote, What, Who};

/// A write of a record, as its request has it.
pub struct Put {
    item: Value,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Alert(Alert),
    Pace(u8),
    Other,
}

fn text<'a>(item: &'a Value, column: &str) -> &'a str {
    item[column]["S"].as_str().unwrap_or_default()
}

fn number(item: &Value, column: &str) -> Option<i64> {
    item[column]["N"].as_str()?.parse().ok()
}

fn kind(item: &Value) -> Kind {
    let destination = text(item, "destination");
    let Some(destination) = DESTINATIONS.iter().position(|(name, _)| *name == destination) else {
        return Kind::Other;
    };
    let (destination, fingerprint) = (destination as u8, text(item, "fingerprint"));
    let id = fingerprint.rsplit('/').next().and_then(|id| id.strip_prefix('f')?.parse().ok());
    match id {
        Some(finding) => Kind::Alert(Alert { finding, destination }),
        None if fingerprint == "pace" => Kind::Pace(destination),
        None => Kind::Other,
    }
}

fn state(item: &Value) -> &'static str {
    let known = ["free", "claimed", "sent"];
    known.into_iter().find(|state| *state == text(item, "state")).unwrap_or("unknown")
}

/// The alert that an item of the table is about, and how it stands.
pub fn row(item: &Value) -> Option<(Alert, Row)> {
    let Kind::Alert(alert) = kind(item) else { return None };
    let level_sent = number(item, "level_sent").and_then(|level| u8::try_from(level).ok());
    Some((alert, Row { state: state(item).to_owned(), level_sent }))
}

impl Observer {
    pub(super) fn put_arrived(&self, request: &Message) -> Detail {
        let mut input: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let item = input["Item"].take();
        Detail::Put(Put { kind: kind(&item), item })
    }

    pub(super) fn put_effect(&self, who: Who, put: &Put, before: &Before, answer: &Message) {
        let done = answer.status() == 200;
        let refused = String::from_utf8_lossy(&answer.body).contains("ConditionalCheckFailed");
        if !done && !refused {
            return self.odd(format!("the ledger refused a write: {}", answer.status()));
        }
        let Put { item, kind } = put;
        match *kind {
            Kind::Alert(alert) => {
                let row = self.note_of(item);
                self.note(Some(who), What::Write { alert, row, done });
            }
            Kind::Pace(destination) => self.paced(who, destination, item, before, done),
            Kind::Other => {}
        }
    }

    fn note_of(&self, item: &Value) -> RowNote {
        let time = |column| number(item, column).unwrap_or(0);
        let digest = text(item, "digest");
        let post = (!digest.is_empty()).then(|| self.state().post_number(digest));
        RowNote {
            state: state(item),
            owned: !text(item, "owner").is_empty(),
            fence: time("fence").unsigned_abs(),
            ambiguous: u32::try_from(time("ambiguous")).unwrap_or(0),
            level_sent: number(item, "level_sent").and_then(|level| u8::try_from(level).ok()),
            // No finding of a run closes.
            closed: false,
            comebacks: 0,
            post,
            lease_until: self.wall(time("lease_until")),
            expires_at: self.wall(of_seconds(time("expires_at")).0),
        }
    }

    fn paced(&self, who: Who, destination: u8, item: &Value, before: &Before, done: bool) {
        let reserved = state(item) == "claimed";
        let time = |column| self.wall(number(item, column).unwrap_or(0));
        let (from, next) = (time("sent_at"), time("lease_until"));
        let fence = number(item, "fence").unwrap_or(0).unsigned_abs();
        self.note(Some(who), What::PaceWrite { destination, fence, reserved, next, done });
        if reserved || !done {
            return;
        }
        let digest = text(item, "digest");
        let mut state = self.state();
        let post = (!digest.is_empty()).then(|| state.post_number(digest));
        let (before, after, length) = (before.at, self.now(), (next - from).unsigned_abs());
        state.seen.slots.push(Slot { who, destination, post, before, after, from, length });
    }

    pub(super) fn put_answered(&self, who: Who, put: &Put, answer: Option<&Message>) {
        let is_known = answer.is_some_and(|answer| {
            answer.status() == 200 && !answer.body.starts_with(b"<")
                || String::from_utf8_lossy(&answer.body).contains("ConditionalCheckFailed")
        });
        if is_known {
            return;
        }
        let fence = number(&put.item, "fence").unwrap_or(0).unsigned_abs();
        match put.kind {
            Kind::Alert(alert) => {
                self.note(Some(who), What::WriteFailed { alert, closes: false, fence });
            }
            Kind::Pace(destination) => {
                self.note(Some(who), What::PaceFailed { destination });
            }
            Kind::Other => {}
        }
    }
}
