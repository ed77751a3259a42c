"""The policies of rollout.yaml, held to what hansho rollout calls (src/rollout), and to what CloudFormation calls for what is in its templates."""

import json
import re
from pathlib import Path

import cfnlint

import rights
import template

GROUP = "the rights of a rollout"
SOURCES = template.INFRA.parent / "src/rollout"
RIGHT = re.compile(r'"([a-z0-9]+:[A-Z]\w+)"')
# Steps that another login than the security account's makes: what their calls and rights are called in step.rs.
OF_MANAGEMENT = {"guardduty:EnableOrganizationAdminAccount"}
OF_MEMBER = {"guardduty:ListInvitations", "guardduty:AcceptAdministratorInvitation", "guardduty:CreateSampleFindings"}
# A new detector, and one that is resumed, with any login.
DETECTOR = {"guardduty:CreateDetector", "guardduty:UpdateDetector", "iam:CreateServiceLinkedRole"}
# No right of IAM: step.rs leaves it out too.
NO_RIGHT = {"s3:HeadObject"}
# What changes with the worker's code. (With its configuration also the secrets that the role may read, by a call that making it takes too.)
CHANGED = {"AWS::Lambda::Function"}
MADE = ["pipeline.yaml", "forwarder.yaml", "worker-lambda.yaml", "code-bucket.yaml"]
# What handlers of CloudFormation name for properties that the templates, as rollout fills them in, do not have.
NOT_USED = re.compile(
    r"kms:.*|ec2:.*|kinesis:.*|firehose:.*|elasticfilesystem:.*|s3files:.*|s3tables:.*|s3:REST.*|.*DataProtectionPolicy|s3:(Put|Create|Update)(Analytics|BucketAbac|BucketCORS|Inventory|Metrics"
    r"|BucketNotification|BucketReplication|BucketWebsite|Accelerate|Replication|ObjectAcl|BucketObjectLock|BucketLogging|ObjectLock|IntelligentTiering|BucketMetadata).*|s3:(Delete|Get)Object.*"
    r"|dynamodb:(DescribeImport|ImportTable|UpdateContributorInsights|.*KinesisStreamingDestination|PutResourcePolicy|CreateTableReplica|AssociateTableReplica|Scan|Query|.*Item)"
    r"|iam:(CreateServiceLinkedRole|.*UserPolicy|.*GroupPolicy|AttachRolePolicy|DetachRolePolicy)|lambda:((Put|Delete)FunctionConcurrency|(Put|Delete)FunctionCodeSigningConfig|PublishVersion|UntagResource|GetCodeSigningConfig|GetLayerVersion|Put(RuntimeManagement|FunctionRecursion"
    r"|FunctionScaling)Config|PassCapacityProvider|AssociateRuntimeAlias)|logs:(CreateLogStream|DescribeLogStreams|PutLogEvents|CreateLogDelivery|PutResourcePolicy|PutIndexPolicy|PutBearerTokenAuthentication"
    r")|secretsmanager:(ReplicateSecretToRegions|RemoveRegionsFromReplication|GetSecretValue)"
)


def block(text: str, start: str, end: str) -> set[str]:
    return set(RIGHT.findall(text.split(start, 1)[1].split(end, 1)[0]))


def document(text, login: str, key: str) -> dict:
    return text.stack("rollout.yaml", Login=login).properties(key)["PolicyDocument"]


