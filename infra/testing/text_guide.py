"""The commands of the guide and its pages where they are refused something: typed with a stand-in for the AWS CLI that fails as it is told
to, and keeps what it was asked. No emulator refuses a login or lacks a detector."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import botocore.session

import guide
import template

# It answers with the first rule whose words are all in the command, and notes each call with the login that it had.
AWS = """#!%s
import json, os, sys
from pathlib import Path
said = " ".join(sys.argv[1:])
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps({"said": said, "key": os.environ.get("AWS_ACCESS_KEY_ID")}) + "\\n")
for words, status, answer in json.loads(Path(os.environ["RULES"]).read_text()):
    if all(word in said for word in words):
        if answer:
            print(answer)
        sys.exit(status)
"""
VARIABLES = """
export ORGANIZATION=o-a1b2c3d4e5 ROOT_OU=r-a1b2 SECURITY_ACCOUNT=111122223333 HOME_REGION=eu-central-1 PARTITION=aws PROCESSOR=arm64
export REGIONS="eu-central-1 eu-west-1 us-east-1" ACCOUNTS="111122223333 444455556666 777788889999" ALARM_EMAIL=oncall@example.com
export BUS_ARN=arn:aws:events:eu-central-1:111122223333:event-bus/hansho
"""


class Typed:
    """A block typed by somebody whose own login is the profile: what was called, and how it ended."""

    def __init__(self, block: str, rules: list, more: str = "", strict: bool = False):
        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder)
            (where / "aws").write_text(AWS % os.sys.executable)
            (where / "aws").chmod(0o755)
            (where / "rules").write_text(json.dumps(rules))
            (where / "calls").write_text("")
            clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "HANSHO_"))}
            clean |= {"PATH": f"{where}:{os.environ['PATH']}", "CALLS": str(where / "calls"), "RULES": str(where / "rules"), "HOME": folder}
            (where / "infra").symlink_to(template.INFRA)
            (where / "target/dist").mkdir(parents=True)
            (where / "target/dist/hansho-lambda.zip").write_bytes(b"a zip")
            # A person's shell goes on after a failed command.
            whole = f"{'set -euo pipefail' if strict else ''}\n{VARIABLES}\n{more}\n{block}\n"
            done = subprocess.run(["bash", "-c", whole], cwd=where, env=clean, capture_output=True, text=True, timeout=60)
            self.status, self.said = done.returncode, done.stdout + done.stderr
            self.calls = [json.loads(line) for line in (where / "calls").read_text().splitlines()]

    def with_words(self, *words: str) -> list[dict]:
        return [call for call in self.calls if all(word in call["said"] for word in words)]


def roles_in_accounts(pages, into) -> None:
    """A refused login makes no role with the login of who types it, which would be in the management account."""
    group = "the guide's commands when they are refused"
    loop, = [block for block in pages.blocks("stacksets/self-managed.md", "2. The execution role (every account, the security account too)") if "for account" in block]
    login = "ASIA SECRET TOKEN"
    for what, answer in (("refused", ["role/OrganizationAccountAccessRole", 254, ""]), ("answered with nothing", ["", 0, ""]), ("answered in part", ["", 0, "ASIA"])):
        rules = [[["assume-role", ":444455556666:"], answer[1], answer[2]], [["assume-role"], 0, login]]
        typed = Typed(loop, rules)
        made = typed.with_words("cloudformation deploy")
        own = [call for call in made if not call["key"]]
        into.check(not own, group, f"a login {what}: nothing is made with one's own login", f"{own}")
        into.check(len(made) == 2, group, f"a login {what}: the other accounts have their role", f"{len(made)} were made")
        into.check(typed.status != 0 and "444455556666" in typed.said, group, f"a login {what}: the account is named, and the end is a failure", f"{typed.status}: {typed.said}")
    typed = Typed(loop, [[["assume-role"], 0, login], [["cloudformation deploy"], 255, ""]])
    into.check(typed.status != 0 and len(typed.calls) == 6, group, "a role that could not be made is named", f"{typed.status}: {typed.said}")
    typed = Typed(loop, [[["assume-role"], 0, login]])
    into.check(typed.status == 0, group, "where nothing is refused, the end is a success", typed.said)


def buckets(pages, into) -> None:
    """Nobody can own a bucket of the guide before it is made, and what is sent goes to one's own account alone."""
    group = "the guide's commands when they are refused"
    code = "\n".join(pages.blocks("README.md", "4. The worker: Lambda"))
    sets = "\n".join(pages.blocks("stacksets/organization.md", "3. An execution role with few rights (security account)"))
    for what, block, name in (("the code", code, "hansho-code"), ("the sets", sets, "hansho-stacksets")):
        typed = Typed(block, [[["create-bucket"], 254, ""]], "output() { echo given; }")
        made = typed.with_words("create-bucket")
        fine = len(made) == 1 and f"--bucket {name}-111122223333-eu-central-1-an " in made[0]["said"] and "--bucket-namespace account-regional" in made[0]["said"]
        into.check(fine, group, f"the bucket of {what} is in the account's namespace", f"{made}")
        settings = typed.with_words("s3api put-bucket") + typed.with_words("public-access-block")
        into.check(not settings, group, f"the bucket of {what}: refused, it gets no settings", f"{settings}")
        typed = Typed(block, [[["put-object"], 0, "v1"]], "output() { echo given; }")
        foreign = [call["said"] for call in typed.with_words("s3api") if "create-bucket" not in call["said"] and "--expected-bucket-owner 111122223333" not in call["said"]]
        into.check(not foreign and not typed.with_words("s3 cp"), group, f"the bucket of {what}: each call says whose it is", f"{foreign}")
    sent = Typed(code, [[["put-object"], 0, "v1"]], "output() { echo given; }")
    into.check(bool(sent.with_words("cloudformation deploy", "CodeVersion=v1")), group, "the function gets the version that was sent", f"{sent.calls}")
    refused = Typed(code, [[["put-object"], 254, ""]], "output() { echo given; }")
    into.check(not refused.with_words("cloudformation deploy"), group, "code that was not sent is not deployed", f"{refused.calls}")
    us = Typed(code, [[["put-object"], 0, "v1"]], "HOME_REGION=us-east-1; output() { echo given; }")
    into.check(bool(us.with_words("create-bucket")) and not us.with_words("LocationConstraint"), group, "in us-east-1 no place is named", f"{us.with_words('create-bucket')}")


