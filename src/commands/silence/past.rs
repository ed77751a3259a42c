//! What a silence would have kept back lately, by the records of the ledger.

use std::time::Duration;

use crate::commands::note::once::PRODUCT;
use crate::finding::Level;
use crate::finding::text::CUT;
use crate::instants::Wall;
use crate::policy::matcher::{Directory, Known, MatchKey, Subject};
use crate::policy::record::{AlertRecord, RecordKey};
use crate::policy::silence::Silence;
use crate::ports::listing::Listing;
use crate::ports::{Accounts, LedgerError};

/// How far a dry run looks back.
pub const BACK: Duration = Duration::from_secs(7 * 24 * 3600);
/// The most findings that are named. The others are counted.
pub const NAMED_MAX: usize = 200;
/// The most pages that are read.
const PAGES_MAX: usize = 2_000;

/// A posted finding that the silence names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastFinding {
    pub fingerprint: String,
    pub account: String,
    pub region: String,
    pub level: Level,
    pub kind: String,
    pub resource: String,
}

/// The findings that were posted in the time before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    pub posted: u64,
    pub kept_back: u64,
    /// Of those kept back, at most [`NAMED_MAX`].
    pub named: Vec<PastFinding>,
    /// Findings whose record says too little: it has no type or resource, or only its beginning.
    pub unclear: u64,
    /// Not all records were read.
    pub cut: bool,
}

/// The rules of a silence that no record can answer. None: there are none.
pub fn unanswerable(silence: &Silence) -> Option<&'static str> {
    let keys = [MatchKey::ResourceType, MatchKey::ResourceTag];
    keys.into_iter().find(|key| silence.has_rule(*key)).map(MatchKey::as_str)
}

/// Reads all alerts of the ledger.
///
/// # Errors
/// The ledger does not answer.
pub async fn past<L: Listing>(
    ledger: &L,
    silence: &Silence,
    accounts: &Accounts,
    now: Wall,
) -> Result<Past, LedgerError> {
    let mut past = Past::default();
    let (mut from, mut last) = (None, String::new());
    for page in 1.. {
        let read = ledger.alerts(from).await?;
        for (key, record) in &read.alerts {
            // The records of a finding follow one another, one for each destination.
            let is_new = last != key.fingerprint() && !is_own(key);
            if is_new && was_posted_since(record, now.minus(BACK)) {
                key.fingerprint().clone_into(&mut last);
                past.count(silence, accounts, key, record);
            }
        }
        from = read.next;
        past.cut = from.is_some() && page >= PAGES_MAX;
        if from.is_none() || past.cut {
            break;
        }
    }
    Ok(past)
}

/// A note of hansho's own.
fn is_own(key: &RecordKey) -> bool {
    key.fingerprint().split('/').next() == Some(PRODUCT)
}

fn was_posted_since(record: &AlertRecord, since: Wall) -> bool {
    record.accepted().is_some_and(|post| post.sent_at >= since)
}

impl Past {
    fn count(
        &mut self,
        silence: &Silence,
        accounts: &Accounts,
        key: &RecordKey,
        record: &AlertRecord,
    ) {
        self.posted += 1;
        let mut parts = key.fingerprint().splitn(4, '/');
        let mut part = || parts.next().unwrap_or_default();
        let (product, account, region, id) = (part(), part(), part(), part());
        let (kind, resource) = (record.about.kind.as_str(), record.about.resource.as_str());
        let level = record.level_posted().unwrap_or(Level::Informational);
        let known = Known::of_account(level, account, accounts.account(account));
        let subject = Subject::from(Known { region, product, kind, ..known });
        let is_part = |text: &str| text.is_empty() || text.ends_with(CUT);
        if silence.would_keep_back(&subject, id, Some(resource)) {
            self.kept_back += 1;
            if self.named.len() < NAMED_MAX {
                self.named.push(PastFinding {
                    fingerprint: key.fingerprint().to_owned(),
                    account: account.to_owned(),
                    region: region.to_owned(),
                    level,
                    kind: kind.to_owned(),
                    resource: resource.to_owned(),
                });
            }
        } else if (silence.has_rule(MatchKey::Type) && is_part(kind))
            || (silence.has_resources() && is_part(resource))
        {
            self.unclear += 1;
        }
    }
}
