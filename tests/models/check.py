"""Holds recorded requests and answers to AWS's API models, which botocore brings.

    check.py FILE

FILE has a JSON line for each call that the stand-in of tests/it/commands/estate_standin took. A request and an answer must
have members that the model knows, all that it requires, and values of its types, enums, lengths, ranges and patterns. An
error must be one that the operation or its service names, with the status of the model.

Exit status: 0 if all calls fit; 1 if one does not, or there are none.
"""

import collections
import json
import re
import sys
import xml.etree.ElementTree

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser

# Errors of every service. Source: "Common Errors" in the API references of these services.
COMMON = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "Throttling": 400,
    "ThrottlingException": 400,
    "UnrecognizedClientException": 403,
    "ValidationError": 400,
}
# Organizations and EventBridge answer in JSON 1.1, where refusals have the status 400.
JSON_REFUSALS = {"AccessDeniedException": 400}


def nested(flat):
    """The members of a request in the Query protocol: `A.member.1.B=c` is `{"A": [{"B": "c"}]}`."""
    tree = {}
    for key, value in flat.items():
        place, parts = tree, key.split(".")
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value

    def lists(node):
        if not isinstance(node, dict):
            return node
        if set(node) == {"member"} and isinstance(node["member"], dict):
            numbers = sorted(node["member"], key=int)
            # A gap in the numbers is a mistake, which the wrong type shows.
            if numbers != [str(n) for n in range(1, len(numbers) + 1)]:
                return node
            return [lists(node["member"][n]) for n in numbers]
        return {key: lists(inner) for key, inner in node.items()}

    return lists(tree)


# Answers without a member that the model requires. "success (HTTP 200) but no content" is what an account gets that has no
# administrator. Source: the operation's documentation in the model.
MAY_BE_EMPTY = {("guardduty", "GetAdministratorAccount")}
# Source: S3 API reference, "Error responses".
S3_REFUSALS = {"AccessDenied": 403, "NoSuchBucket": 404, "NoSuchKey": 404, "SlowDown": 503}
# Errors that a test orders, to see how hansho takes them.
SERVER_ERRORS = {500, 502, 503}


def bare(node):
    """The name of an element, without its namespace."""
    return node.tag.rpartition("}")[2]


