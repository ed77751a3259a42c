//! Security findings: the types, and the parser for every product and envelope.
//!
//! [`parse`] turns the body of a queue message into findings. It is pure: it knows no queue, no AWS
//! SDK, no Slack and no clock. It tolerates errors in fields that it does not need, and is strict
//! about identity: without an identity, a finding cannot be matched with its copies.
//!
//! A message passes these files in this order:
//!
//! 1. `parse` opens the envelopes (EventBridge, SNS, lists) around each finding. `json` checks the
//!    syntax, `limits` the size and the depth.
//! 2. `shape` and `source` recognise the source by the object's keys or the event's detail-type.
//!    `event_kind` recognises events that are no findings.
//! 3. The file of the source (`guardduty`, `asff`, `ocsf`, `inspector`, `macie`, `access_analyzer`)
//!    reads the fields with `lenient`, and describes resource, actor and other facts with `phrase`.
//! 4. `draft` makes the [`Finding`] by rules that are the same for all sources.

pub mod arn;
pub mod canary;
pub mod region;
pub mod resource_type;
pub mod sample;
pub mod severity;
pub mod text;

mod access_analyzer;
mod actor;
mod asff;
mod aws_types;
mod condition;
mod contradiction;
mod control;
mod control_ids;
mod coverage;
mod draft;
mod envelope;
mod event_kind;
mod fact;
mod fingerprint;
mod gauge;
mod guardduty;
mod hint;
mod insight;
mod inspector;
mod json;
mod lenient;
mod limits;
mod macie;
mod model;
mod ocsf;
mod original;
mod outcome;
mod own_type;
mod parse;
mod partition;
mod phrase;
mod place;
mod product;
mod reject;
mod remote;
mod request;
mod sensitive_data;
mod shape;
mod source;
mod standards;
mod tags;
mod vulnerability;
mod when;

pub use condition::{Closing, Condition, FindingState};
pub use control::{CONTROL_ID_START, control_and_resource, control_id_start, member};
pub use coverage::is_coverage_id;
pub use event_kind::IgnoredEvent;
pub use fact::Fact;
pub use fingerprint::{Fingerprint, requested_id};
pub use hint::Hint;
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_FINDINGS};
pub use model::{Canary, Finding, Group, Remark};
pub use outcome::{Parsed, Unwanted};
pub use own_type::may_be_type;
pub use parse::{parse, parse_wanted};
pub use partition::Partition;
pub use product::Product;
pub use reject::{RejectCode, Rejection};
pub use severity::{Level, Severity};
pub use text::Text;
