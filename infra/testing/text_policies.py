"""What no emulator enforces, read from the templates' text: who may come in, and what each role may do."""

import rights
from rights import allows, listed

WORKER = {
    "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage",
    "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "secretsmanager:GetSecretValue",
}
# A service that asks for a role and names no source, and why that is right.
NO_SOURCE = {"lambda.amazonaws.com": "Lambda tries the role before the function is there, and names no source then"}
# What CloudFormation calls when it makes, changes and deletes a resource of these types, and on what. From the types' handlers in
# CloudFormation's registry.
CALLS = {
    "AWS::GuardDuty::Detector": ("guardduty", "detector/d1", ["CreateDetector", "DeleteDetector", "GetDetector", "UpdateDetector", "TagResource", "ListTagsForResource"]),
    "AWS::Events::Rule": ("events", "rule/{Name}", ["PutRule", "DeleteRule", "DescribeRule", "PutTargets", "RemoveTargets", "ListTargetsByRule"]),
    "AWS::SQS::Queue": ("sqs", "{QueueName}", ["CreateQueue", "DeleteQueue", "GetQueueUrl", "GetQueueAttributes", "SetQueueAttributes", "TagQueue", "ListQueueTags"]),
    "AWS::SQS::QueuePolicy": ("sqs", "hansho-forwarder-dead", ["SetQueueAttributes"]),
    "AWS::SNS::Topic": ("sns", "{TopicName}", ["CreateTopic", "DeleteTopic", "GetTopicAttributes", "SetTopicAttributes", "Subscribe", "Unsubscribe", "TagResource",
                                               "ListTagsForResource", "ListSubscriptionsByTopic"]),
    "AWS::SNS::TopicPolicy": ("sns", "hansho-forwarder-alarms", ["SetTopicAttributes"]),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "alarm:{AlarmName}", ["PutMetricAlarm", "DeleteAlarms", "DescribeAlarms", "TagResource", "ListTagsForResource"]),
    "AWS::IAM::Role": ("iam", "role{Path}{RoleName}", ["CreateRole", "DeleteRole", "GetRole", "PutRolePolicy", "DeleteRolePolicy", "GetRolePolicy", "PassRole", "TagRole",
                                                        "ListRolePolicies", "ListAttachedRolePolicies"]),
    "AWS::CloudFormation::WaitConditionHandle": ("", "", []),
}


SOURCES = ["aws.guardduty", "aws.securityhub", "aws.macie"]


def door(condition: dict, who: str, into, group: str) -> None:
    """Each of a call's events is of an allowed source and type, and there is one: ForAllValues holds for an empty list."""
    sources = condition.get("ForAllValues:StringEquals", {}).get("events:source")
    into.check(sources == SOURCES, group, f"{who}: from the sources that are on, each of a call's events", f"{sources}")
    types = condition.get("ForAllValues:StringLike", {}).get("events:detail-type", [])
    for event, may in (("GuardDuty Finding", True), ("Macie Finding", True), ("Findings Imported V2", True), ("Inspector2 Finding", False), ("hansho canary", False),
                       ("AWS API Call via CloudTrail", False), ("GuardDuty Malware Protection Object Scan Result", False), ("", False)):
        into.check(any(rights.matches(each, event) for each in types) == may, group, f"{who}: {event or 'no type'}: {'yes' if may else 'no'}", f"{types}")
    into.check(condition.get("Null") == {"events:source": "false", "events:detail-type": "false"}, group, f"{who}: and not without them", f"{condition}")


