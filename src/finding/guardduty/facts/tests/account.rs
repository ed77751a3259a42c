use super::super::super::tests::read_in;
use crate::finding::{Fact, Finding};

/// Reads a finding with these parts of its `resource` and its `service`.
pub(super) fn read(resource: &str, service: &str) -> Finding {
    let raw =
        format!(r#"{{"id":"f","severity":5,"resource":{{{resource}}},"service":{{{service}}}}}"#);
    read_in(&raw).unwrap()
}

fn resource(finding: &Finding) -> &str {
    finding.resource.as_ref().map_or("", |text| text.as_str())
}

/// `Remote: 198.51.100.7`
fn line(fact: &Fact) -> String {
    [fact.label, ": ", fact.text.as_str()].concat()
}

fn actor(finding: &Finding) -> String {
    finding.actor.as_ref().map_or(String::new(), line)
}

pub(super) fn facts(finding: &Finding) -> Vec<String> {
    finding.facts.iter().map(line).collect()
}

fn sequence(parts: &str) -> Finding {
    let service = format!(r#""detection":{{"sequence":{{{parts}}}}}"#);
    read(r#""resourceType":"AttackSequence""#, &service)
}

// Resources of sequences.
const INSTANCE: &str = r#"{"uid":"arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b","name":"web-1",
    "resourceType":"EC2_INSTANCE","tags":[{"key":"Name","value":"web-1"}],
    "data":{"ec2Instance":{"instanceType":"t3.micro"}}}"#;
const INTERFACE: &str = r#"{"uid":"eni-0a","resourceType":"EC2_NETWORK_INTERFACE"}"#;
const GROUP: &str = r#"{"uid":"arn:aws:autoscaling:r:1:autoScalingGroup:x:autoScalingGroupName/web",
    "name":"web","resourceType":"AUTOSCALING_AUTO_SCALING_GROUP"}"#;
const TASK: &str =
    r#"{"uid":"arn:aws:ecs:eu-west-1:111122223333:task/shop/0a1b","resourceType":"ECS_TASK"}"#;
const ECS: &str =
    r#"{"uid":"arn:aws:ecs:r:1:cluster/shop","name":"shop","resourceType":"ECS_CLUSTER"}"#;
const CONTAINER: &str = r#"{"uid":"c1","name":"cart","resourceType":"CONTAINER",
    "data":{"container":{"image":"shop/cart:1"}}}"#;
const EKS: &str =
    r#"{"uid":"arn:aws:eks:r:1:cluster/prod","name":"prod","resourceType":"EKS_CLUSTER"}"#;
const PODS: &str = r#"{"uid":"u","name":"miner","resourceType":"KUBERNETES_WORKLOAD",
    "data":{"kubernetesWorkload":{"namespace":"kube-system","type":"pods"}}}"#;
const KEY: &str = r#"{"uid":"AKIAEXAMPLE","name":"AKIAEXAMPLE","resourceType":"ACCESS_KEY",
    "data":{"accessKey":{"userName":"deploy","userType":"IAMUser","principalId":"AIDA"}}}"#;
const BUCKET: &str = r#"{"uid":"arn:aws:s3:::invoices","name":"invoices","resourceType":"S3_BUCKET",
    "data":{"s3Bucket":{"effectivePermission":"PUBLIC"}}}"#;
const OBJECT: &str =
    r#"{"uid":"arn:aws:s3:::invoices/a.pdf","name":"a.pdf","resourceType":"S3_OBJECT"}"#;

