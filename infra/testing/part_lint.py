"""cfn-lint over every template, and no exception from any linter without its reason beside it.

usage: part_lint.py FOLDER
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import template
from results import Results

# What a linter's exceptions are called, and where each keeps its reason.
REASONS = {"cfn_nag": ("rules_to_suppress", "reason"), "checkov": ("skip", "comment")}
# The regions of the guide; a type or a value that one of them does not know is an error.
REGIONS = ["eu-central-1", "eu-west-1", "us-east-1"]


def lint(paths: list[Path], into: Results) -> None:
    program = Path(sys.executable).parent / "cfn-lint"
    # From a folder without a configuration file, which could switch something off.
    done = subprocess.run([program, "--format", "json", "--regions", *REGIONS, "--include-checks", "I", "--", *paths], capture_output=True, text=True,
                          cwd=into.path.parent, timeout=300)
    # cfn-lint ends with a bit for each kind of finding; with none of them it said nothing that can be trusted.
    found = json.loads(done.stdout or "[]") if done.returncode == 0 or done.stdout else None
    if found is None:
        into.wrong("cfn-lint", "it ran", f"status {done.returncode}: {done.stderr.strip()[:300]}")
        return
    for path in paths:
        here = [each for each in found if each["Filename"] == str(path)]
        said = [f"{each['Rule']['Id']} line {each['Location']['Start']['LineNumber']}: {each['Message']}" for each in here]
        into.check(not here, "cfn-lint", path.name, "; ".join(said))


def exceptions(path: Path, into: Results) -> None:
    whole, lines = template.read(path), path.read_text().splitlines()
    places = {"the template": whole, **whole["Resources"]}
    for place, about in places.items():
        for linter, settings in about.get("Metadata", {}).items():
            if linter in REASONS:
                key, reason = REASONS[linter]
                for each in settings[key]:
                    into.check(len(str(each.get(reason, "")).split()) >= 3, "exceptions and their reasons", f"{path.name}: {place}: {linter} {each['id']}", f"no {reason}")
            elif linter == "cfn-lint":
                for rule in settings.get("config", {}).get("ignore_checks", []):
                    at = [i for i, line in enumerate(lines) if re.search(rf"\b{rule}\b", line)]
                    said = all("#" in lines[i] or lines[i - 1].lstrip().startswith("#") for i in at)
                    into.check(bool(at) and said, "exceptions and their reasons", f"{path.name}: {place}: cfn-lint {rule}", "no comment beside it")
    for number, line in enumerate(lines, start=1):
        if re.search(r"#\s*(noqa|checkov:skip|cfn-lint|nosec|kics-scan)", line):
            into.check(len(line.split(":", 2)[-1].split()) >= 3, "exceptions and their reasons", f"{path.name}:{number}", "no reason in the line")


def main() -> int:
    into = Results("lint", Path(sys.argv[1]))
    paths = template.templates()
    into.check(len(paths) >= 9, "cfn-lint", "all templates were found", f"{len(paths)}")
    configured = [path.name for folder in (template.INFRA, template.INFRA.parent) for path in folder.glob(".cfnlintrc*")]
    into.check(not configured, "cfn-lint", "no file that switches rules off", f"{configured}")
    lint(paths, into)
    for path in paths:
        exceptions(path, into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
