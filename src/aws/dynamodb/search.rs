//! Searching the table for the records of a finding. It only reads: `Query` for one fingerprint,
//! and `Scan` where only the finding's id is known, because no index can search for the end of a
//! partition key. A scan reads the whole table, a megabyte a call, and is bounded.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue::S;

use super::item::{decode, key_of};
use super::{DynamoLedger, Item, patient};
use crate::policy::record::stored::{self, column};
use crate::policy::record::{Record, RecordKey};
use crate::ports::LedgerError;
use crate::ports::inquiry::{Clue, Inquiry, SEARCH_RECORDS_MAX, Search};

/// A page of a scan reads 1 MiB at most. Source: DynamoDB API reference, Scan.
const PAGES_MAX: usize = 1000;
/// For a whole scan, from the first page on.
const SCAN_TIME_MAX: Duration = Duration::from_secs(60);
/// A person waits, and nothing is written: here the SDK may try again.
const ATTEMPTS_MAX: u32 = 3;
/// For a query or a page, with all attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

impl Inquiry for DynamoLedger {
    async fn records_of(&self, fingerprint: &str) -> Result<Vec<(RecordKey, Record)>, LedgerError> {
        // A partition holds a record for each destination. There are few, so one page is all.
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#fingerprint = :fingerprint")
            .expression_attribute_names("#fingerprint", column::FINGERPRINT)
            .expression_attribute_values(":fingerprint", S(fingerprint.to_owned()))
            .customize()
            .config_override(patient(ATTEMPTS_MAX, CALL_TIMEOUT))
            .send()
            .await
            .map_err(|error| self.failed("Query", &error))?;
        let mut records = Vec::new();
        for item in answer.items() {
            let key = key_of(item).ok_or_else(|| self.keyless())?;
            if let Some(record) = self.record(&key, Some(item))? {
                records.push((key, record));
            }
        }
        Ok(records)
    }

    async fn search(&self, clue: &Clue) -> Result<Search, LedgerError> {
        let mut found = Search::default();
        if clue.ids.is_empty() {
            return Ok(Search { complete: true, ..found });
        }
        let time_is_up = tokio::time::sleep(SCAN_TIME_MAX);
        tokio::pin!(time_is_up);
        let mut from: Option<Item> = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(clue, from.take());
            let (items, next) = tokio::select! {
                biased;
                page = page => page?,
                () = &mut time_is_up => break,
            };
            take(&mut found, clue, &items);
            if found.records.len() > SEARCH_RECORDS_MAX {
                found.records.truncate(SEARCH_RECORDS_MAX);
                break;
            }
            from = next;
            if from.is_none() {
                found.complete = true;
                break;
            }
        }
        found.records.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }
}

impl DynamoLedger {
    /// One page: what in it may fit, and where the next begins.
    async fn page(
        &self,
        clue: &Clue,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), LedgerError> {
        let mut call = self
            .client
            .scan()
            .table_name(&self.table)
            .expression_attribute_names("#fingerprint", column::FINGERPRINT)
            .expression_attribute_names("#digest", column::DIGEST)
            .set_exclusive_start_key(from);
        let mut filter = Vec::new();
        for (index, id) in clue.texts().enumerate() {
            filter.push(format!("contains(#fingerprint, :id{index})"));
            filter.push(format!("begins_with(#digest, :id{index})"));
            call = call.expression_attribute_values(format!(":id{index}"), S(id.to_owned()));
        }
        let answer = call
            .filter_expression(filter.join(" OR "))
            .customize()
            .config_override(patient(ATTEMPTS_MAX, CALL_TIMEOUT))
            .send()
            .await
            .map_err(|error| self.failed("Scan", &error))?;
        let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
        Ok((answer.items.unwrap_or_default(), next))
    }
}

fn take(found: &mut Search, clue: &Clue, items: &[Item]) {
    for item in items {
        let read = key_of(item).zip(decode(item).ok());
        let record = read.map(|(key, row)| (stored::decode(&key, row), key));
        match record {
            Some((Ok(record), key)) if clue.fits(&key, &record) => {
                found.records.push((key, record))
            }
            Some((Ok(_), _)) => {}
            _ => found.unreadable += 1,
        }
    }
}