def bus(text, into) -> None:
    group = "the bus's policy"
    pipeline = text.stack("pipeline.yaml", OrganizationId="o-a1b2c3d4e5", SecurityHub="yes", Macie="yes")
    asked = pipeline.properties("BusPolicy")
    statement = asked["Statement"]
    into.check(statement["Effect"] == "Allow" and statement["Action"] == "events:PutEvents", group, "it allows PutEvents and nothing else", f"{statement}")
    into.check(statement["Resource"] == pipeline.value({"Fn::GetAtt": ["Bus", "Arn"]}), group, "on this bus", f"{statement['Resource']}")
    condition = statement["Condition"]
    into.check(condition.get("StringEquals") == {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, group, "to this organisation", f"{condition}")
    door(condition, "the organisation", into, group)
    pattern = pipeline.properties("StandardRule")["EventPattern"]
    # A canary comes from this account alone, so the organisation's door does not know it.
    into.check(pattern.get("source") == [*SOURCES, "hansho.canary"], group, "the rule looks at the same sources again, and takes canaries", f"{pattern}")
    both = text.stack("pipeline.yaml", OrganizationId="o-a1b2c3d4e5", FurtherAccounts="444455556666,777788889999", SecurityHub="yes", Macie="yes")
    further = both.properties("BusPolicyOfAccounts")["Statement"]
    alone = {"Principal": {"AWS": ["444455556666", "777788889999"]}, "Effect": "Allow", "Action": "events:PutEvents", "Resource": statement["Resource"]}
    into.check({key: value for key, value in further.items() if key != "Condition"} == alone, group, "further accounts are named one by one", f"{further}")
    door(further["Condition"], "further accounts", into, group)
    into.check("BusPolicyOfAccounts" not in pipeline.resources(), group, "no further account, no policy", "it is there")
    for given in ({}, dict.fromkeys(("MalwareScans", "SecurityHub", "Inspector", "Macie", "AccessAnalyzer"), "yes"), {"SecurityHub": "yes", "CustomActions": "no"}):
        admitted = text.stack("pipeline.yaml", **given).properties("StandardRule")["EventPattern"].get("detail-type")
        sent = text.stack("forwarder.yaml", **given).properties("Rule")["EventPattern"]["detail-type"]
        into.check(admitted == sent, group, f"{given or 'defaults'}: the rule admits the types that the forwarder sends", f"{admitted}, {sent}")
        door_of = text.stack("pipeline.yaml", OrganizationId="o-a1b2c3d4e5", **given).properties("BusPolicy")["Statement"]["Condition"]
        door_of = door_of.get("ForAllValues:StringLike", {}).get("events:detail-type", [])
        shut = [each for each in sent if each != "hansho canary" and not any(rights.matches(one, each) for one in door_of)]
        into.check(not shut, group, f"{given or 'defaults'}: the door lets each of them in", f"not {shut}")
        foreign = ("AWS API Call via CloudTrail", "GuardDuty Something Else", "Security Hub Findings", "Access Analyzer")
        wide = [one for one in door_of if not any(rights.matches(one, each) for each in sent) or any(rights.matches(one, each) for each in foreign)]
        into.check(not wide, group, f"{given or 'defaults'}: and has none that nobody sends", f"{wide}")
    into.check("BusPolicy" not in text.stack("pipeline.yaml").resources(), group, "no organisation, no policy", "it is there")
    for name in ("pipeline.yaml", "forwarder.yaml"):
        default = text.whole(name)["Parameters"]["GuardDutySource"]["Default"]
        into.check(default == "aws.guardduty", group, f"{name}: GuardDutySource", f"its default is {default}")


def queues(text, into) -> None:
    """Each queue takes messages from EventBridge alone, for exactly those rules that send to it, and over TLS."""
    group = "the queues' policies"
    everything = dict.fromkeys(("MalwareScans", "SecurityHub", "Inspector", "Macie", "AccessAnalyzer"), "yes")
    for name, given in (("pipeline.yaml", everything), ("pipeline.yaml", {}), ("forwarder.yaml", {"HomeBusArn": "arn:aws:events:eu-central-1:111122223333:event-bus/hansho"})):
        stack = text.stack(name, **given)
        kinds = {key: about["Type"] for key, about in stack.resources().items()}
        senders: dict[str, set] = {}
        for key in (key for key, kind in kinds.items() if kind == "AWS::Events::Rule"):
            for target in stack.properties(key)["Targets"]:
                for arn in (target["Arn"], target.get("DeadLetterConfig", {}).get("Arn")):
                    senders.setdefault(arn, set()).add(stack.value({"Fn::GetAtt": [key, "Arn"]}))
        covered = {}
        for key in (key for key, kind in kinds.items() if kind == "AWS::SQS::QueuePolicy"):
            asked = stack.properties(key)
            for url in asked["Queues"]:
                covered[url] = asked["PolicyDocument"]["Statement"]
        for key in (key for key, kind in kinds.items() if kind == "AWS::SQS::Queue"):
            arn, statements = stack.value({"Fn::GetAtt": [key, "Arn"]}), covered.get(stack.value({"Ref": key}), [])
            what = f"{name}, {'all sources' if given is everything else 'defaults'}: {key}"
            denied = [each for each in statements if each["Effect"] == "Deny"]
            safe = len(denied) == 1 and denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} and denied[0]["Principal"] == "*" \
                and denied[0]["Action"] == "sqs:*" and denied[0]["Resource"] == arn
            into.check(safe, group, f"{what}: TLS only", f"{denied}")
            allowed = [each for each in statements if each["Effect"] == "Allow"]
            wanted = senders.get(arn, set())
            if not wanted:
                into.check(not allowed, group, f"{what}: nobody is let in by its policy", f"{allowed}")
                continue
            sent = allowed[0] if len(allowed) == 1 else {}
            into.check(sent.get("Principal") == {"Service": "events.amazonaws.com"} and sent.get("Action") == "sqs:SendMessage" and sent.get("Resource") == arn, group,
                       f"{what}: EventBridge may send, and nothing else", f"{allowed}")
            condition = sent.get("Condition", {})
            found = set(listed(condition.get("ArnEquals", {}).get("aws:SourceArn", [])))
            into.check(found == wanted, group, f"{what}: for the rules that send to it", f"{sorted(found)}, and those that send are {sorted(wanted)}")
            into.check(condition.get("StringEquals") == {"aws:SourceAccount": stack.account}, group, f"{what}: of this account", f"{condition}")


