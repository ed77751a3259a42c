//! The action of a GuardDuty finding, as Security Hub's copy keeps it: in fields whose names are
//! paths, such as `aws/guardduty/service/action/networkConnectionAction/protocol`. Some copies have
//! only these, others also an ASFF `Action`.
//!
//! Source: Security Hub API reference, `AwsSecurityFinding`, `ProductFields`; GuardDuty API
//! reference, `Action`.

use std::borrow::Cow;

use super::super::json::Json;
use super::super::lenient::{Read, Str, object};
use super::super::remote::{Port, Remote};
use super::schema::{Act, NAMED_MAX, Probe};

const ACTION: &str = "aws/guardduty/service/action/";
/// An action has about 20 fields, and 10 for each further probe.
const FIELDS_MAX: usize = 500;

object! {
    struct Copied<'a> {
        fields: Option<Json<'a>> = "ProductFields",
    }
}

/// The fields of an action, by path.
struct Fields<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// Reads the action from the fields of the `finding`.
pub(super) fn action(finding: Json<'_>) -> Act<'_> {
    let fields = Fields::of(Copied::read(finding).unwrap_or_default());
    let mut act = Act::default();
    let call = &mut act.api_call;
    call.api = fields.text("awsApiCallAction/api");
    call.service = fields.text("awsApiCallAction/serviceName");
    call.remote = fields.remote("awsApiCallAction/");
    call.domain = fields.text("awsApiCallAction/domainDetails/domain");
    let connection = &mut act.connection;
    connection.direction = fields.text("networkConnectionAction/connectionDirection");
    connection.protocol = fields.text("networkConnectionAction/protocol");
    // ASFF has no action of its own for Kubernetes and RDS.
    let remotes =
        ["networkConnectionAction/", "kubernetesApiCallAction/", "rdsLoginAttemptAction/"];
    let mut remotes = remotes.into_iter().map(|path| fields.remote(path));
    connection.remote = remotes.find(|remote| remote.address().is_some()).unwrap_or_default();
    connection.remote_port = fields.port("networkConnectionAction/remotePortDetails/");
    connection.local_port = fields.port("networkConnectionAction/localPortDetails/");
    act.port_probe.probes.items = (0..NAMED_MAX).filter_map(|index| fields.probe(index)).collect();
    act.port_probe.probes.total = fields.probes();
    act.dns = fields.text("dnsRequestAction/domain");
    act
}

impl<'a> Fields<'a> {
    fn of(copied: Copied<'a>) -> Fields<'a> {
        let entries = copied.fields.into_iter().flat_map(Json::entries);
        let texts = entries.filter(|(key, _)| key.starts_with(ACTION));
        let texts = texts.filter_map(|(key, value)| Some((key, Cow::read(value)?)));
        Fields(texts.take(FIELDS_MAX).collect())
    }

    fn text(&self, path: &str) -> Str<'a> {
        let is_it = |key: &str| key.strip_prefix(ACTION) == Some(path);
        self.0.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value.clone())
    }

    /// The remote below `path`, which ends with a slash.
    fn remote(&self, path: &str) -> Remote<'a> {
        let text = |name: &str| self.text(&[path, "remoteIpDetails/", name].concat());
        let mut remote = Remote::default();
        remote.v4 = text("ipAddressV4");
        remote.v6 = text("ipAddressV6");
        remote.city = text("city/cityName");
        remote.country.name = text("country/countryName");
        remote.organisation.asn = text("organization/asn");
        remote.organisation.asn_name = text("organization/asnOrg");
        remote.organisation.provider = text("organization/isp");
        remote.organisation.name = text("organization/org");
        remote
    }

    fn port(&self, path: &str) -> Port<'a> {
        let mut port = Port::default();
        port.number = self.text(&[path, "port"].concat());
        port.name = self.text(&[path, "portName"].concat());
        port
    }

    fn probe(&self, index: usize) -> Option<Probe<'a>> {
        let path = format!("portProbeAction/portProbeDetails.{index}_/");
        let mut probe = Probe::default();
        probe.local_port = self.port(&[&path, "localPortDetails/"].concat());
        probe.remote = self.remote(&path);
        probe.remote.address().is_some().then_some(probe)
    }

    /// The number of probes in the finding.
    fn probes(&self) -> usize {
        let is_probe = |key: &str| {
            key.contains("/portProbeDetails.") && key.ends_with("/remoteIpDetails/ipAddressV4")
        };
        self.0.iter().filter(|(key, _)| is_probe(key)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::json::json;
    use super::super::{Envelope, read};

    #[test]
    fn the_action_is_read_from_fields_named_by_paths() {
        let remote = |path: &str, last: u8| {
            format!(
                r#""aws/guardduty/service/action/{path}remoteIpDetails/ipAddressV4":"198.51.100.{last}",
                "aws/guardduty/service/action/{path}remoteIpDetails/country/countryName":"Italy""#
            )
        };
        let field = |path: &str, value: &str| {
            format!(r#","aws/guardduty/service/action/{path}":"{value}""#)
        };
        let connection = remote("networkConnectionAction/", 12);
        let probe = |index: u8| {
            let path = format!("portProbeAction/portProbeDetails.{index}_/");
            remote(&path, index) + &field(&format!("{path}localPortDetails/port"), "443")
        };
        for (fields, label, text) in [
            (
                connection.clone()
                    + &field("networkConnectionAction/connectionDirection", "INBOUND")
                    + &field("networkConnectionAction/localPortDetails/port", "22")
                    + &field("networkConnectionAction/localPortDetails/portName", "SSH")
                    + &field("networkConnectionAction/remotePortDetails/port", "40455")
                    + &field("networkConnectionAction/protocol", "TCP"),
                "Remote",
                "inbound from 198.51.100.12 (Italy), to port 22 (SSH), TCP",
            ),
            (
                connection
                    + &field("networkConnectionAction/connectionDirection", "OUTBOUND")
                    + &field("networkConnectionAction/remotePortDetails/port", "443"),
                "Remote",
                "outbound to 198.51.100.12:443 (Italy)",
            ),
            (
                remote("awsApiCallAction/", 7)
                    + &field("awsApiCallAction/api", "ListBuckets")
                    + &field("awsApiCallAction/serviceName", "s3.amazonaws.com"),
                "Caller",
                "198.51.100.7 (Italy) calling s3:ListBuckets",
            ),
            (remote("rdsLoginAttemptAction/", 9), "Remote", "connection with 198.51.100.9 (Italy)"),
            (
                (1..5).fold(probe(0), |all, index| all + "," + &probe(index)),
                "Remote",
                "198.51.100.0 (Italy), 198.51.100.1 (Italy), 198.51.100.2 (Italy) +2 more \
                 probing port 443",
            ),
            (
                r#""a":1"#.to_owned() + &field("dnsRequestAction/domain", "pool.example"),
                "Domain",
                "pool.example",
            ),
        ] {
            let raw = format!(
                r#"{{"Id":"arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f",
                    "ProductFields":{{{fields}}}}}"#
            );
            let actor = read(json(&raw), &Envelope::default()).unwrap().actor.unwrap();
            assert_eq!((actor.label, actor.text.as_str()), (label, text), "{raw}");
        }
    }

    #[test]
    fn other_products_have_no_such_fields() {
        for fields in ["7", "[]", r#"{"aws/guardduty/service/action/dnsRequestAction/domain":[]}"#]
        {
            let id = "arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/f";
            let raw = format!(r#"{{"Id":"{id}","ProductFields":{fields}}}"#);
            assert_eq!(read(json(&raw), &Envelope::default()).unwrap().actor, None, "{raw}");
        }
        let raw = r#"{"Id":"f","ProductFields":{
            "aws/guardduty/service/action/dnsRequestAction/domain":"pool.example"}}"#;
        assert_eq!(read(json(raw), &Envelope::default()).unwrap().actor, None);
    }
}
