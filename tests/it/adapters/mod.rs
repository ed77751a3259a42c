//! The adapters: each on its contract suite, and on what only it can do wrong.

pub mod dynamodb;
pub mod embedded;
#[cfg(feature = "reconcile")]
pub mod guardduty;
pub mod slack;
pub mod slack_digest;
pub mod slack_hostile;
pub mod slack_render;
pub mod sqs;
pub mod sqs_faults;
pub mod sqs_rules;