def trusts(text, into) -> None:
    """Who may take each role. A service works for every customer, so it has to say for whom."""
    group = "who may take the roles"
    for name, stack in text.stacks():
        for key, about in stack.resources().items():
            if about["Type"] != "AWS::IAM::Role":
                continue
            for statement in stack.properties(key)["AssumeRolePolicyDocument"]["Statement"]:
                what, condition = f"{name}: {key}", statement.get("Condition", {})
                principal = statement["Principal"]
                if "Service" in principal:
                    sources = {kind for block in condition.values() for kind in block}
                    fine = {"aws:SourceAccount", "aws:SourceArn"} <= sources or principal["Service"] in NO_SOURCE
                    into.check(fine, group, f"{what}: {principal['Service']}, for this account's own", f"its conditions are {condition}")
                    accounts = [value for block in condition.values() for kind, value in block.items() if kind == "aws:SourceAccount"]
                    into.check(accounts in ([stack.account], []), group, f"{what}: the account", f"{accounts}")
                elif principal["AWS"].endswith(":root"):
                    named = condition.get("ArnEquals", {}).get("aws:PrincipalArn", "")
                    into.check(named.startswith(principal["AWS"].removesuffix("root") + "role/"), group, f"{what}: one role of that account", f"its conditions are {condition}")
                else:
                    into.check("*" not in principal["AWS"], group, f"{what}: one principal by its name", f"{principal}")


