//! The parts of the generated findings, as long and as deep as GuardDuty's own, with the keys in
//! its order. A word after `$` is replaced for each finding: see `WORDS` in the parent module.
//!
//! Source for the shapes: GuardDuty API reference, `Finding`, `Resource` and `Service`.

pub const INSTANCE: &str = r#"{
    "resourceType":"Instance",
    "instanceDetails":{
        "instanceId":"i-0$hex16","instanceType":"t3.large","outpostArn":null,
        "launchTime":"$earlier","platform":null,"productCodes":[],
        "iamInstanceProfile":{"arn":"arn:aws:iam::$account:instance-profile/$host-profile","id":"AIPA$upper16"},
        "networkInterfaces":[{
            "ipv6Addresses":[],"networkInterfaceId":"eni-0$hex16",
            "privateDnsName":"ip-10-0-12-$byte.$region.compute.internal","privateIpAddress":"10.0.12.$byte",
            "privateIpAddresses":[{
                "privateDnsName":"ip-10-0-12-$byte.$region.compute.internal","privateIpAddress":"10.0.12.$byte"}],
            "subnetId":"subnet-0$hex16","vpcId":"vpc-0$hex16",
            "securityGroups":[
                {"groupName":"$host-inbound","groupId":"sg-0$hex16"},
                {"groupName":"monitoring","groupId":"sg-0$hex16"}],
            "publicDnsName":"ec2-203-0-113-$byte.$region.compute.example.com","publicIp":"203.0.113.$byte"}],
        "tags":[{"key":"Name","value":"$host"},$tags],
        "instanceState":"running","availabilityZone":"$regiona","imageId":"ami-0$hex16",
        "imageDescription":"Base image of the platform team, hardened, kernel 6.1, x86_64 HVM gp3"}}"#;

pub const SCANNED_INSTANCE: &str = r#"{
    "resourceType":"Instance",
    "instanceDetails":{
        "instanceId":"i-0$hex16","instanceType":"m6i.xlarge","outpostArn":null,"launchTime":"$earlier",
        "platform":null,"productCodes":[],
        "iamInstanceProfile":{"arn":"arn:aws:iam::$account:instance-profile/$host-profile","id":"AIPA$upper16"},
        "networkInterfaces":[{
            "ipv6Addresses":[],"networkInterfaceId":"eni-0$hex16",
            "privateDnsName":"ip-10-0-12-$byte.$region.compute.internal","privateIpAddress":"10.0.12.$byte",
            "privateIpAddresses":[{
                "privateDnsName":"ip-10-0-12-$byte.$region.compute.internal","privateIpAddress":"10.0.12.$byte"}],
            "subnetId":"subnet-0$hex16","vpcId":"vpc-0$hex16",
            "securityGroups":[{"groupName":"$host-inbound","groupId":"sg-0$hex16"}],
            "publicDnsName":"","publicIp":null}],
        "tags":[{"key":"Name","value":"$host"},$tags],
        "instanceState":"running","availabilityZone":"$regiona","imageId":"ami-0$hex16","imageDescription":"null"},
    "ebsVolumeDetails":{
        "scannedVolumeDetails":[{
            "volumeArn":"arn:aws:ec2:$region:$account:volume/vol-0$hex16","volumeType":"gp3",
            "deviceName":"/dev/xvda","volumeSizeInGB":80,"encryptionType":"CUSTOMER_MANAGED",
            "snapshotArn":"arn:aws:ec2:$region:$account:snapshot/snap-0$hex16",
            "kmsKeyArn":"arn:aws:kms:$region:$account:key/$uuid"}],
        "skippedVolumeDetails":[]}}"#;

pub const ACCESS_KEY: &str = r#"{
    "resourceType":"AccessKey",
    "accessKeyDetails":{
        "accessKeyId":"ASIA$upper16","principalId":"AIDA$upper16","userType":"IAMUser","userName":"$user"}}"#;

pub const BUCKET: &str = r#"{
    "resourceType":"S3Bucket",
    "accessKeyDetails":{
        "accessKeyId":"ASIA$upper16","principalId":"AROA$upper16:$user","userType":"AssumedRole","userName":"$user"},
    "s3BucketDetails":[$buckets]}"#;

