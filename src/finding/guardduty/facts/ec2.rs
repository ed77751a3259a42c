//! Facts about an EC2 instance.

use super::super::super::arn::short_name;
use super::super::super::fact::Facts;
use super::super::super::phrase::{Phrase, joined, listed, part};
use super::super::schema::{Instance, Resource, SecurityGroup};

/// Adds nothing for a bucket, which stands in no network.
pub(super) fn add(facts: &mut Facts, resource: &Resource<'_>) {
    if resource.kind.as_deref().is_some_and(|kind| kind.trim_start().starts_with("S3")) {
        return;
    }
    facts.add("Network", resource.instance.describe_network());
    facts.add("Instance", resource.instance.describe_origin());
}

impl Instance<'_> {
    /// `vpc-0aa, subnet-0bb, sg-0cc (open)`: the first network interface.
    fn describe_network(&self) -> Option<String> {
        let interface = self.interfaces.first()?;
        let place = [&interface.vpc, &interface.subnet].map(|id| id.as_deref().map(part));
        let groups = &interface.groups;
        let names = groups.items.iter().filter_map(SecurityGroup::describe).collect();
        joined([joined(place, ", "), listed(names, groups.total)], ", ")
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
