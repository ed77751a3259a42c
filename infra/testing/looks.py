"""Looks at every resource of a stack through the service that owns it, and compares each property that the template asks for with
what is there. Nothing goes by unseen: a type without a checker, and a property that its checker does not take, are wrong."""

import ast
import json

import results
import template

# Nothing is behind it that could be looked at.
EXEMPT = {
    "AWS::CloudFormation::WaitConditionHandle": "a placeholder: CloudFormation makes a URL for it and nothing else",
}

# What an emulator is known not to do: (emulator, type, property), or * for a type that is not made at all. Where it does after all, that is wrong too, so that this
# list gets shorter by itself.
DEVIATIONS = {
    ("ministack", "AWS::DynamoDB::Table", "TimeToLiveSpecification"): "CloudFormation's TTL of a table is ignored",
    ("ministack", "AWS::DynamoDB::Table", "PointInTimeRecoverySpecification"): "CloudFormation's point-in-time recovery is ignored",
    ("ministack", "AWS::DynamoDB::Table", "SSESpecification"): "CloudFormation's key of a table is ignored",
    ("ministack", "AWS::SNS::Topic", "KmsMasterKeyId"): "CloudFormation's key of a topic is ignored",
    ("ministack", "AWS::SecretsManager::Secret", "Ref"): "Ref of a secret is its name and not its ARN",
    ("ministack", "AWS::IAM::Role", "PermissionsBoundary"): "CloudFormation's PermissionsBoundary of a role is ignored",
    ("ministack", "AWS::Lambda::Function", "ReservedConcurrentExecutions"): "CloudFormation's reserved concurrency of a function is ignored",
    ("ministack", "AWS::Lambda::EventSourceMapping", "Tags"): "CloudFormation's tags of an event source mapping are ignored",
    ("localemu", "AWS::Events::EventBus", "Description"): "CloudFormation's description of a bus is ignored",
    ("localemu", "AWS::Events::EventBus", "Tags"): "CloudFormation's tags of a bus are ignored",
    ("localemu", "AWS::Events::Archive", "*"): "CloudFormation says CREATE_COMPLETE of an archive and makes none",
    ("localemu", "AWS::CloudWatch::Dashboard", "*"): "CloudFormation says CREATE_COMPLETE of a dashboard and makes none",
    ("localemu", "AWS::GuardDuty::Detector", "*"): "CloudFormation says CREATE_COMPLETE of a detector and makes none",
    ("localemu", "AWS::DynamoDB::Table", "DeletionProtectionEnabled"): "CloudFormation's deletion protection of a table is ignored",
    ("localemu", "AWS::DynamoDB::Table", "PointInTimeRecoverySpecification"): "CloudFormation's point-in-time recovery is ignored",
    ("localemu", "AWS::Logs::LogGroup", "RetentionInDays"): "CloudFormation's retention of a log group is ignored",
    ("localemu", "AWS::Logs::LogGroup", "Tags"): "CloudFormation's tags of a log group are ignored",
    ("localemu", "AWS::CloudWatch::Alarm", "Tags"): "CloudFormation's tags of an alarm are ignored",
    ("localemu", "output", "ArchiveArn"): "without an archive there is no ARN of it",
    ("moto", "AWS::CloudFormation::WaitConditionHandle", "*"): "CloudFormation says CREATE_COMPLETE of a WaitConditionHandle and makes none",
    ("moto", "AWS::GuardDuty::Detector", "*"): "CloudFormation says CREATE_COMPLETE of a detector and makes none",
    ("moto", "AWS::SQS::QueuePolicy", "*"): "CloudFormation says CREATE_COMPLETE of a queue's policy and makes none",
    ("moto", "AWS::SNS::TopicPolicy", "*"): "CloudFormation says CREATE_COMPLETE of a topic's policy and makes none",
    ("moto", "AWS::CloudWatch::Alarm", "*"): "CloudFormation says CREATE_COMPLETE of an alarm and makes none",
    ("moto", "AWS::SQS::Queue", "RedriveAllowPolicy"): "CloudFormation's RedriveAllowPolicy of a queue is ignored",
    ("moto", "AWS::SNS::Topic", "Tags"): "CloudFormation's tags of a topic are ignored",
    ("moto", "AWS::IAM::Role", "ManagedPolicyArns"): "CloudFormation's ManagedPolicyArns of a role are ignored",
    ("ministack", "AWS::ECS::TaskDefinition", "RuntimePlatform"): "CloudFormation's RuntimePlatform of a task is ignored",
    ("ministack", "AWS::ECS::TaskDefinition", "Container.LinuxParameters"): "CloudFormation's LinuxParameters of a container are ignored",
    ("ministack", "AWS::ECS::TaskDefinition", "Container.HealthCheck"): "CloudFormation's HealthCheck of a container is ignored",
    ("ministack", "AWS::ECS::Service", "PlatformVersion"): "CloudFormation's PlatformVersion of a service is ignored",
    ("ministack", "AWS::ECS::Service", "PropagateTags"): "CloudFormation's PropagateTags of a service is ignored",
}

CHECKERS = {}


def checker(kind: str):
    def register(function):
        CHECKERS[kind] = function
        return function

    return register


def plain(value):
    """Numbers and truth values come as text from one service and as themselves from another."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if abs(value) < 1e6 else str(int(value))
    return value


def document(value):
    """A policy or a pattern, which services give as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        # moto writes a policy that came by CloudFormation as Python would.
        return ast.literal_eval(value)


def tags(listed) -> dict:
    """Any service's way to say tags."""
    if isinstance(listed, dict):
        return listed
    return {tag.get("Key", tag.get("key", tag.get("TagKey"))): tag.get("Value", tag.get("value", tag.get("TagValue"))) for tag in listed}


