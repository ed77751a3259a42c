//! What tests share: fakes, stand-ins, and the runner of a suite.

#[macro_use]
pub mod suite;
pub mod fakes;
#[cfg(feature = "reconcile")]
pub mod guardduty_standin;
pub mod harmless;
pub mod lane;
pub mod memory_ledger;
pub mod memory_queue;
pub mod naive;
pub mod organisation;
#[cfg(feature = "organizations")]
pub mod organizations_standin;
#[cfg(feature = "demo")]
pub mod post_rules;
pub mod sqs_standin;