#[test]
fn a_sequence_names_its_resources_whatever_they_are() {
    for (resources, said) in [
        (
            vec![INTERFACE, INSTANCE],
            "EC2 instance i-0a1b (web-1, t3.micro), EC2 network interface eni-0a",
        ),
        (vec![GROUP, INSTANCE], "EC2 instance i-0a1b (web-1, t3.micro), Auto Scaling group web"),
        (
            vec![ECS, TASK, CONTAINER],
            "ECS cluster shop, ECS task 0a1b, container cart (image shop/cart:1)",
        ),
        (vec![EKS, PODS], "EKS cluster prod, pods kube-system/miner"),
        (vec![KEY], "IAMUser deploy (access key AKIAEXAMPLE)"),
        (
            vec![KEY, OBJECT, BUCKET],
            "S3 bucket invoices (PUBLIC), IAMUser deploy (access key AKIAEXAMPLE), S3 object a.pdf",
        ),
        (
            vec![ECS; 9],
            "ECS cluster shop, ECS cluster shop, ECS cluster shop, ECS cluster shop, \
            ECS cluster shop +4 more",
        ),
        (vec![], ""),
    ] {
        let finding = sequence(&format!(r#""resources":[{}]"#, resources.join(",")));
        assert_eq!(resource(&finding), said, "{resources:?}");
    }
    assert_eq!(resource(&read(r#""resourceType":"AttackSequence""#, "")), "");
}

#[test]
fn a_sequence_tells_its_signals_and_indicators() {
    let finding = sequence(
        r#""signals":[
            {"type":"CLOUD_TRAIL","name":"CreateAccessKey","count":2},
            {"type":"S3_DATA_EVENTS","name":"DeleteObject"},
            {"type":"FINDING","name":"UnauthorizedAccess:IAMUser/TorIPCaller","count":1},
            {"type":"CLOUD_TRAIL","name":"StopLogging","count":1},
            {"type":"CLOUD_TRAIL","name":"CreateAccessKey"}],
        "sequenceIndicators":[
            {"key":"UNUSUAL_ASN_FOR_USER","values":["64500"]},
            {"key":"ATTACK_TACTIC","values":["Persistence","Impact"]},
            {"key":"HIGH_RISK_API","values":["iam:CreateAccessKey","cloudtrail:StopLogging"]},
            {"key":"ATTACK_TECHNIQUE","values":["T1098 - Account Manipulation","T1485"]},
            {"key":"SUSPICIOUS_USER_AGENT"},
            {"key":"TOR_IP","values":["198.51.100.77"]}]"#,
    );
    assert_eq!(
        facts(&finding),
        [
            "Signals: 5: UnauthorizedAccess:IAMUser/TorIPCaller; CloudTrail CreateAccessKey ×3, \
             StopLogging; S3 data events DeleteObject",
            "Tactics: Persistence, Impact (T1098, T1485)",
            "Indicators: Tor exit node 198.51.100.77; high risk API iam:CreateAccessKey, \
             cloudtrail:StopLogging; suspicious user agent; unusual ASN for user 64500",
        ]
    );
}

#[test]
fn a_sequence_tells_who_it_was() {
    let user = r#"{"user":{"name":"deploy","type":"IAMUser","credentialUid":"AKIAEXAMPLE"},
        "session":{"mfaStatus":"DISABLED"}}"#;
    let role = r#"{"user":{"name":"bob","type":"AssumedRole"},
        "session":{"mfaStatus":"ENABLED","issuer":"arn:aws:iam::111122223333:role/Admin"}}"#;
    let process = r#"{"id":"p","process":{"name":"xmr","path":"/tmp/xmr","sha256":"abab"}}"#;
    let inbound = r#"{"ip":"198.51.100.7","port":49152,"connection":{"direction":"INBOUND"}}"#;
    let outbound = r#"{"ip":"198.51.100.8","domain":"pool.example","port":3333,
        "connection":{"direction":"OUTBOUND"}}"#;
    for (actors, endpoints, said) in [
        (user, inbound, "IAMUser deploy (credential AKIAEXAMPLE, no MFA) from 198.51.100.7"),
        (role, "", "AssumedRole bob (role Admin)"),
        (
            process,
            outbound,
            "process /tmp/xmr (SHA-256 abab) from 198.51.100.8 (pool.example, port 3333)",
        ),
    ] {
        let finding = sequence(&format!(r#""actors":[{actors}],"endpoints":[{endpoints}]"#));
        assert_eq!(actor(&finding), format!("Actor: {said}"));
    }
}

#[test]
fn credentials_name_their_session_and_instance() {
    let role = |id: &str, more: &str| {
        format!(
            r#""resourceType":"AccessKey","accessKeyDetails":{{"accessKeyId":"ASIAEXAMPLE",
                "principalId":"{id}","userType":"AssumedRole","userName":"web"}}{more}"#
        )
    };
    let instance = r#","instanceDetails":{"instanceId":"i-0a1b2c3d","instanceType":"t3.micro",
        "tags":[{"key":"Name","value":"web-1"}]}"#;
    for (resource_json, said) in [
        (
            role("AROAEXAMPLE:alice@example.com", ""),
            "AssumedRole web (session alice@example.com, access key ASIAEXAMPLE, principal AROAEXAMPLE)",
        ),
        (
            role("AROAEXAMPLE:i-0a1b2c3d", instance),
            "EC2 instance i-0a1b2c3d (web-1, t3.micro), \
             AssumedRole web (access key ASIAEXAMPLE, principal AROAEXAMPLE)",
        ),
        (
            role("AROAEXAMPLE:i-0a1b2c3d", ""),
            "EC2 instance i-0a1b2c3d, AssumedRole web (access key ASIAEXAMPLE, principal AROAEXAMPLE)",
        ),
        (
            role("AROAEXAMPLE:i-love-it", ""),
            "AssumedRole web (session i-love-it, access key ASIAEXAMPLE, principal AROAEXAMPLE)",
        ),
        (
            role("AROAEXAMPLE", ""),
            "AssumedRole web (access key ASIAEXAMPLE, principal AROAEXAMPLE)",
        ),
        (role("111122223333", ""), "AssumedRole web (access key ASIAEXAMPLE)"),
    ] {
        assert_eq!(resource(&read(&resource_json, "")), said, "{resource_json}");
    }
}

