//! A night's worth of findings, made from a seed: the same seed makes the same night.
//!
//! The events are written for this project after GuardDuty's documented format. Addresses, accounts
//! and names are from the ranges kept for documentation.

use serde_json::{Value, json};

use crate::instants::Wall;

/// What a message of the night is there to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Below the threshold.
    Noise,
    /// At or above it, for the first time.
    Alert,
    /// The same event once more.
    Repeat,
    /// The same finding, changed, at the same level.
    Update,
    /// The same finding at a higher level.
    Escalation,
    /// Nothing that can be read.
    Malformed,
}

/// One message of the night.
#[derive(Clone, Debug)]
pub struct Event {
    pub role: Role,
    /// The finding's id; empty for what is malformed.
    pub finding: String,
    pub body: String,
}

/// The kinds of findings: type, title, severity, resource, action.
type Kind = (&'static str, &'static str, f64, fn(&mut Night) -> Value, fn(&mut Night) -> Value);

const SSH_BRUTE_FORCE: Kind = (
    "UnauthorizedAccess:EC2/SSHBruteForce",
    "SSH brute force attacks were observed against an EC2 instance.",
    5.0,
    instance,
    connection,
);
const COMPROMISED_CREDENTIALS: Kind = (
    "AttackSequence:IAM/CompromisedCredentials",
    "Potential credential compromise of an IAM user indicated by a sequence of actions.",
    9.3,
    sequence,
    no_action,
);

const ALERTS: [Kind; 10] = [
    (
        "CryptoCurrency:EC2/BitcoinTool.B!DNS",
        "EC2 instance is querying a domain name that is associated with Bitcoin-related activity.",
        8.0,
        instance,
        dns,
    ),
    (
        "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        "Credentials created for an EC2 instance role are being used from an external IP address.",
        8.0,
        access_key,
        api_call,
    ),
    (
        "Discovery:S3/MaliciousIPCaller",
        "An API used to discover resources was invoked from a known malicious IP address.",
        7.0,
        bucket,
        api_call,
    ),
    SSH_BRUTE_FORCE,
    (
        "Persistence:IAMUser/AnomalousBehavior",
        "APIs commonly used in persistence tactics were invoked in an anomalous way.",
        5.0,
        access_key,
        api_call,
    ),
    (
        "PrivilegeEscalation:Kubernetes/PrivilegedContainer",
        "A privileged container with root level access was launched on an EKS cluster.",
        5.0,
        cluster,
        kubernetes,
    ),
    (
        "CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin",
        "A user successfully logged into an RDS database in an anomalous way.",
        8.0,
        database,
        login,
    ),
    (
        "Backdoor:Lambda/C&CActivity.B",
        "A Lambda function is communicating with a command and control server.",
        8.0,
        function,
        connection,
    ),
    (
        "Execution:Runtime/NewBinaryExecuted",
        "A container has executed a newly created binary file.",
        5.0,
        container,
        process,
    ),
    COMPROMISED_CREDENTIALS,
];

/// Most of a storm is one kind of finding, from one account: a host that is attacked, or attacks.
const STORM_KIND: Kind = SSH_BRUTE_FORCE;
const STORM_ACCOUNT: &str = ACCOUNTS[3];
const STORM_REGION: &str = REGIONS[1];
/// Of so many alerts of a storm one is of another kind.
const STORM_OTHERS: usize = 3;

const NOISE: [Kind; 3] = [
    (
        "Recon:EC2/PortProbeUnprotectedPort",
        "Unprotected port on an EC2 instance is being probed.",
        2.0,
        instance,
        probe,
    ),
    (
        "Policy:S3/BucketBlockPublicAccessDisabled",
        "Block public access was disabled for an S3 bucket.",
        2.0,
        bucket,
        api_call,
    ),
    (
        "Policy:IAMUser/RootCredentialUsage",
        "An API was invoked using root credentials.",
        1.5,
        access_key,
        api_call,
    ),
];

/// GuardDuty's bound.
const CRITICAL_FROM: f64 = 9.0;

const ACCOUNTS: [&str; 5] =
    ["111122223333", "222233334444", "333344445555", "444455556666", "555566667777"];
