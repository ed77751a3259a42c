"""What is promised about keeping findings, read from the templates' text where an emulator does not show it."""

import json
import re

import template

# Types that hold findings that nobody has seen or the record of posts, or that are needed to read either.
KEPT = {"AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::GuardDuty::Detector"}
# A queue of each region that is empty unless something is wrong, and goes with its stack.
NOT_KEPT = {("forwarder.yaml", "DeadLetterQueue")}


def ledger(text, into) -> None:
    group = "the ledger"
    asked = text.stack("pipeline.yaml").properties("Ledger")
    code = (template.INFRA.parent / "src/policy/record/stored.rs").read_text()
    names = dict(re.findall(r'const (FINGERPRINT|DESTINATION|EXPIRES_AT): &str = "(\w+)"', code))
    into.check(len(names) == 3, group, "the worker's names of its attributes", f"src/policy/record/stored.rs has {names}")
    life = asked.get("TimeToLiveSpecification")
    into.check(life == {"AttributeName": names.get("EXPIRES_AT"), "Enabled": True}, group, "TTL on the attribute that the worker writes", f"{life}")
    keys = {each["KeyType"]: each["AttributeName"] for each in asked["KeySchema"]}
    into.check(keys == {"HASH": names.get("FINGERPRINT"), "RANGE": names.get("DESTINATION")}, group, "the worker's keys", f"{keys}")
    recovery = asked.get("PointInTimeRecoverySpecification")
    into.check(recovery == {"PointInTimeRecoveryEnabled": True}, group, "point-in-time recovery", f"{recovery}")
    keyed = text.stack("pipeline.yaml", CustomerKey="yes")
    wanted = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": keyed.value({"Fn::GetAtt": ["Key", "Arn"]})}
    into.check(keyed.properties("Ledger").get("SSESpecification") == wanted, group, "the customer key", f"{keyed.properties('Ledger').get('SSESpecification')}")
    topic = keyed.properties("AlarmTopic").get("KmsMasterKeyId")
    into.check(topic == wanted["KMSMasterKeyId"], "the alarm topics' policies", "pipeline.yaml: the customer key", f"{topic}")


def archive(text, into) -> None:
    group = "the archive"
    stack = text.stack("pipeline.yaml", ArchiveDays="45")
    asked = stack.properties("Archive")
    into.check(asked["SourceArn"] == stack.value({"Fn::GetAtt": ["Bus", "Arn"]}), group, "of the hansho bus", f"{asked['SourceArn']}")
    into.check("EventPattern" not in asked, group, "everything", f"only {asked.get('EventPattern')}")
    into.check(asked["RetentionDays"] == "45", group, "for ArchiveDays", f"{asked['RetentionDays']}")
    none = text.stack("pipeline.yaml", ArchiveDays="0")
    into.check("Archive" not in none.resources() and "ArchiveArn" not in none.outputs(), group, "ArchiveDays=0: none, for regions that have none", "it is there")
    operator = text.stack("operator.yaml").properties("ReplayerPolicy")["PolicyDocument"]
    into.check(stack.value({"Fn::GetAtt": ["Archive", "Arn"]}) in json.dumps(operator), group, "the operator may replay it", "its ARN is not in operator.yaml")


# The events that a parameter of the forwarder admits beside the findings, and the rule of the bus that puts them in the express lane.
ADMITTED = {
    "CustomActions": (
        {"SecurityHub": "yes"}, {"Security Hub Findings - Custom Action", "Security Hub Insight Results"}, "ExpressCustomActionRule",
    ),
    # The good states are needed too: they end the incident.
    "MalwareScans": (
        {},
        {
            "GuardDuty Malware Protection Object Scan Result", "GuardDuty Malware Protection Post Scan Action Failed",
            "GuardDuty Malware Protection Resource Status Active", "GuardDuty Malware Protection Resource Status Warning",
            "GuardDuty Malware Protection Resource Status Error", "GuardDuty Runtime Protection Healthy", "GuardDuty Runtime Protection Unhealthy",
        },
        "ExpressMalwareRule",
    ),
}


