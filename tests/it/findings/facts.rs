//! The facts that whole findings give, beside resource and actor.

use std::path::PathBuf;

use hansho::finding::parse;

/// A fixture, its resource, and its facts as `Label: text`.
const EXPECTED: &[(&str, &str, &[&str])] = &[
    (
        "kubernetes-exec",
        "EKS cluster payments, pods kube-system/coredns-1",
        &[
            "Command: /bin/sh",
            "Call: HTTP 101 (succeeded), kubectl/v1.33",
            "User: groups system:masters",
        ],
    ),
    (
        "runtime-binary",
        "ECS cluster prod (task definition manufacturer-api:7, task 0123, image \
         registry.example.com/api:41)",
        &[
            "Modified by: /usr/bin/wget",
            "Parents: /bin/sh",
            "SHA-256: abababababababababababababababababababababababababababababababab",
        ],
    ),
    (
        "volume-malware",
        "EC2 instance i-0a1b2c3d (web-1), EBS volume vol-0aa",
        &[
            "File: /var/www/up/shell.php (hash \
             3395856ce81f2b7382dee72602f798b642f14140aefb6a5e2ee5a2b1e3a4f0c1, vol-0aa), \
             /tmp/.x/xmr (hash \
             275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f, vol-0aa) +1 more",
            "Scan: 3 of 120312 files infected, agentless, started by GuardDuty, \
             after finding 0ac1f0e2, found by Bitdefender",
        ],
    ),
    (
        "s3-object-malware",
        "S3 bucket uploads (object in/invoice.zip, not public)",
        &[
            "File: invoice.exe (hash \
             275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f)",
            "Scan: found by Amazon",
            "Object: hash 3395856ce81f2b7382dee72602f798b642f14140aefb6a5e2ee5a2b1e3a4f0c1, \
             version v7",
        ],
    ),
    (
        "kubernetes-privileged",
        "EKS cluster payments, deployments shop/miner (image evil/miner:1)",
        &[
            "Call: HTTP 201 (succeeded), kubectl/v1.33",
            "User: groups system:masters, system:authenticated, session deploy",
            "Credential: AssumedRole deploy (access key ASIAIOSFODNN7EXAMPLE)",
            "Workload: privileged, hostPath /, host PID, service account ci",
        ],
    ),
];

#[test]
fn findings_give_their_facts() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/message");
    for (name, resource, facts) in EXPECTED {
        let body = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let finding = parse(&body).findings.into_iter().next().unwrap();
        assert_eq!(finding.resource.unwrap().as_str(), *resource, "{name}");
        let found = finding.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.text));
        assert_eq!(found.collect::<Vec<_>>(), *facts, "{name}");
    }
}