const REGIONS: [&str; 4] = ["eu-central-1", "us-east-1", "us-west-2", "ap-northeast-1"];

impl Event {
    pub fn is_critical(&self) -> bool {
        severity(&self.body) >= CRITICAL_FROM
    }
}

/// Makes findings.
pub struct Night {
    random: fastrand::Rng,
    began: Wall,
}

/// How many messages of each role there are.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    pub noise: usize,
    pub alerts: usize,
    pub repeats: usize,
    pub updates: usize,
    pub malformed: usize,
}

impl Night {
    pub fn new(seed: u64, began: Wall) -> Night {
        Night { random: fastrand::Rng::with_seed(seed), began }
    }

    /// The messages in their order of arrival. What follows a finding comes after it.
    pub fn events(&mut self, mix: Mix) -> Vec<Event> {
        self.mixed(mix, |night, i| night.finding(Role::Alert, &ALERTS[i % ALERTS.len()]))
    }

    /// The same for a storm: mostly one thing, and nothing critical.
    pub fn storm(&mut self, mix: Mix) -> Vec<Event> {
        let lesser: Vec<&Kind> = ALERTS.iter().filter(|kind| kind.2 < CRITICAL_FROM).collect();
        self.mixed(mix, |night, i| match i % STORM_OTHERS {
            0 => night.finding(Role::Alert, lesser[i / STORM_OTHERS % lesser.len()]),
            _ => night.finding_in(Role::Alert, &STORM_KIND, STORM_ACCOUNT, STORM_REGION),
        })
    }

    /// What nobody must have to wait for.
    pub fn criticals(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.finding(Role::Alert, &COMPROMISED_CREDENTIALS)).collect()
    }

    fn mixed(&mut self, mix: Mix, mut alert: impl FnMut(&mut Night, usize) -> Event) -> Vec<Event> {
        let mut events = Vec::new();
        for i in 0..mix.noise {
            events.push(self.finding(Role::Noise, &NOISE[i % NOISE.len()]));
        }
        for i in 0..mix.alerts {
            events.push(alert(self, i));
        }
        self.random.shuffle(&mut events);
        let alerts: Vec<Event> = events.iter().filter(|e| e.role == Role::Alert).cloned().collect();
        for i in 0..mix.repeats {
            let of = &alerts[i % alerts.len()];
            events.push(Event { role: Role::Repeat, ..of.clone() });
        }
        for i in 0..mix.updates {
            events.push(self.changed(Role::Update, &alerts[(i + 3) % alerts.len()], None));
        }
        for i in 0..mix.malformed {
            let body =
                format!("{{\"version\":\"0\",\"detail-type\":\"GuardDuty Finding\",\"id\":{i},");
            events.push(Event { role: Role::Malformed, finding: String::new(), body });
        }
        events
    }

    /// The same finding at a higher level, if it was a medium one.
    pub fn escalate(&mut self, of: &Event) -> Option<Event> {
        let medium = (4.0..7.0).contains(&severity(&of.body));
        medium.then(|| self.changed(Role::Escalation, of, Some(8.5)))
    }

    fn finding(&mut self, role: Role, kind: &Kind) -> Event {
        let account = *self.choose(&ACCOUNTS);
        let region = *self.choose(&REGIONS);
        self.finding_in(role, kind, account, region)
    }

    fn finding_in(&mut self, role: Role, kind: &Kind, account: &str, region: &str) -> Event {
        let (kind, title, severity, resource, action) = *kind;
        let id: String = (0..32).map(|_| self.random.digit(16)).collect();
        let seen = Wall(self.began.0 - self.random.i64(60_000..3_600_000)).to_rfc3339();
        let count = self.random.u32(1..40);
        let resource = resource(self);
        let mut service = json!({
            "serviceName": "guardduty", "detectorId": "12abc34d567e8fa901bc2d34e56789f0",
            "eventFirstSeen": seen, "eventLastSeen": self.began.to_rfc3339(),
            "archived": false, "count": count, "resourceRole": "TARGET",
            "additionalInfo": {"value": "{}", "type": "default"},
        });
        let action = action(self);
        if let (Some(service), Value::Object(action)) = (service.as_object_mut(), action) {
            service.extend(action);
        }
        let arn = format!(
            "arn:aws:guardduty:{region}:{account}:detector/12abc34d567e8fa901bc2d34e56789f0/finding/{id}"
        );
        let event = json!({
            "version": "0", "id": format!("e-{id}"), "detail-type": "GuardDuty Finding",
            "source": "aws.guardduty", "account": account, "region": region,
            "time": self.began.to_rfc3339(), "resources": [],
            "detail": {
                "schemaVersion": "2.0", "accountId": account, "region": region,
                "partition": "aws", "id": id, "arn": arn, "type": kind, "title": title,
                "description": format!("{title} Seen {count} times from account {account}."),
                "severity": severity, "createdAt": seen, "updatedAt": self.began.to_rfc3339(),
                "resource": resource, "service": service,
            },
        });
        Event { role, finding: id, body: event.to_string() }
    }

    /// A later version of the same finding.
    fn changed(&mut self, role: Role, of: &Event, severity: Option<f64>) -> Event {
        let mut event: Value = serde_json::from_str(&of.body).unwrap_or_default();
        let later = Wall(self.began.0 + 900_000).to_rfc3339();
        event["detail"]["updatedAt"] = json!(later);
        event["detail"]["service"]["eventLastSeen"] = json!(later);
        event["detail"]["service"]["count"] = json!(self.random.u32(40..90));
        if let Some(severity) = severity {
            event["detail"]["severity"] = json!(severity);
        }
        Event { role, finding: of.finding.clone(), body: event.to_string() }
    }

    fn choose<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.random.usize(0..all.len())]
    }

    fn remote(&mut self) -> Value {
        let (country, organisation) = *self.choose(&[
            ("Netherlands", "Example Hosting BV"),
            ("Brazil", "Exemplo Telecom"),
            ("Vietnam", "Vi Du Networks"),
            ("United States", "Example Transit Inc."),
        ]);
        json!({
            "ipAddressV4": format!("198.51.100.{}", self.random.u8(1..255)),
            "country": {"countryName": country}, "city": {"cityName": ""},
            "organization": {"asn": "64496", "asnOrg": organisation, "isp": organisation, "org": organisation},
        })
    }
}

