"""Checkers of the function and its mappings, and of cluster, task, service and security group."""

import base64
import hashlib

from looks import checker, document, plain, tags


@checker("AWS::Lambda::Function")
def function(look):
    whole = look.aws.__getattr__("lambda").get_function(FunctionName=look.ask("FunctionName"))
    found = whole["Configuration"]
    look.judge("State", found.get("State") == "Active", "Active", found.get("State"))
    look.judge("FunctionName", found["FunctionArn"] == look.stack.arn("lambda", f"function:{look.asked['FunctionName']}"), look.asked["FunctionName"], found["FunctionArn"])
    for each in ("Description", "Runtime", "Handler", "Architectures", "Role", "MemorySize", "Timeout", "Environment", "LoggingConfig"):
        look.same(each, found.get(each))
    if "ReservedConcurrentExecutions" in look.asked:
        look.same("ReservedConcurrentExecutions", whole.get("Concurrency", {}).get("ReservedConcurrentExecutions"))
    # The bytes that infra/build made, and no others.
    code = look.ask("Code")
    zipped = look.aws.s3.get_object(Bucket=code["S3Bucket"], Key=code["S3Key"])["Body"].read()
    look.same("Code", found["CodeSha256"], base64.b64encode(hashlib.sha256(zipped).digest()).decode())
    look.tagged(look.aws.__getattr__("lambda").list_tags(Resource=found["FunctionArn"])["Tags"])


@checker("AWS::Lambda::EventSourceMapping")
def mapping(look):
    found = look.aws.__getattr__("lambda").get_event_source_mapping(UUID=look.physical)
    look.judge("State", found["State"] == "Enabled", "Enabled", found["State"])
    look.same("FunctionName", found["FunctionArn"].split(":")[-1])
    for each in ("EventSourceArn", "BatchSize", "MaximumBatchingWindowInSeconds", "ScalingConfig", "FunctionResponseTypes"):
        look.same(each, found.get(each))
    look.judge("FilterCriteria", not found.get("FilterCriteria"), None, found.get("FilterCriteria"))
    look.tagged(look.aws.__getattr__("lambda").list_tags(Resource=found["EventSourceMappingArn"])["Tags"])


@checker("AWS::Lambda::Permission")
def permission(look):
    policy = document(look.aws.__getattr__("lambda").get_policy(FunctionName=look.ask("FunctionName"))["Policy"])
    wanted = {
        "Action": look.ask("Action"), "Service": look.ask("Principal"),
        "AWS:SourceArn": look.ask("SourceArn"), "AWS:SourceAccount": look.ask("SourceAccount"),
    }
    found = []
    for statement in policy["Statement"]:
        conditions = {key: value for block in statement.get("Condition", {}).values() for key, value in block.items()}
        found.append({"Action": statement["Action"], "Service": statement["Principal"].get("Service"), **conditions})
    look.judge("Action", wanted in found, wanted, found)


@checker("AWS::Lambda::EventInvokeConfig")
def invoke_config(look):
    found = look.aws.__getattr__("lambda").get_function_event_invoke_config(FunctionName=look.ask("FunctionName"), Qualifier=look.ask("Qualifier"))
    look.same("MaximumEventAgeInSeconds", found.get("MaximumEventAgeInSeconds"))
    look.same("MaximumRetryAttempts", found.get("MaximumRetryAttempts"))


def lowered(value):
    """CloudFormation's names as ECS says them: Family is family."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lowered(part) for key, part in value.items()}
    return [lowered(part) for part in value] if isinstance(value, list) else value


def holds(wanted, found) -> bool:
    """All that is wanted is there; a service may add its defaults."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and holds(part, found[key]) for key, part in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) == len(found) and all(map(holds, wanted, found))
    return plain(wanted) == plain(found)


