use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::*;

type Failed = SdkError<GetItemError, HttpResponse>;

fn answer(code: &str, message: &str, status: u16) -> Failed {
    let mut meta = ErrorMetadata::builder().message(message);
    if !code.is_empty() {
        meta = meta.code(code);
    }
    let response = HttpResponse::new(status.try_into().unwrap(), "".into());
    SdkError::service_error(GetItemError::generic(meta.build()), response)
}

fn credentials(error: CredentialsError) -> Failed {
    SdkError::dispatch_failure(ConnectorError::other(Box::new(error), None))
}

fn io(kind: io::ErrorKind, text: &str) -> Failed {
    SdkError::dispatch_failure(ConnectorError::io(Box::new(io::Error::new(kind, text.to_owned()))))
}

#[test]
fn every_failure_is_one_line_with_one_remedy() {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, Other};
    let user = "User: arn:aws:iam::1:user/a is not authorized to perform: sqs:ReceiveMessage";
    for (error, said) in [
        (
            credentials(CredentialsError::not_loaded("Attempted:\n  Environment: not set")),
            "no AWS credentials are found: set AWS_PROFILE and log in, or give the process a role",
        ),
        (
            SdkError::construction_failure(CredentialsError::not_loaded_no_source()),
            "no AWS credentials are found: set AWS_PROFILE and log in, or give the process a role",
        ),
        (
            credentials(CredentialsError::invalid_configuration("profile `a` was not defined")),
            "the AWS credentials can't be loaded (profile `a` was not defined): check AWS_PROFILE, \
             its lines in ~/.aws/config, and the role",
        ),
        (
            credentials(CredentialsError::provider_error("the SSO token has expired")),
            "the AWS login has expired: log in again",
        ),
        (
            SdkError::construction_failure("Invalid Configuration: Missing Region"),
            "no AWS region is set: set AWS_REGION",
        ),
        (
            io(Other, "dns error: failed to lookup address information: Name not known"),
            "the host of the service is not found: check AWS_REGION, AWS_ENDPOINT_URL and the DNS",
        ),
        (
            io(ConnectionRefused, "tcp connect error"),
            "the connection is refused: check AWS_ENDPOINT_URL, the proxy and the network",
        ),
        (
            io(ConnectionReset, "connection reset"),
            "the connection failed (connection reset): try again, and check the network and the \
             proxy",
        ),
        (
            SdkError::timeout_error("operation timed out"),
            "no answer in time: check the network, the proxy and the VPC endpoints",
        ),
        (
            answer("com.amazonaws.sts#ExpiredTokenException", "The token is expired", 400),
            "the AWS login has expired (ExpiredTokenException: The token is expired): log in again",
        ),
        (
            answer("InvalidSignatureException", "Signature expired: 1 is now earlier than 2", 403),
            "this machine's clock differs from AWS's (InvalidSignatureException: Signature \
             expired: 1 is now earlier than 2): set the clock",
        ),
        (
            answer("InvalidClientTokenId", "The security token is invalid.", 403),
            "AWS does not accept the credentials (InvalidClientTokenId: The security token is \
             invalid.): log in again, or enable the region in the account if it must be enabled \
             first",
        ),
        (
            answer("AccessDeniedException", user, 400),
            "access is denied (AccessDeniedException: User: arn:aws:iam::1:user/a is not \
             authorized to perform: sqs:ReceiveMessage): allow the call in the policies of the role",
        ),
        (
            answer("", "", 403),
            "access is denied (http 403): allow the call in the policies of the role",
        ),
        (
            answer("KMSDisabledException", "key is off", 400),
            "the KMS key can't be used (KMSDisabledException: key is off): check the key, its \
             policy and the role",
        ),
        (
            answer("ThrottlingException", "Rate exceeded", 400),
            "the call is throttled (ThrottlingException: Rate exceeded): try again later",
        ),
        (
            answer("InternalServerError", "", 500),
            "AWS answered with a server error (InternalServerError): try again later, and see AWS \
             Health",
        ),
        (answer("InvalidParameterValue", "no", 400), "InvalidParameterValue: no"),
        (
            SdkError::construction_failure("a field is missing"),
            "the request could not be made: a field is missing",
        ),
    ] {
        assert_eq!(cause(&error), said);
    }
}

#[test]
fn what_aws_says_is_cleaned_and_bounded() {
    let message = format!(
        "The signature does not match.\u{202e}\u{1b}[2J {}\nx-amz-security-token:hush",
        "z".repeat(9_000)
    );
    let text = cause(&answer("SignatureDoesNotMatch", &message, 403));
    assert!(text.chars().count() < 600 && !text.contains("hush"), "{text}");
    assert!(!text.contains(['\u{202e}', '\u{1b}', '\n']), "{text}");
}

#[test]
fn a_call_has_its_own_remedy() {
    let denied = Cause::of(&answer("AccessDenied", "", 403)).or_if(Problem::Denied, "allow a:B");
    assert_eq!(denied.to_string(), "access is denied (AccessDenied): allow a:B");
    let other = Cause::of(&answer("Throttling", "", 400)).or_if(Problem::Denied, "allow a:B");
    assert_eq!(other.to_string(), "the call is throttled (Throttling): try again later");
}