#[test]
fn a_call_tells_whence_it_came_and_what_it_hit() {
    let key =
        r#""resourceType":"AccessKey","accessKeyDetails":{"userType":"IAMUser","userName":"a"}"#;
    let bucket = r#""resourceType":"S3Bucket","s3BucketDetails":[{"name":"data"}]"#;
    let trail =
        r#""affectedResources":{"AWS::CloudTrail::Trail":"arn:aws:cloudtrail:r:1:trail/org"}"#;
    let hit = r#""affectedResources":{"AWS::S3::Bucket":"data"}"#;
    let account = |affiliated| {
        format!(
            r#""remoteAccountDetails":{{"accountId":"777788889999","affiliated":{affiliated}}}"#
        )
    };
    let ip = r#""remoteIpDetails":{"ipAddressV4":"198.51.100.7"},"userAgent":"aws-cli/2.27""#;
    for (resource, call, said, shown) in [
        (key, trail.to_owned(), "", vec!["Affected: CloudTrail trail org"]),
        (bucket, hit.to_owned(), "", vec![]),
        (key, account(false), "Caller: account 777788889999 (not affiliated)", vec![]),
        (key, account(true), "Caller: account 777788889999 (affiliated)", vec![]),
        (
            key,
            format!("{ip},{}", account(false)),
            "Caller: 198.51.100.7, account 777788889999 (not affiliated)",
            vec!["User agent: aws-cli/2.27"],
        ),
    ] {
        let finding = read(resource, &format!(r#""action":{{"awsApiCallAction":{{{call}}}}}"#));
        assert_eq!(
            (actor(&finding).as_str(), facts(&finding)),
            (said, shown.iter().map(|t| (*t).to_owned()).collect()),
            "{call}"
        );
    }
}

#[test]
fn unusual_behaviour_is_read_in_both_forms() {
    let info = r#""userAgent":{"fullUserAgent":"Boto3/1.34"},
        "anomalies":{"anomalousAPIs":"redshift.amazonaws.com:[DescribeClusters:success , GetX:AccessDenied] , health.amazonaws.com:[DescribeEvents:success]"},
        "profiledBehavior":{"frequentProfiledASNsUserIdentityProfiling":"asnNumber: 64501 asnOrg: OFFICE",
            "frequentProfiledUserAgentsUserIdentityProfiling":"aws-cli"},
        "unusualBehavior":{"unusualAPIsAccountProfiling":"","isUnusualUserIdentity":"true",
            "unusualASNsAccountProfiling":"asnNumber: 64500 asnOrg: EXAMPLE",
            "unusualASNsUserIdentityProfiling":"asnNumber: 64500 asnOrg: EXAMPLE",
            "unusualBucketsAccountProfiling":"data"},
        "apiCalls":[{"name":"GetUser","count":3},{"name":"ListUsers","count":"1"}]"#;
    let value = serde_json::to_string(&format!("{{{info}}}")).unwrap();
    for form in [info.to_owned(), format!(r#""type":"default","value":{value}"#)] {
        let finding = read("", &format!(r#""additionalInfo":{{{form}}}"#));
        assert_eq!(
            facts(&finding),
            [
                "Anomalous APIs: redshift:[DescribeClusters, GetX:AccessDenied], health:[DescribeEvents]",
                "Unusual: user identity; network AS64500 EXAMPLE (for user, account, usual AS64501 OFFICE); \
                 bucket data (for account)",
                "Recent calls: GetUser ×3, ListUsers",
                "User agent: Boto3/1.34",
            ]
        );
    }
    for odd in
        [r#""additionalInfo":{"value":"{"}"#, r#""additionalInfo":"x""#, r#""additionalInfo":[]"#]
    {
        assert_eq!(facts(&read("", odd)), [] as [&str; 0], "{odd}");
    }
    let newer = read(
        "",
        r#""detection":{"anomaly":{"unusual":{"behavior":{"CallFrom":{"country":{
            "profileType":"FREQUENCY","profileSubtype":"UNSEEN","observations":{"text":["AQ"]}},
            "asn":{"observations":{"text":["64500","64501"]}},"odd":[]},"Other":"x"}}}}"#,
    );
    assert_eq!(facts(&newer), ["Unusual: country AQ; asn 64500, 64501"]);
    let scan = read("", r#""additionalInfo":{"portsScannedSample":[22,80,443]}"#);
    assert_eq!(facts(&scan), ["Scanned ports: 22, 80, 443"]);
}

#[test]
fn an_instance_tells_where_it_stands() {
    let finding = read(
        r#""resourceType":"Instance","instanceDetails":{"instanceId":"i-0abc","instanceType":"t3.micro",
            "imageId":"ami-0dd","iamInstanceProfile":{"arn":"arn:aws:iam::1:instance-profile/web"},
            "tags":[{"key":"Team","value":"shop"},{"key":"Name","value":"web-1"}],
            "networkInterfaces":[{"vpcId":"vpc-0aa","subnetId":"subnet-0bb","privateIpAddress":"10.0.0.5",
                "securityGroups":[{"groupId":"sg-0cc","groupName":"open"},{"groupId":"sg-0dd"}]}]}"#,
        "",
    );
    assert_eq!(resource(&finding), "EC2 instance i-0abc (web-1, t3.micro, 10.0.0.5)");
    assert_eq!(
        facts(&finding),
        [
            "Network: vpc-0aa, subnet-0bb, sg-0cc (open), sg-0dd",
            "Instance: profile web (image ami-0dd)"
        ]
    );
    let tags: Vec<_> =
        finding.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("Team", "shop"), ("Name", "web-1")]);
}

