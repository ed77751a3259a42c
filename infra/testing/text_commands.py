"""Every command line of the guide, its pages and the runbook, and the rights that it takes: those of a role that the page names are held to that
role's policies. No emulator refuses a call for want of rights."""

import re

import botocore.exceptions
import botocore.session

import rights
import template

RUNBOOK, GUIDE = "../docs/runbook.md", "README.md"
PAGES = [GUIDE, RUNBOOK, "stacksets/organization.md", "stacksets/self-managed.md"]
# Where the page says that the operator's role is enough. Everywhere else it asks for an administrator of the account.
OPERATOR = {(GUIDE, "8. Try the way without a finding"), (GUIDE, "Send dead letters again")}
# How the page says it.
SAID = {GUIDE: "the role of [operator.yaml](operator.yaml) is enough", RUNBOOK: "the operator's role"}
# Deploying the role takes other rights than having it.
NOT_THE_OPERATORS = ["aws cloudformation deploy"]

ARN = "arn:aws:{}:eu-central-1:111122223333:{}"
LANES = [ARN.format("sqs", f"hansho-{name}") for name in ("express", "standard")]
QUARANTINE, DEAD, UNDELIVERED = (ARN.format("sqs", f"hansho-{name}") for name in ("quarantine", "dead", "undelivered"))
FORWARDER = "arn:aws:sqs:us-east-1:111122223333:hansho-forwarder-dead"
HOLDS = [QUARANTINE, DEAD, UNDELIVERED, FORWARDER]
TABLE, SECRET = ARN.format("dynamodb", "table/hansho-ledger"), ARN.format("secretsmanager", "secret:hansho/slack-a1b2c3")
FUNCTION, DETECTOR = ARN.format("lambda", "function:hansho-worker"), "arn:aws:guardduty:us-east-1:111122223333:detector/d1"
BUSES = [ARN.format("events", "event-bus/hansho"), "arn:aws:events:us-east-1:111122223333:event-bus/default"]


def each(actions: str, resources) -> list[tuple[str, str]]:
    return [(action, resource) for action in actions.split() for resource in (resources if isinstance(resources, list) else [resources])]