class Checker:
    def __init__(self):
        self.loader = Loader()
        self.models = {}
        self.problems = []

    def model(self, service):
        if service not in self.models:
            self.models[service] = ServiceModel(self.loader.load_service_model(service, "service-2"), service)
        return self.models[service]

    def problem(self, call, place, why):
        self.problems.append(f"{call['service']}:{call['operation']} {place}: {why}")

    def call(self, call):
        model = self.model(call["service"])
        if call["operation"] not in model.operation_names:
            return self.problem(call, "operation", "the model has none of this name")
        operation = model.operation_model(call["operation"])
        self.request(call, operation)
        if call["code"] is None:
            self.answer(call, operation, model)
        else:
            self.error(call, operation)

    def request(self, call, operation):
        shape = operation.input_shape
        if operation.service_model.protocol == "query":
            given = nested({k: v for k, v in call["body"].items() if k not in ("Action", "Version")})
            return self.members(call, "request", shape, given, text=True)
        if operation.http["method"] != call["method"]:
            self.problem(call, "request", f"method {call['method']} instead of {operation.http['method']}")
        given = {}
        if operation.service_model.protocol == "rest-xml":
            bucket, key = call["path"]
            headers = {"ExpectedBucketOwner": call["body"]["owner"], "ChecksumSHA256": call["body"]["checksum"]}
            given = {"Bucket": bucket, "Key": key, **{name: value for name, value in headers.items() if value is not None}}
            return self.members(call, "request", shape, given, api_names=True)
        if operation.service_model.protocol == "rest-json":
            given.update(self.uri(call, operation))
            known = {}
            for name, member in (shape.members if shape else {}).items():
                key = member.serialization.get("name", name)
                known[(member.serialization.get("location"), key)] = name
            for place, values in (("querystring", call["query"]), (None, call["body"])):
                for key, value in values.items():
                    if (place, key) not in known:
                        self.problem(call, "request", f"the model has no {place or 'body'} member {key}")
                        continue
                    member = shape.members[known[(place, key)]]
                    if place == "querystring" and member.type_name == "integer":
                        value = int(value)
                    given[known[(place, key)]] = value
            return self.members(call, "request", shape, given, api_names=True)
        self.members(call, "request", shape, call["body"])

    def uri(self, call, operation):
        """The members that are parts of the path."""
        parts = [part for part in operation.http["requestUri"].split("/") if part]
        if len(parts) != len(call["path"]):
            self.problem(call, "request", f"path {call['path']} instead of {parts}")
            return {}
        given = {}
        for part, is_part in zip(parts, call["path"]):
            if part.startswith("{"):
                for name, member in operation.input_shape.members.items():
                    if member.serialization.get("name", name) == part.strip("{}"):
                        given[name] = is_part
            elif part != is_part:
                self.problem(call, "request", f"path part {is_part} instead of {part}")
        return given

    def answer(self, call, operation, model):
        wanted = operation.http.get("responseCode", 200)
        if call["status"] != wanted:
            self.problem(call, "answer", f"status {call['status']} instead of {wanted}")
        shape = operation.output_shape
        if model.protocol == "query":
            parser = create_parser("query")
            got = parser.parse({"status_code": 200, "headers": {}, "body": call["answer"].encode()}, shape)
            got.pop("ResponseMetadata", None)
            # The parser leaves out what it does not know.
            for result in xml.etree.ElementTree.fromstring(call["answer"]):
                if bare(result) != "ResponseMetadata":
                    self.elements(call, "answer", shape, result)
            return self.members(call, "answer", shape, got, parsed=True)
        if model.protocol == "rest-xml":
            # HeadObject and PutObject answer with headers alone, and hansho reads none.
            if call["answer"]:
                self.problem(call, "answer", "the model has no body")
            return None
        body = json.loads(call["answer"])
        if (call["service"], call["operation"]) in MAY_BE_EMPTY and not body:
            return None
        if shape is None:
            if body:
                self.problem(call, "answer", "the model has no output")
            return None
        self.members(call, "answer", shape, body)

    def elements(self, call, place, shape, node):
        """The elements of an answer in XML: each is one of the model."""
        if shape.type_name == "structure":
            names = {member.serialization.get("name", name): member for name, member in shape.members.items()}
            for inner in node:
                if bare(inner) in names:
                    self.elements(call, f"{place}.{bare(inner)}", names[bare(inner)], inner)
                else:
                    self.problem(call, place, f"{shape.name} has no member {bare(inner)}")
        elif shape.type_name == "list":
            for inner in node:
                if bare(inner) != "member":
                    self.problem(call, place, f"a list has no {bare(inner)}")
                self.elements(call, f"{place}[]", shape.member, inner)
        elif len(node):
            self.problem(call, place, f"is no {shape.type_name}")

    def error(self, call, operation):
        status = call["status"]
        for shape in operation.error_shapes:
            if shape.error_code == call["code"] or shape.name == call["code"]:
                wanted = shape.metadata.get("error", {}).get("httpStatusCode", 400)
                if status != wanted:
                    self.problem(call, "error", f"{call['code']} with status {status} instead of {wanted}")
                return
        common = dict(COMMON)
        if operation.service_model.protocol == "rest-xml":
            common.update(S3_REFUSALS)
        if operation.service_model.protocol == "json":
            common.update(JSON_REFUSALS)
            common["UnrecognizedClientException"] = 400
        if common.get(call["code"]) != status and status not in SERVER_ERRORS:
            self.problem(call, "error", f"{call['code']} with status {status} is no error of the operation")

    def members(self, call, place, shape, given, **how):
        """A structure. `api_names`: the keys are the model's names, not those of the wire."""
        if shape is None:
            if given:
                self.problem(call, place, f"the model has no input, but there is {sorted(given)}")
            return
        names = {}
        for name, member in shape.members.items():
            wire = name if how.get("api_names") or how.get("parsed") else member.serialization.get("name", name)
            names[wire] = (name, member)
        for wire, value in given.items():
            if wire not in names:
                self.problem(call, place, f"{shape.name} has no member {wire}")
                continue
            inner = {k: v for k, v in how.items() if k != "api_names"}
            self.value(call, f"{place}.{wire}", names[wire][1], value, **inner)
        there = {names[wire][0] for wire in given if wire in names}
        for name in shape.required_members:
            if name not in there:
                self.problem(call, place, f"{shape.name} lacks {name}")

    def value(self, call, place, shape, value, **how):
        kind = shape.type_name
        if kind == "structure":
            if not isinstance(value, dict):
                return self.problem(call, place, f"is no {shape.name}: {value!r}")
            return self.members(call, place, shape, value, **how)
        if kind == "list":
            if not isinstance(value, list):
                return self.problem(call, place, f"is no list: {value!r}")
            self.bounds(call, place, shape, len(value))
            for at, entry in enumerate(value):
                self.value(call, f"{place}[{at}]", shape.member, entry, **how)
            return None
        if kind == "map":
            if not isinstance(value, dict):
                return self.problem(call, place, f"is no map: {value!r}")
            for key, entry in value.items():
                self.value(call, f"{place}.{key}", shape.key, key, **how)
                self.value(call, f"{place}.{key}", shape.value, entry, **how)
            return None
        self.scalar(call, place, shape, value, **how)

    def scalar(self, call, place, shape, value, **how):
        kind = shape.type_name
        types = {"string": str, "boolean": bool, "integer": int, "long": int, "double": (int, float), "float": (int, float)}
        if kind == "timestamp":
            # JSON has seconds; the parser of XML has made a time of it.
            good = how.get("parsed") or isinstance(value, (int, float)) and not isinstance(value, bool)
            return None if good else self.problem(call, place, f"is no time: {value!r}")
        if how.get("text") and kind in ("integer", "long"):
            value = int(value)
        if how.get("text") and kind == "boolean":
            value = {"true": True, "false": False}.get(value, value)
        if kind not in types or not isinstance(value, types[kind]) or kind != "boolean" and isinstance(value, bool):
            return self.problem(call, place, f"is no {kind}: {value!r}")
        if kind == "string":
            self.bounds(call, place, shape, len(value))
            if shape.enum and value not in shape.enum:
                self.problem(call, place, f"{value!r} is none of {shape.enum}")
            self.pattern(call, place, shape, value)
        elif kind != "boolean":
            self.bounds(call, place, shape, value)
        return None

    def bounds(self, call, place, shape, number):
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        if least is not None and number < least:
            self.problem(call, place, f"{shape.name}: {number} is less than {least}")
        if most is not None and number > most:
            self.problem(call, place, f"{shape.name}: {number} is more than {most}")

    def pattern(self, call, place, shape, value):
        text = shape.metadata.get("pattern")
        if text is None:
            return
        try:
            good = re.fullmatch(text.removeprefix("^").removesuffix("$"), value)
        except re.error:
            # A few use classes of Unicode that Python's expressions do not have.
            return
        if not good:
            self.problem(call, place, f"{value!r} does not match {text}")