#[test]
fn the_ports_of_a_probe_come_first() {
    let probe = |port: &str, ip: usize| {
        format!(
            r#"{{"localPortDetails":{{{port}}},"remoteIpDetails":{{"ipAddressV4":"198.51.100.{ip}"}}}}"#
        )
    };
    let ssh = r#""port":22,"portName":"SSH""#;
    let other = r#""port":8081,"portName":"Unknown""#;
    for (blocked, probes, said) in [
        (false, vec![probe(ssh, 1)], "Remote: probe of port 22 (SSH) by 198.51.100.1"),
        (true, vec![probe(ssh, 1)], "Remote: blocked probe of port 22 (SSH) by 198.51.100.1"),
        (
            false,
            (0..8).map(|n| probe(if n < 7 { ssh } else { other }, n)).collect(),
            "Remote: probe of ports 22 (SSH), 8081 by 198.51.100.0, 198.51.100.1, 198.51.100.2 +5 more",
        ),
        (false, vec![probe("", 1)], "Remote: 198.51.100.1"),
    ] {
        let service = format!(
            r#""action":{{"portProbeAction":{{"blocked":{blocked},"portProbeDetails":[{}]}}}}"#,
            probes.join(",")
        );
        assert_eq!(actor(&read("", &service)), said);
    }
}

