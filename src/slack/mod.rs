//! Slack, reached by incoming webhooks: what a post looks like, where it may be sent, and what the
//! answer means.
//!
//! Everything but [`client`] is pure. [`render`] makes of a digest what the webhook is sent, and
//! [`preview`] shows that in a terminal; [`answer`] turns an HTTP answer into a verdict.

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
mod message;
mod note;

pub use capacity::{BUDGET_CHARS, CARD_CHARS_MAX, DIGEST_MAX, MAX_CARDS, weigh};
pub use client::{Destination, SlackNotifier, Timeouts, WebhookSource};
pub use mention::{Mention, Mentions, NotAMention};
pub use preview::preview;
pub use render::{body, payload};
pub use webhook::{BadWebhook, Webhook};