class Look:
    """One resource: what is asked for, and what was compared."""

    def __init__(self, emulator: str, aws, stack: template.Stack, name: str, into: results.Results, group: str):
        self.emulator, self.aws, self.stack, self.name = emulator, aws, stack, name
        self.kind = stack.template["Resources"][name]["Type"]
        self.asked = stack.properties(name)
        self.physical = stack.physical.get(name, "")
        self.into, self.group, self.left = into, group, set(self.asked)

    def ask(self, key: str):
        """The property as the template has it; it counts as looked at."""
        self.left.discard(key)
        return self.asked.get(key)

    def same(self, key: str, found, wanted=None) -> None:
        """`wanted` is another form of the property, as the service says it. A property that is not asked for is not compared."""
        if key in self.left or wanted is not None:
            wanted = self.ask(key) if wanted is None else wanted
            self.left.discard(key)
            self.judge(key, plain(wanted) == plain(found), wanted, found)

    def judge(self, key: str, holds: bool, wanted, found) -> None:
        self.left.discard(key)
        what, known = f"{self.name}.{key}", DEVIATIONS.get((self.emulator, self.kind, key))
        if holds and known:
            self.into.wrong(self.group, what, f"{self.emulator} was known for this: {known}. It is not so any more: correct infra/testing/looks.py")
        elif holds:
            self.into.seen(self.group, what)
        elif known:
            self.into.unseen(self.group, what, known)
        else:
            self.into.wrong(self.group, what, f"{self.kind}: the template says {json.dumps(wanted, default=str)}, there is {json.dumps(found, default=str)}")

    def tagged(self, listed) -> None:
        if "Tags" in self.asked:
            wanted, found = tags(self.ask("Tags")), tags(listed or [])
            self.judge("Tags", wanted.items() <= found.items(), wanted, found)


def look_at(emulator: str, aws, stack: template.Stack, into: results.Results, group: str) -> None:
    """Every resource of the stack, and every output."""
    for name in stack.resources():
        kind = stack.template["Resources"][name]["Type"]
        if kind in EXEMPT and (emulator, kind, "*") not in DEVIATIONS:
            into.check(bool(stack.physical.get(name)), group, f"{name} ({EXEMPT[kind]})", "the stack does not show it")
            continue
        if kind in EXEMPT:
            into.unseen(group, name, DEVIATIONS[emulator, kind, "*"])
            continue
        if kind not in CHECKERS:
            into.wrong(group, name, f"no checker for {kind}: write one in infra/testing, or say in looks.py why not")
            continue
        nothing = DEVIATIONS.get((emulator, kind, "*"))
        if nothing is None:
            look_at_one(emulator, aws, stack, name, into, group)
            continue
        aside = results.Aside()
        look_at_one(emulator, aws, stack, name, aside, group)
        if aside.wrongs:
            into.unseen(group, name, nothing)
        else:
            into.wrong(group, name, f"{emulator} was known for this: {nothing}. It is not so any more: correct infra/testing/looks.py")
    unexpected = set(stack.physical) - set(stack.resources())
    into.check(not unexpected, group, "no resource whose condition does not hold", f"the stack has {sorted(unexpected)}")


def other(value):
    """The same with something of it changed, down to one leaf."""
    if isinstance(value, dict) and value:
        key = sorted(value)[0]
        return {**value, key: other(value[key])}
    if isinstance(value, list) and value:
        return [other(value[0]), *value[1:]]
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return f"{value}x"


def prove_sharp(emulator: str, aws, stack: template.Stack, into: results.Results, group: str) -> None:
    """The checkers themselves are tried: asked for something else than what is there, each has to notice. Once for every property of
    every type; what the emulator is known not to keep is left out."""
    tried = set()
    for name in stack.resources():
        kind = stack.template["Resources"][name]["Type"]
        if kind in EXEMPT or (emulator, kind, "*") in DEVIATIONS:
            continue
        for key in stack.properties(name):
            kept = not any(emulator == where and kind == what and which.startswith(key) for where, what, which in DEVIATIONS)
            if (kind, key) in tried or not kept:
                continue
            tried.add((kind, key))
            aside = results.Aside()
            look_at_one(emulator, aws, stack, name, aside, group, lambda asked: {**asked, key: other(asked[key])})
            into.check(bool(aside.wrongs), group, f"{kind} {key}", "the checker does not notice another value")


def look_at_one(emulator: str, aws, stack: template.Stack, name: str, into, group: str, change=None) -> None:
    look = Look(emulator, aws, stack, name, into, group)
    if change:
        look.asked = change(look.asked)
    try:
        CHECKERS[look.kind](look)
    except Exception as why:  # noqa: BLE001 - one resource that is not there must not hide the others.
        into.wrong(group, name, f"{look.kind}: {type(why).__name__}: {why}")
        return
    for key in sorted(look.left):
        into.wrong(group, f"{name}.{key}", f"the checker of {look.kind} does not look at it")


def outputs_of(emulator: str, aws, name: str, stack: template.Stack, into: results.Results, group: str) -> None:
    there, exports = aws.outputs(name), aws.exports()
    for output, (value, export) in stack.outputs().items():
        found, known = there.get(output), DEVIATIONS.get((emulator, "output", output))
        if known and str(found) != str(value):
            into.unseen(group, f"output {output}", known)
            continue
        into.check(str(found) == str(value), group, f"output {output}", f"the template says {value}, there is {found}")
        if export:
            into.check(exports.get(export) == found, group, f"export {export}", f"there is {exports.get(export)}")