TAKE_OUT = each("sqs:GetQueueAttributes sqs:ReceiveMessage sqs:ChangeMessageVisibility", HOLDS)
SEND = each("sqs:SendMessage", LANES) + each("sqs:DeleteMessage", HOLDS) + each("dynamodb:GetItem dynamodb:PutItem", TABLE)
# What a command calls, and on what: for `aws` as the CLI's reference says where it is not the operation's own name, for `hansho` as its
# source has it (src/aws).
OF_ORGANIZATION = "arn:aws:organizations::000000000001"
CALLS = {
    "aws cloudformation describe-stacks": each("cloudformation:DescribeStacks", ARN.format("cloudformation", "stack/hansho-pipeline/0a1b")),
    "aws secretsmanager put-secret-value": each("secretsmanager:PutSecretValue", SECRET),
    "aws logs tail": each("logs:FilterLogEvents", ARN.format("logs", "log-group:/hansho/worker:*")),
    "aws ecs describe-services": each("ecs:DescribeServices", ARN.format("ecs", "service/hansho/hansho-worker")),
    "aws lambda invoke": each("lambda:InvokeFunction", FUNCTION),
    "aws lambda get-account-settings": each("lambda:GetAccountSettings", "*"),
    "aws lambda get-function-concurrency": each("lambda:GetFunctionConcurrency", FUNCTION),
    "aws sqs get-queue-url": each("sqs:GetQueueUrl", FORWARDER),
    "aws events start-replay": each("events:StartReplay", [ARN.format("events", "archive/hansho"), ARN.format("events", "replay/hansho-1770000000")]),
    "hansho check": each("sqs:GetQueueAttributes sqs:ReceiveMessage sqs:ChangeMessageVisibility sqs:DeleteMessage", LANES) + each("sqs:GetQueueAttributes sqs:SendMessage", QUARANTINE)
    + each("dynamodb:DescribeTable dynamodb:DescribeTimeToLive dynamodb:GetItem dynamodb:BatchGetItem dynamodb:PutItem", TABLE) + each("secretsmanager:GetSecretValue", SECRET),
    "hansho health": [],
    "hansho canary": each("events:PutEvents", BUSES) + each("dynamodb:GetItem", TABLE),
    "hansho reconcile": each("guardduty:ListDetectors guardduty:ListFindings guardduty:GetFindings", "*") + each("dynamodb:BatchGetItem dynamodb:GetItem", TABLE)
    + each("sqs:SendMessage", LANES),
    "hansho coverage": each("account:ListRegions", "arn:aws:account::000000000001:account/o-a1b2c3d4e5/444455556666") + each("guardduty:DescribeOrganizationConfiguration guardduty:GetMemberDetectors guardduty:ListDetectors guardduty:ListMembers "
                            "organizations:ListAccounts organizations:ListDelegatedAdministrators", "*") + each("guardduty:GetDetector", DETECTOR)
    + each("events:DescribeRule events:ListTargetsByRule", "arn:aws:events:us-east-1:111122223333:rule/hansho-forwarder") + each("dynamodb:Scan", TABLE),
    "hansho explain": each("dynamodb:GetItem dynamodb:Query dynamodb:Scan", TABLE) + each("sqs:ReceiveMessage sqs:ChangeMessageVisibility", [QUARANTINE, DEAD]),
    "hansho replay list": TAKE_OUT,
    "hansho replay show": TAKE_OUT,
    "hansho replay send": TAKE_OUT + SEND,
    "hansho replay export": TAKE_OUT + each("sqs:DeleteMessage", HOLDS),
    "hansho replay discard": TAKE_OUT + each("sqs:DeleteMessage", HOLDS),
    "hansho accounts": each("organizations:ListRoots", "*") + each("organizations:ListAccountsForParent organizations:ListOrganizationalUnitsForParent", OF_ORGANIZATION + ":ou/o-a1b2c3d4e5/ou-a1b2-1")
    + each("organizations:ListTagsForResource", OF_ORGANIZATION + ":account/o-a1b2c3d4e5/444455556666")
    + each("dynamodb:GetItem dynamodb:PutItem", TABLE),
    "hansho silence": each("dynamodb:GetItem dynamodb:PutItem", TABLE),
    # It works with logins of its own, whose rights are in rollout.yaml: text_rollout.py holds them to what it calls.
    "hansho rollout": [],
}
# A command of the CLI that is no operation of the service's API.
CLI_ONLY = {"cloudformation deploy", "cloudformation wait", "ecr get-login-password", "logs tail"}
# Words of the pages that are no commands.
SUBCOMMANDS = ("replay", )


def commands(text: str) -> list[tuple[str, str]]:
    """Heading and command, without arguments: of the blocks, and of the prose."""
    found, heading, fenced = [], "", ""
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = "" if fenced else line
        elif not fenced and (title := re.fullmatch(r"#{1,4} (.*)", line)):
            heading = title[1].strip()
        else:
            parts = [re.sub(r"'[^']*'", "''", line.split("  #")[0])] if fenced == "```sh" else re.findall(r"`((?:aws|hansho) [a-z][^`]*)`", line) if not fenced else []
            for part in parts:
                if part.lstrip().startswith("#"):
                    continue
                for name, first, second in re.findall(r"(?<![\w/.:-])(aws|hansho) ([a-z][a-z0-9-]*)(?: ([a-z][a-z0-9-]*))?", part):
                    if name == "hansho" and first not in SUBCOMMANDS:
                        second = ""
                    found.append((heading, " ".join(word for word in (name, first, second) if word)))
    return found


