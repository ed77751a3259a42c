"""CloudFormation templates: read with their short forms, and evaluated without any emulator, so that what a template asks
for can be held against what a service says that it has."""

import re
from pathlib import Path

import yaml

INFRA = Path(__file__).resolve().parent.parent
PARTITION = "aws"


class Missing(Exception):
    """The template names something that is not there."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """A loader that makes nothing but plain values; the one in C is ten times as fast."""


def _short_form(loader, suffix: str, node: yaml.Node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def parse(text: str) -> dict:
    return yaml.load(text, Loader=_Loader)


def read(path: Path) -> dict:
    return parse(path.read_text())


def templates(folder: Path = INFRA) -> list[Path]:
    """Every template of the folder, those for stack sets too."""
    return sorted(folder.glob("*.yaml")) + sorted((folder / "stacksets").glob("*.yaml"))


NO_VALUE = object()

# What Ref and GetAtt give, where it can be said without asking: by the resource's type, from its name. What is not here
# is the physical id that the stack shows.
ATTRIBUTES = {
    ("AWS::SQS::Queue", "Arn"): ("sqs", "{QueueName}"),
    ("AWS::Events::EventBus", "Arn"): ("events", "event-bus/{Name}"),
    ("AWS::Events::Archive", "Arn"): ("events", "archive/{ArchiveName}"),
    ("AWS::DynamoDB::Table", "Arn"): ("dynamodb", "table/{TableName}"),
    ("AWS::Logs::LogGroup", "Arn"): ("logs", "log-group:{LogGroupName}:*"),
    ("AWS::Lambda::Function", "Arn"): ("lambda", "function:{FunctionName}"),
    ("AWS::SNS::Topic", "Ref"): ("sns", "{TopicName}"),
}
NAMES = {
    "AWS::SQS::Queue": "QueueName",
    "AWS::Events::EventBus": "Name",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::IAM::Role": "RoleName",
}


class Stack:
    """A template with its parameters, as CloudFormation would evaluate it in one account and region."""

    def __init__(self, template: dict, given: dict, account: str, region: str, physical: dict, exports: dict):
        self.template, self.account, self.region = template, account, region
        self.physical, self.exports = physical, exports
        self.parameters = {}
        for name, about in template.get("Parameters", {}).items():
            value = given.get(name, about.get("Default"))
            if value is None:
                raise Missing(f"parameter {name} has no value")
            is_list = about["Type"].startswith(("List<", "CommaDelimited"))
            self.parameters[name] = value.split(",") if is_list else str(value)
        unknown = set(given) - set(self.parameters)
        if unknown:
            raise Missing(f"the template has no parameter {sorted(unknown)}")

    def resources(self) -> dict:
        """Those whose condition holds."""
        return {
            name: about
            for name, about in self.template["Resources"].items()
            if "Condition" not in about or self.condition(about["Condition"])
        }

    def condition(self, name: str) -> bool:
        return self._truth(self.template["Conditions"][name])

    def _truth(self, value) -> bool:
        (form, inner), = value.items()
        if form == "Condition":
            return self.condition(inner)
        if form == "Fn::Equals":
            first, second = (self.value(part) for part in inner)
            return str(first) == str(second)
        parts = [self._truth(part) for part in inner]
        return {"Fn::Not": lambda: not parts[0], "Fn::And": lambda: all(parts), "Fn::Or": lambda: any(parts)}[form]()

    def properties(self, name: str) -> dict:
        return self.value(self.template["Resources"][name].get("Properties", {}))

    def outputs(self) -> dict:
        """Those whose condition holds: value, and the name under which it is exported or None."""
        found = {}
        for name, about in self.template.get("Outputs", {}).items():
            if "Condition" not in about or self.condition(about["Condition"]):
                export = about.get("Export", {}).get("Name")
                found[name] = (self.value(about["Value"]), self.value(export) if export else None)
        return found

    def value(self, value):
        result = self._value(value)
        return None if result is NO_VALUE else result

    def _value(self, value):
        if isinstance(value, list):
            parts = [self._value(part) for part in value]
            return [part for part in parts if part is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (form, inner), = value.items()
            if form == "Ref":
                return self._ref(inner)
            if form.startswith("Fn::"):
                return self._function(form.removeprefix("Fn::"), inner)
        parts = {key: self._value(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not NO_VALUE}

    def _function(self, form: str, inner):
        if form == "If":
            return self._value(inner[1] if self.condition(inner[0]) else inner[2])
        if form == "GetAtt":
            return self._attribute(*inner)
        if form == "Sub":
            text, own = inner if isinstance(inner, list) else (inner, {})
            return re.sub(r"\$\{([^!}]+)\}", lambda found: str(self._value(own[found[1]]) if found[1] in own else self._named(found[1])), text)
        if form == "Join":
            return inner[0].join(str(part) for part in self._value(inner[1]))
        if form == "Split":
            return str(self._value(inner[1])).split(inner[0])
        if form == "ImportValue":
            name = self._value(inner)
            if name not in self.exports:
                raise Missing(f"there is no export {name}")
            return self.exports[name]
        raise Missing(f"Fn::{form} is not known to infra/testing/template.py")

    def _named(self, name: str):
        return self._attribute(*name.split(".", 1)) if "." in name else self._ref(name)

    def _ref(self, name: str):
        pseudo = {
            "AWS::NoValue": NO_VALUE,
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": PARTITION,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self._attribute(name, "Ref")

    def arn(self, service: str, rest: str) -> str:
        place = "::" if service == "iam" else f":{self.region}:"
        return f"arn:{PARTITION}:{service}{place}{self.account}:{rest}"

    def _attribute(self, name: str, attribute: str):
        about = self.template["Resources"].get(name)
        if about is None:
            raise Missing(f"there is no resource {name}")
        kind, known = about["Type"], about.get("Properties", {})
        if (kind, attribute) in ATTRIBUTES:
            service, form = ATTRIBUTES[kind, attribute]
            return self.arn(service, form.format(**{key: self._value(part) for key, part in known.items() if "{" + key + "}" in form}))
        if kind == "AWS::Events::Rule" and attribute == "Arn":
            bus = self._value(known.get("EventBusName", "default"))
            return self.arn("events", f"rule/{known['Name']}" if bus == "default" else f"rule/{bus}/{known['Name']}")
        if kind == "AWS::IAM::Role" and attribute == "Arn":
            return self.arn("iam", f"role{self._value(known.get('Path', '/'))}{self._value(known['RoleName'])}")
        if kind == "AWS::IAM::ManagedPolicy" and attribute == "Ref":
            return self.arn("iam", f"policy{self._value(known.get('Path', '/'))}{self._value(known['ManagedPolicyName'])}")
        if kind == "AWS::S3::Bucket" and attribute == "Arn":
            return f"arn:{PARTITION}:s3:::{self._id(name)}"
        if kind == "AWS::KMS::Key" and attribute == "Arn":
            return self.arn("kms", f"key/{self._id(name)}")
        if kind == "AWS::EC2::SecurityGroup" or attribute == "Ref" and kind not in NAMES:
            return self._id(name)
        if kind in NAMES and attribute in ("Ref", "QueueName", "Name"):
            if kind == "AWS::SQS::Queue" and attribute == "Ref":
                return self._id(name)
            return self._value(known[NAMES[kind]])
        raise Missing(f"{kind} has no {attribute} that infra/testing/template.py knows")

    def _id(self, name: str) -> str:
        if name not in self.physical:
            raise Missing(f"the stack shows no physical id of {name}")
        return self.physical[name]
