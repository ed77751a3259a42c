//! Facts about a call of an API.

use super::super::super::fact::Facts;
use super::super::resource;
use super::super::schema::{Resource, Service};

/// Adds what the call hit, unless the resource of the finding says it.
pub(super) fn add(facts: &mut Facts, resource: &Resource<'_>, service: &Service<'_>) {
    let said = resource::describe(resource, service).unwrap_or_default();
    let affected = service.activity.describe_affected();
    facts.add("Affected", affected.filter(|affected| !said.contains(affected.as_str())));
}