pub const ONE_BUCKET: &str = r#"{
    "arn":"arn:aws:s3:::acme-$data-$hex4","name":"acme-$data-$hex4","defaultServerSideEncryption":{
        "encryptionType":"SSEKMS","kmsMasterKeyArn":"arn:aws:kms:$region:$account:key/$uuid"},
    "createdAt":"$earlier","tags":[$tags],"owner":{"id":"$hex64"},
    "publicAccess":{
        "permissionConfiguration":{
            "bucketLevelPermissions":{
                "accessControlList":{"allowsPublicReadAccess":false,"allowsPublicWriteAccess":false},
                "bucketPolicy":{"allowsPublicReadAccess":false,"allowsPublicWriteAccess":false},
                "blockPublicAccess":{
                    "ignorePublicAcls":true,"restrictPublicBuckets":true,"blockPublicAcls":true,"blockPublicPolicy":true}},
            "accountLevelPermissions":{
                "blockPublicAccess":{
                    "ignorePublicAcls":true,"restrictPublicBuckets":true,"blockPublicAcls":true,"blockPublicPolicy":true}}},
        "effectivePermission":"NOT_PUBLIC"},
    "type":"Destination"}"#;

pub const OBJECT: &str = r#"{
    "resourceType":"S3Object",
    "s3BucketDetails":[{
        "arn":"arn:aws:s3:::acme-uploads","name":"acme-uploads","type":"Destination","createdAt":"$earlier",
        "owner":{"id":"$hex64"},"tags":[$tags],
        "defaultServerSideEncryption":{"encryptionType":"AES256","kmsMasterKeyArn":null},
        "publicAccess":{"effectivePermission":"NOT_PUBLIC","permissionConfiguration":{
            "accountLevelPermissions":{"blockPublicAccess":{
                "ignorePublicAcls":true,"restrictPublicBuckets":true,"blockPublicAcls":true,"blockPublicPolicy":true}},
            "bucketLevelPermissions":{
                "accessControlList":{"allowsPublicReadAccess":false,"allowsPublicWriteAccess":false},
                "bucketPolicy":{"allowsPublicReadAccess":false,"allowsPublicWriteAccess":false},
                "blockPublicAccess":{
                    "ignorePublicAcls":true,"restrictPublicBuckets":true,"blockPublicAcls":true,"blockPublicPolicy":true}}}},
        "s3ObjectDetails":[{
            "objectArn":"arn:aws:s3:::acme-uploads/incoming/$uuid/invoice.pdf.exe","key":"incoming/$uuid/invoice.pdf.exe",
            "eTag":"$hex32","hash":"$hex64","versionId":"$hex32"}]}]}"#;

pub const CLUSTER: &str = r#"{
    "resourceType":"EKSCluster",
    "eksClusterDetails":{
        "name":"payments","arn":"arn:aws:eks:$region:$account:cluster/payments","createdAt":1717000000.123,
        "vpcId":"vpc-0$hex16","status":"ACTIVE","tags":[$tags]},
    "kubernetesDetails":{
        "kubernetesWorkloadDetails":{
            "name":"debug-shell-$hex8","type":"pods","uid":"$uuid","namespace":"dev","hostNetwork":false,
            "containers":[
                {"name":"shell","image":"registry.example.com/tools/shell:$n","imagePrefix":"registry.example.com",
                 "volumeMounts":[{"name":"host","mountPath":"/host"},
                    {"name":"kube-api-access-$hex4","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],
                 "securityContext":{"privileged":true,"allowPrivilegeEscalation":true}},
                {"name":"proxy","image":"registry.example.com/mesh/proxy:1.$n","imagePrefix":"registry.example.com",
                 "volumeMounts":[{"name":"certs","mountPath":"/etc/certs"}],"securityContext":{"privileged":false}}],
            "volumes":[{"name":"host","hostPath":{"path":"/"}},{"name":"certs"}],
            "serviceAccountName":"builder","hostIPC":false,"hostPID":true},
        "kubernetesUserDetails":{
            "username":"system:serviceaccount:dev:builder","uid":"$uuid",
            "groups":["system:serviceaccounts","system:serviceaccounts:dev","system:authenticated"],
            "sessionName":[],"impersonatedUser":null}},
    "accessKeyDetails":{
        "accessKeyId":"ASIA$upper16","principalId":"AROA$upper16:$user","userType":"AssumedRole","userName":"$user"}}"#;

pub const DATABASE: &str = r#"{
    "resourceType":"RDSDBInstance",
    "rdsDbInstanceDetails":{
        "dbInstanceIdentifier":"orders-$n","engine":"Aurora PostgreSQL","engineVersion":"15.4",
        "dbClusterIdentifier":"orders","dbInstanceArn":"arn:aws:rds:$region:$account:db:orders-$n",
        "dbiResourceId":"db-$upper16","tags":[$tags,$tags]},
    "rdsDbUserDetails":{
        "user":"reporting","application":"psql","database":"orders","ssl":"TLSv1.3","authMethod":"password"}}"#;