def collecting(pages, into) -> None:
    """Step 6 in a region without a detector, and with a plan that GuardDuty refuses."""
    group = "the guide's commands when they are refused"
    loop, = [block for block in pages.blocks("README.md", "6. GuardDuty collects in the security account") if "update-organization-configuration" in block]
    for what, rules in (
        ("no detector", [[["list-detectors", "eu-west-1"], 0, "None"], [["list-detectors"], 0, "d1"]]), ("no answer", [[["list-detectors", "eu-west-1"], 0, ""], [["list-detectors"], 0, "d1"]]),
        ("a refused call", [[["list-detectors", "eu-west-1"], 254, ""], [["list-detectors"], 0, "d1"]]),
    ):
        typed = Typed(loop, rules)
        there = [call["said"] for call in typed.with_words("--region eu-west-1") if "list-detectors" not in call["said"]]
        into.check(not there, group, f"{what} in a region: nothing is asked of it", f"{there}")
        into.check(typed.status != 0 and "eu-west-1" in typed.said.splitlines()[-1], group, f"{what} in a region: it is named", f"{typed.status}: {typed.said}")
        into.check(len(typed.with_words("update-detector")) == 2, group, f"{what} in a region: the others go on", f"{typed.calls}")
    typed = Typed(loop, [[["list-detectors"], 0, "d1"], [["update-organization-configuration", "us-east-1"], 254, ""]])
    into.check(typed.status != 0 and "us-east-1" in typed.said.splitlines()[-1], group, "a plan that is refused: the region is named", f"{typed.status}: {typed.said}")
    typed = Typed(loop, [[["list-detectors"], 0, "d1"]])
    into.check(typed.status == 0, group, "all regions: the end is a success", typed.said)
    given = re.search(r"features='(.*?)'", loop, re.S)
    features = json.loads(given[1])
    known = botocore.session.get_session().get_service_model("guardduty").shape_for("OrgFeature").enum
    into.check(all(each["Name"] in known and each["AutoEnable"] == "ALL" for each in features), group, "GuardDuty knows the plans", f"{features}")
    detector = template.read(template.INFRA / "guardduty.yaml")["Parameters"]
    on = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() for name, about in detector.items() if about.get("Default") == "ENABLED"}
    into.check({each["Name"] for each in features} == on, group, "the plans are those of guardduty.yaml", f"{on}")
    text = pages.text("README.md")
    into.check("up to 24 hours" in text and "One owner" in text, group, "the guide says how long it takes, and who owns the detectors", "it does not")


