"""infra/terraform against the templates. The modules are what terraform.py writes, which takes every property; and, read again by another
parser, each has the resources of its template and every text and number of their properties, and refers to nothing that is not there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import hcl2

import template
import terraform

GROUP = "the Terraform module"
# In Terraform a part of another resource, or in CloudFormation one.
PARTS = {"aws_cloudwatch_event_target", "aws_sns_topic_subscription", "aws_iam_role_policy", "aws_cloudwatch_event_bus_policy"}
# Texts of a template that Terraform says by a block's or an argument's name, or by another resource.
SAID_OTHERWISE = {"HASH", "RANGE", "KMS", "Key", "Value", "project", "ENABLED", "DISABLED"}


def leaves(value, found: set, skip=()) -> set:
    """Texts and numbers that stand in a template as they are."""
    if isinstance(value, dict):
        call = terraform.function(value)
        if call and call[0] in ("Ref", "GetAtt", "Condition", "ImportValue"):
            return found
        if call and call[0] in ("Sub", ):
            whole = call[1][0] if isinstance(call[1], list) else call[1]
            found |= {part.strip() for part in re.split(r"\$\{[^}]*\}", whole) if len(part.strip()) > 3 and not part.lstrip().startswith("{")}
            return found
        if call and call[0] in ("Join", "Split"):
            return leaves(call[1][1], found)
        if call and call[0] == "If":
            return leaves(call[1][1:], found)
        for part in value.values():
            leaves(part, found)
    elif isinstance(value, list):
        for part in value:
            leaves(part, found)
    elif value is not None:
        found.add(str(value).lower() if isinstance(value, bool) else str(value))
    return found


def resources(parsed: dict) -> list[tuple[str, str, dict]]:
    bare = lambda name: name.strip('"')  # noqa: E731
    return [(bare(kind), bare(name), body) for block in parsed.get("resource", []) for kind, named in block.items() for name, body in named.items() if kind != "__is_block__"]


def written(into, files: dict[Path, str], there: dict[Path, str]) -> None:
    squeezed = lambda content: "".join(content.split())  # noqa: E731
    into.check(set(there) == set(files), GROUP, "its files", f"{sorted(map(str, set(there) ^ set(files)))}")
    for path in sorted(set(there) & set(files)):
        name = path.relative_to(terraform.FOLDER)
        into.check(squeezed(there[path]) == squeezed(files[path]), GROUP, f"{name} is what its template says", "run infra/testing/terraform.py and terraform fmt")


def read_again(name: str, contents: dict[str, str], whole: dict, into) -> None:
    parsed = {file: hcl2.loads(content) for file, content in contents.items()}
    found = resources(parsed["resources.tf"])
    names = {f"{kind}.{each}" for kind, each, _ in found}
    into.check(len(names) == len(found), GROUP, f"{name}: no name twice", f"{len(found)} resources, {len(names)} names")
    wanted = {f"{terraform.TYPES[about['Type']]}.{terraform.snake(key)}" for key, about in whole["Resources"].items() if about["Type"] in terraform.TYPES}
    into.check(wanted <= names, GROUP, f"{name}: every resource of the template, {len(wanted)}", f"without {sorted(wanted - names)}")
    more = {each for each in names - wanted if each.split(".")[0] not in PARTS}
    into.check(not more, GROUP, f"{name}: and no other", f"{sorted(more)}")
    everything = "\n".join(contents.values())
    known = set(re.findall(r'^variable "(\w+)"', contents["variables.tf"], re.M))
    into.check({terraform.variable(each) for each in whole["Parameters"]} <= known, GROUP, f"{name}: every parameter", f"{sorted(known)}")
    for kind, used, there in (
        ("variable", set(re.findall(r"\bvar\.(\w+)", everything)), known), ("local", set(re.findall(r"\blocal\.(\w+)", everything)), set(re.findall(r"^  (\w+) +=", contents["main.tf"], re.M))),
        ("resource", set(re.findall(r"(?<!data\.)\baws_\w+\.\w+(?=[.\[])", everything)), names),
    ):
        into.check(used <= there, GROUP, f"{name}: no {kind} that is not there", f"{sorted(used - there)}")
    text = contents["resources.tf"].replace("$${", "${")
    for key, about in whole["Resources"].items():
        own = "bus_policy" if about["Type"] == "AWS::Events::EventBusPolicy" else terraform.snake(key)
        mine = "".join(re.findall(rf'^resource "\w+" "(?:{own}|{own}_\w+)" \{{\n.*?^\}}', text, re.M | re.S))
        properties = {kind: value for kind, value in about.get("Properties", {}).items() if kind not in ("DashboardBody", "StatementId") and (kind, about["Type"]) != ("EventBusName", "AWS::Events::EventBusPolicy")}
        missing = [each for each in leaves(properties, set()) - SAID_OTHERWISE
                   if each not in mine and json.dumps(each, ensure_ascii=False)[1:-1] not in mine and about["Type"] in {*terraform.TYPES, "AWS::Events::EventBusPolicy"}]
        into.check(not missing, GROUP, f"{name}: {key}: each text and number of its properties", f"{missing}")


def formatted(into) -> None:
    found = program()
    if found is None:
        into.unseen(GROUP, "terraform fmt -check", "there is no terraform: put one in the PATH")
        return
    done = subprocess.run([found, "fmt", "-check", "-recursive", terraform.FOLDER], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "CHECKPOINT_DISABLE": "1"})
    into.check(done.returncode == 0, GROUP, "terraform fmt -check", (done.stdout + done.stderr)[:300])


# What version 5 of the provider does not know yet: it takes no queue whose messages have more than 256 KiB.
OLDER = {'version = ">= 6.11"': 'version = ">= 5.100"', "= 1048576": "= 262144"}


def validated(there: dict[Path, str], into) -> None:
    """With the provider of the folder TF_PLUGIN_DIR, in the form of `terraform providers mirror`."""
    import tempfile
    plugins, found = os.environ.get("TF_PLUGIN_DIR"), program()
    if not (plugins and found):
        into.unseen(GROUP, "terraform validate", "no AWS provider: name its folder with TF_PLUGIN_DIR")
        return
    for name in terraform.MODULES:
        with tempfile.TemporaryDirectory() as folder:
            for file, content in contents(there, name).items():
                for newer, older in OLDER.items():
                    content = content.replace(newer, older)
                (Path(folder) / file).write_text(content)
            given = {"PATH": os.environ["PATH"], "HOME": folder, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
            run = lambda *arguments: subprocess.run([found, *arguments], cwd=folder, env=given, capture_output=True, text=True, timeout=120)  # noqa: E731
            begun = run("init", "-input=false", "-no-color", f"-plugin-dir={plugins}")
            done = run("validate", "-json")
            said = json.loads(done.stdout or "{}")
            into.check(begun.returncode == 0 and said.get("valid") is True, GROUP, f"{name}: terraform validate",
                       f"{begun.stderr[-300:]}{[each['summary'] + ': ' + each.get('detail', '') for each in said.get('diagnostics', [])][:3]}")


def contents(there: dict[Path, str], name: str) -> dict[str, str]:
    return {path.name: content for path, content in there.items() if path.parent.name == name}


def judge(read: dict[str, dict], into) -> None:
    there = {path: path.read_text() for path in terraform.FOLDER.rglob("*.tf")}
    written(into, terraform.modules(), there)
    for name, path in terraform.MODULES.items():
        read_again(name, contents(there, name), read[path], into)
    formatted(into)
    validated(there, into)
    mutants(read, there, into)


# Module, file, what stands there, and what a mutant has there. Who finds it reads the module again, and knows nothing of how it was written.
MUTANTS = [
    ("pipeline", "resources.tf", '"hansho-quarantine"', '"hansho-other"'), ("pipeline", "resources.tf", "max_message_size", "maximum"), ("pipeline", "resources.tf", "86400", "60"),
    ("pipeline", "resources.tf", '"aws:SecureTransport" = "false"', '"aws:SecureTransport" = "true"'), ("forwarder", "resources.tf", '"sqs:SendMessage"', '"sqs:*"'),
    ("worker-lambda", "resources.tf", '"dynamodb:PutItem"', '"dynamodb:Write"'), ("worker-ecs", "resources.tf", "local.with_key ?", "local.with_keys ?"),
    ("worker-lambda", "variables.tf", 'variable "mention_medium"', 'variable "mention_low"'), ("pipeline", "resources.tf", 'resource "aws_dynamodb_table" "ledger"', 'resource "aws_dynamodb_table" "table"'),
]


def mutants(read: dict[str, dict], there: dict[Path, str], into) -> None:
    from results import Aside
    for name, file, before, after in MUTANTS:
        whole, aside = contents(there, name), Aside()
        into.check(before in whole[file], "mutants of the Terraform module", f"{name}: {before}", "it is not there: correct text_terraform.py")
        if file == "resources.tf" and before == "max_message_size":
            # The names of the arguments are terraform.py's alone.
            path = next(path for path in there if path.parent.name == name and path.name == file)
            written(aside, terraform.modules(), {**there, path: there[path].replace(before, after, 1)})
        else:
            read_again(name, {**whole, file: whole[file].replace(before, after)}, read[terraform.MODULES[name]], aside)
        into.check(bool(aside.wrongs), "mutants of the Terraform module", f"{name}: {before} → {after}", "it was not found")


# --- Evaluated by Terraform itself, without a provider: resources as a map, and references as what CloudFormation would give. ---

CASES = {
    "pipeline": [{}, {"OrganizationId": "o-a1b2c3d4e5", "FurtherAccounts": "444455556666", "MalwareScans": "yes", "SecurityHub": "yes", "Inspector": "yes", "Macie": "yes", "AccessAnalyzer": "yes",
                      "CustomerKey": "yes", "Canary": "yes", "ReconcileAlarm": "yes", "CoverageAlarm": "yes", "AlarmEmail": "a@example.com"},
                 {"ArchiveDays": "0", "SecurityHub": "yes", "CustomActions": "no", "AlarmTopicArn": "arn:aws:sns:eu-central-1:111122223333:other", "AlarmOnSilence": "no", "CustomerKey": "made"}],
    "worker-lambda": [{}, {"MentionMedium": "<!here>", "CustomerKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/a1", "ReservedConcurrency": "10", "ReconcileSchedule": "rate(15 minutes)", "CoverageSchedule": "rate(1 day)",
                           "ReconcileRegions": "eu-west-1", "CodeVersion": "v1", "EndpointUrl": "http://127.0.0.1:4566", "AlarmTopicArn": "arn:aws:sns:eu-central-1:111122223333:other",
                           "ExtraSecretArns": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:b"}],
    "worker-ecs": [{}, {"MentionCritical": "<!here>", "ClusterName": "shared", "RepositoryArn": "arn:aws:ecr:eu-central-1:111122223333:repository/hansho", "AssignPublicIp": "ENABLED", "Count": "2",
                        "ReconcileEvery": "15m", "CoverageEvery": "1d", "ReconcileRegions": "eu-west-1", "CustomerKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/a1"}],
    "forwarder": [{}, {"MalwareScans": "yes", "SecurityHub": "yes", "AlarmEmail": "a@example.com", "BoundaryPolicy": "hansho/hansho-boundary"}],
}
REFERENCE = re.compile(r"\b(aws_\w+\.\w+)(\[\*\]|\[0\])?\.(\w+)")


def program() -> str | None:
    places = [shutil.which("terraform"), *map(str, Path(sys.executable).parent.parent.glob("lib/python*/site-packages/cloudrail/terraform_0_15/terraform"))]
    return next((place for place in places if place), None)


def referred(stack: template.Stack, place: str, attribute: str):
    """What CloudFormation gives for the provider's attribute."""
    kind, name = place.split(".")
    key = next((key for key, about in stack.template["Resources"].items() if terraform.TYPES.get(about["Type"]) == kind and terraform.snake(key) == name), None)
    if key is None:
        return f"{place}.{attribute}"
    for value in ([{"Fn::GetAtt": [key, "Arn"]}] if attribute == "arn" else [{"Ref": key}, {"Fn::GetAtt": [key, "Name"]}] if attribute == "name" else []) + [{"Ref": key}]:
        try:
            found = stack.value(value)
        except (template.Missing, KeyError):
            continue
        return found.removesuffix(":*") if kind == "aws_cloudwatch_log_group" else found
    return f"{place}.{attribute}"