@checker("AWS::ECS::Cluster")
def cluster(look):
    listed = look.aws.ecs.describe_clusters(clusters=[look.ask("ClusterName")], include=["SETTINGS", "TAGS"])["clusters"]
    look.judge("ClusterName", len(listed) == 1 and listed[0]["status"] == "ACTIVE", look.asked["ClusterName"], listed)
    settings = {each["name"]: each["value"] for each in listed[0].get("settings", [])}
    look.same("ClusterSettings", settings, {each["Name"]: each["Value"] for each in look.ask("ClusterSettings")})
    look.same("CapacityProviders", listed[0].get("capacityProviders"))
    look.tagged(look.aws.ecs.list_tags_for_resource(resourceArn=listed[0]["clusterArn"])["tags"])


@checker("AWS::ECS::TaskDefinition")
def task(look):
    found = look.aws.ecs.describe_task_definition(taskDefinition=look.physical, include=["TAGS"])
    about = found["taskDefinition"]
    look.judge("Ref", about["status"] == "ACTIVE", "ACTIVE", about["status"])
    for each in list(look.left - {"ContainerDefinitions", "Tags"}):
        wanted = lowered(look.ask(each))
        look.judge(each, holds(wanted, about.get(each[:1].lower() + each[1:])), wanted, about.get(each[:1].lower() + each[1:]))
    containers = look.ask("ContainerDefinitions")
    look.judge("ContainerDefinitions", len(about["containerDefinitions"]) == len(containers), len(containers), len(about["containerDefinitions"]))
    for container, there in zip(containers, about["containerDefinitions"]):
        for each, wanted in container.items():
            name = each[:1].lower() + each[1:]
            # The options of a log driver keep their names.
            wanted = {"logDriver": wanted["LogDriver"], "options": wanted["Options"]} if each == "LogConfiguration" else lowered(wanted)
            if each == "Environment":
                wanted, given = tags_of(wanted), tags_of(there.get(name, []))
                look.judge(f"Container.{each}", wanted == given, wanted, given)
            else:
                look.judge(f"Container.{each}", holds(wanted, there.get(name)), wanted, there.get(name))
    look.tagged(found.get("tags") or look.aws.ecs.list_tags_for_resource(resourceArn=about["taskDefinitionArn"])["tags"])


def tags_of(variables) -> dict:
    return {each["name"]: each["value"] for each in variables}


@checker("AWS::ECS::Service")
def service(look):
    listed = look.aws.ecs.describe_services(cluster=look.ask("Cluster"), services=[look.ask("ServiceName")], include=["TAGS"])["services"]
    look.judge("ServiceName", len(listed) == 1 and listed[0]["status"] == "ACTIVE", look.asked["ServiceName"], listed)
    look.same("TaskDefinition", listed[0]["taskDefinition"])
    for each in list(look.left - {"Tags"}):
        wanted, there = lowered(look.ask(each)), listed[0].get(each[:1].lower() + each[1:])
        look.judge(each, holds(wanted, there), wanted, there)
    look.tagged(listed[0].get("tags") or look.aws.ecs.list_tags_for_resource(resourceArn=listed[0]["serviceArn"])["tags"])


@checker("AWS::EC2::SecurityGroup")
def security_group(look):
    found = look.aws.ec2.describe_security_groups(GroupIds=[look.physical])["SecurityGroups"][0]
    look.same("GroupDescription", found["Description"])
    look.same("VpcId", found["VpcId"])
    out = [
        {"Description": way.get("Description"), "IpProtocol": rule["IpProtocol"], "FromPort": rule.get("FromPort"), "ToPort": rule.get("ToPort"), "CidrIp": way["CidrIp"]}
        for rule in found["IpPermissionsEgress"] for way in rule["IpRanges"]
    ]
    look.same("SecurityGroupEgress", out)
    look.judge("SecurityGroupIngress", found["IpPermissions"] == [], [], found["IpPermissions"])
    look.judge("Tags", tags(look.ask("Tags")).items() <= tags(found.get("Tags", [])).items(), tags(look.asked["Tags"]), tags(found.get("Tags", [])))