def without_template(pages, into) -> None:
    """The sets get a role with few rights where the CLI knows how, each its own; and AWS's role where it does not."""
    group = "the service-managed sets"
    page = "stacksets/organization.md"
    role = "\n".join(pages.blocks(page, "3. An execution role with few rights (security account)"))
    detectors = pages.blocks(page, "4. GuardDuty everywhere (security account)")[0]
    forwarder = "\n".join(pages.blocks(page, "5. The forwarder, in the security account in every region (security account)"))
    shown = "cat target/dist/execution-role-*.yaml 2>/dev/null || true"
    for knows in (True, False):
        typed = Typed(f"{role}\n{detectors}\n{forwarder}\n{shown}", [[["generate-cli-skeleton"], 0, '{"ExecutionRoleTemplateBody": ""}' if knows else "{}"]], strict=True)
        what = "a CLI that knows execution role templates" if knows else "an older CLI"
        into.check(typed.status == 0, group, f"{what}: the commands succeed", f"{typed.status}: {typed.said}")
        made = [call["said"] for call in typed.with_words("create-stack-set") if "skeleton" not in call["said"]]
        into.check(len(made) == 2, group, f"{what}: two sets", f"{made}")
        names = [re.findall(r"--execution-role-name (\S+)", said) for said in made]
        wanted = [["stacksets-exec-custom-hansho-guardduty"], ["stacksets-exec-custom-hansho-forwarder"]] if knows else [[], []]
        into.check(names == wanted, group, f"{what}: each set its own role, or AWS's", f"{names}")
        bodies = re.findall(r"Default: (stacksets-exec-custom-hansho\S*)", typed.said)
        into.check(sorted(bodies) == sorted(name for each in wanted for name in each), group, f"{what}: the copies have these names", f"{bodies}")
        boundary = re.findall(r"ParameterKey=BoundaryPolicy,ParameterValue=(\S*)", "\n".join(made))
        expected = "hansho/hansho-boundary-stacksets-exec-custom-hansho-forwarder" if knows else ""
        into.check(boundary == [expected], group, f"{what}: the boundary that the role makes", f"{boundary}")
        if knows:
            stack = template.Stack(template.read(template.INFRA / "stacksets/organization-execution-role.yaml"), {"RoleName": wanted[1][0]}, "1", "r", {}, {})
            into.check(stack.outputs()["BoundaryPolicyName"][0] == expected, group, "the boundary's name is the template's", f"{stack.outputs()}")
        else:
            into.check("administrator access" in typed.said, group, f"{what}: it says what is used", typed.said)


def policy_of_the_organization(pages, into) -> None:
    """Who may create stack sets as a delegated administrator is said, and an SCP takes it from all but one."""
    group = "the SCP"
    block, = [each for each in pages.blocks("stacksets/organization.md", "2. The security account may run stack sets (management account, once)") if "SERVICE_CONTROL_POLICY" in each]
    statement, = json.loads(re.search(r"<<'JSON'\n(.*?)\nJSON", block, re.S)[1])["Statement"]
    known = {f"cloudformation:{name}" for name in botocore.session.get_session().get_service_model("cloudformation").operation_names}
    writes = {name for name in known if re.fullmatch(r"cloudformation:(Create|Update|Delete|Import)\w*(StackSet|StackInstances)", name)}
    into.check(set(statement["Action"]) == writes, group, "every call that makes, changes or deletes stack sets and instances", f"{set(statement['Action']) ^ writes}")
    into.check(statement["Effect"] == "Deny" and set(statement["Condition"]) == {"ArnNotLike"}, group, "denied to all but one role", f"{statement}")
    typed = Typed(block, [[["create-policy"], 0, "p-1"]])
    into.check(bool(typed.with_words("attach-policy", "--policy-id p-1", "--target-id 111122223333")), group, "on the security account", f"{typed.calls}")
    refused = Typed(block, [[["create-policy"], 254, ""]])
    into.check(not refused.with_words("attach-policy"), group, "not made, it is not attached", f"{refused.calls}")


