//! Facts about an EC2 instance.

use super::super::super::arn::short_name;
use super::super::super::fact::Facts;
use super::super::super::phrase::{Phrase, joined, part, several};
use super::super::schema::{Instance, Resource, SecurityGroup};

pub(super) fn add(facts: &mut Facts, resource: &Resource<'_>) {
    facts.add("Network", resource.instance.network());
    facts.add("Profile", resource.instance.profile.as_deref().map(short_name).map(part));
}

impl Instance<'_> {
    /// `vpc-0aa, subnet-0bb, sg-0cc (open)`: the first network interface.
    fn network(&self) -> Option<String> {
        let interface = self.interfaces.first()?;
        let groups = &interface.groups;
        let names = groups.items.iter().filter_map(|group| group.describe());
        let names: Vec<String> = names.collect();
        joined(
            [
                interface.vpc.as_deref().map(|vpc| part(vpc).into_owned()),
                interface.subnet.as_deref().map(|subnet| part(subnet).into_owned()),
                several(names.iter().map(String::as_str), groups.total),
            ],
            ", ",
        )
    }
}

impl SecurityGroup<'_> {
    fn describe(&self) -> Option<String> {
        Phrase::new("", self.id.as_deref()).with(self.name.as_deref()).build()
    }
}
