//! Facts about a call of an API.

use super::super::super::fact::Facts;
use super::super::schema::Service;

/// Adds what the call hit, unless the resource of the finding says it.
pub(super) fn add(facts: &mut Facts, service: &Service<'_>, said: &str) {
    let affected = service.activity.describe_affected();
    facts.add("Affected", affected.filter(|affected| !said.contains(affected.as_str())));
}
