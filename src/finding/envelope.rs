//! The context that a message gives a finding.

use super::lenient::Str;
use super::place::Place;
use crate::instants::Wall;

/// The place of a finding in the message, and the account, region and time of the EventBridge event
/// around it.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope<'a> {
    pub place: Place<'a>,
    pub account: Str<'a>,
    pub region: Str<'a>,
    pub time: Option<Wall>,
}

impl Envelope<'_> {
    /// The place of the finding's `key`.
    pub fn place_of(&self, key: &str) -> String {
        self.place.at_key(key).to_string()
    }
}
