//! The other end of a connection, as GuardDuty, ASFF and OCSF write it: address, port, location,
//! network.

use std::borrow::Cow;

use super::lenient::{Str, object};
use super::phrase::{Phrase, joined, known, listed, same};

object! {
    struct Remote<'a> {
        v4: Str<'a> = "ipAddressV4",
        v6: Str<'a> = "ipAddressV6",
        city: Str<'a> = "city" / "cityName",
        country: Country<'a> = "country",
        organisation: Organisation<'a> = "organization",
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
    struct Location<'a> {
        city: Str<'a> = "city",
        country: Str<'a> = "country",
    }
    struct AutonomousSystem<'a> {
        name: Str<'a> = "name",
        number: Str<'a> = "number",
    }
}

impl Remote<'_> {
    pub fn address(&self) -> Option<&str> {
        self.v4.as_deref().or(self.v6.as_deref())
    }

    /// `198.51.100.7 (Berlin, Germany)`, for one of several.
    pub fn describe_place(&self) -> Option<String> {
        Phrase::new("", self.address())
            .with(known(&self.city))
            .with(known(&self.country.name).or(known(&self.country.code)))
            .build()
    }

    /// `198.51.100.7:443 (Berlin, Germany, AS64500 Example Networks, Example ISP)`.
    pub fn describe(&self, port: Option<&str>) -> Option<String> {
        let address = self.address().map(|address| with_port(address, port));
        let country = known(&self.country.name).or(known(&self.country.code));
        let network = &self.organisation;
        // Organisation, provider and owner often have the same name.
        let own = |name: &&str| !network.asn_name.as_deref().is_some_and(|asn| same(asn, name));
        Phrase::new("", address.as_deref())
            .with(known(&self.city))
            .with(country)
            .with(network.describe().as_deref())
            .with(known(&network.name).filter(own))
            .with(known(&network.provider).filter(own))
            .build()
    }
}

impl Organisation<'_> {
    /// `AS64500 Example Networks`. GuardDuty's samples have the number -1, which is left out.
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

impl Port<'_> {
    /// `port 22 (SSH)`, or without the name.
    pub fn describe(&self) -> Option<String> {
        Some(["port ", &self.short()?].concat())
    }

    /// `22 (SSH)`, or without the name.
    pub fn short(&self) -> Option<String> {
        Phrase::new("", Some(self.number.as_deref()?)).with(known(&self.name)).build()
    }
}

impl AutonomousSystem<'_> {
    /// `AS64500 Example Networks`.
    pub fn describe(&self) -> Option<String> {
        let number = self.number.as_deref().filter(|number| number.parse::<u32>().is_ok());
        let number = number.map(|number| format!("AS{number}"));
        joined([number, self.name.as_deref().map(str::to_owned)], " ")
    }
}

/// `198.51.100.7:443`, `[2001:db8::7]:443`.
pub(super) fn with_port<'t>(address: &'t str, port: Option<&str>) -> Cow<'t, str> {
    match port {
        Some(port) if address.contains(':') => ["[", address, "]:", port].concat().into(),
        Some(port) => [address, ":", port].concat().into(),
        None => Cow::Borrowed(address),
    }
}

/// Lists descriptions of remotes, `total` of which are in the finding.
pub(super) fn describe_all(
    remotes: impl IntoIterator<Item = Option<String>>,
    total: usize,
) -> Option<String> {
    listed(remotes.into_iter().flatten().collect(), total)
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::super::lenient::Read as _;
    use super::*;

    #[test]
    fn unknown_and_repeated_names_are_left_out() {
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
