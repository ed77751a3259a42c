//! Rows of a ledger, and the documents in them: what can be read is written and read again as the
//! same.

use hansho::finding::Level;
use hansho::instants::Wall;
use hansho::policy::day_counts::DayCounts;
use hansho::policy::record::stored::{StoredRow, decode, encode};
use hansho::policy::record::{Document, RecordKey, State};
use hansho::policy::silence::Silences;
use hansho::ports::Accounts;

use super::config::{check_accounts, check_silences};

/// The first byte chooses a row, accounts, silences or counts of a day. The rest is the text, with
/// the parts of a document on lines of their own.
pub fn ledger(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match kind {
        b'a' => drop(Accounts::of_parts(text.lines()).map(|all| check_accounts(&all))),
        b's' => check_silences(&Silences::of_parts(text.lines()).0),
        b'c' => {
            let counts = DayCounts::parse(&text);
            assert_eq!(DayCounts::parse(&counts.to_text()), counts, "{text}");
        }
        _ => row(rest),
    }
}

/// Takes values from bytes. When they end, all are 0 or empty.
struct Taken<'a>(&'a [u8]);

impl Taken<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        let length = usize::from(self.byte() % 9);
        (0..length).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn wall(&mut self) -> Wall {
        Wall(self.number().cast_signed())
    }

    fn maybe<T>(&mut self, take: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 2 == 1).then(|| take(self))
    }

    fn level(&mut self) -> Level {
        Level::ALL[usize::from(self.byte()) % Level::ALL.len()]
    }
}

fn key(taken: &mut Taken<'_>) -> RecordKey {
    let alert = "guardduty/111122223333/eu-west-1/f";
    match taken.byte() % 9 {
        0 => RecordKey::alert(alert, "security"),
        1 => RecordKey::pace("security"),
        2 => RecordKey::alert(alert, "(canary)"),
        3 => RecordKey::watermark("eu-west-1"),
        4 => RecordKey::alert(alert, "~reconcile"),
        5 => RecordKey::document(Document::Accounts),
        6 => RecordKey::document_part(Document::Silences, "v", 1),
        7 => RecordKey::stored(taken.text(), taken.text()),
        _ => RecordKey::coverage(),
    }
}

fn row(bytes: &[u8]) {
    let mut taken = Taken(bytes);
    let taken = &mut taken;
    let key = key(taken);
    let state = [State::Free, State::Claimed, State::Sent][usize::from(taken.byte()) % 3];
    let row = StoredRow {
        state,
        owner: taken.text(),
        fence: taken.number(),
        lease_until: taken.wall(),
        level_claimed: taken.maybe(Taken::level),
        level_sent: taken.maybe(Taken::level),
        revision_sent: taken.maybe(Taken::wall),
        sent_at: taken.maybe(Taken::wall),
        due_at: taken.maybe(Taken::wall),
        attempts: u32::try_from(taken.number()).unwrap_or(u32::MAX),
        ambiguous: u32::try_from(taken.number()).unwrap_or(u32::MAX),
        digest: taken.text(),
        incident: taken.text(),
        finding_type: taken.text(),
        resource: taken.text(),
        expires_at: taken.wall(),
    };
    match decode(&key, row.clone()) {
        Err(why) => assert!(!why.at(&key, "a table").contains(char::is_control), "{why}"),
        Ok(record) => {
            assert_eq!(record.kind(), key.kind());
            let again = decode(&key, encode(record.clone()));
            assert_eq!(again.as_ref(), Ok(&record), "{key:?} {row:?}");
        }
    }
}