# A text that holds for one partition alone.
FIXED = re.compile(r"arn:aws:|https?://[^ ]*\.amazonaws\.com\b|\.[a-z0-9$_\"{}]+\.amazonaws\.com/")
# Names that are the same in every partition: service principals.
PRINCIPALS = re.compile(r"--(?:aws-service-name|service-principal) \S+")
PAGES = ["README.md", "stacksets/organization.md", "stacksets/self-managed.md", "../docs/runbook.md"]


def partitions(pages, into) -> None:
    for page in PAGES:
        commands = "\n".join(re.findall(r"```sh\n(.*?)```", pages.text(page), re.S))
        found = FIXED.findall(PRINCIPALS.sub("", commands))
        into.check(not found, "partitions", f"{page}: no command holds for one partition alone", f"{found}")


def program(pages, into) -> None:
    """What the guide types is in what the guide builds or installs."""
    group = "the program of the guide"
    text = pages.text("README.md")
    installed = "\n".join(pages.blocks("README.md", "1, too. The program for your own terminal"))
    into.check(re.search(r"^cargo install --path \. --locked --features full\b", installed, re.M) is not None, group, "every feature is installed", installed)
    into.check(text.index("cargo install") < text.index("\nhansho canary"), group, "before it is typed", "after it")


def again(pages, into) -> None:
    """An upgrade builds what was built before."""
    group = "the upgrade"
    commands = "\n".join(pages.blocks("README.md", "Upgrade"))
    into.check("infra/build --again" in commands, group, "the guide builds with the arguments of before", commands)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "infra").mkdir()
        build = Path(folder) / "infra/build"
        build.write_text((template.INFRA / "build").read_text())
        (Path(folder) / "my hansho.toml").write_text("")
        # No binary of Linux: it ends after the arguments are known.
        given = {**os.environ, "HANSHO_BIN": str(build), "SOURCE_DATE_EPOCH": "0"}
        run = lambda *arguments: subprocess.run(["bash", build, *arguments], cwd=folder, env=given, capture_output=True, text=True, timeout=60)  # noqa: E731
        none = run("--again")
        into.check(none.returncode == 1 and "there was no build" in none.stderr, group, "without a build before, it says so", f"{none}")
        for arguments in (["--config", "my hansho.toml", "--reconcile"], ["--full"], []):
            first = run(*arguments)
            into.check("is not a 64-bit Linux program" in first.stderr, group, f"{arguments}: they are taken", f"{first}")
            # From another folder, and twice.
            for _ in range(2):
                done = subprocess.run(["bash", build, "--again"], cwd="/", env=given, capture_output=True, text=True, timeout=60)
                wanted = " ".join(str(Path(folder).resolve() / each) if each.endswith(".toml") else each for each in arguments) or "no arguments"
                into.check(f"again with: {wanted}\n" in done.stdout, group, f"{arguments}: again", f"{done}")


def uninstalled(pages, into) -> None:
    """Whatever the commands make is deleted, or named as what stays."""
    group = "uninstall, all of it"
    whole = {page: pages.text(page) for page in PAGES[:3]}
    out = whole["README.md"][whole["README.md"].index("\n## Uninstall"):whole["README.md"].index("\n## What it costs")]
    commands = "\n".join("\n".join(re.findall(r"```sh\n(.*?)```", text, re.S)) for text in whole.values()).replace("\\\n", " ")
    made = set(re.findall(r"deploy [^\n]*?--stack-name (hansho-[a-z-]+)", commands)) | set(re.findall(r"--stack-set-name (hansho-[a-z-]+)", commands))
    made |= {name.split("-$")[0] for name in re.findall(r'export \w+_BUCKET="(hansho-[^"]+)"', commands)}
    into.check(len(made) >= 9, group, "what is made is found in the commands", f"{made}")
    for name in sorted(made):
        into.check(name in out, group, f"{name} is deleted", "the section does not name it")
    for what in ("delete-repository", "deregister-delegated-administrator", "deactivate-organizations-access", "disable-organization-admin-account", "list-object-versions", "detectors **stay**"):
        into.check(what in out, group, what, "the section has not")
    waits, = [block for block in pages.blocks("README.md", "Uninstall")]
    for heading, more in (("Uninstall, self-managed", ""), ("Uninstall, service-managed", "--call-as DELEGATED_ADMIN")):
        block = pages.blocks("README.md", heading)[0]
        typed = Typed(f"{waits}\n{block}", [[["delete-stack-instances"], 0, "op-1"], [["describe-stack-set-operation"], 0, "SUCCEEDED"]])
        gone = [re.findall(r"--stack-set-name (\S+)", call["said"])[0] for call in typed.with_words("delete-stack-set ")]
        into.check(gone == ["hansho-forwarder", "hansho-guardduty"], group, f"{heading}: both sets go", f"{gone}")
        into.check(all(more in call["said"] for call in typed.calls), group, f"{heading}: as who may", f"{typed.calls}")
        failed = Typed(f"{waits}\n{block}", [[["delete-stack-instances"], 0, "op-1"], [["describe-stack-set-operation"], 0, "FAILED"]])
        into.check(not failed.with_words("delete-stack-set "), group, f"{heading}: a set with instances stays", f"{failed.calls}")


