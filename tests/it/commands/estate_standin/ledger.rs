//! The ledger beside the stand-in, and the worker that records each canary in it.

use std::time::Duration;

use hansho::aws::dynamodb::DynamoLedger;
use hansho::finding::Level;
use hansho::finding::canary::CanaryEvent;
use hansho::instants::Wall;
use hansho::policy::canary::{CanaryPost, Passed};
use hansho::policy::record::{CanaryRecord, Expect, RecordKey};
use hansho::ports::{Ledger, Written};
use serde_json::Value;

use super::request::Call;
use crate::adapters::dynamodb;

/// As infra/pipeline.yaml names it.
const TABLE: &str = "hansho-ledger";

/// A ledger in this process.
pub struct LedgerBeside {
    pub endpoint: String,
    ledger: DynamoLedger,
}

impl LedgerBeside {
    pub async fn start() -> LedgerBeside {
        let endpoint = dynamodb::serve_table(TABLE).await;
        let ledger = DynamoLedger::new(&dynamodb::fake_config(&endpoint), TABLE);
        LedgerBeside { endpoint, ledger }
    }

    /// Records a canary that was put on a bus, as a worker does.
    pub async fn arrives(&self, call: &Call) {
        let detail = call.body["Entries"][0]["Detail"].as_str().unwrap();
        let detail: Value = serde_json::from_str(detail).unwrap();
        let text = |key: &str| detail[key].as_str().unwrap().to_owned();
        let put_at = Wall(detail["put_at"].as_i64().unwrap());
        let event = CanaryEvent { id: text("id"), region: text("region"), put_at, post: false };
        assert_eq!(event.region, call.region);
        let passed = Passed { put_at, queued_at: None, received_at: put_at, post: CanaryPost::No };
        let record = CanaryRecord {
            passed,
            level: Level::Informational,
            recorded_by: "w/1".to_owned(),
            fence: 1,
            expires_at: put_at.plus(Duration::from_secs(3600)),
        };
        let key = RecordKey::canary(&event.fingerprint());
        let written = self.ledger.write(&key, &Expect::Absent, &record).await;
        assert_eq!(written, Ok(Written::Done));
    }
}