pub const FUNCTION: &str = r#"{
    "resourceType":"Lambda",
    "lambdaDetails":{
        "functionArn":"arn:aws:lambda:$region:$account:function:thumbnailer","functionName":"thumbnailer",
        "description":"Makes small pictures of large ones, for the catalogue and for the mobile site",
        "lastModifiedAt":"$earlier","revisionId":"$uuid","functionVersion":"$LATEST",
        "role":"arn:aws:iam::$account:role/service-role/thumbnailer-role-$hex8",
        "vpcConfig":{
            "subnetIds":["subnet-0$hex16","subnet-0$hex16","subnet-0$hex16"],"vpcId":"vpc-0$hex16",
            "securityGroups":[{"groupId":"sg-0$hex16","groupName":"functions-outbound"}]},
        "tags":[$tags,$tags]}}"#;

pub const CONTAINER: &str = r#"{
    "resourceType":"ECSCluster",
    "ecsClusterDetails":{
        "name":"shop","arn":"arn:aws:ecs:$region:$account:cluster/shop","status":"ACTIVE",
        "activeServicesCount":14,"registeredContainerInstancesCount":6,"runningTasksCount":41,"tags":[$tags],
        "taskDetails":{
            "arn":"arn:aws:ecs:$region:$account:task/shop/$hex32",
            "definitionArn":"arn:aws:ecs:$region:$account:task-definition/cart:$n","version":"$n",
            "createdAt":1717000000.5,"startedAt":1717000012.25,"startedBy":"ecs-svc/$n","launchType":"FARGATE",
            "tags":[],"volumes":[{"name":"scratch","hostPath":null}],
            "containers":[
                {"containerRuntime":"containerd","id":"$hex32-0265927825","name":"cart",
                 "image":"registry.example.com/shop/cart:$n","imagePrefix":"registry.example.com",
                 "volumeMounts":[{"name":"scratch","mountPath":"/tmp"}],"securityContext":{"privileged":false}},
                {"containerRuntime":"containerd","id":"$hex32-2531612879","name":"log-router",
                 "image":"registry.example.com/platform/logs:$n","imagePrefix":"registry.example.com",
                 "volumeMounts":[],"securityContext":{"privileged":false}}],
            "group":"service:cart"}}}"#;

pub const SEQUENCE: &str = r#"{"resourceType":"AttackSequence"}"#;

pub const ONE_TAG: &str = r#"{"key":"$tag","value":"$tagged-$hex4"}"#;

/// The remote end of a connection or a call.
pub const REMOTE: &str = r#"{
    "ipAddressV4":"198.51.100.$byte",
    "organization":{"asn":"64496","asnOrg":"$network","isp":"$network","org":"$network"},
    "country":{"countryName":"$country"},"city":{"cityName":""},"geoLocation":{"lat":52.$n,"lon":4.$n}}"#;

pub const DNS: &str = r#""action":{
    "actionType":"DNS_REQUEST",
    "dnsRequestAction":{
        "domain":"pool-$hex4.coin.example.net","protocol":"UDP","blocked":false,
        "domainWithSuffix":"coin.example.net","vpcOwnerAccountId":"$account"}},
    "resourceRole":"ACTOR","additionalInfo":{
        "threatListName":"ExampleIntel","domain":"pool-$hex4.coin.example.net","value":"{\"threatListName\":\"ExampleIntel\"}","type":"default"},
    "evidence":{"threatIntelligenceDetails":[
        {"threatListName":"ExampleIntel","threatNames":["CoinMiner","MiningPool"],"threatFileSha256":null}]},"#;