def admitted(text, into) -> None:
    """What a parameter admits is forwarded with it, not without it, and not without its source."""
    group = "what the rules admit"
    for parameter, (source, events, rule) in ADMITTED.items():
        for value, given in (("yes", source), ("no", source), *([("yes", {})] if source else [])):
            wanted = events if value == "yes" and given == source else set()
            what = f"{parameter}={value}, {given or 'defaults'}"
            pattern = text.stack("forwarder.yaml", **given, **{parameter: value}).properties("Rule")["EventPattern"]
            found = events & set(pattern["detail-type"])
            into.check(found == wanted, group, f"{what}: the forwarder", f"{sorted(found)}")
            bus = text.stack("pipeline.yaml", **given, **{parameter: value})
            express = set(bus.properties(rule)["EventPattern"]["detail-type"]) if rule in bus.resources() else set()
            into.check(bool(express) == bool(wanted) and express <= events, group, f"{what}: the bus", f"{sorted(express)}")


def kept(text, into) -> None:
    group = "what outlives its stack"
    for name in text.NAMES:
        for key, about in text.whole(name)["Resources"].items():
            if about["Type"] in KEPT and (name, key) not in NOT_KEPT:
                found = about.get("DeletionPolicy"), about.get("UpdateReplacePolicy")
                into.check(found == ("RetainExceptOnCreate", "Retain"), group, f"{name}: {key}", f"{found}")


def ways(text, into) -> None:
    """From rule to queue to dead-letter queue nothing is dropped without a place to fall to."""
    group = "where undelivered messages go"
    everything = dict.fromkeys(("MalwareScans", "SecurityHub", "Inspector", "Macie", "AccessAnalyzer"), "yes")
    for name, given in (("pipeline.yaml", everything), ("forwarder.yaml", {"HomeBusArn": text.BUS})):
        stack = text.stack(name, **given)
        queues = {stack.value({"Fn::GetAtt": [key, "Arn"]}): stack.properties(key) for key, about in stack.resources().items() if about["Type"] == "AWS::SQS::Queue"}
        for key, about in stack.resources().items():
            if about["Type"] == "AWS::Events::Rule":
                for target in stack.properties(key)["Targets"]:
                    into.check(target.get("DeadLetterConfig", {}).get("Arn") in queues, group, f"{name}: {key}", f"{target.get('DeadLetterConfig')}")
                    into.check(target.get("RetryPolicy") == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}, group, f"{name}: {key} tries for a day", f"{target.get('RetryPolicy')}")
        for arn, asked in queues.items():
            if "RedrivePolicy" in asked:
                dead = queues.get(asked["RedrivePolicy"]["deadLetterTargetArn"], {}).get("RedriveAllowPolicy", {})
                into.check(arn in dead.get("sourceQueueArns", []), group, f"{name}: {asked['QueueName']} may use its dead-letter queue", f"{dead}")
            else:
                into.check(not any(each.get("RedrivePolicy", {}).get("deadLetterTargetArn") == asked["QueueName"] for each in queues.values()), group,
                           f"{name}: {asked['QueueName']} sends nowhere", "it does")


def alarms(text, into) -> None:
    group = "alarms"
    for name, given in (("pipeline.yaml", {}), ("forwarder.yaml", {"HomeBusArn": text.BUS, "AlarmEmail": "a@example.com"}), ("worker-lambda.yaml", {})):
        stack = text.stack(name, **given)
        for key, about in stack.resources().items():
            if about["Type"] == "AWS::CloudWatch::Alarm":
                asked = stack.properties(key)
                into.check(bool(asked["AlarmActions"]) and asked["AlarmActions"] == asked["OKActions"], group, f"{name}: {asked['AlarmName']} tells somebody, and when it is over", f"{asked['AlarmActions']}, {asked['OKActions']}")
    shown = text.stack("pipeline.yaml").properties("Dashboard")["DashboardBody"]
    stack = text.stack("pipeline.yaml", AlarmOnSilence="no")
    for key, about in stack.resources().items():
        if about["Type"] == "AWS::CloudWatch::Alarm":
            arn = stack.arn("cloudwatch", f"alarm:{stack.properties(key)['AlarmName']}")
            into.check(arn in shown, group, f"the dashboard shows {arn.split(':')[-1]}", "it does not")


