//! What an OCSF finding is about.

use super::super::arn::short_name;
use super::super::asff::plain_kind;
use super::super::guardduty::remote::NameTag;
use super::super::lenient::{List, Str, object};
use super::super::phrase::{Phrase, listed_once};

const NAMED_MAX: usize = 3;

object! {
    struct Resource<'a> {
        kind: Str<'a> = "type",
        name: Str<'a> = "name",
        uid: Str<'a> = "uid",
        region: Str<'a> = "region",
        partition: Str<'a> = "cloud_partition",
        owner: Owner<'a> = "owner",
        tags: NameTag<'a> = "tags",
        user: User<'a> = "user",
        device: Device<'a> = "device",
        data: Data<'a> = "data",
    }
    struct Owner<'a> {
        account: Account<'a> = "account",
    }
    struct Account<'a> {
        id: Str<'a> = "uid",
    }
    struct User<'a> {
        name: Str<'a> = "name",
        kind: Str<'a> = "type",
    }
    struct Device<'a> {
        model: Str<'a> = "model",
        interfaces: List<Interface<'a>, 1> = "network_interfaces",
        container: Container<'a> = "container",
    }
    struct Container<'a> {
        image: Image<'a> = "image",
    }
    struct Image<'a> {
        name: Str<'a> = "name",
    }
    struct Interface<'a> {
        private: Str<'a> = "private_ip_address",
        public: Str<'a> = "public_ip" | "ip",
    }
    struct Data<'a> {
        instance_kind: Str<'a> = "instance_type",
        tags: NameTag<'a> = "tags",
        interfaces: List<Interface<'a>, 1> = "network_interfaces",
    }
}

pub(super) fn describe<const N: usize>(resources: &List<Resource<'_>, N>) -> Option<String> {
    let all: Vec<&Resource<'_>> = resources.items.iter().collect();
    listed_once(&all, resources.total, NAMED_MAX, Resource::is_like, Resource::describe)
}

impl Resource<'_> {
    pub fn account(&self) -> Option<&str> {
        self.owner.account.id.as_deref()
    }

    fn is_like(&self, other: &Resource<'_>) -> bool {
        self.uid.is_some() && self.uid == other.uid && self.kind == other.kind
    }

    /// `EC2 instance i-0abc (t3.micro, web-1, private 10.0.0.5, public 198.51.100.1)`.
    fn describe(&self) -> Option<String> {
        let kind = self.kind.as_deref().map(plain_kind).unwrap_or_default();
        let name = self.uid.as_deref().map(short_name).or(self.name.as_deref());
        let (data, device) = (&self.data, &self.device);
        let interface = data.interfaces.first().or(device.interfaces.first());
        Phrase::new(&kind, name)
            .with(data.instance_kind.as_deref().or(device.model.as_deref()))
            .with(self.tags.value().or(data.tags.value()))
            .with(self.user.name.as_deref())
            .with(self.user.kind.as_deref())
            .with_labelled("image", device.container.image.name.as_deref())
            .with_labelled("private", interface.and_then(|i| i.private.as_deref()))
            .with_labelled("public", interface.and_then(|i| i.public.as_deref()))
            .build()
    }
}