pub const API_CALL: &str = r#""action":{
    "actionType":"AWS_API_CALL",
    "awsApiCallAction":{
        "api":"$api","serviceName":"$service.amazonaws.com","callerType":"Remote IP","errorCode":"AccessDenied",
        "userAgent":"aws-cli/2.15.$n Python/3.11.6 Linux/6.1.0-18-amd64 exe/x86_64.debian.12 prompt/off command/$service",
        "remoteIpDetails":$remote,
        "affectedResources":{"AWS::IAM::User":"arn:aws:iam::$account:user/$user"}}},
    "resourceRole":"TARGET","additionalInfo":{
        "value":"{\"userAgent\":{\"fullUserAgent\":\"aws-cli/2.15.$n Python/3.11.6 Linux/6.1.0-18-amd64\",\"userAgentCategory\":\"AWS CLI\"},\"anomalies\":{\"anomalousAPIs\":\"$service.amazonaws.com:[$api:AccessDenied, ListUsers:Success, GetAccountSummary:Success]\"},\"profiledBehavior\":{\"rareProfiledAPIsAccountProfiling\":\"\",\"infrequentProfiledAPIsAccountProfiling\":\"$api\",\"frequentProfiledAPIsAccountProfiling\":\"DescribeInstances, AssumeRole, GetObject, PutObject, DescribeSecurityGroups\",\"rareProfiledAPIsUserIdentityProfiling\":\"$api\",\"infrequentProfiledAPIsUserIdentityProfiling\":\"ListUsers\",\"frequentProfiledAPIsUserIdentityProfiling\":\"GetCallerIdentity\",\"rareProfiledASNsAccountProfiling\":\"\",\"frequentProfiledASNsAccountProfiling\":\"asnNumber: 64496 asnOrg: $network, asnNumber: 64501 asnOrg: Example Net\",\"rareProfiledUserTypesAccountProfiling\":\"ROOT\",\"frequentProfiledUserTypesAccountProfiling\":\"ASSUMED_ROLE, IAM_USER\"},\"unusualBehavior\":{\"unusualAPIsAccountProfiling\":\"$api\",\"unusualUserTypesAccountProfiling\":\"\",\"unusualASNsAccountProfiling\":\"asnNumber: 64496 asnOrg: $network\",\"unusualUserAgentsAccountProfiling\":\"\",\"isUnusualUserIdentity\":\"false\"}}",
        "type":"default"},"#;

pub const CONNECTION: &str = r#""action":{
    "actionType":"NETWORK_CONNECTION",
    "networkConnectionAction":{
        "connectionDirection":"INBOUND","remoteIpDetails":$remote,
        "remotePortDetails":{"port":51022,"portName":"Unknown"},"localPortDetails":{"port":22,"portName":"SSH"},
        "protocol":"TCP","blocked":false,"localIpDetails":{"ipAddressV4":"10.0.12.$byte"},
        "localNetworkInterface":"eni-0$hex16"}},
    "resourceRole":"TARGET","additionalInfo":{
        "threatListName":"ExampleIntel","value":"{\"inBytes\":\"$n$n\",\"outBytes\":\"$n$n$n\",\"localPort\":\"22\",\"outliers\":[{\"inBytes\":\"$n\"},{\"outBytes\":\"$n\"}]}","type":"default"},
    "evidence":{"threatIntelligenceDetails":[
        {"threatListName":"ExampleIntel","threatNames":["Bruteforcer"],"threatFileSha256":null}]},"#;

pub const PROBE: &str = r#""action":{
    "actionType":"PORT_PROBE",
    "portProbeAction":{"blocked":false,"portProbeDetails":[$probes]}},
    "resourceRole":"TARGET","additionalInfo":{
        "threatName":"Scanner","threatListName":"ExampleIntel","value":"{\"threatName\":\"Scanner\",\"threatListName\":\"ExampleIntel\"}","type":"default"},
    "evidence":{"threatIntelligenceDetails":[{"threatListName":"ExampleIntel","threatNames":["Scanner"]}]},"#;

pub const ONE_PROBE: &str = r#"{
    "localPortDetails":{"port":9200,"portName":"Unknown"},"remoteIpDetails":$remote,
    "localIpDetails":{"ipAddressV4":"10.0.12.$byte"}}"#;

pub const KUBERNETES: &str = r#""action":{
    "actionType":"KUBERNETES_API_CALL",
    "kubernetesApiCallAction":{
        "requestUri":"/api/v1/namespaces/dev/pods","verb":"create","sourceIPs":["198.51.100.$byte"],
        "sourceIps":["198.51.100.$byte"],
        "userAgent":"kubectl/v1.29.$n (linux/amd64) kubernetes/$hex8","remoteIpDetails":$remote,
        "statusCode":201,"parameters":null,"resource":"pods","subresource":null,"namespace":"dev","resourceName":"debug-shell-$hex8"}},
    "resourceRole":"TARGET","additionalInfo":{
        "value":"{\"anomalies\":{\"anomalousAPIs\":\"pods:[create:201]\"},\"unusualBehavior\":{\"unusualImages\":\"registry.example.com/tools/shell:$n\",\"unusualUserNames\":\"system:serviceaccount:dev:builder\"}}","type":"default"},
    "featureName":"EksAuditLogs","#;