def bites(call):
    """Whether each way of damaging a call is a problem."""
    answer = json.loads(call["answer"])
    member = answer["members"][0]
    damaged = [
        {**call, "operation": "ListEverything"},
        {**call, "body": {**call["body"], "newMember": 1}},
        {**call, "body": {}},
        {**call, "body": {"accountIds": ["1111"]}},
        {**call, "body": {"accountIds": ["111122223333"] * 51}},
        {**call, "body": {"accountIds": "111122223333"}},
        {**call, "method": "GET"},
        {**call, "path": call["path"][:-1]},
        {**call, "status": 201},
        {**call, "code": "NoSuchException", "status": 400},
        {**call, "code": "BadRequestException", "status": 403},
        {**call, "answer": "{}"},
        {**call, "answer": json.dumps({**answer, "more": 1})},
        {**call, "answer": json.dumps({**answer, "members": [{**member, "accountId": 5}]})},
        {**call, "answer": json.dumps({**answer, "members": [{**member, "features": [{"name": "S3"}]}]})},
        {**call, "answer": json.dumps({**answer, "members": [{k: v for k, v in member.items() if k != "dataSources"}]})},
    ]
    yield from unseen(damaged)


def bites_query(call):
    """The same of a call in the Query protocol: CreateStack."""
    body, answer = call["body"], call["answer"]
    yield from unseen(
        [
            {**call, "body": {**body, "NewMember": "1"}},
            {**call, "body": {k: v for k, v in body.items() if k != "StackName"}},
            {**call, "body": {**body, "TemplateBody": ""}},
            {**call, "body": {**body, "Capabilities.member.1": "CAPABILITY_ALL"}},
            {**call, "body": {**body, "Parameters.member.1.NewMember": "1"}},
            {**call, "body": {**body, "Parameters.member.99.ParameterKey": "gap"}},
            {**call, "answer": answer.replace("<StackId>", "<StackIds>").replace("</StackId>", "</StackIds>")},
        ]
    )


def unseen(damaged):
    for one in damaged:
        checker = Checker()
        checker.call(one)
        if not checker.problems:
            yield {**one, "body": str(one["body"])[:200]}


def main():
    checker = Checker()
    counts = collections.Counter()
    sample = stack = None
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            call = json.loads(line)
            counts[f"{call['service']}:{call['operation']}"] += 1
            checker.call(call)
            if call["operation"] == "GetMemberDetectors" and call["code"] is None:
                sample = call
            if call["operation"] == "CreateStack" and call["code"] is None:
                stack = call
    for name, count in sorted(counts.items()):
        print(f"{count:6} {name}")
    for why, count in collections.Counter(checker.problems).most_common(50):
        print(f"PROBLEM ({count} times) {why}")
    missed = list(bites(sample)) if sample else ["no call of GetMemberDetectors was recorded"]
    missed += list(bites_query(stack)) if stack else ["no call of CreateStack was recorded"]
    for one in missed:
        print(f"PROBLEM this check found nothing in {one}")
    sys.exit(1 if checker.problems or missed else 0)


main()