def key(text, into) -> None:
    group = "the customer key's policy"
    stack = text.stack("pipeline.yaml", CustomerKey="yes")
    asked = stack.properties("Key")
    into.check(asked.get("EnableKeyRotation") is True, group, "it is rotated", f"{asked.get('EnableKeyRotation')}")
    services = {}
    for statement in asked["KeyPolicy"]["Statement"]:
        principal = statement["Principal"]
        if "AWS" in principal:
            into.check(principal["AWS"] == f"arn:aws:iam::{stack.account}:root", group, "the account's IAM decides", f"{principal}")
            continue
        services |= dict.fromkeys(listed(principal["Service"]), statement)
        into.check("kms:*" not in listed(statement["Action"]), group, f"{principal['Service']}: not every action", f"{statement['Action']}")
    into.check(set(services) == {"events.amazonaws.com", "cloudwatch.amazonaws.com", "logs.eu-central-1.amazonaws.com"}, group, "three services", f"{sorted(services)}")
    for service in ("events.amazonaws.com", "cloudwatch.amazonaws.com"):
        statement = services.get(service, {})
        into.check(statement.get("Condition", {}).get("StringEquals") == {"aws:SourceAccount": stack.account}, group, f"{service}: for this account", f"{statement}")
        into.check(set(listed(statement.get("Action", []))) == {"kms:Decrypt", "kms:GenerateDataKey"}, group, f"{service}: to encrypt and decrypt", f"{statement}")
    made, none = text.stack("pipeline.yaml", CustomerKey="made"), text.stack("pipeline.yaml")
    into.check("Key" in made.resources() and "KmsMasterKeyId" not in made.properties("StandardQueue"), group, "made: it is there and not used", "it is not so")
    into.check("KeyArn" in made.outputs() and "KeyArn" not in none.outputs(), group, "its ARN is an output", f"{sorted(made.outputs())}")
    context = services.get("logs.eu-central-1.amazonaws.com", {}).get("Condition", {})
    wanted = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-central-1:{stack.account}:log-group:/hansho/worker"}}
    into.check(context == wanted, group, "the log: this log group alone", f"{context}")