pub const LOGIN: &str = r#""action":{
    "actionType":"RDS_LOGIN_ATTEMPT",
    "rdsLoginAttemptAction":{"remoteIpDetails":$remote,
        "loginAttributes":[
            {"user":"reporting","application":"psql","failedLoginAttempts":$n,"successfulLoginAttempts":1},
            {"user":"postgres","application":"psql","failedLoginAttempts":$n,"successfulLoginAttempts":0}]}},
    "resourceRole":"TARGET","additionalInfo":{
        "value":"{\"unusual\":{\"isUnusualUser\":\"true\",\"isUnusualASN\":\"true\",\"asn\":\"64496 $network\",\"isUnusualApplication\":\"false\"},\"profiledBehavior\":{\"frequentUsers\":\"app, migration, replication\",\"frequentASNs\":\"64501 Example Net\"}}","type":"default"},
    "featureName":"RdsLoginEvents","#;

pub const PROCESS: &str = r#""action":null,
    "runtimeDetails":{
        "process":{
            "name":"xmrig","executablePath":"/tmp/.x/xmrig","executableSha256":"$hex64","namespacePid":$n,
            "pwd":"/tmp/.x","pid":4211,"startTime":"$earlier","uuid":"$uuid","parentUuid":"$uuid","user":"www-data",
            "userId":33,"euid":33,
            "lineage":[
                {"startTime":"$earlier","namespacePid":61,"userId":33,"name":"sh","pid":4190,"uuid":"$uuid","executablePath":"/usr/bin/dash","euid":33,"parentUuid":"$uuid"},
                {"startTime":"$earlier","namespacePid":44,"userId":33,"name":"node","pid":3120,"uuid":"$uuid","executablePath":"/usr/local/bin/node","euid":33,"parentUuid":"$uuid"},
                {"startTime":"$earlier","namespacePid":1,"userId":0,"name":"tini","pid":3098,"uuid":"$uuid","executablePath":"/sbin/tini","euid":0,"parentUuid":"$uuid"},
                {"startTime":"$earlier","namespacePid":0,"userId":0,"name":"containerd-shim","pid":3050,"uuid":"$uuid","executablePath":"/usr/bin/containerd-shim-runc-v2","euid":0,"parentUuid":""}]},
        "context":{
            "modifyingProcess":{
                "name":"curl","executablePath":"/usr/bin/curl","executableSha256":"$hex64","pid":4207,"startTime":"$earlier","uuid":"$uuid","user":"www-data","userId":33,"euid":33},
            "modifiedAt":"$earlier"}},
    "resourceRole":"TARGET","additionalInfo":{"value":"{\"agentDetails\":{\"agentVersion\":\"1.7.$n\",\"agentId\":\"$hex32\"}}","type":"default"},
    "featureName":"RuntimeMonitoring","#;

pub const VOLUME_SCAN: &str = r#""resourceRole":"TARGET","additionalInfo":{"value":"{}","type":"default"},
    "featureName":"EbsVolumeScan",
    "ebsVolumeScanDetails":{
        "scanId":"$hex32","scanStartedAt":"$earlier","scanCompletedAt":"$earlier","scanType":"GUARDDUTY_INITIATED",
        "triggerFindingId":"$hex32","sources":["Bitdefender"],
        "scanDetections":{
            "scannedItemCount":{"totalGb":41,"files":183122,"volumes":1},
            "threatsDetectedItemCount":{"files":3},
            "highestSeverityThreatDetails":{"severity":"HIGH","threatName":"Example.Miner.$n","count":2},
            "threatDetectedByName":{
                "itemCount":3,"uniqueThreatNameCount":2,"shortened":false,
                "threatNames":[
                    {"name":"Example.Miner.$n","severity":"HIGH","itemCount":2,"filePaths":[
                        {"filePath":"tmp/.x/xmrig","volumeArn":"arn:aws:ec2:$region:$account:volume/vol-0$hex16","hash":"$hex64","fileName":"xmrig"},
                        {"filePath":"var/tmp/.cache/kworker","volumeArn":"arn:aws:ec2:$region:$account:volume/vol-0$hex16","hash":"$hex64","fileName":"kworker"}]},
                    {"name":"Example.Backdoor.$n","severity":"HIGH","itemCount":1,"filePaths":[
                        {"filePath":"usr/lib/.libsh/sshd","volumeArn":"arn:aws:ec2:$region:$account:volume/vol-0$hex16","hash":"$hex64","fileName":"sshd"}]}]}}},"#;

