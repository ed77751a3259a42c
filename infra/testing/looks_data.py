"""Checkers of the ledger, the secret, keys, logs, alarms, roles, and GuardDuty's detector."""

from looks import checker, document


@checker("AWS::DynamoDB::Table")
def table(look):
    name = look.ask("TableName")
    found = look.aws.dynamodb.describe_table(TableName=name)["Table"]
    look.judge("TableName", found["TableStatus"] == "ACTIVE", "ACTIVE", found["TableStatus"])
    for key in ("AttributeDefinitions", "KeySchema", "DeletionProtectionEnabled"):
        look.same(key, found.get(key))
    look.same("BillingMode", found.get("BillingModeSummary", {}).get("BillingMode"))
    life = look.aws.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    look.same("TimeToLiveSpecification", {"AttributeName": life.get("AttributeName"), "Enabled": life.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")})
    backups = look.aws.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    look.same("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": recovery == "ENABLED"})
    encrypted = found.get("SSEDescription", {})
    look.same("SSESpecification", {
        "SSEEnabled": encrypted.get("Status") == "ENABLED", "SSEType": encrypted.get("SSEType"), "KMSMasterKeyId": encrypted.get("KMSMasterKeyArn"),
    })
    look.tagged(look.aws.dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"])


@checker("AWS::SecretsManager::Secret")
def secret(look):
    found = look.aws.secretsmanager.describe_secret(SecretId=look.ask("Name"))
    for key in ("Name", "Description", "KmsKeyId"):
        look.same(key, found.get(key), look.asked.get(key))
    look.judge("Ref", look.physical == found["ARN"], found["ARN"], look.physical)
    look.tagged(found.get("Tags"))


@checker("AWS::Logs::LogGroup")
def log_group(look):
    name = look.ask("LogGroupName")
    found = [group for group in look.aws.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] if group["logGroupName"] == name]
    look.judge("LogGroupName", len(found) == 1, name, found)
    look.same("RetentionInDays", found[0].get("retentionInDays"))
    look.same("KmsKeyId", found[0].get("kmsKeyId"))
    arn = look.stack.arn("logs", f"log-group:{name}")
    look.tagged(look.aws.logs.list_tags_for_resource(resourceArn=arn)["tags"])


@checker("AWS::CloudWatch::Alarm")
def alarm(look):
    found = look.aws.cloudwatch.describe_alarms(AlarmNames=[look.ask("AlarmName")])["MetricAlarms"]
    look.judge("AlarmName", len(found) == 1, look.asked["AlarmName"], found)
    look.judge("ActionsEnabled", found[0].get("ActionsEnabled") is True, True, found[0].get("ActionsEnabled"))
    for key in list(look.left - {"Tags"}):
        look.same(key, found[0].get(key))
    look.tagged(look.aws.cloudwatch.list_tags_for_resource(ResourceARN=found[0]["AlarmArn"])["Tags"])


@checker("AWS::CloudWatch::Dashboard")
def dashboard(look):
    found = look.aws.cloudwatch.get_dashboard(DashboardName=look.ask("DashboardName"))
    look.same("DashboardName", found["DashboardName"], look.asked["DashboardName"])
    look.same("DashboardBody", document(found["DashboardBody"]), document(look.ask("DashboardBody")))


@checker("AWS::KMS::Key")
def key(look):
    found = look.aws.kms.describe_key(KeyId=look.physical)["KeyMetadata"]
    look.judge("Enabled", found["Enabled"] and found["KeyState"] == "Enabled", True, found["KeyState"])
    look.same("Description", found["Description"])
    look.same("EnableKeyRotation", look.aws.kms.get_key_rotation_status(KeyId=look.physical)["KeyRotationEnabled"])
    look.same("KeyPolicy", document(look.aws.kms.get_key_policy(KeyId=look.physical, PolicyName="default")["Policy"]))
    look.tagged(look.aws.kms.list_resource_tags(KeyId=look.physical)["Tags"])


@checker("AWS::KMS::Alias")
def alias(look):
    found = {each["AliasName"]: each.get("TargetKeyId") for each in look.aws.kms.list_aliases()["Aliases"]}
    look.same("TargetKeyId", found.get(look.ask("AliasName")))


@checker("AWS::IAM::Role")
def role(look):
    name = look.ask("RoleName")
    found = look.aws.iam.get_role(RoleName=name)["Role"]
    look.judge("RoleName", found["Arn"] == look.stack.arn("iam", f"role{look.asked.get('Path', '/')}{name}"), name, found["Arn"])
    for each in ("Path", "Description", "MaxSessionDuration"):
        look.same(each, found.get(each))
    look.same("AssumeRolePolicyDocument", document(found["AssumeRolePolicyDocument"]))
    look.same("PermissionsBoundary", found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"))
    inline = {each["PolicyName"]: each["PolicyDocument"] for each in look.ask("Policies") or []}
    # Another stack resource may add its own, as KeyPolicy does.
    others = {
        about["Properties"]["PolicyName"] for about in look.stack.template["Resources"].values() if about["Type"] == "AWS::IAM::Policy"
    }
    names = set(look.aws.iam.list_role_policies(RoleName=name)["PolicyNames"])
    there = {each: document(look.aws.iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]) for each in names - others}
    look.same("Policies", there, inline)
    attached = [each["PolicyArn"] for each in look.aws.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
    if "ManagedPolicyArns" in look.asked:
        look.same("ManagedPolicyArns", sorted(attached), sorted(look.ask("ManagedPolicyArns")))
    else:
        look.judge("no other policy", not attached, [], attached)
    look.tagged(look.aws.iam.list_role_tags(RoleName=name)["Tags"])


@checker("AWS::IAM::Policy")
def inline_policy(look):
    for name in look.ask("Roles"):
        found = look.aws.iam.get_role_policy(RoleName=name, PolicyName=look.ask("PolicyName"))["PolicyDocument"]
        look.same("PolicyDocument", document(found))


@checker("AWS::IAM::ManagedPolicy")
def managed_policy(look):
    arn = look.stack.arn("iam", f"policy{look.asked.get('Path', '/')}{look.ask('ManagedPolicyName')}")
    found = look.aws.iam.get_policy(PolicyArn=arn)["Policy"]
    look.same("ManagedPolicyName", found["PolicyName"], look.asked["ManagedPolicyName"])
    for each in ("Path", "Description"):
        look.same(each, found.get(each))
    version = look.aws.iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    look.same("PolicyDocument", document(version["Document"]))


@checker("AWS::GuardDuty::Detector")
def detector(look):
    listed = look.aws.guardduty.list_detectors()["DetectorIds"]
    look.judge("Ref", listed == [look.physical], look.physical, listed)
    found = look.aws.guardduty.get_detector(DetectorId=look.physical)
    look.same("Enable", found["Status"] == "ENABLED")
    look.same("FindingPublishingFrequency", found.get("FindingPublishingFrequency"))
    there = {each["Name"]: each["Status"] for each in found.get("Features", [])}
    wanted = {each["Name"]: each["Status"] for each in look.ask("Features") or []}
    look.judge("Features", wanted.items() <= there.items(), wanted, there)
    look.tagged(found.get("Tags"))