def task(text, into) -> None:
    """What ministack does not keep of a task, and what the health check needs."""
    group = "the task"
    asked = text.stack("worker-ecs.yaml").properties("Task")
    container, = asked["ContainerDefinitions"]
    into.check(asked.get("RuntimePlatform", {}).get("OperatingSystemFamily") == "LINUX", group, "Linux", f"{asked.get('RuntimePlatform')}")
    into.check(container.get("LinuxParameters", {}).get("Capabilities") == {"Drop": ["ALL"]}, group, "no capabilities", f"{container.get('LinuxParameters')}")
    image = (template.INFRA / "Dockerfile").read_text()
    check = re.search(r"HEALTHCHECK --interval=(\d+)s --timeout=(\d+)s --start-period=(\d+)s --retries=(\d+) CMD (\[.*\])", image)
    health = container["HealthCheck"]
    mine = (health["Interval"], health["Timeout"], health["StartPeriod"], health["Retries"], health["Command"][1:])
    image_has = (*map(int, check.groups()[:4]), json.loads(check[5])) if check else None
    into.check(mine == image_has, group, "the health check is that of the image", f"{mine} and {image_has}")
    into.check(json.loads(re.search(r"^ENTRYPOINT (\[.*\])$", image, re.M)[1]) == health["Command"][1:2], group, "and asks by the image's program", f"{health['Command']}")
    listen = {each["Name"]: each["Value"] for each in container["Environment"]}.get("HANSHO_METRICS_LISTEN", "")
    into.check(listen.startswith("127.0.0.1:") and f"HANSHO_METRICS_LISTEN={listen}\n" in image, group, "the worker listens where it asks, on loopback", f"{listen!r}")
    service = text.stack("worker-ecs.yaml").properties("Service")
    into.check(service["PropagateTags"] == "SERVICE" and service["PlatformVersion"] == "LATEST", group, "tags and platform", f"{service}")
    into.check(text.stack("worker-ecs.yaml", Count="3").properties("Service")["DesiredCount"] == "3", group, "Count is the number of tasks", "it is not")


def counts(text, into) -> None:
    """Numbers that the copy for an emulator has written out."""
    group = "the function's mappings"
    stack = text.stack("worker-lambda.yaml", StandardBatchSize="50", StandardWindowSeconds="7", StandardConcurrency="6")
    asked = stack.properties("StandardMapping")
    found = asked["BatchSize"], asked["MaximumBatchingWindowInSeconds"], asked["ScalingConfig"]["MaximumConcurrency"]
    into.check(found == ("50", "7", "6"), group, "batch, window and concurrency are the parameters'", f"{found}")
    pipeline = text.stack("pipeline.yaml").properties("StandardQueue")
    timeout = stack.properties("Function")["Timeout"]
    into.check(timeout <= pipeline["VisibilityTimeout"], group, "time-out not more than the visibility", f"{timeout}, {pipeline['VisibilityTimeout']}")
    for key in ("ExpressMapping", "StandardMapping"):
        into.check("FilterCriteria" not in stack.properties(key), group, f"{key}: no filter, which would delete what it does not match", "there is one")
        into.check(stack.properties(key).get("Tags") is not None, group, f"{key}: tags", "there are none")


def detectors(text, into) -> None:
    group = "the detector"
    stack = text.stack("guardduty.yaml")
    asked = stack.properties("Detector")
    into.check(asked["Enable"] is True and asked["FindingPublishingFrequency"] == "FIFTEEN_MINUTES", group, "on, every 15 minutes", f"{asked}")
    for parameter, about in text.whole("guardduty.yaml")["Parameters"].items():
        if about.get("AllowedValues") == ["ENABLED", "DISABLED", "UNSET"]:
            # A part of a plan is named only with its plan, and the two ways of runtime monitoring exclude each other.
            given = {parameter: "ENABLED", "RuntimeMonitoring": "ENABLED"} if parameter != "EksRuntimeMonitoring" else {parameter: "ENABLED", "RuntimeMonitoring": "UNSET"}
            on, unset = (json.dumps(text.stack("guardduty.yaml", **{**given, parameter: value}).properties("Detector")) for value in ("ENABLED", "UNSET"))
            into.check(on != unset, group, f"{parameter} has an effect", "the detector is the same with ENABLED and with UNSET")
    into.check("Detector" not in text.stack("guardduty.yaml", CreateDetector="no").resources(), group, "CreateDetector=no leaves it alone", "it is made")


# What AWS takes at most, in bytes or in characters without white space. CloudFormation quotas: a template in a request; IAM quotas: managed
# and inline policies of a role, trust policy; EventBridge quotas: an event bus's policy.
TEMPLATE_BYTES, MARGIN = 51_200, 1_500
MANAGED, INLINE, TRUST, BUS = 6_144, 10_240, 2_048, 10_240


