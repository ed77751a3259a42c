//! Why a call to AWS failed, in one line for a person: what is wrong, and one remedy.
//!
//! The SDK's own texts are unfit for that. Most say only that there is a cause, and some are pages
//! long. The answer to a wrong signature quotes the signed request with the session token.

use std::error::Error;
use std::fmt;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use super::failure::{CHAIN_MAX, bare_code, kind_of};
use crate::finding::text::Text;
use crate::ports::FailureKind;

/// The longest text that AWS or the SDK adds, in characters.
const SAID_CHARS_MAX: usize = 300;

/// What is wrong, as far as a remedy depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    NoCredentials,
    /// A profile, a program or a role that should give credentials fails.
    CredentialsFailed,
    NoRegion,
    NoSuchHost,
    Refused,
    TimedOut,
    ConnectionFailed,
    LoginExpired,
    ClockDiffers,
    /// AWS does not know the credentials. A region that the account has not enabled says so too.
    CredentialsUnknown,
    Denied,
    KeyUnusable,
    Throttled,
    ServerError,
    Other,
}

impl Problem {
    /// Whether a valid login would help.
    #[cfg(feature = "rollout")]
    pub fn is_of_the_login(self) -> bool {
        matches!(
            self,
            Problem::NoCredentials
                | Problem::CredentialsFailed
                | Problem::LoginExpired
                | Problem::CredentialsUnknown
        )
    }

    /// What is wrong, and the remedy. None where AWS's own words must do.
    fn words(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Problem::NoCredentials => (
                "no AWS credentials are found",
                "set AWS_PROFILE and log in, or give the process a role",
            ),
            Problem::CredentialsFailed => (
                "the AWS credentials can't be loaded",
                "check AWS_PROFILE, its lines in ~/.aws/config, and the role",
            ),
            Problem::NoRegion => ("no AWS region is set", "set AWS_REGION"),
            Problem::NoSuchHost => (
                "the host of the service is not found",
                "check AWS_REGION, AWS_ENDPOINT_URL and the DNS",
            ),
            Problem::Refused => {
                ("the connection is refused", "check AWS_ENDPOINT_URL, the proxy and the network")
            }
            Problem::TimedOut => {
                ("no answer in time", "check the network, the proxy and the VPC endpoints")
            }
            Problem::ConnectionFailed => {
                ("the connection failed", "try again, and check the network and the proxy")
            }
            Problem::LoginExpired => ("the AWS login has expired", "log in again"),
            Problem::ClockDiffers => ("this machine's clock differs from AWS's", "set the clock"),
            Problem::CredentialsUnknown => (
                "AWS does not accept the credentials",
                "log in again, or enable the region in the account if it must be enabled first",
            ),
            Problem::Denied => ("access is denied", "allow the call in the policies of the role"),
            Problem::KeyUnusable => {
                ("the KMS key can't be used", "check the key, its policy and the role")
            }
            Problem::Throttled => ("the call is throttled", "try again later"),
            Problem::ServerError => {
                ("AWS answered with a server error", "try again later, and see AWS Health")
            }
            Problem::Other => return None,
        })
    }
}

/// Why a call failed.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    problem: Problem,
    /// What AWS or the SDK says, where it adds something. Cleaned and bounded.
    said: String,
    remedy: Option<&'static str>,
}

impl Cause {
    pub fn of<E>(error: &SdkError<E, HttpResponse>) -> Cause
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let (problem, said) = match error {
            SdkError::ServiceError(answer) => {
                let code = answer.err().code().unwrap_or_default();
                let message = answer.err().message().unwrap_or_default();
                let status = answer.raw().status().as_u16();
                (of_answer(code, message, kind_of(error)), said(code, message, status))
            }
            SdkError::ResponseError(broken) => {
                let said =
                    format!("http {}, and no answer that can be read", broken.raw().status());
                (Problem::ConnectionFailed, said)
            }
            _ => of_chain(error, kind_of(error)),
        };
        Cause { problem, said, remedy: problem.words().map(|(_, remedy)| remedy) }
    }

    #[cfg(feature = "rollout")]
    pub fn problem(&self) -> Problem {
        self.problem
    }

    /// The same with the remedy of this call, if `problem` is what is wrong.
    #[cfg(any(
        test,
        feature = "canary",
        feature = "organizations",
        feature = "reconcile",
        feature = "rollout"
    ))]
    pub fn or_if(mut self, problem: Problem, remedy: &'static str) -> Cause {
        if self.problem == problem {
            self.remedy = Some(remedy);
        }
        self
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem.words() {
            Some((what, _)) if self.said.is_empty() => f.write_str(what)?,
            Some((what, _)) => write!(f, "{what} ({})", self.said)?,
            None => f.write_str(&self.said)?,
        }
        self.remedy.map_or(Ok(()), |remedy| write!(f, ": {remedy}"))
    }
}

