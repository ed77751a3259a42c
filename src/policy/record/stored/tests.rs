//! Rows that break the rules of their kind. `tests/it/contracts/stored_rows.rs` has rows of all
//! kinds as they are stored.

use super::*;
use crate::finding::Fingerprint;
use crate::policy::day_counts::Day;
use crate::policy::record::Document;

fn finding() -> Fingerprint {
    Fingerprint {
        product: "guardduty".into(),
        account: "123456789012".into(),
        region: "eu-west-1".into(),
        id: "f".into(),
    }
}

fn row(state: State) -> StoredRow {
    StoredRow { state, owner: "w/1".into(), digest: "p1".into(), ..StoredRow::blank(1) }
}

/// A row of an alert that was posted.
fn sent() -> StoredRow {
    StoredRow {
        level_sent: Some(Level::High),
        sent_at: Some(Wall(1)),
        due_at: Some(Wall(2)),
        ..row(State::Sent)
    }
}

#[test]
fn a_row_that_breaks_a_rule_is_refused_by_the_name_of_its_attribute() {
    let alert = RecordKey::alert(finding(), "security");
    let (pace, region) = (RecordKey::pace("security"), RecordKey::watermark("eu-west-1"));
    let (canary, enqueued) = (RecordKey::canary(&finding()), RecordKey::enqueued(&finding()));
    let (head, part) = (
        RecordKey::document(Document::Accounts),
        RecordKey::document_part(Document::Accounts, "0a", 0),
    );
    let counts = RecordKey::day_counts(Day::of(Wall(0)));
    let claimed = StoredRow { level_claimed: Some(Level::Low), ..row(State::Claimed) };
    let nobody = StoredRow { owner: String::new(), ..claimed.clone() };
    let free = row(State::Free);
    for (key, row, attribute) in [
        (&alert, StoredRow { level_sent: None, ..sent() }, column::LEVEL_SENT),
        (&alert, StoredRow { sent_at: None, ..sent() }, column::SENT_AT),
        (&alert, StoredRow { state: State::Free, ..sent() }, column::LEVEL_SENT),
        (&alert, StoredRow { level_claimed: None, ..claimed.clone() }, column::LEVEL_CLAIMED),
        (&alert, nobody.clone(), column::OWNER),
        (&pace, StoredRow { sent_at: Some(Wall(1)), ..nobody.clone() }, column::OWNER),
        (&pace, row(State::Claimed), column::LEVEL_CLAIMED),
        (&pace, free.clone(), column::SENT_AT),
        (&pace, sent(), column::STATE),
        (&canary, sent(), column::DIGEST),
        (&canary, free.clone(), column::STATE),
        (&region, StoredRow { revision_sent: Some(Wall(1)), ..free.clone() }, column::SENT_AT),
        (&region, StoredRow { revision_sent: Some(Wall(1)), ..sent() }, column::STATE),
        (&region, nobody, column::OWNER),
        (&enqueued, sent(), column::STATE),
        (&enqueued, free.clone(), column::LEVEL_SENT),
        (&head, free.clone(), column::SENT_AT),
        (&head, StoredRow { digest: String::new(), ..free.clone() }, column::DIGEST),
        (&head, StoredRow { sent_at: Some(Wall(1)), ..free.clone() }, column::REVISION_SENT),
        (&part, StoredRow { digest: String::new(), ..free.clone() }, column::DIGEST),
        (&counts, StoredRow { digest: String::new(), ..free }, column::DIGEST),
    ] {
        let bad = decode(key, row.clone()).unwrap_err();
        assert_eq!(bad.attribute, attribute, "{key:?} {row:?}");
        let text = bad.at(key, "the ledger");
        for part in [attribute, key.fingerprint(), key.destination(), "the ledger"] {
            assert!(text.contains(part), "{text}");
        }
    }
    let compared = StoredRow {
        revision_sent: Some(Wall(1)),
        sent_at: Some(Wall(1)),
        digest: "perhaps".into(),
        ..row(State::Free)
    };
    assert_eq!(decode(&region, compared).unwrap_err().attribute, column::DIGEST);
}

#[test]
fn a_column_that_a_kind_does_not_use_is_ignored() {
    let key = RecordKey::alert(finding(), "security");
    let used = decode(&key, sent());
    assert!(used.is_ok());
    let more = StoredRow { level_claimed: Some(Level::Critical), ..sent() };
    assert_eq!(decode(&key, more), used);
}

#[test]
fn a_long_fingerprint_is_cut_in_errors() {
    let key = RecordKey::alert("f".repeat(5_000), "security");
    assert!(Unreadable::missing(column::OWNER).at(&key, "the ledger").len() < 400);
}
