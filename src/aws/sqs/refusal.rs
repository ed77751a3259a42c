//! Errors of SQS as one short line each, with their meaning for the worker.
//!
//! The SDK's own texts are unfit for a log. Some are pages long. The answer to a wrong signature
//! quotes the signed request with the session token, from its second line on.

use std::error::Error;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use super::super::{cause, failure};
use super::quarantine_attributes::acceptable;
use crate::finding::arn::last_part;
use crate::ports::{Failure, QueueError, Receipt};

const TEXT_BYTES_MAX: usize = 300;

/// The error of a call that failed as a whole. `url` is the queue's.
pub(super) fn of_call<E>(call: &str, url: &str, error: &SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let queue = name_in(url);
    let missing =
        error.as_service_error().and_then(ProvideErrorMetadata::code).is_some_and(|code| {
            code.ends_with("NonExistentQueue") || code.ends_with("QueueDoesNotExist")
        });
    let detail = match missing {
        true => format!(
            "sqs {call}: queue {queue} does not exist: create it, or correct its URL under [queue] \
             or the region"
        ),
        false => format!("sqs {call} on queue {queue}: {}", cause(error)),
    };
    QueueError::Unavailable(Failure::new(failure::kind_of(error), detail))
}

fn name_in(url: &str) -> String {
    one_line(last_part(url))
}

/// The error of a batch call that failed as a whole. If the batch has one entry, an error about a
/// receipt is about that entry. If it has several, the receipt is unknown, so the error is general.
pub(super) fn of_batch<E>(
    call: &str,
    url: &str,
    receipts: &[Receipt],
    error: &SdkError<E>,
) -> QueueError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match (receipts, error.as_service_error()) {
        ([receipt], Some(refused)) => {
            of_entry(call, receipt, refused.code().unwrap_or("no code"), refused.message())
        }
        _ => of_call(call, url, error),
    }
}

/// The error of one entry of a batch.
pub(super) fn of_entry(
    call: &str,
    receipt: &Receipt,
    code: &str,
    message: Option<&str>,
) -> QueueError {
    let message = message.unwrap_or_default();
    // SQS quotes the receipt handle, which has hundreds of characters.
    let shown = if receipt.0.is_empty() {
        one_line(message)
    } else {
        one_line(&message.replace(&receipt.0, "…"))
    };
    let text = format!("sqs {call}: {}: {shown}", one_line(code));
    if is_about_the_receipt(code, message) {
        QueueError::ReceiptGone(text)
    } else {
        QueueError::Unavailable(Failure::new(failure::kind_of_code(code), text))
    }
}

/// Whether SQS says that a receipt is no longer good.
///
/// `InvalidParameterValue` has several meanings. One is a receipt whose message was deleted or
/// received again ("Value … for parameter ReceiptHandle is invalid. Reason: Message does not exist
/// or is not available for visibility timeout change."). Another is a time-out above the limit.
fn is_about_the_receipt(code: &str, message: &str) -> bool {
    match failure::bare_code(code) {
        "ReceiptHandleIsInvalid" | "MessageNotInflight" => true,
        "InvalidParameterValue" => {
            let message = message.to_ascii_lowercase();
            ["receipthandle", "receipt handle", "does not exist or is not available"]
                .iter()
                .any(|words| message.contains(words))
        }
        _ => false,
    }
}

fn one_line(text: &str) -> String {
    let line: String = text.lines().next().unwrap_or_default().replace(char::is_control, " ");
    acceptable(line.trim(), TEXT_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_about_the_receipt_are_recognised() {
        let beyond = "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total \
                      VisibilityTimeout for the message is beyond the limit [43200 seconds]";
        let gone = "Value AQEB for parameter ReceiptHandle is invalid. Reason: Message does not \
                    exist or is not available for visibility timeout change.";
        for (code, message, is_gone) in [
            ("ReceiptHandleIsInvalid", "The input receipt handle is invalid.", true),
            ("com.amazonaws.sqs#ReceiptHandleIsInvalid", "", true),
            ("AWS.SimpleQueueService.MessageNotInflight", "", true),
            ("InvalidParameterValue", gone, true),
            ("InvalidParameterValue", beyond, false),
            ("InternalError", "receipt handle", false),
            ("RequestThrottled", "", false),
            ("", "", false),
        ] {
            let answer = of_entry("X", &Receipt("AQEB".to_owned()), code, Some(message));
            assert_eq!(matches!(answer, QueueError::ReceiptGone(_)), is_gone, "{code} {message}");
        }
    }

    #[test]
    fn texts_are_short_and_do_not_quote_handles_or_tokens() {
        let handle = Receipt("h".repeat(400));
        let message = format!(
            "Value {} for parameter ReceiptHandle is invalid.\nx-amz-security-token:secret\u{7}{}",
            handle.0,
            "z".repeat(5000)
        );
        let QueueError::ReceiptGone(text) =
            of_entry("X", &handle, "InvalidParameterValue", Some(&message))
        else {
            panic!("not about the receipt");
        };
        assert_eq!(
            text,
            "sqs X: InvalidParameterValue: Value … for parameter ReceiptHandle is invalid."
        );
        let QueueError::Unavailable(text) =
            of_entry("X", &Receipt(String::new()), "Other", Some(&"z".repeat(5000)))
        else {
            panic!("about the receipt");
        };
        assert!(text.detail.len() < 350, "{text}");
    }
}
