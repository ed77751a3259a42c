"""The commands of docs/runbook.md, taken out of its text and typed as they stand there, by a person who has a worker, dead letters and
an emulator. A command that no emulator can run is named with the reason. A command that is neither run nor named is an error."""

import json
import re
import shlex
import sys

import findings
import guide
import proof
import template
from aws import wait_for

PAGE = "../docs/runbook.md"
GROUP = "the runbook's commands"
# Commands in the prose, beside the blocks.
INLINE = re.compile(r"`(hansho [^`]+)`")

# Parts of commands that are not run as they stand, and why.
NOT_HERE = [
    ("hansho health --ready", "it is asked inside the task; the task's health check is run there"),
    ("hansho canary --region", "it needs the forwarder of another region"),
    ("hansho reconcile", "no emulator holds GuardDuty's findings; tests/it/adapters/guardduty.rs runs it against a stand-in"),
    ("hansho coverage", "no emulator holds GuardDuty and Organizations; tests/it/commands/coverage_e2e.rs runs it against a stand-in"),
    ("hansho rollout plan", "no emulator holds GuardDuty and Organizations; tests/it/commands/rollout.rs runs it against a stand-in"),
    ("aws events start-replay", "ministack knows no archives"),
    ("hansho explain event.json", "it is an example's name; tests/it/commands/explain_e2e.rs runs it"),
]
# Those that answer with 1 here, since there is no such finding.
NO_TRACE = "hansho explain 16afba5c5c43e07c9e3e5e2e544e95df"
# It posts what Slack refuses, and says of two things that they are wrong, which ministack has not as AWS has them: its DescribeTable can't be
# read, and its CloudFormation ignores a table's TTL.
LIVE, WRONG_HERE = "hansho check --live", ("DescribeTable on ledger table", "never expire")
# It asks whether it is meant, at a terminal.
ASKS = "hansho replay discard"
TERMINAL = """#!%s
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(["bash", "-c", sys.argv[1]])))
"""
# Only there when the task is.
OF_THE_TASK = "aws ecs "
SECONDS = 90

# Version 1 of the CLI, which is what PyPI has, knows neither `logs tail` nor --cli-binary-format. The first is replaced by the call that it makes.
AWS = """#!/bin/sh
if [ "$1 $2" = "logs tail" ]; then
    group="$3" pattern=""
    shift 3
    while [ $# -gt 0 ]; do
        case "$1" in
        --since) shift ;;
        --filter-pattern) pattern="$2"; shift ;;
        *) echo "the stand-in for aws logs tail knows no $1" >&2; exit 2 ;;
        esac
        shift
    done
    set -- logs filter-log-events --log-group-name "$group" ${pattern:+--filter-pattern "$pattern"}
elif [ "$1 $2" = "lambda invoke" ]; then
    shift 2
    for argument; do
        shift
        case "$argument" in --cli-binary-format | raw-in-base64-out) ;; *) set -- "$@" "$argument" ;; esac
    done
    set -- lambda invoke "$@"
fi
exec '%s' "$@"
"""


