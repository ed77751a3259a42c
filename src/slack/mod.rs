//! Slack's incoming webhooks: what a post looks like, where it may be sent, and what an answer
//! means.
//!
//! - [`render`] draws a post as JSON. [`preview`](mod@preview) shows that JSON in a terminal,
//!   [`html`] on a page, and [`builder`] links to it in Slack's own preview. `outgoing` and
//!   `mrkdwn` read it.
//! - `push`, `heading`, `card`, `line`, `digest` and `note` draw the parts of a post, `own_note` a
//!   post that is about no finding. `group` finds the alerts that are drawn together, `naming` the
//!   words of a finding for lists. `escape` and `host` make a finding's text harmless for Slack,
//!   and `length` says how Slack may count it. [`guide`] has what the configuration adds.
//! - `console` and `about` build links to AWS: to a finding, and to what its type means.
//! - [`client`] sends the JSON to a [`webhook`]; [`answer`] turns the HTTP answer into a verdict.
//!   Only [`client`] does I/O.

pub mod answer;
pub mod builder;
pub mod capacity;
pub mod client;
pub mod guide;
pub mod html;
pub mod mention;
pub mod preview;
pub mod render;
pub mod webhook;

mod about;
mod card;
mod console;
mod counts;
mod date;
mod digest;
mod escape;
mod group;
mod heading;
mod host;
mod length;
mod level_style;
mod line;
mod message;
mod mrkdwn;
mod naming;
mod note;
mod outgoing;
mod own_note;
mod push;

pub use capacity::{BUDGET_CHARS, CARD_CHARS_MAX, DIGEST_MAX, MAX_CARDS, weigh};
pub use client::{Destination, SlackNotifier, Timeouts, WebhookSource};
pub use guide::{Address, Guide, Portal, RoleName, Runbook};
pub use mention::{Mention, Mentions, NotAMention, OnCall};
pub use preview::preview;
pub use render::{payload, payload_json};
pub use webhook::{BadWebhook, Webhook};
