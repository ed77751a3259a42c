//! The kind of a failure of AWS: by its code, or by its HTTP status if the code is unknown.
//!
//! Source: SQS API reference, "Common Errors" and the errors of each action.
//! Source: DynamoDB developer guide, "Error handling with DynamoDB".
//! Source: AWS SDKs and Tools reference guide, "Retry behavior", for the throttles of every
//! service.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::ports::FailureKind;

/// A longer chain of causes is a circle.
pub(super) const CHAIN_MAX: usize = 32;

/// The kind of a call that failed as a whole.
pub(crate) fn kind_of<E>(error: &SdkError<E, HttpResponse>) -> FailureKind
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(refused) => {
            let status = refused.raw().status().as_u16();
            let by_code = refused.err().code().map_or(FailureKind::Other, kind_of_code);
            if by_code == FailureKind::Other { kind_of_status(status) } else { by_code }
        }
        SdkError::ResponseError(broken) => match kind_of_status(broken.raw().status().as_u16()) {
            // The head of the answer arrived, and its body did not.
            FailureKind::Other => FailureKind::Connection,
            kind => kind,
        },
        SdkError::TimeoutError(_) => FailureKind::TimedOut,
        SdkError::DispatchFailure(lost) if lost.is_timeout() => FailureKind::TimedOut,
        SdkError::DispatchFailure(lost) if lost.is_io() => FailureKind::Connection,
        other if without_credentials(other) => FailureKind::Denied,
        SdkError::DispatchFailure(_) => FailureKind::Connection,
        _ => FailureKind::Other,
    }
}

/// Whether the credentials are missing, or can't be loaded.
fn without_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut links = std::iter::successors(Some(error), |&outer| outer.source()).take(CHAIN_MAX);
    links.any(|link| link.is::<CredentialsError>())
}

/// A service's error code without what stands before it. Query-compatible codes have a prefix, such
/// as `AWS.SimpleQueueService.NonExistentQueue`. Codes in JSON have a name space, such as
/// `com.amazonaws.sqs#RequestThrottled`.
pub(crate) fn bare_code(code: &str) -> &str {
    code.rsplit(['.', '#']).next().unwrap_or(code)
}

/// The kind by the code alone. An entry of a batch has nothing else.
pub(crate) fn kind_of_code(code: &str) -> FailureKind {
    match bare_code(code) {
        "Throttling" | "ThrottlingException" | "ThrottledException" | "Throttled"
        | "RequestThrottled" | "RequestThrottledException" | "TooManyRequestsException"
        | "ProvisionedThroughputExceededException" | "RequestLimitExceeded"
        | "BandwidthLimitExceeded" | "LimitExceededException" | "SlowDown"
        | "PriorRequestNotComplete" | "TransactionInProgressException"
        // The queue has as many messages in flight as it allows.
        | "OverLimit"
        | "KmsThrottled" | "KMSThrottlingException" => FailureKind::Throttled,
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "UnauthorizedOperation"
        | "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidAccessKeyId"
        | "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "InvalidSignatureException"
        | "SignatureDoesNotMatch" | "IncompleteSignature" | "IncompleteSignatureException"
        | "MissingAuthenticationToken" | "MissingAuthenticationTokenException" | "OptInRequired"
        | "InvalidSecurity" | "KmsAccessDenied" | "KMSAccessDeniedException" | "KmsDisabled"
        | "KMSDisabledException" | "KmsInvalidState" | "KMSInvalidStateException"
        | "KmsInvalidKeyUsage" | "KmsOptInRequired" => FailureKind::Denied,
        "QueueDoesNotExist" | "NonExistentQueue" | "QueueDeletedRecently"
        | "ResourceNotFoundException" | "TableNotFoundException" | "KmsNotFound"
        | "KMSNotFoundException" => FailureKind::Missing,
        "InternalError" | "InternalFailure" | "InternalServerError" | "InternalServerException"
        | "ServiceUnavailable" | "ServiceUnavailableException" | "Unavailable" => {
            FailureKind::ServerError
        }
        "RequestTimeout" | "RequestTimeoutException" => FailureKind::TimedOut,
        _ => FailureKind::Other,
    }
}

fn kind_of_status(status: u16) -> FailureKind {
    match status {
        429 => FailureKind::Throttled,
        401 | 403 => FailureKind::Denied,
        408 | 504 => FailureKind::TimedOut,
        500..=599 => FailureKind::ServerError,
        _ => FailureKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_kind_with_a_prefix_or_without() {
        use FailureKind::*;
        for (code, kind) in [
            ("ProvisionedThroughputExceededException", Throttled),
            ("ThrottlingException", Throttled),
            ("RequestLimitExceeded", Throttled),
            ("RequestThrottled", Throttled),
            ("OverLimit", Throttled),
            ("KmsThrottled", Throttled),
            ("AccessDenied", Denied),
            ("AccessDeniedException", Denied),
            ("ExpiredTokenException", Denied),
            ("KmsAccessDenied", Denied),
            ("KmsDisabled", Denied),
            ("QueueDoesNotExist", Missing),
            ("ResourceNotFoundException", Missing),
            ("InternalError", ServerError),
            ("ServiceUnavailable", ServerError),
            ("RequestTimeout", TimedOut),
            ("InvalidParameterValue", Other),
            ("ConditionalCheckFailedException", Other),
            ("", Other),
        ] {
            for prefix in ["", "AWS.SimpleQueueService.", "com.amazonaws.dynamodb.v20120810#"] {
                let code = format!("{prefix}{code}");
                assert_eq!(kind_of_code(&code), kind, "{code}");
            }
        }
    }

    #[test]
    fn a_status_says_what_a_code_does_not() {
        for (status, kind) in [
            (429, FailureKind::Throttled),
            (403, FailureKind::Denied),
            (504, FailureKind::TimedOut),
            (500, FailureKind::ServerError),
            (503, FailureKind::ServerError),
            (400, FailureKind::Other),
        ] {
            assert_eq!(kind_of_status(status), kind, "{status}");
        }
    }
}