#[test]
fn the_role_of_the_resource_tells_an_unknown_direction() {
    for (direction, role, said) in [
        ("UNKNOWN", "TARGET", "Remote: inbound from 198.51.100.7, to port 22"),
        ("UNKNOWN", "ACTOR", "Remote: outbound to 198.51.100.7:443"),
        ("UNKNOWN", "", "Remote: connection with 198.51.100.7:443"),
        ("INBOUND", "ACTOR", "Remote: inbound from 198.51.100.7, to port 22"),
        ("OUTBOUND", "TARGET", "Remote: outbound to 198.51.100.7:443"),
    ] {
        let service = format!(
            r#""resourceRole":"{role}","action":{{"networkConnectionAction":{{
                "connectionDirection":"{direction}","localPortDetails":{{"port":22}},
                "remotePortDetails":{{"port":443}},"remoteIpDetails":{{"ipAddressV4":"198.51.100.7"}}}}}}"#
        );
        assert_eq!(actor(&read("", &service)), said);
    }
}

#[test]
fn the_label_says_what_the_actor_is() {
    for (service, said) in [
        (r#""action":{"dnsRequestAction":{"domain":"evil.example"}}"#, "Domain: evil.example"),
        (r#""malwareScanDetails":{"threats":[{"name":"EICAR"}]}"#, "Malware: EICAR"),
        (r#""runtimeDetails":{"process":{"executablePath":"/tmp/x"}}"#, "Process: /tmp/x"),
        (r#""action":{"awsApiCallAction":{"api":"GetUser"}}"#, "Caller: calling GetUser"),
        (
            r#""action":{"rdsLoginAttemptAction":{"remoteIpDetails":{"ipAddressV4":"198.51.100.7"}}}"#,
            "Remote: 198.51.100.7",
        ),
        (
            r#""evidence":{"threatIntelligenceDetails":[{"threatListName":"Intel"}]}"#,
            "Actor: on threat list Intel",
        ),
    ] {
        assert_eq!(actor(&read("", service)), said);
    }
}

/// Every field that a fact, the resource, the actor or a tag is made of.
const FULL: (&str, &str) = (
    r#""resourceType":"AccessKey","accessKeyDetails":{"accessKeyId":E,"principalId":E,"userType":E,
        "userName":E},"instanceDetails":{"instanceId":E,"instanceType":E,"imageId":E,
        "iamInstanceProfile":{"arn":E},"tags":[{"key":E,"value":E},{"key":"Name","value":E}],
        "networkInterfaces":[{"vpcId":E,"subnetId":E,"publicIp":E,
            "securityGroups":[{"groupId":E,"groupName":E}]}]}"#,
    r#""resourceRole":E,"action":{"awsApiCallAction":{"api":E,"serviceName":E,"userAgent":E,
        "errorCode":E,"remoteAccountDetails":{"accountId":E,"affiliated":false},
        "remoteIpDetails":{"ipAddressV4":E},"affectedResources":{"AWS::S3::Bucket":E}},
        "portProbeAction":{"portProbeDetails":[{"localPortDetails":{"port":E,"portName":E},
            "remoteIpDetails":{"ipAddressV4":E}}]}},
    "additionalInfo":{"userAgent":{"fullUserAgent":E},"anomalies":{"anomalousAPIs":E},
        "unusualBehavior":{"unusualASNsAccountProfiling":E,"unusualAPIsUserIdentityProfiling":E},
        "profiledBehavior":{"frequentProfiledAPIsUserIdentityProfiling":E},
        "apiCalls":[{"name":E,"count":7}],"portsScannedSample":[E,E]}"#,
);

const SEQUENCE: &str = r#""detection":{"sequence":{
    "actors":[{"user":{"name":E,"type":E,"credentialUid":E},"session":{"issuer":E,"mfaStatus":E}},
        {"process":{"path":E,"sha256":E}},{"id":E}],
    "endpoints":[{"ip":E,"domain":E,"port":E,"connection":{"direction":"OUTBOUND"},
        "location":{"city":E,"country":E},"autonomousSystem":{"name":E,"number":E}}],
    "resources":[{"uid":E,"name":E,"resourceType":E,"tags":[{"key":"Name","value":E}]},
        {"uid":E,"resourceType":"ACCESS_KEY","data":{"accessKey":{"userName":E,"userType":E}}},
        {"uid":E,"resourceType":"KUBERNETES_WORKLOAD",
            "data":{"kubernetesWorkload":{"namespace":E,"type":E}}},
        {"uid":E,"resourceType":"CONTAINER","data":{"container":{"image":E}}}],
    "signals":[{"type":E,"name":E,"count":2},{"type":"FINDING","name":E}],
    "sequenceIndicators":[{"key":E,"values":[E,E]},{"key":"ATTACK_TACTIC","values":[E]},
        {"key":"ATTACK_TECHNIQUE","values":[E]},{"key":"TOR_IP","values":[E]}]}}"#;

