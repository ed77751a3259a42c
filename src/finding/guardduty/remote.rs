//! The other end of a connection: an address, and what is known of where it is.

use std::borrow::Cow;

use super::super::json::{Json, Kind};
use super::super::lenient::{Read, Slot, Str, object};
use super::super::phrase::{Phrase, known, listed, same};

object! {
    struct Remote<'a> {
        v4: Str<'a> = "ipAddressV4",
        v6: Str<'a> = "ipAddressV6",
        city: City<'a> = "city",
        country: Country<'a> = "country",
        organisation: Organisation<'a> = "organization",
    }
    struct City<'a> {
        name: Str<'a> = "cityName",
    }
    struct Country<'a> {
        name: Str<'a> = "countryName",
        code: Str<'a> = "countryCode",
    }
    struct Organisation<'a> {
        asn: Str<'a> = "asn",
        asn_name: Str<'a> = "asnOrg",
        provider: Str<'a> = "isp",
        name: Str<'a> = "org",
    }
    struct Port<'a> {
        number: Str<'a> = "port",
        name: Str<'a> = "portName",
    }
    struct Domain<'a> {
        name: Str<'a> = "domain",
    }
    struct Tag<'a> {
        key: Str<'a> = "key" | "name",
        value: Str<'a> = "value",
    }
}

impl Remote<'_> {
    pub fn address(&self) -> Option<&str> {
        self.v4.as_deref().or(self.v6.as_deref())
    }

    /// `198.51.100.7:443 (Berlin, Germany, AS64500 Example Networks, Example ISP)`.
    pub fn describe(&self, port: Option<&str>) -> Option<String> {
        let address = self.address().map(|address| match port {
            Some(port) if address.contains(':') => ["[", address, "]:", port].concat().into(),
            Some(port) => [address, ":", port].concat().into(),
            None => Cow::Borrowed(address),
        });
        let country = known(&self.country.name).or(known(&self.country.code));
        let network = &self.organisation;
        // The network often goes by the same name three times.
        let own = |name: &&str| !network.asn_name.as_deref().is_some_and(|asn| same(asn, name));
        Phrase::new("", address.as_deref())
            .with(known(&self.city.name))
            .with(country)
            .with(network.describe().as_deref())
            .with(known(&network.name).filter(own))
            .with(known(&network.provider).filter(own))
            .build()
    }
}

impl Organisation<'_> {
    /// `AS64500 Example Networks`. GuardDuty's samples have the number -1.
    fn describe(&self) -> Option<String> {
        let number = self.asn.as_deref().filter(|asn| asn.parse::<u32>().is_ok_and(|n| n > 0));
        let name = known(&self.asn_name);
        match (number, name) {
            (Some(number), Some(name)) => Some(["AS", number, " ", name].concat()),
            (Some(number), None) => Some(["AS", number].concat()),
            (None, name) => name.map(str::to_owned),
        }
    }
}

/// `22 (SSH)`, or the number alone.
impl Port<'_> {
    pub fn describe(&self) -> Option<String> {
        self.number.as_deref()?;
        Phrase::new("port", self.number.as_deref()).with(known(&self.name)).build()
    }
}

/// So many tags are looked at for a name; AWS allows 50.
const TAGS_MAX: usize = 50;

/// The value of the tag `Name`, out of a list of tags.
#[derive(Debug, Default)]
pub(in crate::finding) struct NameTag<'a>(Str<'a>);

impl NameTag<'_> {
    pub fn value(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// As a list of tags is filled, of which no more is kept than this.
impl<'a> Slot<'a> for NameTag<'a> {
    fn fill(&mut self, json: Json<'a>) {
        let alone = (json.kind() != Kind::Array).then_some(json);
        let tags = json.items().chain(alone).filter_map(Tag::read).take(TAGS_MAX);
        let mut tags = tags.peekable();
        if tags.peek().is_some() {
            self.0 = tags.find(|tag| tag.key.as_deref() == Some("Name")).and_then(|tag| tag.value);
        }
    }
}

/// Several ends of connections.
pub(in crate::finding) fn describe_all(
    remotes: impl IntoIterator<Item = Option<String>>,
    total: usize,
) -> Option<String> {
    listed(remotes.into_iter().flatten().collect(), total)
}

#[cfg(test)]
mod tests {
    use super::super::super::json::json;
    use super::*;

    #[test]
    fn the_unknown_is_not_told_and_a_name_only_once() {
        for (place, network, said) in [
            ("Iceland", ("64500", "Example", "Example", "Example"), "a (Iceland, AS64500 Example)"),
            ("Unknown", ("64500", "Example", "EXAMPLE", " example"), "a (AS64500 Example)"),
            ("UNKNOWN", ("", "Example", "Host", "HOST"), "a (Example, HOST)"),
            ("", ("", "", "", "Österreich"), "a (Österreich)"),
            (" ", ("", "Unknown", "unknown", ""), "a"),
        ] {
            let (asn, asn_name, provider, name) = network;
            let raw = format!(
                r#"{{"ipAddressV4":"a","country":{{"countryName":"{place}"}},"organization":
                    {{"asn":"{asn}","asnOrg":"{asn_name}","isp":"{provider}","org":"{name}"}}}}"#
            );
            let remote = Remote::read(json(&raw)).unwrap();
            assert_eq!(remote.describe(None).as_deref(), Some(said), "{raw}");
        }
    }
}
