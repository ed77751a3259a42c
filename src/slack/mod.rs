//! Slack, reached by incoming webhooks: what a post looks like, where it may be sent, and what the
//! answer means.
//!
//! Everything but [`client`] is pure. [`render`] makes the payload of a digest, and [`preview`]
//! shows a payload in a terminal; [`answer`] turns an HTTP answer into a verdict.

pub mod answer;
pub mod capacity;
pub mod client;
pub mod mention;
pub mod preview;
pub mod render;
pub mod webhook;

mod card;
mod console;
mod counts;
mod digest;
mod escape;
mod line;
mod look;
mod note;

pub use capacity::{BUDGET_CHARS, CARD_CHARS_MAX, DIGEST_MAX, MAX_CARDS, weigh};
pub use client::{Destination, SlackNotifier, Timeouts, WebhookSource};
pub use mention::{Mention, Mentions, NotAMention};
pub use preview::preview;
pub use render::payload;
pub use webhook::{BadWebhook, Webhook};