def topics(text, into) -> None:
    group = "the alarm topics' policies"
    for name, given in (("pipeline.yaml", {}), ("forwarder.yaml", {"HomeBusArn": text.BUS, "AlarmEmail": "a@example.com"})):
        stack = text.stack(name, **given)
        statement, = stack.properties("AlarmTopicPolicy")["PolicyDocument"]["Statement"]
        into.check(statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"} and statement["Action"] == "sns:Publish", group, f"{name}: alarms publish", f"{statement}")
        source = statement["Condition"].get("ArnLike", {}).get("aws:SourceArn", "")
        alarms = [stack.properties(key)["AlarmName"] for key, about in stack.resources().items() if about["Type"] == "AWS::CloudWatch::Alarm"]
        reached = [alarm for alarm in alarms if rights.matches(source, stack.arn("cloudwatch", f"alarm:{alarm}"))]
        into.check(reached == alarms and alarms, group, f"{name}: each of its alarms, {len(alarms)}", f"{source} lets {reached} through of {alarms}")
        into.check(statement["Condition"].get("StringEquals") == {"aws:SourceAccount": stack.account}, group, f"{name}: of this account", f"{statement['Condition']}")


def worker(text, into) -> None:
    """Both workers may do the same: what the README's table says, on what they are given, and nothing more."""
    group = "the workers' rights"
    for name, role in (("worker-lambda.yaml", "Role"), ("worker-ecs.yaml", "TaskRole")):
        stack = text.stack(name)
        documents = {each["PolicyName"]: each["PolicyDocument"] for each in stack.properties(role)["Policies"]}
        document = documents["worker"]
        into.check(rights.actions([document]) == WORKER, group, f"{name}: the actions", f"{sorted(rights.actions([document]) ^ WORKER)} too many or missing")
        stars = [each for statement in document["Statement"] for each in listed(statement["Resource"]) if "*" in each]
        into.check(not stars, group, f"{name}: on named resources", f"{stars}")
        queue = "arn:aws:sqs:eu-central-1:111122223333:hansho-{}"
        for lane, action, may in (
            ("express", "sqs:ReceiveMessage", True), ("standard", "sqs:ReceiveMessage", True), ("standard", "sqs:DeleteMessage", True), ("quarantine", "sqs:SendMessage", True),
            ("quarantine", "sqs:ReceiveMessage", False), ("quarantine", "sqs:DeleteMessage", False), ("dead", "sqs:ReceiveMessage", False), ("standard", "sqs:SendMessage", False),
        ):
            found = allows(document, action, queue.format(lane))
            into.check(found == may, group, f"{name}: {action} on {lane}: {'yes' if may else 'no'}", "it is the other way")
        table = "arn:aws:dynamodb:eu-central-1:111122223333:table/hansho-ledger"
        for action, may in (("dynamodb:PutItem", True), ("dynamodb:GetItem", True), ("dynamodb:BatchGetItem", True), ("dynamodb:DeleteItem", False), ("dynamodb:Scan", False), ("dynamodb:DeleteTable", False)):
            into.check(allows(document, action, table) == may, group, f"{name}: {action}: {'yes' if may else 'no'}", "it is the other way")
        more = text.stack(name, ExtraSecretArns="arn:aws:secretsmanager:eu-central-1:111122223333:secret:b,arn:aws:secretsmanager:eu-central-1:111122223333:secret:c")
        document = {each["PolicyName"]: each["PolicyDocument"] for each in more.properties(role)["Policies"]}["worker"]
        secret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:{}"
        for which, may in (("hansho/slack-a1b2c3", True), ("b", True), ("c", True), ("d", False)):
            into.check(allows(document, "secretsmanager:GetSecretValue", secret.format(which)) == may, group, f"{name}: secret {which}: {'yes' if may else 'no'}", "it is the other way")


DETECTOR, FORWARDER = "arn:aws:guardduty:us-east-1:111122223333:detector/d1", "arn:aws:events:us-east-1:111122223333:rule/hansho-forwarder"
# What a look at the coverage calls, and on what (src/aws/estate).
LOOK = {
    "account:ListRegions": "arn:aws:account::000000000001:account/o-a1b2c3d4e5/444455556666",
    **dict.fromkeys(("guardduty:DescribeOrganizationConfiguration", "guardduty:GetMemberDetectors", "guardduty:ListDetectors", "guardduty:ListMembers",
                     "organizations:ListAccounts", "organizations:ListDelegatedAdministrators"), "*"),
    "guardduty:GetDetector": DETECTOR, "events:DescribeRule": FORWARDER, "events:ListTargetsByRule": FORWARDER,
}


def look(text, into) -> None:
    """With its switch each worker may do what a look at the coverage calls, and nothing more."""
    group = "the workers' rights to look at the coverage"
    for name, given in (("worker-lambda.yaml", {"CoverageSchedule": "rate(1 day)"}), ("worker-ecs.yaml", {"CoverageEvery": "1d"})):
        into.check("CoveragePolicy" not in text.stack(name).resources(), group, f"{name}: none by default", "they are there")
        document = text.stack(name, **given).properties("CoveragePolicy")["PolicyDocument"]
        into.check(rights.actions([document]) == LOOK.keys(), group, f"{name}: the actions", f"{sorted(rights.actions([document]) ^ LOOK.keys())} too many or missing")
        refused = [f"{action} on {resource}" for action, resource in LOOK.items() if not allows(document, action, resource)]
        into.check(not refused, group, f"{name}: on what it looks at", f"{refused}")
        for action, resource in (("guardduty:GetDetector", DETECTOR.replace("1111", "9999")), ("events:DescribeRule", FORWARDER.replace("hansho-", ""))):
            into.check(not allows(document, action, resource), group, f"{name}: not {action} on {resource}", "it is allowed")


def operator(text, into) -> None:
    group = "the operator's rights"
    stack = text.stack("operator.yaml")
    document = {"Statement": [each for name in ("ReplayerPolicy", "OncallPolicy") for each in stack.properties(name)["PolicyDocument"]["Statement"]]}
    for attached in ("ReplayerPolicy", "OncallPolicy"):
        into.check(stack.value({"Ref": attached}) in stack.properties("ReplayerRole")["ManagedPolicyArns"], group, f"the role has {attached}", "it has not")
    for value, wanted in (("yes", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}), ("no", None)):
        trust, = text.stack("operator.yaml", RequireMfa=value).properties("ReplayerRole")["AssumeRolePolicyDocument"]["Statement"]
        into.check(trust.get("Condition") == wanted, group, f"RequireMfa={value}", f"{trust}")
    into.check(stack.parameters["RequireMfa"] == "yes", group, "a second factor unless somebody says no", stack.parameters["RequireMfa"])
    queue = "arn:aws:sqs:{}:111122223333:hansho-{}"
    for region, name, action, may in (
        ("eu-central-1", "quarantine", "sqs:ReceiveMessage", True), ("eu-central-1", "dead", "sqs:StartMessageMoveTask", True), ("eu-central-1", "standard", "sqs:SendMessage", True),
        ("eu-central-1", "undelivered", "sqs:DeleteMessage", True), ("us-east-1", "forwarder-dead", "sqs:ReceiveMessage", True),
        ("eu-central-1", "standard", "sqs:PurgeQueue", False), ("eu-central-1", "quarantine", "sqs:SendMessage", True), ("eu-central-1", "quarantine", "sqs:DeleteQueue", False),
    ):
        into.check(allows(document, action, queue.format(region, name)) == may, group, f"{action} on {name}: {'yes' if may else 'no'}", "it is the other way")
    # AWS names events:StartReplay's resources: the archive and the replay.
    for resource in ("archive/hansho", "replay/hansho-1770000000"):
        into.check(allows(document, "events:StartReplay", stack.arn("events", resource)), group, f"events:StartReplay on {resource}", "it is not allowed")
    wild = [action for action in rights.actions([document]) if "*" in action]
    into.check(not wild, group, "no action with a star", f"{wild}")