def sizes(text, into) -> None:
    """A template beyond the limit can be deployed only from a bucket, which the guide has not."""
    group = "sizes"
    for name in text.NAMES:
        size = text.size(name)
        into.check(size <= TEMPLATE_BYTES - MARGIN, group, f"{name}: {TEMPLATE_BYTES - MARGIN:,} bytes at most", f"it has {size:,}")
    compact = lambda value: len(json.dumps(value, separators=(",", ":")))  # noqa: E731
    everything = {"pipeline.yaml": {**dict.fromkeys(("MalwareScans", "SecurityHub", "Inspector", "Macie", "AccessAnalyzer"), "yes"), "OrganizationId": "o-a1b2c3d4e5"}}
    for name in text.NAMES:
        stack = text.stack(name, **everything.get(name, {}))
        for key, about in stack.resources().items():
            asked = stack.properties(key)
            limits = {
                "AWS::IAM::ManagedPolicy": [("PolicyDocument", MANAGED)], "AWS::IAM::Role": [("Policies", INLINE), ("AssumeRolePolicyDocument", TRUST)],
                "AWS::Events::EventBusPolicy": [("Statement", BUS)],
            }.get(about["Type"], [])
            for part, limit in limits:
                size = compact(asked.get(part, []))
                into.check(size <= limit, group, f"{name}: {key}.{part}: {limit:,} characters at most", f"it has {size:,}")


# Hosts of AWS_ENDPOINT_URL, to which every call goes with what it carries.
ENDPOINTS = {
    True: ["", "http://127.0.0.1:4566", "http://localhost:4566/", "http://10.0.0.7:4566", "http://192.168.1.2", "http://172.16.0.1:80", "http://172.31.255.1",
           "http://ministack:4566", "https://aws.emulator.internal", "http://host.docker.internal:4566", "http://moto.test"],
    False: ["http://example.com", "https://sqs.eu-central-1.amazonaws.com", "http://8.8.8.8", "http://172.32.0.1", "http://11.0.0.1", "http://169.254.170.2", "http://evil.internal.com",
            "http://10.evil.com", "http://127.0.0.1.example.com", "http://localhost@example.com", "http://192.168.1.2/path", "ftp://localhost", "http://1270001", "http://[::ffff:808:808]"],
}


def endpoints(text, into) -> None:
    for name in ("worker-lambda.yaml", "worker-ecs.yaml"):
        pattern = text.whole(name)["Parameters"]["EndpointUrl"]["AllowedPattern"]
        for may, urls in ENDPOINTS.items():
            wrong = [url for url in urls if bool(re.fullmatch(pattern.removeprefix("^").removesuffix("$"), url)) != may]
            into.check(not wrong, "EndpointUrl", f"{name}: {'private hosts are taken' if may else 'others are refused'}", f"{wrong}")


def imports(text, into) -> None:
    """CloudFormation refuses to change an output that another stack imports, so nothing that may change is exported."""
    group = "what another stack imports"
    changes = [
        ({"AlarmTopicArn": "arn:aws:sns:eu-central-1:111122223333:other"}, "a topic of one's own"), ({"CustomerKey": "yes"}, "a customer key"), ({"ArchiveDays": "0"}, "no archive"),
    ]
    exported = lambda stack: {export: value for value, export in stack.outputs().values() if export}  # noqa: E731
    before = exported(text.stack("pipeline.yaml"))
    for given, what in changes:
        after = exported(text.stack("pipeline.yaml", **given))
        into.check(before == after, group, f"{what} changes no export", f"{sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))}")
    for name in ("worker-lambda.yaml", "worker-ecs.yaml", "operator.yaml"):
        known = set(re.findall(r"!ImportValue (\S+)", (template.INFRA / name).read_text()))
        into.check(known <= before.keys() and bool(known), group, f"{name}: what it imports is exported", f"{sorted(known - before.keys())}")
    arn = "arn:aws:sns:eu-central-1:111122223333:other"
    made = text.stack("pipeline.yaml").value({"Ref": "AlarmTopic"})
    for given, wanted in (({}, made), ({"AlarmTopicArn": arn}, arn)):
        found = text.stack("worker-lambda.yaml", **given).properties("ErrorsAlarm")["AlarmActions"]
        into.check(found == [wanted], group, f"worker-lambda.yaml: {given or 'defaults'}: the alarms go to the topic", f"{found}")


