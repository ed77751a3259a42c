//! SQS's errors, in the shape that SDKs expect: `__type` in the body, and in the header
//! `x-amzn-query-error` the code of the older query protocol, which is the one that SDKs show.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Refusal {
        Refusal { status: 400, code: code.to_owned(), message: message.into() }
    }

    pub(super) fn parameter(message: impl Into<String>) -> Refusal {
        Refusal::new("InvalidParameterValue", message)
    }

    /// As an entry of a batch's answer.
    pub(super) fn entry(&self, id: &Value) -> Value {
        json!({ "Id": id, "Code": self.query_code(), "Message": self.message,
                "SenderFault": self.status < 500 })
    }

    fn query_code(&self) -> String {
        let prefixed = |code| format!("AWS.SimpleQueueService.{code}");
        match self.code.as_str() {
            "QueueDoesNotExist" => prefixed("NonExistentQueue"),
            "QueueNameExists" => "QueueAlreadyExists".to_owned(),
            code @ ("BatchEntryIdsNotDistinct"
            | "BatchRequestTooLong"
            | "EmptyBatchRequest"
            | "InvalidBatchEntryId"
            | "MessageNotInflight"
            | "TooManyEntriesInBatchRequest"
            | "UnsupportedOperation") => prefixed(code),
            code => code.to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let fault = if self.status < 500 { "Sender" } else { "Receiver" };
        let query = format!("{};{fault}", self.query_code());
        let kind = format!("com.amazonaws.sqs#{}", self.code);
        let body = Json(json!({ "__type": kind, "message": self.message }));
        let mut response = (status, body).into_response();
        if let Ok(value) = HeaderValue::from_str(&query) {
            response.headers_mut().insert("x-amzn-query-error", value);
        }
        response
    }
}
