//! What the demo is made of.

mod plug;
pub mod slack_rules;
pub mod slack_standin;
