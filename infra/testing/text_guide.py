"""The commands of the guide and its pages where they are refused something: typed with a stand-in for the AWS CLI that fails as it is told
to, and keeps what it was asked. No emulator refuses a login or lacks a detector."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

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


class Pages:
    """The pages of the guide, of which one may be changed."""

    def __init__(self, changed: dict[str, str] | None = None):
        self.changed = changed or {}

    def text(self, page: str) -> str:
        return self.changed.get(page) or (template.INFRA / page).read_text()

    def blocks(self, page: str, heading: str) -> list[str]:
        return guide.blocks(page, heading, self.text(page))


SUBJECTS = [roles_in_accounts]

# Page, what stands there, and what a mutant has there: a way in which the command was wrong once.
MUTANTS = [
    ("stacksets/self-managed.md", '    read -r id secret token <<<"$keys" && [ -n "$id" ] && [ -n "$secret" ] && [ -n "$token" ] &&\n', '    read -r id secret token <<<"$keys"\n'),
    ("stacksets/self-managed.md", '&& [ -n "$id" ] && [ -n "$secret" ] && [ -n "$token" ] &&', "&&"),
    ("stacksets/self-managed.md", '{ echo "no execution role in:$failed" >&2; false; }', 'echo "no execution role in:$failed" >&2'),
]
