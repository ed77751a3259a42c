"""moto: stack sets over accounts and regions, by the commands of stacksets/self-managed.md and, as far as moto goes, organization.md.

usage: part_moto.py ENDPOINT FOLDER BINARY
"""

import sys
from pathlib import Path

import guide
import looks
import looks_compute  # noqa: F401 - they register their checkers.
import looks_data  # noqa: F401
import looks_messaging  # noqa: F401
import parts
import stage
from aws import Aws
from results import Results

EMULATOR = "moto"
# The account that moto takes a caller without a role for.
SECURITY, MEMBER = "123456789012", "444455556666"
HOME, FURTHER = "eu-central-1", "us-east-1"
PAGE, ORGANIZED = "stacksets/self-managed.md", "stacksets/organization.md"
SUFFIX = "ForSecurityAccount"


class Moto:
    def __init__(self, endpoint: str, folder: Path):
        self.folder = folder / EMULATOR
        self.folder.mkdir(parents=True, exist_ok=True)
        self.into = Results(EMULATOR, folder)
        self.aws = Aws(endpoint, HOME, SECURITY)
        self.aws.keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.shell = guide.Shell(endpoint, "test", self.folder, folder / "guide-moto.log")

    def within(self, account: str, region: str) -> Aws:
        """As somebody in that account."""
        role = f"arn:aws:iam::{account}:role/AWSCloudFormationStackSetExecutionRole{SUFFIX}"
        keys = self.aws.sts.assume_role(RoleArn=role, RoleSessionName="look")["Credentials"]
        return Aws(self.aws.endpoint, region, account, {
            "aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"], "aws_session_token": keys["SessionToken"],
        })

    def look(self, aws: Aws, name: str, path: str, given: dict, group: str) -> None:
        looks.look_at(EMULATOR, aws, aws.stack(name, self.folder / "infra" / path, given), self.into, group)

    def command(self, page: str, heading: str, containing: str = "", seconds: float = 60) -> None:
        block = guide.command(page, heading, containing) if containing else "\n".join(guide.blocks(page, heading))
        self.shell.script(f"{page}, {heading}", block, seconds)
        self.into.seen("the guide's commands", f"{page}: {heading}: {containing}")

    def prepare(self) -> None:
        changes = stage.stage(EMULATOR, self.folder, {}, ["forwarder.yaml", "guardduty.yaml"])
        print(f"{EMULATOR}: deployed are copies of the templates, in which")
        for change in changes:
            print(f"  {change}")
        self.shell.run("README.md", "Before you start", 10)
        bus = f"arn:aws:events:{HOME}:{SECURITY}:event-bus/hansho"
        self.shell.script("a reader's own values", f'export SECURITY_ACCOUNT={SECURITY} ACCOUNTS="{SECURITY} {MEMBER}" HOME_REGION={HOME} '
                          f'REGIONS="{HOME} {FURTHER}" BUS_ARN={bus} ORGANIZATION=o-a1b2c3d4e5\n', 10)

    def roles(self) -> None:
        self.command(PAGE, "1. The administration role (security account)")
        self.look(self.aws, "hansho-stacksets-administration", "stacksets/administration-role.yaml", {"Suffix": SUFFIX, "OrganizationId": "o-a1b2c3d4e5"},
                  "stacksets/administration-role.yaml")
        loop = [block for block in guide.blocks(PAGE, "2. The execution role (every account, the security account too)") if "for account in" in block]
        self.shell.script(f"{PAGE}, 2. The execution role", loop[0], 60)
        self.into.seen("the guide's commands", f"{PAGE}: 2. The execution role, in all accounts")
        for account in (SECURITY, MEMBER):
            self.look(self.within(account, HOME), "hansho-stacksets-execution", "stacksets/execution-role.yaml",
                      {"Suffix": SUFFIX, "AdministratorAccountId": SECURITY}, f"stacksets/execution-role.yaml in {account}")

    def sets(self) -> None:
        for heading, name, path, accounts in (
            ("3. GuardDuty everywhere (security account)", "hansho-guardduty", "guardduty.yaml", (SECURITY, MEMBER)),
            ("4. The forwarder, in the security account in every region (security account)", "hansho-forwarder", "forwarder.yaml", (SECURITY,)),
        ):
            self.command(PAGE, heading)
            there = self.aws.cloudformation.list_stack_instances(StackSetName=name)["Summaries"]
            found = sorted((each["Account"], each["Region"], each["Status"]) for each in there)
            wanted = sorted((account, region, "CURRENT") for account in accounts for region in (HOME, FURTHER))
            self.into.check(found == wanted, "stack instances", name, f"there are {found}")
            # What the set was given reaches each stack: the expectation is made of the set's own parameters.
            about = self.aws.cloudformation.describe_stack_set(StackSetName=name)["StackSet"]
            given = {each["ParameterKey"]: each["ParameterValue"] for each in about["Parameters"]}
            for account in accounts:
                for region in (HOME, FURTHER):
                    self.instance(name, path, given, account, region)

    def instance(self, name: str, path: str, given: dict, account: str, region: str) -> None:
        aws = self.within(account, region)
        stacks = [each["StackName"] for each in aws.cloudformation.describe_stacks()["Stacks"] if each["StackName"] == f"StackSet:{name}"]
        group = f"{name} in {account}, {region}"
        if self.into.check(len(stacks) == 1, group, "its stack", f"there are {stacks}"):
            self.look(aws, stacks[0], path, given, group)

    def organized(self) -> None:
        """The service-managed way. moto knows no delegated administrator of StackSets and no custom execution role."""
        self.aws.organizations.create_organization(FeatureSet="ALL")
        root = self.aws.organizations.list_roots()["Roots"][0]["Id"]
        self.shell.script("a reader's own values", f"export ROOT_OU={root}\n", 10)
        heading = "3. An execution role with few rights (security account)"
        self.command(ORGANIZED, heading)
        self.aws.deploy("custom-execution-role", self.folder / "infra/stacksets/organization-execution-role.yaml", {})
        self.look(self.aws, "custom-execution-role", "stacksets/organization-execution-role.yaml", {}, "stacksets/organization-execution-role.yaml")

    def gone(self) -> None:
        """The guide's way out: the forwarders go, and what they made goes with them."""
        self.command("README.md", "Uninstall")
        self.command("README.md", "Uninstall, self-managed", seconds=120)
        left = [each["StackSetName"] for each in self.aws.cloudformation.list_stack_sets()["Summaries"] if each["Status"] != "DELETED"]
        self.into.check(not left, "uninstall", "no stack set is left", f"{left}")
        for region in (HOME, FURTHER):
            aws = self.within(SECURITY, region)
            rules = [rule["Name"] for rule in aws.events.list_rules()["Rules"]]
            self.into.check("hansho-forwarder" not in rules, "uninstall", f"no rule in {region}", f"{rules}")
            queues = aws.sqs.list_queues(QueueNamePrefix="hansho-forwarder").get("QueueUrls", [])
            self.into.check(not queues, "uninstall", f"no queue in {region}", f"{queues}")

    def close(self) -> None:
        """Nothing is left running."""


if __name__ == "__main__":
    part = Moto(sys.argv[1], Path(sys.argv[2]))
    parts.run(EMULATOR, part, [part.prepare, part.roles, part.sets, part.organized, part.gone])
