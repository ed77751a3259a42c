"""Clients of an emulator, waits that end, and stacks as they stand there."""

import time

import boto3
from botocore.config import Config

import template


class TooLate(Exception):
    """Something did not come about in time."""


class Aws:
    def __init__(self, endpoint: str, region: str, account: str, keys: dict | None = None):
        self.endpoint, self.region, self.account = endpoint, region, account
        # Emulators take an access key of twelve digits as the account.
        self.keys = keys or {"aws_access_key_id": account, "aws_secret_access_key": "test"}
        self._clients = {}

    def __getattr__(self, service: str):
        """A client by its name, such as aws.sqs or aws.cloudformation."""
        if service.startswith("_"):
            raise AttributeError(service)
        if service not in self._clients:
            settings = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 2})
            self._clients[service] = boto3.client(service, endpoint_url=self.endpoint, region_name=self.region, config=settings, **self.keys)
        return self._clients[service]

    def elsewhere(self, region: str) -> "Aws":
        return Aws(self.endpoint, region, self.account, self.keys)

    def physical(self, stack: str) -> dict:
        """Physical ids by logical ones."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        rows = [row for page in pages for row in page["StackResourceSummaries"]]
        # moto shows what it has not made as a row without names.
        return {row["LogicalResourceId"]: row.get("PhysicalResourceId", "") for row in rows if row["LogicalResourceId"]}

    def outputs(self, stack: str) -> dict:
        about = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in about.get("Outputs", [])}

    def exports(self) -> dict:
        pages = self.cloudformation.get_paginator("list_exports").paginate()
        return {row["Name"]: row["Value"] for page in pages for row in page["Exports"]}

    def stack(self, name: str, path, given: dict) -> template.Stack:
        return template.Stack(template.read(path), given, self.account, self.region, self.physical(name), self.exports())

    def deploy(self, name: str, path, given: dict, seconds: float = 60) -> None:
        """Creates a stack, or updates it, and waits for it."""
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
        order = dict(StackName=name, TemplateBody=path.read_text(), Parameters=parameters, Capabilities=["CAPABILITY_NAMED_IAM"])
        known = [stack["StackName"] for stack in self.cloudformation.describe_stacks()["Stacks"]]
        (self.cloudformation.update_stack if name in known else self.cloudformation.create_stack)(**order)

        def settled():
            about = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            return None if about["StackStatus"].endswith("IN_PROGRESS") else about

        about = wait_for(settled, seconds, f"the stack {name}")
        if about["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            why = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in events if "FAILED" in event["ResourceStatus"]]
            raise RuntimeError(f"the stack {name} is {about['StackStatus']}: {'; '.join(why)}")


def wait_for(probe, seconds: float, what: str, pause: float = 0.25):
    """The first true answer of the probe."""
    until = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > until:
            raise TooLate(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)
