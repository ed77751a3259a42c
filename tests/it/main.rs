//! All integration tests, in one binary: linking is what takes the time.

// The lint's own exception covers test functions, but not what they share.
#![allow(clippy::unwrap_used)]

mod slack;
mod slack_hostile;
mod slack_render;
