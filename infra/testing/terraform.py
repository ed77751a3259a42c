"""The templates as Terraform: each property of each resource as the argument that the AWS provider has for it. A type, a property or a function
that is not known here is an error, so nothing of a template is left out in silence.

usage: terraform.py          writes infra/terraform
"""

import json
import re
import sys
from pathlib import Path

import template

FOLDER = template.INFRA / "terraform"
MODULES = {"pipeline": "pipeline.yaml", "worker-lambda": "worker-lambda.yaml", "worker-ecs": "worker-ecs.yaml", "forwarder": "forwarder.yaml"}
# What Ref and GetAtt are of the provider's resources.
REF = {
    "AWS::SQS::Queue": "url", "AWS::Events::EventBus": "name", "AWS::DynamoDB::Table": "name", "AWS::SecretsManager::Secret": "arn", "AWS::Logs::LogGroup": "name", "AWS::SNS::Topic": "arn",
    "AWS::KMS::Key": "key_id", "AWS::Lambda::Function": "function_name", "AWS::ECS::Cluster": "name", "AWS::ECS::TaskDefinition": "arn", "AWS::EC2::SecurityGroup": "id", "AWS::IAM::Role": "name",
    "AWS::Lambda::EventSourceMapping": "uuid",
}
ATTRIBUTES = {"Arn": "arn", "QueueName": "name", "Name": "name"}
TYPES = {
    "AWS::SQS::Queue": "aws_sqs_queue", "AWS::SQS::QueuePolicy": "aws_sqs_queue_policy", "AWS::Events::EventBus": "aws_cloudwatch_event_bus", "AWS::Events::Archive": "aws_cloudwatch_event_archive",
    "AWS::Events::Rule": "aws_cloudwatch_event_rule", "AWS::DynamoDB::Table": "aws_dynamodb_table", "AWS::SecretsManager::Secret": "aws_secretsmanager_secret",
    "AWS::Logs::LogGroup": "aws_cloudwatch_log_group", "AWS::SNS::Topic": "aws_sns_topic", "AWS::SNS::TopicPolicy": "aws_sns_topic_policy", "AWS::SNS::Subscription": "aws_sns_topic_subscription",
    "AWS::CloudWatch::Alarm": "aws_cloudwatch_metric_alarm", "AWS::CloudWatch::Dashboard": "aws_cloudwatch_dashboard", "AWS::KMS::Key": "aws_kms_key", "AWS::KMS::Alias": "aws_kms_alias",
    "AWS::Lambda::Function": "aws_lambda_function", "AWS::Lambda::EventSourceMapping": "aws_lambda_event_source_mapping", "AWS::Lambda::Permission": "aws_lambda_permission",
    "AWS::Lambda::EventInvokeConfig": "aws_lambda_function_event_invoke_config", "AWS::IAM::Role": "aws_iam_role", "AWS::IAM::Policy": "aws_iam_role_policy", "AWS::ECS::Cluster": "aws_ecs_cluster",
    "AWS::ECS::TaskDefinition": "aws_ecs_task_definition", "AWS::ECS::Service": "aws_ecs_service", "AWS::EC2::SecurityGroup": "aws_security_group",
}
# Properties whose argument is another name for the same value; a dotted one is in a block. {} encodes it as JSON.
ARGUMENTS = {
    "AWS::SQS::Queue": {
        "QueueName": "name", "VisibilityTimeout": "visibility_timeout_seconds", "MessageRetentionPeriod": "message_retention_seconds", "MaximumMessageSize": "max_message_size",
        "ReceiveMessageWaitTimeSeconds": "receive_wait_time_seconds", "SqsManagedSseEnabled": "sqs_managed_sse_enabled", "KmsMasterKeyId": "kms_master_key_id",
        "KmsDataKeyReusePeriodSeconds": "kms_data_key_reuse_period_seconds", "RedrivePolicy": "redrive_policy{}", "RedriveAllowPolicy": "redrive_allow_policy{}",
    },
    "AWS::SQS::QueuePolicy": {"PolicyDocument": "policy{}"},
    "AWS::Events::EventBus": {"Name": "name", "Description": "description"},
    "AWS::Events::Archive": {"ArchiveName": "name", "Description": "description", "SourceArn": "event_source_arn", "RetentionDays": "retention_days"},
    "AWS::Events::Rule": {
        "Name": "name", "Description": "description", "EventBusName": "event_bus_name", "State": "state", "ScheduleExpression": "schedule_expression", "EventPattern": "event_pattern{}",
    },
    "AWS::DynamoDB::Table": {
        "TableName": "name", "BillingMode": "billing_mode", "DeletionProtectionEnabled": "deletion_protection_enabled", "TimeToLiveSpecification.AttributeName": "ttl.attribute_name",
        "TimeToLiveSpecification.Enabled": "ttl.enabled", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": "point_in_time_recovery.enabled",
    },
    "AWS::SecretsManager::Secret": {"Name": "name", "Description": "description", "KmsKeyId": "kms_key_id"},
    "AWS::Logs::LogGroup": {"LogGroupName": "name", "RetentionInDays": "retention_in_days", "KmsKeyId": "kms_key_id"},
    "AWS::SNS::Topic": {"TopicName": "name", "KmsMasterKeyId": "kms_master_key_id"},
    "AWS::SNS::TopicPolicy": {"PolicyDocument": "policy{}"},
    "AWS::SNS::Subscription": {"TopicArn": "topic_arn", "Protocol": "protocol", "Endpoint": "endpoint"},
    "AWS::CloudWatch::Alarm": {
        "AlarmName": "alarm_name", "AlarmDescription": "alarm_description", "Namespace": "namespace", "MetricName": "metric_name", "Statistic": "statistic", "Period": "period",
        "EvaluationPeriods": "evaluation_periods", "Threshold": "threshold", "ComparisonOperator": "comparison_operator", "TreatMissingData": "treat_missing_data", "AlarmActions": "alarm_actions",
        "OKActions": "ok_actions",
    },
    "AWS::CloudWatch::Dashboard": {"DashboardName": "dashboard_name"},
    "AWS::KMS::Key": {"Description": "description", "EnableKeyRotation": "enable_key_rotation", "KeyPolicy": "policy{}"},
    "AWS::KMS::Alias": {"AliasName": "name", "TargetKeyId": "target_key_id"},
    "AWS::Lambda::Function": {
        "FunctionName": "function_name", "Description": "description", "Runtime": "runtime", "Handler": "handler", "Architectures": "architectures", "Code.S3Bucket": "s3_bucket", "Code.S3Key": "s3_key",
        "Code.S3ObjectVersion": "s3_object_version", "Role": "role", "MemorySize": "memory_size", "Timeout": "timeout", "ReservedConcurrentExecutions": "reserved_concurrent_executions",
        "LoggingConfig.LogGroup": "logging_config.log_group", "LoggingConfig.LogFormat": "logging_config.log_format", "Environment.Variables": "environment.variables",
    },
    "AWS::Lambda::EventSourceMapping": {
        "EventSourceArn": "event_source_arn", "FunctionName": "function_name", "BatchSize": "batch_size", "MaximumBatchingWindowInSeconds": "maximum_batching_window_in_seconds",
        "ScalingConfig.MaximumConcurrency": "scaling_config.maximum_concurrency", "FunctionResponseTypes": "function_response_types",
    },
    "AWS::Lambda::Permission": {"FunctionName": "function_name", "Action": "action", "Principal": "principal", "SourceAccount": "source_account", "SourceArn": "source_arn"},
    "AWS::Lambda::EventInvokeConfig": {
        "FunctionName": "function_name", "Qualifier": "qualifier", "MaximumEventAgeInSeconds": "maximum_event_age_in_seconds", "MaximumRetryAttempts": "maximum_retry_attempts",
    },
    "AWS::IAM::Role": {
        "RoleName": "name", "Path": "path", "Description": "description", "AssumeRolePolicyDocument": "assume_role_policy{}", "PermissionsBoundary": "permissions_boundary",
    },
    "AWS::IAM::Policy": {"PolicyName": "name", "PolicyDocument": "policy{}"},
    "AWS::ECS::Cluster": {"ClusterName": "name"},
    "AWS::ECS::TaskDefinition": {
        "Family": "family", "RequiresCompatibilities": "requires_compatibilities", "NetworkMode": "network_mode", "Cpu": "cpu", "Memory": "memory",
        "RuntimePlatform.OperatingSystemFamily": "runtime_platform.operating_system_family", "RuntimePlatform.CpuArchitecture": "runtime_platform.cpu_architecture",
        "TaskRoleArn": "task_role_arn", "ExecutionRoleArn": "execution_role_arn",
    },
    "AWS::ECS::Service": {
        "ServiceName": "name", "Cluster": "cluster", "TaskDefinition": "task_definition", "DesiredCount": "desired_count", "LaunchType": "launch_type", "PlatformVersion": "platform_version",
        "NetworkConfiguration.AwsvpcConfiguration.Subnets": "network_configuration.subnets", "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups": "network_configuration.security_groups",
        "DeploymentConfiguration.MinimumHealthyPercent": "deployment_minimum_healthy_percent", "DeploymentConfiguration.MaximumPercent": "deployment_maximum_percent",
        "DeploymentConfiguration.DeploymentCircuitBreaker.Enable": "deployment_circuit_breaker.enable",
        "DeploymentConfiguration.DeploymentCircuitBreaker.Rollback": "deployment_circuit_breaker.rollback", "EnableExecuteCommand": "enable_execute_command", "PropagateTags": "propagate_tags",
    },
    "AWS::EC2::SecurityGroup": {"GroupDescription": "description", "VpcId": "vpc_id"},
}