def held(pages, into, text) -> None:
    """Each command is known; and the operator's role may do what the pages type with it."""
    group = "the rights that the commands take"
    stack = text.stack("operator.yaml")
    attached = stack.properties("ReplayerRole")["ManagedPolicyArns"]
    policies = [key for key, about in stack.resources().items() if about["Type"] == "AWS::IAM::ManagedPolicy" and stack.value({"Ref": key}) in attached]
    document = {"Statement": [statement for key in policies for statement in stack.properties(key)["PolicyDocument"]["Statement"]]}
    session = botocore.session.get_session()
    operations = {}
    typed = 0
    for page in PAGES:
        whole = pages.text(page)
        into.check(page not in SAID or SAID[page] in " ".join(whole.split()), group, f"{page} says whose rights are enough", f"it has no '{SAID.get(page)}'")
        for heading, command in dict.fromkeys(commands(whole)):
            what = f"{page}: {heading}: {command}"
            if command.startswith("aws "):
                service, *operation = command.removeprefix("aws ").split()
                name = " ".join([service, *operation])
                if service not in operations:
                    operations[service] = {xform(name_of) for name_of in model(session, service)}
                known = operations[service]
                into.check(name in CLI_ONLY or (operation and operation[0] in known), group, what, "the CLI knows no such command")
            else:
                into.check(command in CALLS, group, what, "what it calls is not in infra/testing/text_commands.py")
            if (page != RUNBOOK and (page, heading) not in OPERATOR) or command in NOT_THE_OPERATORS:
                continue
            typed += 1
            if command not in CALLS:
                into.wrong(group, what, "what it calls is not in infra/testing/text_commands.py")
                continue
            refused = [f"{action} on {resource}" for action, resource in CALLS[command] if not rights.allows(document, action, resource)]
            into.check(not refused, group, f"{what}: the operator may", f"{refused}")
    into.check(typed > 15, group, "commands of the operator were found", f"{typed}")


def model(session, service: str) -> list[str]:
    try:
        return session.get_service_model({"s3api": "s3"}.get(service, service)).operation_names
    except botocore.exceptions.UnknownServiceError:
        return []


def xform(name: str) -> str:
    """The CLI's name of an operation."""
    return botocore.xform_name(name, "-")


# Page, what stands there, and what a mutant has there.
PAGE_MUTANTS = [
    (RUNBOOK, "aws ecs describe-services", "aws ecs describe-tasks"), (RUNBOOK, "aws logs tail", "aws logs start-live-tail"), (GUIDE, "hansho replay list\n", "hansho replay drop\n"),
    (GUIDE, "aws guardduty create-sample-findings", "aws guardduty make-sample-findings"),
]
# Rights of operator.yaml without which a command of the pages is refused.
RIGHTS = [
    "cloudformation:DescribeStacks", "logs:FilterLogEvents", "              - secretsmanager:PutSecretValue\n", "              - secretsmanager:GetSecretValue\n",
    "              - dynamodb:BatchGetItem\n", "              - dynamodb:DescribeTimeToLive\n", "ecs:DescribeServices", "              - lambda:InvokeFunction\n", "              - lambda:GetAccountSettings\n",
    "              - lambda:GetFunctionConcurrency\n", "              - guardduty:ListFindings\n", "              - dynamodb:Scan\n", "              - guardduty:GetMemberDetectors\n", "        - !Ref OncallPolicy\n",
]


def mutants(pages, into, text_of) -> None:
    from results import Aside
    group = "mutants of the commands and the operator's rights"
    for page, there, instead in PAGE_MUTANTS:
        whole, aside = pages.text(page), Aside()
        into.check(there in whole, group, f"{page} has {there.strip()}", "it has not: correct text_commands.py")
        held(pages.__class__({page: whole.replace(there, instead, 1)}), aside, text_of({}))
        into.check(bool(aside.wrongs), group, f"{page}: {instead.strip()}", "it was not found")
    whole = (template.INFRA / "operator.yaml").read_text()
    for right in RIGHTS:
        aside = Aside()
        into.check(right in whole, group, f"operator.yaml has {right.strip()}", "it has not: correct text_commands.py")
        held(pages, aside, text_of({"operator.yaml": template.parse(whole.replace(right, "" if right.endswith("\n") else "sts:GetCallerIdentity", 1))}))
        into.check(bool(aside.wrongs), group, f"without {right.strip()}", "it was not found")
