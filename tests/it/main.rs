//! All integration tests, in one binary: linking is what takes the time.

mod slack;
mod slack_render;