def mentions(text, into) -> None:
    """The article's notifier mentions from medium on. Each level's mention reaches the worker's own key, and none is made by default."""
    for name, variables in (
        ("worker-lambda.yaml", lambda stack: stack.properties("Function")["Environment"]["Variables"]),
        ("worker-ecs.yaml", lambda stack: {each["Name"]: each["Value"] for each in stack.properties("Task")["ContainerDefinitions"][0]["Environment"]}),
    ):
        for level in ("Medium", "High", "Critical"):
            key = f"HANSHO_DESTINATION_MENTION_{level.upper()}"
            found = variables(text.stack(name, **{f"Mention{level}": "<!here>"})).get(key)
            into.check(found == "<!here>", "mentions", f"{name}: Mention{level}", f"{key} is {found}")
            into.check(key not in variables(text.stack(name)), "mentions", f"{name}: nobody unless one is named, {level}", "somebody is")


def cluster(text, into) -> None:
    """With capacity providers a first cluster fails in an account that has no service-linked role of ECS yet (cloudformation-coverage-roadmap, issue 818)."""
    asked = text.stack("worker-ecs.yaml")
    into.check("CapacityProviders" not in asked.properties("Cluster") and asked.properties("Service").get("LaunchType") == "FARGATE", "the task", "a launch type and no capacity provider",
               f"{asked.properties('Cluster')}")


# Parameter of worker-lambda.yaml, a value, what the timer sends, and the parameter of worker-ecs.yaml with the worker's variable.
TIMERS = [
    ("ReconcileSchedule", "rate(15 minutes)", "reconcile", "ReconcileEvery", "HANSHO_RECONCILE_EVERY"), ("CoverageSchedule", "rate(1 day)", "coverage", "CoverageEvery", "HANSHO_COVERAGE_EVERY"),
]


def timers(text, into) -> None:
    """Each timer calls the function with its event. A failed call is not retried, because the next one comes anyway."""
    group = "timers"
    for parameter, value, event, every, variable in TIMERS:
        key = event.capitalize()
        stack, off = text.stack("worker-lambda.yaml", **{parameter: value, "Heartbeat": "no"}), text.stack("worker-lambda.yaml", Heartbeat="no")
        made = [f"{key}Rule", f"{key}Permission", "HeartbeatRetries", f"{key}Policy"]
        into.check(stack.resources().keys() - off.resources().keys() == set(made), group, f"{parameter} makes rule, permission, retries and policy", f"{sorted(stack.resources().keys() - off.resources().keys())}")
        if not stack.resources().keys() >= set(made):
            continue
        rule, permission = stack.properties(made[0]), stack.properties(made[1])
        target, = rule["Targets"]
        into.check((rule["ScheduleExpression"], rule["State"]) == (value, "ENABLED"), group, f"{parameter} is the rule's schedule", f"{rule}")
        into.check(json.loads(target["Input"]) == {"hansho": event} and target["Arn"] == stack.value({"Fn::GetAtt": ["Function", "Arn"]}), group, f"{parameter}: the function gets its event", f"{target}")
        into.check(permission["SourceArn"] == stack.value({"Fn::GetAtt": [made[0], "Arn"]}) and permission["SourceAccount"] == stack.account, group, f"{parameter}: the rule may call it", f"{permission}")
        into.check(target["RetryPolicy"]["MaximumRetryAttempts"] == stack.properties(made[2])["MaximumRetryAttempts"] == 0, group, f"{parameter}: no retries", f"{target}")
        for given, wanted in (({every: "1d"}, "1d"), ({}, None)):
            found = {each["Name"]: each["Value"] for each in text.stack("worker-ecs.yaml", **given).properties("Task")["ContainerDefinitions"][0]["Environment"]}.get(variable)
            into.check(found == wanted, group, f"worker-ecs.yaml: {given or 'defaults'}: {variable}", f"it is {found}")
    regions = {"ReconcileRegions": "eu-west-1,us-east-1"}
    found = [text.stack("worker-lambda.yaml", **regions).properties("Function")["Environment"]["Variables"].get("HANSHO_RECONCILE_REGIONS")]
    found += [each["Value"] for each in text.stack("worker-ecs.yaml", **regions).properties("Task")["ContainerDefinitions"][0]["Environment"] if each["Name"] == "HANSHO_RECONCILE_REGIONS"]
    into.check(found == [regions["ReconcileRegions"]] * 2, group, "ReconcileRegions are there without a comparison too, for a look", f"{found}")
