//! The context that a message gives a finding.

use super::lenient::Str;
use super::place::Place;
use super::request::Request;
use crate::instants::Wall;

/// The place of a finding in the message, and what the EventBridge event around it says.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope<'a> {
    pub place: Place<'a>,
    pub account: Str<'a>,
    pub region: Str<'a>,
    pub time: Option<Wall>,
    /// The first resource that the event names.
    pub resource: Str<'a>,
    /// Set if a person sent the finding on purpose.
    pub request: Option<Request<'a>>,
}

impl Envelope<'_> {
    /// The place of the finding's `key`.
    pub fn place_of(&self, key: &str) -> String {
        self.place.at_key(key).to_string()
    }
}