fn severity(body: &str) -> f64 {
    serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|event| event["detail"]["severity"].as_f64())
        .unwrap_or_default()
}

fn instance(n: &mut Night) -> Value {
    let name = *n.choose(&["web-1", "web-2", "build-runner", "bastion", "reports"]);
    json!({"resourceType": "Instance", "instanceDetails": {
        "instanceId": format!("i-0{:016x}", n.random.u64(..)), "instanceType": "t3.large",
        "tags": [{"key": "Name", "value": name}],
        "networkInterfaces": [{"privateIpAddress": "10.0.12.7", "publicIp": "203.0.113.25", "vpcId": "vpc-0a1b2c3d"}],
    }})
}

fn access_key(n: &mut Night) -> Value {
    let user = *n.choose(&["deploy", "ci-runner", "alice", "backup-job"]);
    json!({"resourceType": "AccessKey", "accessKeyDetails": {
        "accessKeyId": "ASIAEXAMPLEEXAMPLE00", "principalId": "AIDAEXAMPLE", "userType": "IAMUser",
        "userName": user,
    }})
}

fn bucket(n: &mut Night) -> Value {
    let name = *n.choose(&["acme-invoices", "acme-logs-eu", "acme-public-site"]);
    json!({"resourceType": "S3Bucket", "s3BucketDetails": [{"name": name, "arn": format!("arn:aws:s3:::{name}"), "type": "Destination"}]})
}

fn cluster(_: &mut Night) -> Value {
    json!({"resourceType": "EKSCluster",
        "eksClusterDetails": {"name": "payments", "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/payments"},
        "kubernetesDetails": {"kubernetesUserDetails": {"username": "system:serviceaccount:dev:builder"},
            "kubernetesWorkloadDetails": {"name": "debug-shell", "type": "pods", "namespace": "dev"}}})
}

