"""What no emulator can show, because none enforces a policy and each ignores something: read from the templates' text. And mutants: each
takes one of these promises away, and has to be found.

usage: part_text.py FOLDER
"""

import sys
from pathlib import Path

import template
import text_bound
import text_commands
import text_guide
import text_policies
import text_promises
import text_rollout
import text_terraform
from results import Aside, Results
from text_mutants import MUTANTS

ACCOUNT, REGION = "111122223333", "eu-central-1"
SUBJECTS = [
    text_policies.bus, text_policies.queues, text_policies.trusts, text_policies.key, text_policies.topics, text_policies.worker, text_policies.look, text_policies.operator,
    text_policies.forwarder, text_policies.execution, text_policies.tagged, text_policies.administration, text_policies.encrypted, text_promises.ledger, text_promises.archive, text_promises.admitted, text_promises.kept, text_promises.ways,
    text_promises.alarms, text_promises.task, text_promises.counts, text_promises.detectors, text_promises.sizes,
    text_promises.endpoints, text_promises.imports, text_promises.mentions, text_promises.cluster, text_promises.timers, text_rollout.calls, text_rollout.stacks, text_bound.bound,
]


class Text:
    """The templates of a folder, evaluated without a stack: exports and physical ids are what AWS would give them."""

    BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/hansho"
    NAMES = [str(path.relative_to(template.INFRA)) for path in template.templates()]
    # Parameters without a default.
    NEEDED = {
        "forwarder.yaml": {"HomeBusArn": BUS}, "worker-lambda.yaml": {"CodeBucket": "code"},
        "worker-ecs.yaml": {"Image": "hansho:1", "VpcId": "vpc-1", "SubnetIds": "subnet-1,subnet-2"}, "operator.yaml": {"TrustedPrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/oncall"},
        "stacksets/administration-role.yaml": {"OrganizationId": "o-a1b2c3d4e5"}, "stacksets/execution-role.yaml": {"AdministratorAccountId": ACCOUNT},
    }

    def __init__(self, read: dict[str, dict]):
        self.read = read
        self.exports: dict = {}
        self.exports = {export: value for value, export in self.stack("pipeline.yaml", CustomerKey="yes").outputs().values() if export}

    def whole(self, name: str) -> dict:
        return self.read[name]

    def size(self, name: str) -> int:
        return len((template.INFRA / name).read_bytes())

    def stack(self, name: str, **given) -> template.Stack:
        whole = self.whole(name)
        physical = {key: self.physical(key, about) for key, about in whole["Resources"].items()}
        return template.Stack(whole, {**self.NEEDED.get(name, {}), **given}, ACCOUNT, REGION, physical, self.exports)

    def stacks(self):
        return [(name, self.stack(name)) for name in self.NAMES]

    @staticmethod
    def physical(key: str, about: dict) -> str:
        names = about.get("Properties", {})
        if about["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{names['QueueName']}"
        if about["Type"] == "AWS::SecretsManager::Secret":
            return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{names['Name']}-a1b2c3"
        return key.lower()


def judge(read: dict[str, dict], into) -> None:
    try:
        text = Text(read)
    except (template.Missing, KeyError) as why:
        into.wrong("the templates", "they can be evaluated", f"{type(why).__name__}: {why}")
        return
    for subject in SUBJECTS:
        try:
            subject(text, into)
        except Exception as why:  # noqa: BLE001 - a template without what is looked for is wrong, and hides no other subject.
            into.wrong(subject.__name__, "it can be judged", f"{type(why).__name__}: {why}")


def judge_pages(pages, into, subjects) -> None:
    for subject in subjects:
        try:
            subject(pages, into)
        except Exception as why:  # noqa: BLE001 - a page without the command that is looked for is wrong, and hides no other subject.
            into.wrong(subject.__name__, "it can be judged", f"{type(why).__name__}: {why}")


def page_mutants(into: Results) -> None:
    for number, (subject, page, there, instead) in enumerate(text_guide.MUTANTS, start=1):
        what = f"{number}, {page}: {there.strip().splitlines()[-1][:80]} → {instead.strip().splitlines()[-1][:80] if instead.strip() else 'nothing'}"
        whole = (template.INFRA / page).read_text()
        if there not in whole:
            into.wrong("mutants of the pages", what, f"{page} does not have it: correct text_guide.py")
            continue
        aside = Aside()
        judge_pages(text_guide.Pages({page: whole.replace(there, instead, 1)}), aside, [subject])
        into.check(bool(aside.wrongs), "mutants of the pages", what, "it was not found")


def mutants(read: dict[str, dict], into: Results) -> None:
    for number, (name, there, instead) in enumerate(MUTANTS, start=1):
        what = f"{name}: {there.strip().splitlines()[-1]} → {instead.strip().splitlines()[-1] if instead.strip() else 'nothing'}"
        whole = (template.INFRA / name).read_text()
        if there not in whole:
            into.wrong("mutants", f"{number}, {what}", f"{name} does not have it: correct text_mutants.py")
            continue
        aside = Aside()
        judge({**read, name: template.parse(whole.replace(there, instead, 1))}, aside)
        into.check(bool(aside.wrongs), "mutants", f"{number}, {what}", "it was not found")


def main() -> int:
    into = Results("text", Path(sys.argv[1]))
    read = {str(path.relative_to(template.INFRA)): template.read(path) for path in template.templates()}
    judge(read, into)
    mutants(read, into)
    judge_pages(text_guide.Pages(), into, text_guide.SUBJECTS)
    page_mutants(into)
    pages = text_guide.Pages()
    text_commands.held(pages, into, Text(read))
    text_commands.mutants(pages, into, lambda changed: Text({**read, **changed}))
    text_terraform.judge(read, into)
    text_terraform.evaluate(Text(read), into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
