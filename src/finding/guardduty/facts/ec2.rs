//! Facts about an EC2 instance.

use super::super::super::arn::short_name;
use super::super::super::fact::Facts;
use super::super::super::phrase::{Phrase, joined, listed_once, named, part};
use super::super::schema::{Instance, Resource, SecurityGroup};

/// The most security groups that are shown.
const GROUPS_MAX: usize = 4;

/// Adds nothing for a bucket, which stands in no network.
pub(super) fn add(facts: &mut Facts, resource: &Resource<'_>) {
    if resource.kind.as_deref().is_some_and(|kind| kind.trim_start().starts_with("S3")) {
        return;
    }
    facts.add("Network", resource.instance.describe_network());
    facts.add("Instance", resource.instance.describe_origin());
}

impl Instance<'_> {
    /// `vpc-0aa, subnet-0bb, sg-0cc (open), sg-0dd, 2 interfaces`: the place of the first network
    /// interface, and the security groups of all.
    fn describe_network(&self) -> Option<String> {
        let first = self.interfaces.first()?;
        let place = [&first.vpc, &first.subnet].map(|id| named(id).map(part));
        let interfaces = self.interfaces.items.iter();
        let total = interfaces.clone().map(|one| one.groups.total).sum();
        let groups: Vec<&SecurityGroup<'_>> =
            interfaces.flat_map(|one| &one.groups.items).collect();
        let alike = |one: &SecurityGroup<'_>, other: &SecurityGroup<'_>| one.id == other.id;
        let describe = |group: &SecurityGroup<'_>| group.describe();
        let groups = listed_once(&groups, total, GROUPS_MAX, alike, describe);
        let count = Some(self.interfaces.total).filter(|count| *count > 1);
        let count = count.map(|count| format!("{count} interfaces"));
        joined([joined(place, ", "), groups, count], ", ")
    }

    /// `profile web (image ami-0dd)`: what it may do, and what it was made of. The image alone is
    /// not worth a line.
    fn describe_origin(&self) -> Option<String> {
        Phrase::new("profile", Some(short_name(self.profile.as_deref()?)))
            .with_labelled("image", self.image.as_deref())
            .build()
    }
}

impl SecurityGroup<'_> {
    fn describe(&self) -> Option<String> {
        Phrase::new("", self.id.as_deref()).with(self.name.as_deref()).build()
    }
}
