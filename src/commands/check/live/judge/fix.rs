//! The remedies for failed calls.

use crate::ports::FailureKind;

pub const CREATE: &str = "create it as infra/README.md says";
pub const CONNECTION: &str = "check the network, the region and the credentials";

/// The detail for a resource whose setup these credentials may not read.
pub fn setup_unknown(why: &str) -> String {
    format!("its setup: {why} (the worker does not need this right)")
}

/// The fix for a kind of failure. `rights` is the fix where missing rights are the likely cause.
pub fn of(kind: FailureKind, rights: String) -> String {
    match kind {
        FailureKind::Throttled => {
            "try again later; if it stays throttled, ask AWS to raise the quota of SQS or of the \
             KMS key"
                .to_owned()
        }
        FailureKind::TimedOut | FailureKind::Connection => {
            "check that this machine reaches AWS: the network, a proxy, a VPC endpoint".to_owned()
        }
        FailureKind::ServerError => "try again; see the AWS status page".to_owned(),
        FailureKind::Missing => "create it, or correct its name or the region".to_owned(),
        FailureKind::DiskFull => "free space on the disk of the store".to_owned(),
        FailureKind::ReadOnly => {
            "make the file of the store, and its folder, writable for this user".to_owned()
        }
        FailureKind::DiskFailure => "see the log of the system, and move the store".to_owned(),
        FailureKind::Damaged | FailureKind::Removed => {
            "restore the store from a backup, or start with a new one: see docs/runbook.md"
                .to_owned()
        }
        FailureKind::Busy | FailureKind::Denied | FailureKind::Other => rights,
    }
}