fn database(_: &mut Night) -> Value {
    json!({"resourceType": "RDSDBInstance",
        "rdsDbInstanceDetails": {"dbInstanceIdentifier": "orders-1", "engine": "Aurora PostgreSQL", "dbClusterIdentifier": "orders"},
        "rdsDbUserDetails": {"user": "reporting", "application": "psql", "database": "orders"}})
}

fn function(_: &mut Night) -> Value {
    json!({"resourceType": "Lambda", "lambdaDetails": {"functionName": "thumbnailer",
        "functionArn": "arn:aws:lambda:us-east-1:222233334444:function:thumbnailer"}})
}

fn container(_: &mut Night) -> Value {
    json!({"resourceType": "ECSCluster", "ecsClusterDetails": {"name": "shop",
        "arn": "arn:aws:ecs:us-east-1:222233334444:cluster/shop",
        "taskDetails": {"arn": "arn:aws:ecs:us-east-1:222233334444:task/shop/0f1e2d", "containers": [{"name": "cart", "image": "registry.example.com/cart:41"}]}}})
}

fn sequence(_: &mut Night) -> Value {
    json!({"resourceType": "AttackSequence"})
}

fn dns(_: &mut Night) -> Value {
    json!({"action": {"actionType": "DNS_REQUEST", "dnsRequestAction": {"domain": "pool.coin.example.net", "protocol": "UDP", "blocked": false}}})
}

fn api_call(n: &mut Night) -> Value {
    let api =
        *n.choose(&["ListBuckets", "GetCallerIdentity", "CreateAccessKey", "PutBucketPolicy"]);
    json!({"action": {"actionType": "AWS_API_CALL", "awsApiCallAction": {"api": api, "serviceName": "iam.amazonaws.com", "callerType": "Remote IP", "remoteIpDetails": n.remote()}}})
}

fn connection(n: &mut Night) -> Value {
    json!({"action": {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": {
        "connectionDirection": "INBOUND", "protocol": "TCP", "blocked": false,
        "localPortDetails": {"port": 22, "portName": "SSH"}, "remotePortDetails": {"port": 51022, "portName": "Unknown"},
        "remoteIpDetails": n.remote()}}})
}

fn probe(n: &mut Night) -> Value {
    json!({"action": {"actionType": "PORT_PROBE", "portProbeAction": {"blocked": false, "portProbeDetails": [
        {"localPortDetails": {"port": 9200, "portName": "Unknown"}, "remoteIpDetails": n.remote()}]}}})
}

fn kubernetes(n: &mut Night) -> Value {
    json!({"action": {"actionType": "KUBERNETES_API_CALL", "kubernetesApiCallAction": {
        "requestUri": "/api/v1/namespaces/dev/pods", "verb": "create", "statusCode": 201,
        "sourceIps": ["198.51.100.9"], "remoteIpDetails": n.remote()}}})
}

fn login(n: &mut Night) -> Value {
    json!({"action": {"actionType": "RDS_LOGIN_ATTEMPT", "rdsLoginAttemptAction": {"remoteIpDetails": n.remote(),
        "loginAttributes": [{"user": "reporting", "application": "psql", "successfulLoginAttempts": 1, "failedLoginAttempts": 0}]}}})
}

fn process(_: &mut Night) -> Value {
    json!({"runtimeDetails": {"process": {"name": "xmrig", "executablePath": "/tmp/.x/xmrig", "user": "www-data", "pid": 4211}}})
}

fn no_action(_: &mut Night) -> Value {
    json!({"detection": {"sequence": {
        "uid": "seq-1", "description": "A sequence of actions involving 6 signals indicates a potential credential compromise of the IAM user deploy.",
        "actors": [{"id": "a-1", "user": {"name": "deploy", "uid": "AIDAEXAMPLE", "type": "IAMUser"}}],
        "resources": [{"uid": "r-1", "name": "ASIAEXAMPLEEXAMPLE00", "resourceType": "ACCESS_KEY"}],
        "signals": [{"uid": "s-1", "type": "FINDING", "name": "UnauthorizedAccess:IAMUser/TorIPCaller", "count": 3}]}}})
}
