"""The copy of infra/ that is deployed to an emulator: the same templates, without what that emulator can't take. Each change is
printed, and counted at the end: a changed property is not proved there."""

import json
import shutil
from pathlib import Path

import template

# The source of the test's findings. Nobody but AWS may put events whose source begins with aws.
SOURCE = "test.guardduty"

# Types that an emulator does not know, although they may be conditioned off.
UNKNOWN_TYPES = {
    "ministack": ["AWS::Events::Archive", "AWS::Events::EventBusPolicy"],
    "moto": [],
    "localemu": [],
}
# Types in which it keeps a parameter of type Number as text, and then does not count with it. The parameter's default is put there.
TEXT_COUNTS = {"ministack": ["AWS::ECS::Service", "AWS::Lambda::EventSourceMapping"], "moto": [], "localemu": []}
# It leaves a null in a list where AWS::NoValue was; so the default of the conditions is filled in.
NULLS_IN_PATTERNS = {"ministack": False, "moto": True, "localemu": False}


def stage(emulator: str, folder: Path, defaults: dict, used: list[str] | None = None) -> list[str]:
    """Makes folder/infra with everything that the guide's commands read, and says what was changed in the templates that are used there.
    `defaults` are put in place of the parameters' own, so that the guide's commands can be run as they are written."""
    shutil.rmtree(folder / "infra", ignore_errors=True)
    changes = []
    for path in template.templates():
        whole = template.read(path)
        changed = adapt(emulator, whole, defaults)
        changes += [f"{path.name}: {change}" for change in changed if used is None or path.name in used]
        target = folder / "infra" / path.relative_to(template.INFRA)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(whole, separators=(",", ":")))
    for name in ("build", "Dockerfile"):
        shutil.copy2(template.INFRA / name, folder / "infra" / name)
    return changes


def adapt(emulator: str, whole: dict, defaults: dict) -> list[str]:
    changes = []
    for name, about in list(whole["Resources"].items()):
        if about["Type"] in UNKNOWN_TYPES[emulator]:
            del whole["Resources"][name]
            changes.append(f"{name} ({about['Type']}) left out")
            changes += [f"output {output} left out" for output in without(whole, name)]
        if about["Type"] in TEXT_COUNTS[emulator]:
            about["Properties"], written = counted(whole, about["Properties"])
            changes += [f"{name}: {parameter} is written out, {value}" for parameter, value in written]
        if NULLS_IN_PATTERNS[emulator] and about["Type"] == "AWS::Events::Rule" and "EventPattern" in about["Properties"]:
            stack = template.Stack(whole, {"HomeBusArn": "-"} if "HomeBusArn" in whole["Parameters"] else {}, "0", "-", {}, {})
            about["Properties"]["EventPattern"] = stack.value(about["Properties"]["EventPattern"])
            changes.append(f"{name}.EventPattern is written out for the parameters' defaults")
    for parameter, value in defaults.items():
        if parameter in whole.get("Parameters", {}):
            whole["Parameters"][parameter]["Default"] = value
            changes.append(f"the default of {parameter} is {value}")
    return changes


def counted(whole: dict, value) -> tuple:
    """The value with the defaults of parameters that are numbers in their place, and which those are."""
    if isinstance(value, dict):
        about = whole["Parameters"].get(value.get("Ref"), {}) if set(value) == {"Ref"} else {}
        if about.get("Type") == "Number":
            return about["Default"], [(value["Ref"], about["Default"])]
        parts = {key: counted(whole, part) for key, part in value.items()}
        return {key: part for key, (part, _) in parts.items()}, [each for _, written in parts.values() for each in written]
    if isinstance(value, list):
        parts = [counted(whole, part) for part in value]
        return [part for part, _ in parts], [each for _, written in parts for each in written]
    return value, []


def without(whole: dict, resource: str) -> list[str]:
    outputs = whole.get("Outputs", {})
    gone = [name for name, about in outputs.items() if f'"{resource}"' in json.dumps(about["Value"])]
    for name in gone:
        del outputs[name]
    return gone