def as_map(content: str, stack: template.Stack) -> str:
    """The resources as one map: blocks are objects, those that come more than once are numbered."""
    def put(found) -> str:
        value = json.dumps(referred(stack, found[1], found[3]))
        return f"[{value}]" if found[2] == "[*]" else value

    lines, number = [], 0
    for line in content.splitlines():
        if line.startswith("#") or "depends_on" in line:
            continue
        line = re.sub(r'^resource "(\w+)" "(\w+)" \{', r'"\1.\2" = {', line)
        if block := re.fullmatch(r'( +)(?:dynamic "(\w+)"|(\w+)) \{', line):
            number += 1
            line = f"{block[1]}\"{block[2] or block[3]}#{number}\" = {{"
        lines.append(line if line.startswith('"aws_') else REFERENCE.sub(put, line))
    return "\n".join(lines)


def plain(value):
    """As text, and JSON read: the types of arguments are the provider's matter."""
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return plain(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        # A list of one text is that text, in IAM and for an alarm's actions.
        parts = [plain(part) for part in value if part is not None]
        return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else parts
    return str(value).lower() if isinstance(value, bool) else str(value)


def evaluated(terraform_program: str, files: dict[str, str], stack: template.Stack, imports: dict[str, str]) -> dict:
    import tempfile
    values = {"local.account": stack.account}
    own = files["main.tf"][files["main.tf"].index("locals {"):]
    for place, value in (("data.aws_caller_identity.current.account_id", stack.account), ("data.aws_region.current.name", stack.region), ("data.aws_partition.current.partition", "aws"),
                         ("data.aws_partition.current.dns_suffix", "amazonaws.com")):
        own = own.replace(place, json.dumps(value))
    given = {terraform.variable(name): value for name, value in stack.parameters.items()} | imports
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        (where / "variables.tf").write_text(files["variables.tf"])
        (where / "main.tf").write_text(f"{own}\nlocals {{\nall = {{\n{as_map(files['resources.tf'], stack)}\n}}\n}}\n")
        empty = {name: [each for each in value if each] if isinstance(value, list) else value for name, value in given.items()}
        (where / "terraform.tfvars.json").write_text(json.dumps(empty))
        done = subprocess.run([terraform_program, "console"], input="jsonencode(local.all)\n", cwd=where, capture_output=True, text=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "HOME": folder, "CHECKPOINT_DISABLE": "1"})
    said = next((line for line in done.stdout.splitlines() if line.removeprefix("o:").startswith('"')), None)
    if said is None:
        raise ValueError(f"terraform console: {(done.stdout + done.stderr)[-900:]}")
    return json.loads(json.loads(said.removeprefix("o:")))


