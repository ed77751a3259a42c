//! The facts of a GuardDuty finding that stand beside its resource and its actor.

mod ec2;

use super::super::fact::Facts;
use super::schema::{Resource, Service};

/// Collects the facts, the most important first.
pub(super) fn collect(resource: &Resource<'_>, _service: &Service<'_>) -> Facts {
    let mut facts = Facts::default();
    ec2::add(&mut facts, resource);
    facts
}
