//! Requests and answers for `tests/models/run`.

use std::fs::OpenOptions;
use std::io::Write;

use serde_json::json;

use super::request::{Answer, Call};

/// One line in one write, so that tests side by side can share the file.
pub fn keep(call: &Call, answer: &Answer) {
    let Some(path) = std::env::var_os("HANSHO_RECORD_CALLS") else { return };
    let line = json!({
        "service": call.service,
        "operation": call.operation,
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "body": call.body,
        "status": answer.status,
        "code": answer.code,
        "answer": answer.text(call),
    });
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