def forwarder(text, into) -> None:
    group = "the forwarder's rights"
    stack = text.stack("forwarder.yaml", HomeBusArn=text.BUS, BoundaryPolicy="hansho/hansho-boundary")
    asked = stack.properties("ForwarderRole")
    document, = [each["PolicyDocument"] for each in asked["Policies"]]
    into.check(rights.actions([document]) == {"events:PutEvents"} and allows(document, "events:PutEvents", text.BUS), group, "events onto the home bus, and no more", f"{document}")
    into.check(not allows(document, "events:PutEvents", text.BUS.replace("hansho", "default")), group, "no other bus", "another one is allowed")
    into.check(asked.get("PermissionsBoundary", "").endswith(":policy/hansho/hansho-boundary"), group, "within the boundary that is named", f"{asked.get('PermissionsBoundary')}")
    trust = asked["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"]
    into.check(trust == stack.value({"Fn::GetAtt": ["Rule", "Arn"]}), group, "for its own rule alone", f"{trust}")


def execution(text, into) -> None:
    """The execution roles may make, change and delete everything that the two stack sets have, and nothing that is not theirs."""
    group = "the execution roles' rights"
    for name, given, boundary in (
        ("stacksets/execution-role.yaml", {"AdministratorAccountId": "111122223333", "Suffix": "ForSecurityAccount"}, "hansho/hansho-boundaryForSecurityAccount"),
        ("stacksets/organization-execution-role.yaml", {}, "hansho/hansho-boundary-stacksets-exec-custom-hansho"),
    ):
        roles = text.stack(name, **given)
        document = roles.properties("Permissions")["PolicyDocument"]
        for path, more in (("guardduty.yaml", {}), ("forwarder.yaml", {"HomeBusArn": text.BUS, "AlarmEmail": "a@example.com", "BoundaryPolicy": boundary})):
            stack = text.stack(path, **more)
            for key, about in stack.resources().items():
                if about["Type"] not in CALLS:
                    into.wrong(group, f"{path}: {key}", f"what CloudFormation calls for {about['Type']} is not in infra/testing/text_policies.py")
                    continue
                service, resource, calls = CALLS[about["Type"]]
                asked = stack.properties(key)
                arn = stack.arn(service, resource.format(**{each: value for each, value in asked.items() if isinstance(value, str)}))
                missing = [call for call in calls if not allows(document, f"{service}:{call}", arn)]
                into.check(not missing, group, f"{name}: {about['Type']} {key}", f"{missing} on {arn} is not allowed")
        for action, resource in (
            ("iam:CreateRole", "arn:aws:iam::111122223333:role/admin"), ("iam:AttachRolePolicy", "arn:aws:iam::111122223333:role/hansho/forwarder/x"),
            ("iam:CreatePolicy", "arn:aws:iam::111122223333:policy/x"), ("iam:DeleteRolePermissionsBoundary", "arn:aws:iam::111122223333:role/hansho/forwarder/x"),
            ("sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:111122223333:hansho-standard"), ("sqs:DeleteQueue", "arn:aws:sqs:eu-central-1:111122223333:other"),
            ("iam:PassRole", "arn:aws:iam::111122223333:role/admin"), ("sts:AssumeRole", "arn:aws:iam::111122223333:role/admin"),
            ("cloudformation:DeleteStack", "arn:aws:cloudformation:eu-central-1:111122223333:stack/hansho-pipeline/x"),
            ("sns:Publish", "arn:aws:sns:eu-central-1:111122223333:hansho-alarms"), ("sns:Publish", "arn:aws:sns:eu-central-1:999999999999:other"),
            ("s3:PutObject", "arn:aws:s3:::any/object"), ("s3:ListBucket", "arn:aws:s3:::any"),
        ):
            into.check(not allows(document, action, resource), group, f"{name}: not {action} on {resource.split(':', 5)[-1]}", "it is allowed")
        made = [each for each in document["Statement"] if "iam:CreateRole" in listed(each["Action"])]
        limit = roles.value({"Ref": "Boundary"})
        fine = len(made) == 1 and made[0].get("Condition", {}).get("ArnEquals") == {"iam:PermissionsBoundary": limit} and limit.endswith(f":policy/{boundary}")
        into.check(fine, group, f"{name}: roles within the boundary {boundary}", f"{made}")
        passed = [each for each in document["Statement"] if "iam:PassRole" in listed(each["Action"])]
        into.check([each.get("Condition") for each in passed] == [{"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}}], group,
                   f"{name}: handed to EventBridge alone", f"{passed}")
        bounded(document, name, into, group)
        inside = roles.properties("Boundary")["PolicyDocument"]
        into.check(rights.actions([inside]) == {"events:PutEvents"}, group, f"{name}: the boundary allows PutEvents", f"{inside}")


# The actions of the execution roles that have a condition, and which.
ORGANIZATION = "${aws:PrincipalOrgID, 'none'}"
BOUND = {
    # AWS's bucket is outside; whatever is the account's or the organisation's own is not read.
    "s3:GetObject": {"StringNotEquals": {"aws:ResourceAccount": "111122223333", "aws:ResourceOrgID": ORGANIZATION}},
    "guardduty:CreateDetector": {"StringEquals": {"aws:RequestTag/project": "hansho"}},
    "guardduty:TagResource": {"StringEquals": {"aws:RequestTag/project": "hansho"}},
    "guardduty:DeleteDetector": {"StringEquals": {"aws:ResourceTag/project": "hansho"}},
    "guardduty:UpdateDetector": {"StringEquals": {"aws:ResourceTag/project": "hansho"}},
    "guardduty:UntagResource": {"StringEquals": {"aws:ResourceTag/project": "hansho"}},
}


def bounded(document: dict, name: str, into, group: str) -> None:
    """What has no narrower resource is bound by a condition, in every statement that allows it."""
    for action, wanted in BOUND.items():
        found = [each.get("Condition") for each in document["Statement"] if each["Effect"] == "Allow" and any(rights.matches(one, action) for one in listed(each["Action"]))]
        into.check(found == [wanted], group, f"{name}: {action} is bound", f"{found}")
    denied = {one for each in document["Statement"] if each["Effect"] == "Deny" and "Condition" not in each and each["Action"] == "cloudformation:CreateChangeSet"
              for one in listed(each["Resource"])}
    wanted = {"arn:aws:cloudformation:*:aws:transform/*", "arn:aws:cloudformation:*:111122223333:transform/*"}
    into.check(denied == wanted, group, f"{name}: no macro and no transform", f"{denied}")


def administration(text, into) -> None:
    """The role that runs the stack sets: which accounts it reaches, and from which regions it is taken."""
    group, name = "the administration role", "stacksets/administration-role.yaml"
    role = "arn:aws:iam::{}:role/AWSCloudFormationStackSetExecutionRoleX"
    organization, further = {"OrganizationId": "o-a1b2c3d4e5"}, {"OrganizationId": "", "FurtherAccounts": "444455556666,777788889999"}
    inside, named = ({"StringEquals": {key: value}} for key, value in (("aws:ResourceOrgID", "o-a1b2c3d4e5"), ("aws:ResourceAccount", ["444455556666", "777788889999"])))
    for given, wanted in (
        (organization, [(role.format("*"), inside)]), (further, [(role.format("*"), named)]),
        ({**further, **organization}, [(role.format("*"), inside), (role.format("*"), named)]),
    ):
        stack = text.stack(name, Suffix="X", **given)
        policies = [stack.properties(key) for key, about in stack.resources().items() if about["Type"] == "AWS::IAM::Policy"]
        found = [(each["Resource"], each.get("Condition")) for policy in policies for each in policy["PolicyDocument"]["Statement"]]
        into.check("Policies" not in stack.properties("AdministrationRole"), group, f"{given}: and no others", f"{stack.properties('AdministrationRole')}")
        into.check(found == wanted, group, f"{given}: these accounts", f"{found}")
    for regions, wanted in (("", "cloudformation.amazonaws.com"), ("ap-east-1", ["cloudformation.amazonaws.com", "cloudformation.ap-east-1.amazonaws.com"]),
                            ("ap-east-1,me-south-1", ["cloudformation.amazonaws.com", "cloudformation.ap-east-1.amazonaws.com", "cloudformation.me-south-1.amazonaws.com"])):
        trust, = text.stack(name, **organization, OptInRegions=regions).properties("AdministrationRole")["AssumeRolePolicyDocument"]["Statement"]
        into.check(trust["Principal"]["Service"] == wanted, group, f"{regions or 'no region that is off by default'}: the principals", f"{trust['Principal']}")
        into.check({"StringEquals", "ArnLike"} == set(trust.get("Condition", {})), group, f"{regions or 'none'}: for this account's own stack sets", f"{trust}")
    # A role that reaches nobody would be made without a word.
    rule = text.whole(name)["Rules"]["Somewhere"]["Assertions"][0]["Assert"]
    neither, = [text.stack(name, OrganizationId="")._truth(rule)]
    into.check(not neither and text.stack(name, **further)._truth(rule) and text.stack(name, **organization)._truth(rule), group, "it reaches somebody", f"{rule}")


def tagged(text, into) -> None:
    """The tag by which the execution roles know a detector is the one that its template gives it."""
    tags = {each["Key"]: each["Value"] for each in text.stack("guardduty.yaml").properties("Detector")["Tags"]}
    into.check(tags.get("project") == "hansho", "the execution roles' rights", "guardduty.yaml: the detector has the tag that they ask for", f"{tags}")


def encrypted(text, into) -> None:
    """With a customer key, whoever calls SQS, DynamoDB and Secrets Manager has to be allowed to use it, through them alone."""
    group = "the customer key's users"
    for name, key in (("worker-lambda.yaml", "KeyPolicy"), ("worker-ecs.yaml", "KeyPolicy"), ("operator.yaml", "ReplayerKeyPolicy")):
        into.check(key not in text.stack(name).resources(), group, f"{name}: without a key, no right", "it is there")
        arn = "arn:aws:kms:eu-central-1:111122223333:key/a1b2"
        stack = text.stack(name, CustomerKeyArn=arn)
        statement, = stack.properties(key)["PolicyDocument"]["Statement"]
        wanted = {"dynamodb", "sqs", "secretsmanager"}
        into.check(statement["Resource"] == arn, group, f"{name}: this key alone", f"{statement['Resource']}")
        through = {each.split(".")[0] for each in statement["Condition"]["StringEquals"]["kms:ViaService"]}
        into.check(set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"} and through == wanted, group, f"{name}: through {', '.join(sorted(wanted))}", f"{statement}")
