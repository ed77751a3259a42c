//! The facts of a GuardDuty finding that stand beside its resource and its actor.

mod container;
mod data;
mod ec2;
mod kubernetes;
mod malware;
mod runtime;

use super::super::fact::Facts;
use super::schema::{Resource, Service};

/// Collects the facts, the most important first.
pub(super) fn collect(resource: &Resource<'_>, service: &Service<'_>) -> Facts {
    let mut facts = Facts::default();
    kubernetes::add(&mut facts, resource, &service.activity);
    runtime::add(&mut facts, &service.runtime);
    malware::add(&mut facts, service);
    data::add(&mut facts, resource, service);
    container::add(&mut facts, resource);
    ec2::add(&mut facts, resource);
    facts
}

#[cfg(test)]
mod tests;
