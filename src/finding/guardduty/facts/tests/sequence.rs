//! Attack sequences: resources, actors, remotes, signals.

use super::account::{actor, facts, read, resource};
use crate::finding::Finding;

fn sequence(parts: &str) -> Finding {
    let service = format!(r#""detection":{{"sequence":{{{parts}}}}}"#);
    read(r#""resourceType":"AttackSequence""#, &service)
}

// Resources of sequences.
const INSTANCE: &str = r#"{"uid":"arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b","name":"web-1",
    "resourceType":"EC2_INSTANCE","tags":[{"key":"Name","value":"web-1"}],
    "data":{"ec2Instance":{"instanceType":"t3.micro"}}}"#;
const INTERFACE: &str = r#"{"uid":"eni-0a","resourceType":"EC2_NETWORK_INTERFACE",
    "data":{"ec2NetworkInterface":{"publicIp":"198.51.100.1","vpcId":"vpc-0aa",
        "privateIpAddresses":[{"privateIpAddress":"10.0.0.5"}]}}}"#;
const GROUP: &str = r#"{"uid":"arn:aws:autoscaling:r:1:autoScalingGroup:x:autoScalingGroupName/web",
    "name":"web","resourceType":"AUTOSCALING_AUTO_SCALING_GROUP"}"#;
const TASK: &str = r#"{"uid":"arn:aws:ecs:eu-west-1:111122223333:task/shop/0a1b",
    "resourceType":"ECS_TASK","data":{"ecsTask":{
        "taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/manufacturer-api:7"}}}"#;
const ECS: &str =
    r#"{"uid":"arn:aws:ecs:r:1:cluster/shop","name":"shop","resourceType":"ECS_CLUSTER"}"#;
const CONTAINER: &str = r#"{"uid":"c1","name":"cart","resourceType":"CONTAINER",
    "data":{"container":{"image":"shop/cart:1"}}}"#;
const EKS: &str =
    r#"{"uid":"arn:aws:eks:r:1:cluster/prod","name":"prod","resourceType":"EKS_CLUSTER"}"#;
const PODS: &str = r#"{"uid":"u","name":"miner","resourceType":"KUBERNETES_WORKLOAD",
    "data":{"kubernetesWorkload":{"namespace":"kube-system","type":"PODS"}}}"#;
const KEY: &str = r#"{"uid":"AKIAEXAMPLE","name":"AKIAEXAMPLE","resourceType":"ACCESS_KEY",
    "data":{"accessKey":{"userName":"deploy","userType":"IAMUser","principalId":"AIDA"}}}"#;
const ROLE_KEY: &str = r#"{"uid":"ASIAEXAMPLE","name":"ASIAEXAMPLE","resourceType":"ACCESS_KEY",
    "data":{"accessKey":{"userName":"Admin","userType":"AssumedRole","principalId":"AROA:alice"}}}"#;
const CLUSTER_USER: &str = r#"{"uid":"u","name":"null","resourceType":"ACCESS_KEY",
    "data":{"accessKey":{"userName":"kubernetes-admin","userType":"KubernetesUser"}}}"#;
const BUCKET: &str = r#"{"uid":"arn:aws:s3:::invoices","name":"invoices","resourceType":"S3_BUCKET",
    "data":{"s3Bucket":{"effectivePermission":"PUBLIC"}}}"#;
const OBJECT: &str =
    r#"{"uid":"arn:aws:s3:::invoices/a.pdf","name":"a.pdf","resourceType":"S3_OBJECT"}"#;