class Unknown(Exception):
    """Nothing here says what this is in Terraform."""


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def variable(name: str) -> str:
    """A parameter's name. Terraform keeps some names for itself."""
    return {"count": "task_count"}.get(snake(name), snake(name))


def function(value):
    """Name and inner part of a function, or None."""
    if isinstance(value, dict) and len(value) == 1:
        (form, inner), = value.items()
        if form in ("Ref", "Condition") or form.startswith("Fn::"):
            return form.removeprefix("Fn::"), inner
    return None


def may_be_null(value) -> bool:
    found = function(value)
    return found is not None and (found == ("Ref", "AWS::NoValue") or found[0] == "If" and any(may_be_null(part) for part in found[1][1:]))


def text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def lines(first: str, parts: list[str], last: str, between: str) -> str:
    """In one line where it is short; `between` ends each but the last of several lines."""
    space = " " if first == "{" and parts else ""
    short = f"{first}{space}{', '.join(parts)}{space}{last}"
    if len(short) <= 90 and "\n" not in short:
        return short
    return first + "\n" + "".join(f"{part}{between}\n" for part in parts) + last


class Module:
    def __init__(self, name: str, whole: dict):
        self.name, self.whole = name, whole
        self.imports: set[str] = set()

    # --- Expressions ---

    def hcl(self, value) -> str:
        found = function(value)
        if found:
            return self.call(*found)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return str(value)
        if isinstance(value, str):
            return text(value)
        if isinstance(value, list):
            listed = lines("[", [self.hcl(part) for part in value], "]", ",")
            if not any(may_be_null(part) for part in value):
                return listed
            return f"[for each in {listed} : each if each != null]"
        pairs = lines("{", [f"{text(str(key))} = {self.hcl(part)}" for key, part in value.items()], "}", "")
        if any(may_be_null(part) for part in value.values()):
            return f"{{ for key, each in {pairs} : key => each if each != null }}"
        return pairs

    def call(self, form: str, inner) -> str:
        if form == "Ref":
            return self.named(inner)
        if form == "GetAtt":
            return self.attribute(*inner)
        if form == "Sub":
            whole, own = inner if isinstance(inner, list) else (inner, {})
            return self.interpolated(whole, own)
        if form == "If":
            # Both sides of a condition have the same type in Terraform. Where one is a list, so is the other.
            several = any(isinstance(part, list) or function(part) and function(part)[0] == "Split" for part in inner[1:])
            sides = [f"[{self.hcl(part)}]" if several and not isinstance(part, list) and function(part) not in (("Ref", "AWS::NoValue"), ) and (function(part) or [""])[0] != "Split"
                     else self.hcl(part) for part in inner[1:]]
            return f"(local.{snake(inner[0])} ? {sides[0]} : {sides[1]})"
        if form == "Join":
            return f"join({text(inner[0])}, {self.hcl(inner[1])})"
        if form == "Split":
            return f"split({text(inner[0])}, {self.hcl(inner[1])})"
        if form == "ImportValue":
            name = snake(inner.removeprefix("hansho-"))
            self.imports.add(name)
            return f"var.{name}"
        raise Unknown(f"Fn::{form}")

    def interpolated(self, whole: str, own: dict) -> str:
        parts = re.split(r"\$\{([^!}]+)\}", whole)
        out = ""
        for number, part in enumerate(parts):
            if number % 2 == 0:
                out += text(part)[1:-1]
            else:
                value = self.hcl(own[part]) if part in own else self.attribute(*part.split(".", 1)) if "." in part else self.named(part)
                out += f"${{{value}}}" if not value.startswith('"') else value[1:-1]
        return f'"{out}"'

    def named(self, name: str) -> str:
        pseudo = {"AWS::NoValue": "null", "AWS::AccountId": "local.account", "AWS::Region": "local.region", "AWS::Partition": "local.partition", "AWS::URLSuffix": "local.suffix"}
        if name in pseudo:
            return pseudo[name]
        if name in self.whole["Parameters"]:
            return f"var.{variable(name)}"
        return self.of(name, REF[self.whole["Resources"][name]["Type"]])

    def attribute(self, name: str, attribute: str) -> str:
        kind = self.whole["Resources"][name]["Type"]
        value = self.of(name, ATTRIBUTES[attribute])
        # CloudFormation's ARN of a log group ends so, and the provider's does not.
        return f'"${{{value}}}:*"' if (kind, attribute) == ("AWS::Logs::LogGroup", "Arn") else value

    def of(self, name: str, attribute: str) -> str:
        about = self.whole["Resources"][name]
        place = f"{TYPES[about['Type']]}.{snake(name)}"
        return f"one({place}[*].{attribute})" if "Condition" in about else f"{place}.{attribute}"

    def condition(self, value) -> str:
        (form, inner), = value.items()
        if form == "Condition":
            return f"local.{snake(inner)}"
        if form == "Fn::Equals":
            return f"{self.plain(inner[0])} == {self.plain(inner[1])}"
        if form == "Fn::Not":
            (deeper, equal), = inner[0].items()
            return f"{self.plain(equal[0])} != {self.plain(equal[1])}" if deeper == "Fn::Equals" else f"!({self.condition(inner[0])})"
        return {"Fn::And": " && ", "Fn::Or": " || "}[form].join(f"({self.condition(part)})" if "Fn::Equals" in part else self.condition(part) for part in inner)

    def plain(self, value) -> str:
        """In a comparison, as text: CloudFormation compares nothing else."""
        about = self.whole["Parameters"].get(value.get("Ref"), {}) if isinstance(value, dict) else {}
        return f"tostring({self.hcl(value)})" if about.get("Type") == "Number" else self.hcl(value)

    # --- Resources ---

    def block(self, kind: str, name: str, arguments: list[str], condition: str | None = None, keep: bool = False, after: str | None = None) -> str:
        count = [f"count = local.{snake(condition)} ? 1 : 0"] if condition else []
        tail = ([f"depends_on = [{after}]"] if after else []) + (["lifecycle {\n prevent_destroy = true\n}"] if keep else [])
        return f'resource "{kind}" "{name}" {{\n' + "\n".join(count + arguments + tail) + "\n}\n"

    def resource(self, key: str, about: dict) -> list[str]:
        kind, name, condition = about["Type"], snake(key), about.get("Condition")
        left = json.loads(json.dumps(about.get("Properties", {})))
        plain, blocks, more = [], {}, []
        for path, argument in ARGUMENTS.get(kind, {}).items():
            value, there = self.take(left, path.split("."))
            if not there:
                continue
            written = f"jsonencode({self.hcl(value)})" if argument.endswith("{}") else self.hcl(value)
            argument = argument.removesuffix("{}")
            if "." in argument:
                block, argument = argument.split(".")
                blocks.setdefault(block, []).append(f"{argument} = {written}")
            else:
                plain.append(f"{argument} = {written}")
        tags = left.pop("Tags", None)
        if tags:
            plain.append("tags = " + self.hcl({tag["Key"]: tag["Value"] for tag in tags}))
        special = getattr(self, kind.replace("::", "_").lower(), None)
        if special:
            more = special(left, plain, blocks, name, condition) or []
        if left:
            raise Unknown(f"{self.name}: {key}: {kind}: {sorted(left)}")
        written = plain + [f"{block} {{\n" + "\n".join(lines) + "\n}" for block, lines in blocks.items()]
        after = about.get("DependsOn")
        after = f"{TYPES[self.whole['Resources'][after]['Type']]}.{snake(after)}" if after else None
        keep = about.get("DeletionPolicy") == "RetainExceptOnCreate"
        return [self.block(TYPES[kind], name, written, condition, keep, after), *more]

    def take(self, left: dict, path: list[str]):
        """The value at the path, taken out, with what is empty after it."""
        if path[0] not in left or function(left[path[0]]) and len(path) > 1:
            return None, False
        if len(path) == 1:
            return left.pop(path[0]), True
        value, there = self.take(left[path[0]], path[1:])
        if not left[path[0]]:
            del left[path[0]]
        return value, there

    def place(self, kind: str, name: str, attribute: str, condition: str | None) -> str:
        return f"{TYPES[kind]}.{name}{'[0]' if condition else ''}.{attribute}"

    def aws_sqs_queuepolicy(self, left, plain, blocks, name, condition):
        queue, = left.pop("Queues")
        plain.insert(0, f"queue_url = {self.hcl(queue)}")

    def aws_sns_topicpolicy(self, left, plain, blocks, name, condition):
        topic, = left.pop("Topics")
        plain.insert(0, f"arn = {self.hcl(topic)}")

    def aws_sns_topic(self, left, plain, blocks, name, condition):
        return [self.block("aws_sns_topic_subscription", f"{name}_{number}", [
            f"topic_arn = {self.place('AWS::SNS::Topic', name, 'arn', condition)}", f"protocol = {self.hcl(each['Protocol'])}", f"endpoint = {self.hcl(each['Endpoint'])}",
        ], condition) for number, each in enumerate(left.pop("Subscription", []))]

    def aws_events_rule(self, left, plain, blocks, name, condition):
        more = []
        for each in left.pop("Targets"):
            each = dict(each)
            lines = [f"rule = {self.place('AWS::Events::Rule', name, 'name', condition)}"]
            lines += [line for line in plain if line.startswith("event_bus_name = ")]
            lines += [f"{argument} = {self.hcl(each.pop(key))}" for key, argument in (("Id", "target_id"), ("Arn", "arn"), ("RoleArn", "role_arn"), ("Input", "input")) if key in each]
            for key, block in (("RetryPolicy", "retry_policy"), ("DeadLetterConfig", "dead_letter_config"), ("InputTransformer", "input_transformer")):
                inner = each.pop(key, None)
                if inner:
                    lines.append(f"{block} {{\n" + "\n".join(f"{snake(part).removesuffix('_map')} = {self.hcl(value)}" for part, value in inner.items()) + "\n}")
            if each:
                raise Unknown(f"{self.name}: {name}: a target's {sorted(each)}")
            more.append(self.block("aws_cloudwatch_event_target", name, lines, condition))
        return more

    def aws_cloudwatch_alarm(self, left, plain, blocks, name, condition):
        dimensions = left.pop("Dimensions", [])
        if dimensions:
            plain.append("dimensions = " + self.hcl({each["Name"]: each["Value"] for each in dimensions}))

    def aws_cloudwatch_dashboard(self, left, plain, blocks, name, condition):
        _, inner = function(left.pop("DashboardBody"))
        body, own = inner if isinstance(inner, list) else (inner, {})

        def inside(value):
            if isinstance(value, str):
                return {"Fn::Sub": [value, own]} if "${" in value else value
            if isinstance(value, list):
                return [inside(part) for part in value]
            return {key: inside(part) for key, part in value.items()} if isinstance(value, dict) else value

        plain.append(f"dashboard_body = jsonencode({self.hcl(inside(json.loads(body)))})")

    def aws_dynamodb_table(self, left, plain, blocks, name, condition):
        for key, argument in (("HASH", "hash_key"), ("RANGE", "range_key")):
            plain += [f"{argument} = {text(each['AttributeName'])}" for each in left["KeySchema"] if each["KeyType"] == key]
        del left["KeySchema"]
        for each in left.pop("AttributeDefinitions"):
            plain.append(f"attribute {{\nname = {text(each['AttributeName'])}\ntype = {text(each['AttributeType'])}\n}}")
        _, (when, encrypted, _) = function(left.pop("SSESpecification"))
        if set(encrypted) != {"SSEEnabled", "SSEType", "KMSMasterKeyId"} or encrypted["SSEType"] != "KMS":
            raise Unknown(f"{self.name}: {name}: {encrypted}")
        plain.append(f"dynamic \"server_side_encryption\" {{\nfor_each = local.{snake(when)} ? [1] : []\ncontent {{\nenabled = {self.hcl(encrypted['SSEEnabled'])}\n"
                     f"kms_key_arn = {self.hcl(encrypted['KMSMasterKeyId'])}\n}}\n}}")

    def aws_iam_role(self, left, plain, blocks, name, condition):
        more = []
        for each in left.pop("Policies", []):
            found, when = function(each), None
            if found:
                when, each, _ = found[1]
            more.append(self.block("aws_iam_role_policy", f"{name}_{snake(each['PolicyName'])}".replace("-", "_"), [
                f"name = {text(each['PolicyName'])}", f"role = aws_iam_role.{name}.name", f"policy = jsonencode({self.hcl(each['PolicyDocument'])})",
            ], when))
        return more

    def aws_iam_policy(self, left, plain, blocks, name, condition):
        role, = left.pop("Roles")
        plain.insert(1, f"role = {self.hcl(role)}")

    def aws_ecs_cluster(self, left, plain, blocks, name, condition):
        for each in left.pop("ClusterSettings"):
            plain.append(f"setting {{\nname = {text(each['Name'])}\nvalue = {text(each['Value'])}\n}}")

    def aws_ecs_taskdefinition(self, left, plain, blocks, name, condition):
        def lowered(value, inside=""):
            """ECS's own names begin small. The names of a log driver's options are the driver's."""
            if isinstance(value, list):
                return [lowered(part) for part in value]
            if function(value) and function(value)[0] == "If":
                return {"Fn::If": [function(value)[1][0], *(lowered(part) for part in function(value)[1][1:])]}
            if isinstance(value, dict) and not function(value):
                return {key if inside == "Options" else key[0].lower() + key[1:]: lowered(part, key) for key, part in value.items()}
            return value
        plain.append(f"container_definitions = jsonencode({self.hcl(lowered(left.pop('ContainerDefinitions')))})")

    def aws_ecs_service(self, left, plain, blocks, name, condition):
        rest = left.pop("NetworkConfiguration")
        address = rest["AwsvpcConfiguration"].pop("AssignPublicIp")
        if rest != {"AwsvpcConfiguration": {}}:
            raise Unknown(f"{self.name}: {name}: {rest}")
        blocks["network_configuration"].append(f'assign_public_ip = {self.hcl(address)} == "ENABLED"')

    def aws_ec2_securitygroup(self, left, plain, blocks, name, condition):
        for each in left.pop("SecurityGroupEgress"):
            lines = [f"description = {text(each['Description'])}", f"protocol = {text(each['IpProtocol'])}", f"from_port = {each['FromPort']}", f"to_port = {each['ToPort']}",
                     f"cidr_blocks = [{text(each['CidrIp'])}]"]
            plain.append("egress {\n" + "\n".join(lines) + "\n}")

    def bus_policies(self) -> list[str]:
        """The provider has one policy for a bus, with every statement."""
        found = {key: about for key, about in self.whole["Resources"].items() if about["Type"] == "AWS::Events::EventBusPolicy"}
        if not found:
            return []
        statements, conditions = [], []
        for about in found.values():
            asked = about["Properties"]
            if set(asked) != {"EventBusName", "StatementId", "Statement"}:
                raise Unknown(f"{self.name}: {sorted(asked)}")
            conditions.append(f"local.{snake(about['Condition'])}")
            statements.append({"Fn::If": [about["Condition"], {"Sid": asked["StatementId"], **asked["Statement"]}, {"Ref": "AWS::NoValue"}]})
        document = self.hcl({"Version": "2012-10-17", "Statement": statements})
        lines = [f"count = {' || '.join(conditions)} ? 1 : 0", "event_bus_name = aws_cloudwatch_event_bus.bus.name", f"policy = jsonencode({document})"]
        return [self.block("aws_cloudwatch_event_bus_policy", "bus_policy", lines)]

    # --- Files ---

    def resources(self) -> str:
        out = []
        for key, about in self.whole["Resources"].items():
            if about["Type"] != "AWS::Events::EventBusPolicy":
                out += self.resource(key, about)
        return HEAD.format(self.name) + "\n" + "\n".join(out + self.bus_policies())

    def locals(self) -> str:
        lines = ["account = data.aws_caller_identity.current.account_id", "region = data.aws_region.current.name", "partition = data.aws_partition.current.partition",
                 "suffix = data.aws_partition.current.dns_suffix"]
        lines += [f"{snake(name)} = {self.condition(value)}" for name, value in self.whole["Conditions"].items()]
        return HEAD.format(self.name) + VERSIONS + 'data "aws_caller_identity" "current" {}\n\ndata "aws_region" "current" {}\n\ndata "aws_partition" "current" {}\n\nlocals {\n' + "\n".join(lines) + "\n}\n"

    def variables(self) -> str:
        out = []
        for name, about in self.whole["Parameters"].items():
            kind = "list(string)" if about["Type"].startswith(("List<", "CommaDelimited")) else {"Number": "number"}.get(about["Type"], "string")
            lines = [f"description = {text(about['Description'])}", f"type = {kind}"]
            if "Default" in about:
                default = about["Default"]
                lines.append("default = " + ("[]" if kind == "list(string)" and default == "" else str(default) if kind == "number" else text(str(default))))
            lines += self.validation(variable(name), kind, about)
            out.append(f'variable "{variable(name)}" {{\n' + "\n".join(lines) + "\n}\n")
        for name in sorted(self.imports):
            out.append(f'variable "{name}" {{\ndescription = "The output of the same name of the module pipeline."\ntype = string\n}}\n')
        return HEAD.format(self.name) + "\n" + "\n".join(out)

    def validation(self, name: str, kind: str, about: dict) -> list[str]:
        tests = []
        if "AllowedValues" in about:
            tests.append(f"contains({self.hcl(about['AllowedValues'] if kind == 'number' else [str(each) for each in about['AllowedValues']])}, var.{name})")
        if "AllowedPattern" in about:
            # Terraform's regular expressions repeat nothing more than 1,000 times: the longest has its limit beside it.
            one, limit = about["AllowedPattern"], re.search(r"\{([01]),(\d{4,})\}", about["AllowedPattern"])
            if limit:
                one = one.replace(limit[0], "*" if limit[1] == "0" else "+")
                tests.append(f"length(var.{name}) <= {limit[2]}")
            one = text(one)
            tests.append(f"alltrue([for each in var.{name} : can(regex({one}, each))])" if kind == "list(string)" else f"can(regex({one}, var.{name}))")
        tests += [f"var.{name} {sign} {about[limit]}" for limit, sign in (("MinValue", ">="), ("MaxValue", "<=")) if limit in about]
        if not tests:
            return []
        said = about.get("ConstraintDescription") or (" or ".join(map(str, about["AllowedValues"])) if "AllowedValues" in about else f"{about.get('MinValue')} to {about.get('MaxValue')}") + "."
        return [f"validation {{\ncondition = {' && '.join(tests)}\nerror_message = {text(said[0].upper() + said[1:])}\n}}"]

    def outputs(self) -> str:
        out = []
        for name, about in self.whole["Outputs"].items():
            lines = [f"description = {text(about['Description'])}"] if "Description" in about else []
            lines.append(f"value = {self.hcl(about['Value'])}")
            out.append(f'output "{snake(name)}" {{\n' + "\n".join(lines) + "\n}\n")
        return HEAD.format(self.name) + "\n" + "\n".join(out)

    def files(self) -> dict[str, str]:
        resources, outputs = self.resources(), self.outputs()
        return {"main.tf": self.locals(), "resources.tf": resources, "variables.tf": self.variables(), "outputs.tf": outputs}


HEAD = "# Written by infra/testing/terraform.py from infra/{}.yaml, which says why each thing is as it is. Change it there.\n"
VERSIONS = """
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.11"
    }
  }
}

"""


def modules() -> dict[Path, str]:
    """Every file of infra/terraform, as it has to be, up to its white space."""
    return {
        FOLDER / name / file: content for name, path in MODULES.items() for file, content in Module(name, template.read(template.INFRA / path)).files().items()
    }


def main() -> int:
    for path, content in modules().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