class Runbook:
    def __init__(self, shell: guide.Shell, aws, slack, into):
        self.shell, self.aws, self.slack, self.into = shell, aws, slack, into
        text = (template.INFRA / PAGE).read_text()
        self.headings = [line.lstrip("# ") for line in text.splitlines() if re.match(r"#{1,2} ", line)]
        self.text, self.done = text, set()

    def commands(self, heading: str) -> list[str]:
        """In the order of the page: those of the blocks, and those in the text."""
        try:
            blocks = guide.blocks(PAGE, heading)
        except guide.Broken:
            blocks = []
        lines = "\n".join(blocks).replace("\\\n", "\0").split("\n")
        found = [line.replace("\0", "\\\n") for line in lines if line.strip() and not line.startswith("#")]
        below = self.text.split(f"# {heading}\n", 1)[1].split("\n## ", 1)[0]
        prose = re.sub(r"```sh\n.*?```", "", below, flags=re.S)
        return found + [command for command in INLINE.findall(prose) if command not in found]

    def fill(self, *queues: str) -> None:
        """Something of each kind to be found: in quarantine, dead, and undelivered."""
        where = proof.urls(self.aws)
        text = lambda value: {"DataType": "String", "StringValue": value}  # noqa: E731
        for number, (queue, severity, reason) in enumerate([
            ("quarantine", None, "not_json"), ("quarantine", 8.0, "slack_refused"), ("dead", 8.0, None), ("dead", 5.0, None), ("undelivered", 8.0, "NO_PERMISSIONS"),
        ]):
            if queue not in queues:
                continue
            identity = f"{0xB00C:04x}{number:04x}".ljust(32, "0")
            event = {"version": "0", "source": findings.SOURCE, "detail-type": findings.DETAIL_TYPE, "detail": findings.detail(identity, severity or 2.0)}
            body = json.dumps(event) if severity else '{"detail": '
            attributes = {"quarantine": {"hansho.reason": text(reason or "-"), "hansho.lane": text("standard")}, "undelivered": {"ERROR_CODE": text(reason or "-")}}.get(queue, {})
            self.aws.sqs.send_message(QueueUrl=where[queue], MessageBody=body, MessageAttributes=attributes)
            self.bodies[identity] = queue if severity else None

    def prepare(self) -> None:
        self.bodies: dict = {}
        self.fill("quarantine", "dead", "undelivered")
        real = self.shell.programs / "aws"
        real.rename(self.shell.programs / "aws-of-pypi")
        self.shell.program("aws", AWS % (self.shell.programs / "aws-of-pypi"))

    def run(self, now) -> dict[str, str]:
        """Types those for which it is time. What each said, by the command."""
        said = {}
        for heading in self.headings:
            for command in self.commands(heading):
                if (heading, command) in self.done or not now(command):
                    continue
                self.done.add((heading, command))
                name = f"{heading}: {command.split('  #')[0].strip()}"
                reason = next((why for part, why in NOT_HERE if part in command), None)
                if reason:
                    self.into.unseen(GROUP, name, reason)
                    continue
                # A region of the example's that has nothing here.
                typed = command.replace("region=eu-west-1;", f"region={self.aws.region};")
                # The second that was filled in, which Slack refused.
                typed = typed.replace("hansho replay show ID", f"hansho replay show {list(self.bodies)[1]}")
                expected = 1 if NO_TRACE in command or LIVE in command else 0
                types = self.slack.webhook + "\n" if "read -rs WEBHOOK" in command else "yes\n" if ASKS in command else ""
                if ASKS in command:
                    typed = f"at-a-terminal {shlex.quote(typed)}"
                # What one command sets, the next one has.
                script = f"set -a\nstatus=0\n{{ {typed}\n}} || status=$?\n[ \"$status\" -eq {expected} ] || {{ echo \"exit status $status\" >&2; exit 1; }}\n"
                try:
                    said[command] = self.shell.script(f"docs/runbook.md, {name}", script, SECONDS, types)
                    if LIVE in command:
                        self.live(name, said[command])
                    else:
                        self.into.seen(GROUP, name)
                except guide.Broken as why:
                    self.into.wrong(GROUP, name, str(why))
        return said

    def live(self, name: str, said: str) -> None:
        wrong = [line for line in said.splitlines() if line.startswith("  wrong ")]
        only = all(any(part in line for part in WRONG_HERE) for line in wrong)
        self.into.check(only and "webhook of security" in said, GROUP, name, f"it says {wrong or said[-300:]}")
        # What it tried the webhook with is no payload, on purpose.
        self.into.check(set(self.slack.refused) <= {"invalid_payload"}, GROUP, f"{name}: it sends nothing else that Slack refuses", f"{self.slack.refused}")
        self.slack.refused.clear()
        # ministack takes a message with a delay that SQS refuses, and counts it as hidden from then on.
        self.aws.sqs.purge_queue(QueueUrl=proof.urls(self.aws)["quarantine"])
        self.fill("quarantine")

    def first(self) -> None:
        """All but what asks for the task. Then what they were to do is done."""
        self.prepare()
        # The build's variable is none of the program's, which refuses those that it does not know.
        self.shell.program("hansho", '#!/bin/sh\nexec env -u HANSHO_BIN "$HANSHO_BIN" "$@"\n')
        self.shell.program("at-a-terminal", TERMINAL % sys.executable)
        said = self.run(lambda command: OF_THE_TASK not in command)
        of = lambda part: next((text for command, text in said.items() if part in command), "")  # noqa: E731
        into, where = self.into, proof.urls(self.aws)
        into.check("slack_refused" in of("hansho replay list --json"), GROUP, "the list has the reasons", of("hansho replay list --json")[:300])
        into.check("NO_PERMISSIONS" in of("UndeliveredQueueUrl"), GROUP, "and EventBridge's", of("UndeliveredQueueUrl")[:300])
        into.check("1 discarded" in of("hansho replay discard"), GROUP, "what can't be read is discarded", of("hansho replay discard")[:300])
        into.check(proof.waiting(self.aws, where["dead"]) == 0, GROUP, "no dead letter is left", "there are some")
        owed = [identity for identity, queue in self.bodies.items() if queue == "dead"]
        posted = lambda: all(identity in self.slack.posted() for identity in owed)  # noqa: E731
        wait_for(posted, 60, "the dead letters that were sent again")
        into.seen(GROUP, "the dead letters that were sent again are posted")
        # The question, about a finding that was posted.
        asked = self.shell.script("docs/runbook.md, of a finding that was posted", f"hansho explain {owed[0]}\n", SECONDS)
        into.check("Slack accepted it" in asked, GROUP, "explain says of one that it was posted", asked[:300])
        # As it was found: the proofs that follow count.
        proof.taken_out(self.aws, where["quarantine"])
        proof.taken_out(self.aws, where["undelivered"])

    def rest(self) -> None:
        self.run(lambda _: True)