def calls(text, into) -> None:
    """Each policy allows what its login calls, and nothing more."""
    reads, step = (SOURCES / "rights.rs").read_text(), (SOURCES / "step.rs").read_text()
    step = step[step.index("pub fn calls"):]
    designate = block(step, "(Subject::Administrator, _) => &[\n", "]")
    steps = set(RIGHT.findall(step)) - NO_RIGHT
    into.check(len(steps) > 20 and len(designate) > 5, GROUP, "the rights of the steps were found", f"{len(steps)}, {len(designate)}")
    of = {login: block(reads, f"LoginOf::{login.capitalize()},", "LoginOf::") for login in ("security", "management", "member")}
    wanted = {
        "security": of["security"] | (steps - designate - OF_MANAGEMENT - OF_MEMBER),
        "management": of["management"] | designate | OF_MANAGEMENT | DETECTOR, "member": of["member"] | OF_MEMBER | DETECTOR,
    }
    for login, actions in wanted.items():
        found = rights.actions([document(text, login, f"{login.capitalize()}Policy")])
        into.check(found == actions, GROUP, f"{login}: the actions", f"{sorted(found ^ actions)} too many or missing")
        others = {f"{other.capitalize()}Policy" for other in wanted if other != login} & text.stack("rollout.yaml", Login=login).resources().keys()
        into.check(not others, GROUP, f"{login}: no other login's", f"{others}")
    takes = re.compile(r"\w+:(Delete|Disable|Disassociate|Stop|Remove|Deregister|Archive|Untag)")
    for login in wanted:
        found = [action for action in rights.actions([document(text, login, f"{login.capitalize()}Policy")]) if takes.match(action) or "*" in action]
        into.check(not found, GROUP, f"{login}: nothing that takes anything away", f"{found}")


def handlers() -> dict[str, set[str]]:
    """Of each type of resource, what CloudFormation calls to make it, to read it, and to delete it where a stack fails; of those in CHANGED also to change it. From CloudFormation's registry, as cfn-lint
    has it."""
    of = {}
    for path in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json"):
        schema = json.loads(path.read_text())
        names = ("create", "read", "delete", "update") if schema["typeName"] in CHANGED else ("create", "read", "delete")
        asked = {right for name in names for right in schema.get("handlers", {}).get(name, {}).get("permissions", [])}
        of.setdefault(schema["typeName"], set()).update(asked)
    return of


def stacks(text, into) -> None:
    """CloudFormation may make what is in the templates, and nobody else may with these rights."""
    policy = document(text, "security", "StacksPolicy")
    allowed, registry = rights.actions([policy]), handlers()
    given = {"pipeline.yaml": {"AlarmEmail": "a@example.com"}, "forwarder.yaml": {"HomeBusArn": text.BUS, "AlarmEmail": "a@example.com"}}
    types = {about["Type"] for name in MADE for about in text.stack(name, **given.get(name, {})).resources().values()}
    needed = {right for kind in types for right in registry.get(kind, set()) if not NOT_USED.fullmatch(right)}
    into.check(all(registry.get(kind) for kind in types), GROUP, "the registry knows each type", f"{sorted(kind for kind in types if not registry.get(kind))}")
    into.check(needed <= allowed, GROUP, "stacks: what CloudFormation calls", f"{sorted(needed - allowed)} are missing")
    more = allowed - {right for kind in types for right in registry.get(kind, set())}
    into.check(not more, GROUP, "stacks: nothing that no handler calls", f"{sorted(more)}")
    bound = {"aws:CalledVia": "cloudformation.amazonaws.com"}
    loose = [each["Sid"] for each in policy["Statement"] if each.get("Condition", {}).get("ForAnyValue:StringEquals") != bound]
    into.check(not loose, GROUP, "stacks: only by CloudFormation", f"{loose}")
    for name in MADE:
        stack = text.stack(name)
        for key, about in stack.resources().items():
            role = stack.properties(key) if about["Type"] == "AWS::IAM::Role" else None
            arn = f"arn:aws:iam::{stack.account}:role{role.get('Path', '/')}{role['RoleName']}" if role else None
            into.check(arn is None or rights.allows(policy, "iam:CreateRole", arn), GROUP, f"stacks: {name}: {key}", f"{arn} may not be made")
    into.check(not rights.allows(policy, "iam:PutRolePolicy", f"arn:aws:iam::{text.stack('rollout.yaml').account}:role/admin"), GROUP, "stacks: no other role", "it may be changed")