#[test]
fn a_sequence_names_its_resources_whatever_they_are() {
    for (resources, said) in [
        (
            vec![INTERFACE, INSTANCE],
            "EC2 instance i-0a1b (web-1, t3.micro), \
             EC2 network interface eni-0a (10.0.0.5, 198.51.100.1, vpc-0aa)",
        ),
        (vec![GROUP, INSTANCE], "EC2 instance i-0a1b (web-1, t3.micro), Auto Scaling group web"),
        (
            vec![ECS, TASK, CONTAINER],
            "ECS cluster shop, ECS task 0a1b (task definition manufacturer-api:7), \
             container cart (image shop/cart:1)",
        ),
        (vec![EKS, PODS], "EKS cluster prod, pod kube-system/miner"),
        (vec![KEY], "IAMUser deploy (access key AKIAEXAMPLE)"),
        (vec![ROLE_KEY], "AssumedRole Admin (session alice, access key ASIAEXAMPLE)"),
        (vec![CLUSTER_USER], "Kubernetes user kubernetes-admin (access key u)"),
        (
            vec![KEY, OBJECT, BUCKET],
            "S3 bucket invoices (public), IAMUser deploy (access key AKIAEXAMPLE), S3 object a.pdf",
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
fn the_credentials_of_an_actor_are_said_once() {
    let user = r#""name":"Admin","type":"AssumedRole","credentialUid":"ASIAEXAMPLE""#;
    let said = "Actor: AssumedRole Admin (session alice, credential ASIAEXAMPLE, no MFA)";
    let other = "S3 bucket invoices (public), IAMUser deploy (access key AKIAEXAMPLE)";
    let alone = "AssumedRole Admin (session alice, access key ASIAEXAMPLE)";
    for (uid, resources, resource_said) in [
        (r#","uid":"AROA:alice""#, vec![ROLE_KEY, KEY, BUCKET], other),
        ("", vec![ROLE_KEY, BUCKET, KEY], other),
        ("", vec![ROLE_KEY], alone),
        (r#","uid":"AROA:alice""#, vec![], ""),
    ] {
        let finding = sequence(&format!(
            r#""actors":[{{"user":{{{user}{uid}}},"session":{{"mfaStatus":"DISABLED"}}}}],
                "resources":[{}]"#,
            resources.join(",")
        ));
        assert_eq!((actor(&finding).as_str(), resource(&finding)), (said, resource_said), "{uid}");
    }
}

#[test]
fn a_sequence_gives_the_tags_of_its_first_resource() {
    let tags = |resources: &[&str]| {
        let finding = sequence(&format!(r#""resources":[{}]"#, resources.join(",")));
        finding.tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(tags(&[KEY, EKS, INSTANCE]), ["Name=web-1"]);
    assert_eq!(tags(&[KEY]), [] as [&str; 0]);
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
    let (address, name) = (r#"{"ip":"198.51.100.9"}"#, r#"{"domain":"c2.example"}"#);
    let by_user = "IAMUser deploy (credential AKIAEXAMPLE, no MFA)";
    let by_process = "process /tmp/xmr (SHA-256 abab)";
    let to_pool = "Remote: outbound to 198.51.100.8:3333 (pool.example)";
    for (actors, endpoints, source, remote) in [
        (user, vec![inbound], [by_user, " from 198.51.100.7"].concat(), ""),
        (user, vec![address], [by_user, " from 198.51.100.9"].concat(), ""),
        (user, vec![outbound, inbound], [by_user, " from 198.51.100.7"].concat(), to_pool),
        (role, vec![], "AssumedRole bob (role Admin)".to_owned(), ""),
        (process, vec![outbound], by_process.to_owned(), to_pool),
        (process, vec![inbound], [by_process, " from 198.51.100.7"].concat(), ""),
        (
            process,
            vec![outbound, name, address],
            by_process.to_owned(),
            "Remote: outbound to 198.51.100.8:3333 (pool.example), connection with 198.51.100.9, \
             domain c2.example",
        ),
        (
            process,
            vec![outbound; 5],
            by_process.to_owned(),
            "Remote: outbound to 198.51.100.8:3333 (pool.example), \
             198.51.100.8:3333 (pool.example), 198.51.100.8:3333 (pool.example) +2 more",
        ),
    ] {
        let endpoints = endpoints.join(",");
        let finding = sequence(&format!(r#""actors":[{actors}],"endpoints":[{endpoints}]"#));
        assert_eq!(actor(&finding), format!("Actor: {source}"), "{endpoints}");
        assert_eq!(facts(&finding).concat(), remote, "{endpoints}");
    }
}