#[test]
fn hostile_text_in_any_field_is_clean_and_bounded() {
    let evil = "<!channel> *x* \u{202e} <http://evil|x>\u{1b}\n";
    for evil in [evil.to_owned(), evil.repeat(20), evil.repeat(200), "é".repeat(5_000)] {
        let evil = serde_json::to_string(&evil).unwrap();
        let fill = |raw: &str| {
            raw.replace(":E", &[":", &evil].concat())
                .replace("[E", &["[", &evil].concat())
                .replace(",E]", &[",", &evil, "]"].concat())
        };
        check(&read(&fill(FULL.0), &fill(FULL.1)));
        check(&read(r#""resourceType":"AttackSequence""#, &fill(SEQUENCE)));
    }
    // A megabyte in one field: the message has room for no more.
    let long = format!("\"{}\"", "<!channel> ".repeat(80_000));
    let (before, after) = SEQUENCE.split_once("\"name\":E,\"count\"").unwrap();
    let one = [before, "\"name\":", &long, ",\"count\"", after].concat();
    check(&read(
        "",
        &one.replace(":E", ":\"e\"").replace("[E", "[\"e\"").replace(",E]", ",\"e\"]"),
    ));
}

fn check(finding: &Finding) {
    assert!(finding.resource.is_some() && finding.actor.is_some());
    assert!(finding.facts.len() >= 3 && finding.facts.len() <= Fact::MAX, "{:?}", facts(finding));
    let all = finding.facts.iter().chain(&finding.actor).map(|fact| &fact.text);
    let tags = finding.tags.iter().flat_map(|(key, value)| [key, value]);
    for text in all.chain(&finding.resource).chain(tags) {
        assert!(text.as_str().chars().count() <= 300, "{text}");
        assert!(!text.as_str().chars().any(|c| c.is_control() || c == '\u{202e}'), "{text}");
    }
    assert!(finding.tags.len() <= 50);
}
