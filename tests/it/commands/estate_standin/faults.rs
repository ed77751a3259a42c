//! What goes wrong by order of a test.

use super::request::{Answer, Call};

/// The faults. All may be changed while the stand-in runs.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Each n-th call is throttled.
    pub throttle_every: Option<usize>,
    /// Calls that are refused for want of a right: operation, account and region, `*` for any.
    pub denied: Vec<(String, String, String)>,
    /// Calls that fail with this status and code: operation, status, code, and how often still.
    pub failing: Vec<(String, u16, String, usize)>,
    /// The call with this number, from 1, gets no answer. See `EstateStandIn::killed`.
    pub kill_at: Option<usize>,
    /// Whether that call has its effect.
    pub kill_after_effect: bool,
}

impl Faults {
    /// The answer to a call that goes wrong.
    pub fn answer(&mut self, number: usize, call: &Call) -> Option<Answer> {
        if self.throttle_every.is_some_and(|every| number.is_multiple_of(every)) {
            return Some(throttled(call));
        }
        let any = |order: &str, is: &str| order == "*" || order == is;
        let denied = self.denied.iter().any(|(operation, account, region)| {
            any(operation, &call.operation)
                && any(account, &call.account)
                && any(region, &call.region)
        });
        if denied {
            let Call { account, service, operation, .. } = call;
            let why = format!("{account} is not authorized to perform: {service}:{operation}");
            let code = if service == "sts" { "AccessDenied" } else { "AccessDeniedException" };
            // Organizations and EventBridge answer with 400.
            let status =
                if matches!(service.as_str(), "organizations" | "events") { 400 } else { 403 };
            return Some(Answer::error(status, code, &why));
        }
        let failing = self
            .failing
            .iter_mut()
            .find(|(operation, _, _, left)| any(operation, &call.operation) && *left > 0)?;
        failing.3 -= 1;
        Some(Answer::error(failing.1, &failing.2, "as ordered by the test"))
    }
}

/// Source: the errors of each operation, and "Common Errors", in the API references.
fn throttled(call: &Call) -> Answer {
    let (status, code) = match call.service.as_str() {
        "organizations" => (400, "TooManyRequestsException"),
        "account" => (429, "TooManyRequestsException"),
        "sts" => (400, "Throttling"),
        "s3" => (503, "SlowDown"),
        _ => (400, "ThrottlingException"),
    };
    Answer::error(status, code, "Rate exceeded")
}
