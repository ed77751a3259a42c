//! The adapters: each on its contract suite, and on what only it can do wrong.

pub mod dynamodb;
pub mod embedded;
#[cfg(all(feature = "reconcile", feature = "demo"))]
pub mod guardduty;
#[cfg(feature = "organizations")]
pub mod organizations;
#[cfg(feature = "demo")]
pub mod slack;
#[cfg(feature = "demo")]
pub mod slack_digest;
#[cfg(feature = "demo")]
pub mod slack_group;
#[cfg(feature = "demo")]
pub mod slack_guide;
#[cfg(feature = "demo")]
pub mod slack_hostile;
#[cfg(feature = "demo")]
pub mod slack_html;
pub mod slack_mentions;
pub mod slack_render;
pub mod sqs;
pub mod sqs_faults;
pub mod sqs_rules;
