//! The kinds of findings: those at or above the threshold, and those below it.

use super::parts::*;

/// Type, title, severity, and the parts for resource and service.
pub type Kind = (&'static str, &'static str, f64, &'static str, &'static str);

pub const SSH_BRUTE_FORCE: Kind = (
    "UnauthorizedAccess:EC2/SSHBruteForce",
    "SSH brute force attacks were observed against an EC2 instance.",
    5.0,
    INSTANCE,
    CONNECTION,
);
pub const COMPROMISED_CREDENTIALS: Kind = (
    "AttackSequence:IAM/CompromisedCredentials",
    "Potential credential compromise of an IAM user indicated by a sequence of actions.",
    9.3,
    SEQUENCE,
    SIGNALS,
);

pub const ALERTS: [Kind; 12] = [
    (
        "CryptoCurrency:EC2/BitcoinTool.B!DNS",
        "EC2 instance is querying a domain name that is associated with Bitcoin-related activity.",
        8.0,
        INSTANCE,
        DNS,
    ),
    (
        "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        "Credentials created for an EC2 instance role are being used from an external IP address.",
        8.0,
        ACCESS_KEY,
        API_CALL,
    ),
    (
        "Discovery:S3/MaliciousIPCaller",
        "An API used to discover resources was invoked from a known malicious IP address.",
        7.0,
        BUCKET,
        API_CALL,
    ),
    SSH_BRUTE_FORCE,
    (
        "Persistence:IAMUser/AnomalousBehavior",
        "APIs commonly used in persistence tactics were invoked in an anomalous way.",
        5.0,
        ACCESS_KEY,
        API_CALL,
    ),
    (
        "PrivilegeEscalation:Kubernetes/PrivilegedContainer",
        "A privileged container with root level access was launched on an EKS cluster.",
        5.0,
        CLUSTER,
        KUBERNETES,
    ),
    (
        "CredentialAccess:RDS/AnomalousBehavior.SuccessfulLogin",
        "A user successfully logged into an RDS database in an anomalous way.",
        8.0,
        DATABASE,
        LOGIN,
    ),
    (
        "Backdoor:Lambda/C&CActivity.B",
        "A Lambda function is communicating with a command and control server.",
        8.0,
        FUNCTION,
        CONNECTION,
    ),
    (
        "Execution:Runtime/NewBinaryExecuted",
        "A container has executed a newly created binary file.",
        5.0,
        CONTAINER,
        PROCESS,
    ),
    COMPROMISED_CREDENTIALS,
    (
        "Execution:EC2/MaliciousFile",
        "A malicious file was detected on an EC2 instance.",
        8.0,
        SCANNED_INSTANCE,
        VOLUME_SCAN,
    ),
    (
        "Object:S3/MaliciousFile",
        "A malicious S3 object was detected in a protected bucket.",
        8.0,
        OBJECT,
        OBJECT_SCAN,
    ),
];

pub const NOISE: [Kind; 8] = [
    (
        "Recon:EC2/PortProbeUnprotectedPort",
        "Unprotected port on an EC2 instance is being probed.",
        2.0,
        INSTANCE,
        PROBE,
    ),
    (
        "Policy:S3/BucketBlockPublicAccessDisabled",
        "Block public access was disabled for an S3 bucket.",
        2.0,
        BUCKET,
        API_CALL,
    ),
    (
        "Policy:IAMUser/RootCredentialUsage",
        "An API was invoked using root credentials.",
        1.5,
        ACCESS_KEY,
        API_CALL,
    ),
    (
        "CredentialAccess:RDS/AnomalousBehavior.FailedLogin",
        "One or more unusual failed login attempts were observed on an RDS database.",
        2.0,
        DATABASE,
        LOGIN,
    ),
    (
        "Discovery:Runtime/SuspiciousCommand",
        "A suspicious command was executed in a container.",
        2.0,
        CONTAINER,
        PROCESS,
    ),
    (
        "Discovery:Kubernetes/AnomalousBehavior.PermissionChecked",
        "A Kubernetes API commonly used to check permissions was invoked in an anomalous way.",
        2.0,
        CLUSTER,
        KUBERNETES,
    ),
    (
        "Discovery:IAMUser/AnomalousBehavior",
        "APIs commonly used in discovery tactics were invoked in an anomalous way.",
        2.0,
        ACCESS_KEY,
        API_CALL,
    ),
    (
        "Discovery:S3/AnomalousBehavior",
        "An API commonly used to discover S3 objects was invoked in an anomalous way.",
        2.0,
        BUCKET,
        API_CALL,
    ),
];
