//! Looking up in the table what became of a finding. Reads alone: `Query` for one fingerprint, and
//! `Scan` where only the finding's id is known, as the id is the end of the partition key, by which
//! no index can be asked. A scan reads the whole table, a megabyte a call; it is bounded.

use std::time::Duration;

use aws_sdk_dynamodb::config::Config;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::AttributeValue::S;

use super::{DESTINATION, DIGEST, DynamoLedger, FINGERPRINT, Item, decode};
use crate::policy::ledger::{RecordKey, Row};
use crate::ports::LedgerError;
use crate::ports::inquiry::{Clue, Inquiry, SEARCH_ROWS_MAX, Search};

/// A page of a scan reads 1 MiB at most. Source: DynamoDB API reference, Scan.
const PAGES_MAX: usize = 1000;
/// For a whole scan, from the first page on.
const SCAN_TIME_MAX: Duration = Duration::from_secs(60);
/// A person waits, and nothing is written: here the SDK may try again.
const ATTEMPTS_MAX: u32 = 3;

impl Inquiry for DynamoLedger {
    async fn rows_of(&self, fingerprint: &str) -> Result<Vec<(RecordKey, Row)>, LedgerError> {
        // One partition holds a row for each destination, of which there are few: one page.
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#fingerprint = :fingerprint")
            .expression_attribute_names("#fingerprint", FINGERPRINT)
            .expression_attribute_values(":fingerprint", S(fingerprint.to_owned()))
            .customize()
            .config_override(patient())
            .send()
            .await
            .map_err(|error| self.failed("Query", &error))?;
        let mut rows = Vec::new();
        for item in answer.items() {
            let Some(key) = key_of(item) else {
                return Err(LedgerError(
                    self.wrong_key("it answered with an item without it").into(),
                ));
            };
            if let Some(row) = self.row(&key, Some(item))? {
                rows.push((key, row));
            }
        }
        Ok(rows)
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
            if found.rows.len() > SEARCH_ROWS_MAX {
                found.rows.truncate(SEARCH_ROWS_MAX);
                break;
            }
            from = next;
            if from.is_none() {
                found.complete = true;
                break;
            }
        }
        found.rows.sort_by(|a, b| a.0.cmp(&b.0));
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
            .expression_attribute_names("#fingerprint", FINGERPRINT)
            .expression_attribute_names("#digest", DIGEST)
            .set_exclusive_start_key(from);
        let mut filter = Vec::new();
        for (index, id) in clue.ids.iter().enumerate() {
            filter.push(format!("contains(#fingerprint, :id{index})"));
            filter.push(format!("begins_with(#digest, :id{index})"));
            call = call.expression_attribute_values(format!(":id{index}"), S(id.clone()));
        }
        let answer = call
            .filter_expression(filter.join(" OR "))
            .customize()
            .config_override(patient())
            .send()
            .await
            .map_err(|error| self.failed("Scan", &error))?;
        let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
        Ok((answer.items.unwrap_or_default(), next))
    }
}

fn patient() -> aws_sdk_dynamodb::config::Builder {
    Config::builder().retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
}

fn take(found: &mut Search, clue: &Clue, items: &[Item]) {
    for item in items {
        match (key_of(item), decode(item)) {
            (Some(key), Ok(row)) if clue.fits(&key, &row) => found.rows.push((key, row)),
            (Some(_), Ok(_)) => {}
            _ => found.unreadable += 1,
        }
    }
}

fn key_of(item: &Item) -> Option<RecordKey> {
    let part = |name| match item.get(name) {
        Some(S(text)) => Some(text.clone()),
        _ => None,
    };
    Some(RecordKey { fingerprint: part(FINGERPRINT)?, destination: part(DESTINATION)? })
}