def compare(name: str, given: dict, all_of: dict, stack: template.Stack, into) -> None:
    what = f"{name}, {'defaults' if not given else 'all options' if len(given) > 6 else ', '.join(given)}"
    for key, about in stack.template["Resources"].items():
        if about["Type"] not in terraform.TYPES:
            continue
        there = all_of[f"{terraform.TYPES[about['Type']]}.{terraform.snake(key)}"]
        made = "Condition" not in about or stack.condition(about["Condition"])
        if "Condition" in about:
            into.check(there.get("count") == int(made), GROUP, f"{what}: {key}: whether it is made", f"count is {there.get('count')}")
        if not made:
            continue
        asked = stack.properties(key)
        blocks = {}
        for argument, value in there.items():
            if "#" in argument:
                blocks.setdefault(argument.split("#")[0], {}).update(value)
        for path, argument in terraform.ARGUMENTS[about["Type"]].items():
            wanted = asked
            for step in path.split("."):
                wanted = wanted.get(step) if isinstance(wanted, dict) else None
            argument = argument.removesuffix("{}")
            found = blocks.get(argument.split(".")[0], {}).get(argument.split(".")[1]) if "." in argument else there.get(argument)
            into.check(plain(wanted) == plain(found), GROUP, f"{what}: {key}.{path}", f"the template has {plain(wanted)}, Terraform has {plain(found)}")
        if "Tags" in asked:
            into.check({each["Key"]: each["Value"] for each in asked["Tags"]} == there["tags"], GROUP, f"{what}: {key}: its tags", f"{there['tags']}")
        for each in asked.get("Policies", []):
            inline = all_of[f"aws_iam_role_policy.{terraform.snake(key)}_{terraform.snake(each['PolicyName'])}".replace("-", "_")]
            into.check(plain(each["PolicyDocument"]) == plain(inline["policy"]) and inline.get("count", 1) == 1, GROUP, f"{what}: {key}: its policy {each['PolicyName']}", f"{inline}")
        for target in asked.get("Targets", []):
            found = all_of[f"aws_cloudwatch_event_target.{terraform.snake(key)}"]
            into.check((target["Id"], target["Arn"]) == (found["target_id"], found["arn"]), GROUP, f"{what}: {key}: its target", f"{found}")
    doors = [stack.properties(key) for key, about in stack.resources().items() if about["Type"] == "AWS::Events::EventBusPolicy"]
    if name == "pipeline":
        found = all_of["aws_cloudwatch_event_bus_policy.bus_policy"]
        wanted = [{"Sid": each["StatementId"], **each["Statement"]} for each in doors]
        into.check(found["count"] == int(bool(doors)) and plain(json.loads(found["policy"])["Statement"]) == plain(wanted), GROUP, f"{what}: the bus's policy", f"{found}")


def evaluate(text, into) -> None:
    terraform_program = program()
    if terraform_program is None:
        into.unseen(GROUP, "each argument, evaluated by Terraform", "there is no terraform: put one in the PATH")
        return
    there = {path: path.read_text() for path in terraform.FOLDER.rglob("*.tf")}
    imports = {terraform.snake(export.removeprefix("hansho-")): value for export, value in text.exports.items()}
    for name, cases in CASES.items():
        files = contents(there, name)
        needed = {each: imports[each] for each in re.findall(r'^variable "(\w+)"', files["variables.tf"], re.M) if each in imports}
        for given in cases:
            stack = text.stack(terraform.MODULES[name], **given)
            try:
                compare(name, given, evaluated(terraform_program, files, stack, needed), stack, into)
            except ValueError as why:
                into.wrong(GROUP, f"{name}, {given}: it can be evaluated", str(why))