/// [`Cause::of`] as text.
pub(crate) fn cause<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    Cause::of(error).to_string()
}

/// [`cause`] of an error that is not of a service's SDK.
#[cfg(feature = "rollout")]
pub(crate) fn cause_of_other(error: &(dyn Error + 'static)) -> String {
    let (problem, said) = of_chain(error, FailureKind::Other);
    let remedy = problem.words().map(|(_, remedy)| remedy);
    Cause { problem, said, remedy }.to_string()
}

/// By the error's code, and by its kind where the code has no remedy of its own.
/// Source: SQS API reference, "Common Errors"; IAM user guide, "Troubleshoot signed requests".
fn of_answer(code: &str, message: &str, kind: FailureKind) -> Problem {
    let code = bare_code(code);
    let is_about_time = ["Signature expired", "Signature not yet current"]
        .iter()
        .any(|words| message.contains(words));
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Problem::LoginExpired,
        "RequestExpired" | "RequestTimeTooSkewed" => Problem::ClockDiffers,
        "SignatureDoesNotMatch" | "InvalidSignatureException" if is_about_time => {
            Problem::ClockDiffers
        }
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "AuthFailure" => Problem::CredentialsUnknown,
        _ if code.starts_with("Kms") || code.starts_with("KMS") => match kind {
            FailureKind::Throttled => Problem::Throttled,
            _ => Problem::KeyUnusable,
        },
        _ => match kind {
            FailureKind::Throttled => Problem::Throttled,
            FailureKind::Denied => Problem::Denied,
            FailureKind::TimedOut => Problem::TimedOut,
            FailureKind::ServerError => Problem::ServerError,
            _ => Problem::Other,
        },
    }
}

/// The code, and the first line of the message.
fn said(code: &str, message: &str, status: u16) -> String {
    let code = if code.is_empty() { format!("http {status}") } else { code.to_owned() };
    let code = clean(bare_code(&code));
    match clean(message) {
        message if message.is_empty() => code,
        message => format!("{code}: {message}"),
    }
}

/// Of a call without an answer: by the types in the chain of causes, and by the words where the SDK
/// has no type. If it changes these words, its own text remains.
fn of_chain(error: &(dyn Error + 'static), kind: FailureKind) -> (Problem, String) {
    let links = || std::iter::successors(Some(error), |&outer| outer.source()).take(CHAIN_MAX);
    let any = |words: &[&str]| {
        links().any(|link| {
            let text = link.to_string();
            words.iter().any(|words| text.contains(words))
        })
    };
    let root = links().last().map(|link| clean(&link.to_string())).unwrap_or_default();
    let bare = |problem| (problem, String::new());
    if let Some(credentials) = links().find_map(|link| link.downcast_ref::<CredentialsError>()) {
        return match credentials {
            CredentialsError::CredentialsNotLoaded(_) => bare(Problem::NoCredentials),
            // `aws sso login` and its like have no type in every build.
            _ if any(&["expired"]) => bare(Problem::LoginExpired),
            _ => (Problem::CredentialsFailed, root),
        };
    }
    let refused = links()
        .filter_map(|link| link.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    match kind {
        _ if refused => bare(Problem::Refused),
        _ if any(&["Missing Region", "missing signing region"]) => bare(Problem::NoRegion),
        _ if any(&["dns error", "failed to lookup address"]) => bare(Problem::NoSuchHost),
        FailureKind::TimedOut => bare(Problem::TimedOut),
        FailureKind::Connection => (Problem::ConnectionFailed, root),
        _ => (Problem::Other, format!("the request could not be made: {root}")),
    }
}

/// The first line: AWS quotes the signed request from the second line on.
fn clean(text: &str) -> String {
    Text::new(text.lines().next().unwrap_or_default(), SAID_CHARS_MAX).into_string()
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