def mentioned(pages, into) -> None:
    """The notifier that hansho comes from mentions from medium on; so does the guide, and it asks whom."""
    for heading in ("4. The worker: Lambda", "4, instead. The worker: ECS"):
        commands = "\n".join(pages.blocks("README.md", heading))
        for level in ("Medium", "High", "Critical"):
            into.check(f'Mention{level}="$MENTION"' in commands, "mentions", f"the guide, {heading}: {level}", "it is not passed")
    into.check("export MENTION=" in "\n".join(pages.blocks("README.md", "Before you start")), "mentions", "the guide asks whom", "it does not")


class Pages:
    """The pages of the guide, of which one may be changed."""

    def __init__(self, changed: dict[str, str] | None = None):
        self.changed = changed or {}

    def text(self, page: str) -> str:
        return self.changed.get(page) or (template.INFRA / page).read_text()

    def blocks(self, page: str, heading: str) -> list[str]:
        return guide.blocks(page, heading, self.text(page))


SUBJECTS = [roles_in_accounts, buckets, collecting, without_template, policy_of_the_organization, partitions, program, again, uninstalled, mentioned]

# Who has to find it, page, what stands there, and what a mutant has there: a way in which the command was wrong once.
MUTANTS = [
    (roles_in_accounts, "stacksets/self-managed.md", '    read -r id secret token <<<"$keys" && [ -n "$id" ] && [ -n "$secret" ] && [ -n "$token" ] &&\n', '    read -r id secret token <<<"$keys"\n'),
    (roles_in_accounts, "stacksets/self-managed.md", '&& [ -n "$id" ] && [ -n "$secret" ] && [ -n "$token" ] &&', "&&"),
    (buckets, "README.md", " --bucket-namespace account-regional $place", " $place"),
    (buckets, "README.md", '  --expected-bucket-owner "$SECURITY_ACCOUNT" --key "$CODE_KEY"', '  --key "$CODE_KEY"'),
    (buckets, "README.md", "--query VersionId --output text) &&\n", "--query VersionId --output text)\n"),
    (collecting, "README.md", '[ -n "$detector" ] && [ "$detector" != None ] &&', "true &&"),
    (collecting, "README.md", '"Name":"S3_DATA_EVENTS"', '"Name":"S3_EVENTS"'),
    (collecting, "README.md", "**It takes up to 24 hours**", "**It takes some minutes**"),
    (program, "README.md", " --locked --features full ", " "),
    (again, "README.md", "infra/build --again\n", "infra/build\n"),
    (partitions, "README.md", 'arn:$PARTITION:ecr', "arn:aws:ecr"),
    (uninstalled, "README.md", "[ \"$status\" = SUCCEEDED ]; return", "return"),
    (uninstalled, "README.md", 'for set in "hansho-forwarder $SECURITY_ACCOUNT" "hansho-guardduty $ACCOUNTS"', 'for set in "hansho-forwarder $SECURITY_ACCOUNT"'),
    (mentioned, "README.md", 'MentionMedium="$MENTION" ', ""),
    (without_template, "stacksets/organization.md", "&-$1/", "&/"),
    (without_template, "stacksets/organization.md", '  export BOUNDARY=""\n', "  export BOUNDARY=hansho/other\n"),
    (policy_of_the_organization, "stacksets/organization.md", '        "cloudformation:UpdateStackInstances",\n', ""),
    (policy_of_the_organization, "stacksets/organization.md", "Policy.PolicySummary.Id --output text) &&", "Policy.PolicySummary.Id --output text);"),
    (roles_in_accounts, "stacksets/self-managed.md", '{ echo "no execution role in:$failed" >&2; false; }', 'echo "no execution role in:$failed" >&2'),
]
