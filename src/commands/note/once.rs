//! Posts a note once among many workers, by the protocol of alerts: claim, post, mark.

use std::time::Duration;

use super::{NotPosted, NotePorts, NoteSender, post};
use crate::finding::{Fingerprint, Level};
use crate::instants::Wall;
use crate::policy::ledger::{self, Claim, Want};
use crate::policy::record::{AlertRecord, RecordKey, Sighting};
use crate::ports::{Clock, Ledger, LedgerError, Notifier, Post, Written};

/// The product in the fingerprints of notes.
pub const PRODUCT: &str = "hansho";
/// A claim is lost to another worker, and tried again, at most so often.
const ROUNDS_MAX: u32 = 5;
/// A note has to be posted and marked before its lease ends. So long is kept for the mark.
const FOR_THE_MARK: Duration = Duration::from_secs(15);
/// The pause between two tries to mark.
const MARK_RETRY: Duration = Duration::from_secs(2);

/// What became of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// This worker posted it. `marked`: the ledger knows. If not, a worker may post it again.
    Posted { marked: bool },
    /// It was posted before.
    Known,
    /// Another worker may be posting it.
    Busy,
    /// It was not posted, and may be later.
    Failed(NotPosted),
}

impl Once {
    /// Nothing more is to be done about it.
    pub fn is_settled(&self) -> bool {
        matches!(self, Once::Posted { .. } | Once::Known)
    }
}

/// The key of a note: that of an alert of hansho's own. `id` names what the note is about.
pub fn key(id: String, destination: &str) -> RecordKey {
    let (account, region) = (String::new(), String::new());
    let fingerprint = Fingerprint { product: PRODUCT.to_owned(), account, region, id };
    RecordKey::alert(fingerprint, destination)
}

/// Posts the note of this key, unless it was posted before or another worker is about to.
pub async fn once<L: Ledger, N: Notifier, C: Clock>(
    ports: &NotePorts<'_, L, N, C>,
    sender: &NoteSender,
    key: &RecordKey,
    note: &Post,
) -> Once {
    let sighting = Sighting::open(Level::Informational, None);
    let held = match claim(ports, sender, key, &note.id, &sighting).await {
        Ok(Claimed::Won(held)) => held,
        Ok(Claimed::Known) => return Once::Known,
        Ok(Claimed::Busy) => return Once::Busy,
        Err(why) => return Once::Failed(why.into()),
    };
    let within = sender.terms.lease.saturating_sub(FOR_THE_MARK);
    match post(ports, sender, note, within).await {
        Ok(()) => {
            Once::Posted { marked: mark(ports, sender, key, &held, &note.id, &sighting).await }
        }
        Err(why) => {
            let now = ports.clock.now().wall;
            let (expect, record) = ledger::release(&held, why.is_ambiguous(), &sender.terms, now);
            // If it fails, the claim ends with its lease.
            _ = ports.ledger.write(key, &expect, &record).await;
            Once::Failed(why)
        }
    }
}

enum Claimed {
    Won(Box<AlertRecord>),
    Known,
    Busy,
}

async fn claim<L: Ledger, N: Notifier, C: Clock>(
    ports: &NotePorts<'_, L, N, C>,
    sender: &NoteSender,
    key: &RecordKey,
    owner: &str,
    sighting: &Sighting,
) -> Result<Claimed, LedgerError> {
    let want = Want { owner, sighting: sighting.clone() };
    let mut seen: Option<AlertRecord> = None;
    for _ in 0..ROUNDS_MAX {
        let now: Wall = ports.clock.now().wall;
        let (expect, record) = match ledger::claim(seen.as_ref(), &want, &sender.terms, now) {
            Claim::Write { expect, record, .. } => (expect, record),
            Claim::AlreadyPosted { .. } | Claim::Join { .. } | Claim::Closed(_) => {
                return Ok(Claimed::Known);
            }
            Claim::Busy { .. } => return Ok(Claimed::Busy),
        };
        match ports.ledger.write(key, &expect, &record).await? {
            Written::Done => return Ok(Claimed::Won(Box::new(record))),
            Written::Lost(found) => seen = found,
        }
    }
    Ok(Claimed::Busy)
}

/// Retries until the lease ends. False: the ledger does not know that the note was posted.
async fn mark<L: Ledger, N: Notifier, C: Clock>(
    ports: &NotePorts<'_, L, N, C>,
    sender: &NoteSender,
    key: &RecordKey,
    held: &AlertRecord,
    post_id: &str,
    sighting: &Sighting,
) -> bool {
    loop {
        let now = ports.clock.now();
        let (expect, record) = ledger::mark(held, post_id, sighting, &sender.terms, now.wall);
        match ports.ledger.write(key, &expect, &record).await {
            Ok(Written::Done) => return true,
            Ok(Written::Lost(found)) => {
                let owner = held.owner().unwrap_or_default();
                return found
                    .is_some_and(|found| ledger::marked_by(&found, owner, held.fence, post_id));
            }
            Err(_) if now.wall.plus(MARK_RETRY) < held.lease_until => {
                ports.clock.sleep_until(now.mono.plus(MARK_RETRY)).await;
            }
            Err(_) => return false,
        }
    }
}
