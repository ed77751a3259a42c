//! What the demo is made of.

pub mod slack_rules;
pub mod slack_standin;