pub const OBJECT_SCAN: &str = r#""resourceRole":"TARGET","additionalInfo":{"value":"{}","type":"default"},
    "featureName":"MalwareProtectionForS3",
    "malwareScanDetails":{
        "scanId":"$hex32","scanCategory":"FULL_SCAN","scanType":"ON_UPLOAD","scanConfiguration":{"triggerType":"OBJECT_CREATED"},
        "uniqueThreatCount":1,
        "threats":[{"name":"EICAR-Test-File","source":"BITDEFENDER","count":1,"hash":"$hex64",
            "itemDetails":[{"resourceArn":"arn:aws:s3:::acme-uploads","itemPath":"incoming/$uuid/invoice.pdf.exe","hash":"$hex64",
                "additionalInfo":{"versionId":"$hex32","deviceName":null}}]}]},"#;

pub const SIGNALS: &str = r#""resourceRole":"TARGET","additionalInfo":{"value":"{}","type":"default"},
    "featureName":"Correlation",
    "detection":{
        "anomaly":null,
        "sequence":{
            "uid":"$hex32",
            "description":"A sequence of actions involving 6 signals indicates a potential credential compromise of the IAM user deploy.",
            "actors":[{"id":"AIDA$upper16","user":{
                "name":"deploy","uid":"AIDA$upper16","type":"IAMUser","credentialUid":"ASIA$upper16",
                "account":{"uid":"$account","name":"production"}},
                "session":{"uid":"$uuid","mfaStatus":"DISABLED","createdTime":1717000000.0,"issuer":"arn:aws:iam::$account:user/deploy"}}],
            "resources":[
                {"uid":"AKIA$upper16","name":"ASIA$upper16","accountId":"$account","resourceType":"ACCESS_KEY","region":"$region","service":"iam","cloudPartition":"aws",
                 "data":{"accessKey":{"principalId":"AIDA$upper16","userName":"deploy","userType":"IAMUser"}}},
                {"uid":"arn:aws:s3:::acme-$data-$hex4","name":"acme-$data-$hex4","accountId":"$account","resourceType":"S3_BUCKET","region":"$region","service":"s3","cloudPartition":"aws",
                 "tags":[$tags],"data":{"s3Bucket":{"ownerId":"$hex64","effectivePermission":"NOT_PUBLIC","encryptionType":"SSEKMS","publicReadAccess":"BLOCKED"}}}],
            "endpoints":[{
                "id":"$hex32","ip":"198.51.100.$byte","domain":null,"port":null,
                "location":{"city":"","country":"$country","lat":52.$n,"lon":4.$n},
                "autonomousSystem":{"name":"$network","number":64496},"connection":null}],
            "signals":[$signals],
            "sequenceIndicators":[
                {"key":"ATTACK_TACTIC","values":["Discovery","Persistence","Exfiltration"],"title":"Tactics"},
                {"key":"UNUSUAL_API_FOR_ACCOUNT","values":["iam:CreateAccessKey","s3:GetObject"],"title":"Unusual calls"}],
            "additionalSequenceTypes":[]}},"#;

pub const ONE_SIGNAL: &str = r#"{
    "uid":"$hex32","type":"FINDING","name":"UnauthorizedAccess:IAMUser/TorIPCaller",
    "description":"$api was called from an address of an anonymising network.","severity":5.0,
    "createdAt":1717000000.1,"updatedAt":1717000900.2,"firstSeenAt":1717000000.1,"lastSeenAt":1717000900.2,"count":$n,
    "resourceUids":["AKIA$upper16"],"actorIds":["AIDA$upper16"],"endpointIds":["$hex32"],
    "signalIndicators":[
        {"key":"ATTACK_TECHNIQUE","values":["T1078 Valid Accounts"]},{"key":"SUSPICIOUS_NETWORK","values":["anonymising network"]}]}"#;
