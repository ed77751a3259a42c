//! Describes the resources of an OCSF finding.

use super::super::aws_types::{plain_kind, resource_name};
use super::super::lenient::List;
use super::super::phrase::{Phrase, key_owner, listed_once, real_name};
use super::super::text::Text;
use super::schema::Resource;

const NAMED_MAX: usize = 3;

/// Lists each resource once.
pub(super) fn describe<const N: usize>(resources: &List<Resource<'_>, N>) -> Option<String> {
    let all: Vec<&Resource<'_>> = resources.items.iter().collect();
    listed_once(&all, resources.total, NAMED_MAX, Resource::is_like, Resource::describe)
}

impl Resource<'_> {
    fn is_like(&self, other: &Resource<'_>) -> bool {
        self.uid.is_some() && self.uid == other.uid && self.kind == other.kind
    }

    /// The resource's own tags, or else those in its details.
    pub fn tags(&self) -> Vec<(Text, Text)> {
        let own = self.tags.texts();
        if own.is_empty() { self.data.tags.texts() } else { own }
    }

    /// `EC2 instance i-0abc (t3.micro, web-1, 10.0.0.5, 198.51.100.1)`.
    fn describe(&self) -> Option<String> {
        let kind = self.kind.as_deref().map(plain_kind).unwrap_or_default();
        let (data, device) = (&self.data, &self.device);
        let interface = data.interfaces.first().or(device.interfaces.first());
        let ids = [&self.uid, &self.name].into_iter();
        let name = ids.filter_map(|id| resource_name(id.as_deref()?)).next();
        let users = [&self.user.name, &data.user].into_iter();
        let user = users.filter_map(|user| real_name(user.as_deref()?)).next();
        let user_kind = self.user.kind.as_deref();
        let phrase = match (name, user) {
            (None, Some(user)) => key_owner(user_kind, Some(user)),
            _ => Phrase::new(&kind, name).with(user).with(user_kind),
        };
        phrase
            .with(data.instance_kind.as_deref().or(device.model.as_deref()))
            .with(self.tags.name().or(data.tags.name()))
            .with_labelled("image", device.image.as_deref())
            .with(interface.and_then(|i| i.private.as_deref()))
            .with(interface.and_then(|i| i.public.as_deref()))
            .build()
    }
}
