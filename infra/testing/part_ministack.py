"""ministack: the guide from its first step to alerts in Slack, with the worker as a function and as a task.

usage: part_ministack.py ENDPOINT FOLDER BINARY
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

import findings
import guide
import looks
import looks_compute
import looks_data  # noqa: F401 - they register their checkers.
import looks_messaging  # noqa: F401
import metrics
import patterns
import parts
import proof
import runbook
import stage
from aws import Aws, TooLate, wait_for
from ecs_task import Task
from results import Results
from slack import Slack

EMULATOR = "ministack"
HOME, EVERYTHING, KEYED = "eu-central-1", "eu-west-1", "us-east-1"
ACCOUNT = "111122223333"
YES = {source: "yes" for source in ("MalwareScans", "SecurityHub", "Inspector", "Macie", "AccessAnalyzer")}


class Ministack:
    def __init__(self, endpoint: str, folder: Path, binary: str):
        self.folder = folder / EMULATOR
        self.folder.mkdir(parents=True, exist_ok=True)
        self.into = Results(EMULATOR, folder)
        self.aws = Aws(endpoint, HOME, ACCOUNT)
        self.slack = Slack()
        self.task = None
        self.shell = guide.Shell(endpoint, ACCOUNT, self.folder, folder / "guide-ministack.log", {"HANSHO_BIN": binary})
        # There may be no container engine. A stand-in takes the guide's three calls, and looks whether what it is to build is there.
        self.shell.program(
            "docker", '#!/bin/sh\n# Not docker: it builds nothing.\ncase "$1" in\n'
            "login) cat >/dev/null ;;\n"
            'build) shift; while [ $# -gt 1 ]; do shift; done; test -f "$1/Dockerfile" && test -x "$1/rootfs/hansho" ;;\n'
            'push) test -n "$2" ;;\n'
            '*) echo "the stand-in for docker knows no $1" >&2; exit 1 ;;\nesac\n',
        )
        self.endpoint = endpoint

    def guide(self, heading: str, seconds: float, typed: str = "") -> None:
        self.shell.run("README.md", heading, seconds, typed)
        self.into.seen("the guide's commands", heading)

    def look(self, name: str, path: str, given: dict, group: str, aws: Aws | None = None) -> None:
        aws = aws or self.aws
        stack = aws.stack(name, self.folder / "infra" / path, given)
        looks.look_at(EMULATOR, aws, stack, self.into, group)
        if aws is self.aws:
            looks.prove_sharp(EMULATOR, aws, stack, self.into, "the checkers, tried with other values")
        looks.outputs_of(EMULATOR, aws, name, stack, self.into, group)

    # --- The guide's way, to alerts ---

    def prepare(self) -> None:
        changes = stage.stage(EMULATOR, self.folder, {"GuardDutySource": stage.SOURCE, "EndpointUrl": self.endpoint})
        print(f"{EMULATOR}: deployed are copies of the templates, in which")
        for change in changes:
            print(f"  {change}")
            if "left out" in change:
                self.into.unseen("left out of the copy", change, f"{EMULATOR} does not know the type")
        self.guide("Before you start", 10)
        machine = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
        self.shell.script("the processor of this machine", f"export PROCESSOR={machine}\n", 10)
        self.guide("1. Build", 300)
        # The upgrade's command makes the same of the same.
        made = self.shell.script("the zip", "sha256sum target/dist/hansho-lambda.zip", 10)
        self.shell.script("README.md, Upgrade", "infra/build --again", 300)
        self.into.check(self.shell.script("the zip", "sha256sum target/dist/hansho-lambda.zip", 10) == made, "the guide's commands", "infra/build --again makes the same", "it does not")
        zipped = self.folder / "target/dist/hansho-lambda.zip"
        for made in (zipped, self.folder / "target/dist/hansho-image.tar"):
            print(f"{EMULATOR}: infra/build made {made.name}, {made.stat().st_size:,} bytes")
        # Lambda takes no more than 250 MB unpacked; 50 MB if it is sent and not put in a bucket.
        self.into.check(zipped.stat().st_size < 50_000_000, "the guide's commands", "the zip has less than 50 MB", f"{zipped.stat().st_size:,}")

    def pipeline(self) -> None:
        self.guide("2. The pipeline (security account)", 60)
        given = {"OrganizationId": self.shell.variable("ORGANIZATION"), "AlarmEmail": self.shell.variable("ALARM_EMAIL")}
        self.look("hansho-pipeline", "pipeline.yaml", given, "pipeline.yaml")
        bus = self.shell.variable("BUS_ARN")
        self.into.check(bus == f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/hansho", "the guide's commands", "BUS_ARN", f"it is {bus}")
        group = "the webhook"
        self.into.check(not self.secret(), group, "no value before step 3", "there is one")
        self.guide("3. The webhook", 30, self.slack.webhook + "\n")
        self.into.check(self.secret() == self.slack.webhook, group, "what was typed is in the secret", "the secret has another value")
        self.into.check(not self.slack.refused, group, "no tool fetched it", f"{self.slack.refused}")
        self.into.check(self.slack.webhook not in self.shell.log.read_text(), group, "it was not shown", "it is in the guide's output")

    def secret(self) -> str:
        try:
            return self.aws.secretsmanager.get_secret_value(SecretId="hansho/slack").get("SecretString", "")
        except self.aws.secretsmanager.exceptions.ResourceNotFoundException:
            return ""

    def beside(self) -> None:
        """The forwarder, as the guide says for one account: a plain stack. And the operator's rights, by the guide's command."""
        given = {"HomeBusArn": self.shell.variable("BUS_ARN"), "AlarmEmail": "oncall@example.com"}
        self.aws.deploy("hansho-forwarder", self.folder / "infra/forwarder.yaml", given)
        self.look("hansho-forwarder", "forwarder.yaml", given, "forwarder.yaml")
        self.from_guide("Send dead letters again", "infra/operator.yaml", 60)
        self.look("hansho-operator", "operator.yaml", {"TrustedPrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/oncall", "RequireMfa": "no"}, "operator.yaml")

    def from_guide(self, heading: str, containing: str, seconds: float) -> str:
        said = self.shell.script(f"README.md, {heading}", guide.command("README.md", heading, containing), seconds)
        self.into.seen("the guide's commands", f"{heading}: {containing}")
        return said

    def look_into_the_quarantine(self) -> str:
        """The guide's variables for a replay, and its first look. What it sends is not run here: nothing is to move yet."""
        heading, last = "Send dead letters again", "hansho replay list\n"
        block, = guide.blocks("README.md", heading)
        # The build's variable is none of the program's, which refuses those that it does not know.
        self.shell.program("hansho", '#!/bin/sh\nexec env -u HANSHO_BIN "$HANSHO_BIN" "$@"\n')
        said = self.shell.script(f"README.md, {heading}", block[block.index("export AWS_REGION"):block.index(last) + len(last)], 60)
        self.into.seen("the guide's commands", f"{heading}: hansho replay list")
        return said

    def as_function(self) -> None:
        group, night = "events to Slack: Lambda", findings.night(1)
        proof.put(self.aws, night)
        proof.in_lanes(self.aws, night, self.into, group)
        since = len(self.slack.posts)
        self.guide("4. The worker: Lambda", 90)
        version = self.shell.variable("CODE_VERSION")
        given = {"CodeBucket": self.shell.variable("CODE_BUCKET"), "CodeKey": self.shell.variable("CODE_KEY"), "Architecture": self.shell.variable("PROCESSOR"),
                 "CodeVersion": version, "AlarmTopicArn": self.aws.outputs("hansho-pipeline")["AlarmTopicArn"], **self.mentions()}
        self.look("hansho-worker-lambda", "worker-lambda.yaml", given, "worker-lambda.yaml")
        # One lane's copies wait for the other's lease. Meanwhile there is something else to do, once the first calls are over: ministack
        # ends a function that runs when one of the same name is made, be it in another region.
        try:
            wait_for(lambda: proof.all_posted(self.slack, night, since), 60, "all that is owed")
            time.sleep(proof.QUIET_S)
        except TooLate:
            pass  # The proof says what is missing.
        try:
            self.variants()
        except Exception as why:  # noqa: BLE001 - the proof goes on all the same.
            traceback.print_exc()
            self.into.wrong("all with CustomerKey", "the other stacks", f"{type(why).__name__}: {why}")
        # What a call left behind is hidden for up to two minutes, and then for as long as another call has claimed it.
        proved = proof.judge(self.aws, self.slack, night, since, self.into, group, 240)
        beat = self.aws.__getattr__("lambda").invoke(FunctionName="hansho-worker", Payload=b'{"hansho":"heartbeat"}')
        said = beat["Payload"].read().decode()
        self.save_log(shown=not proved)
        self.into.check("FunctionError" not in beat, "heartbeat and health", 'the function knows {"hansho":"heartbeat"}', f"it says {said[:200]}")
        self.runbook = runbook.Runbook(self.shell, self.aws, self.slack, self.into)
        self.runbook.first()

    def save_log(self, shown: bool) -> None:
        """What the function logged, by way of its log group. If it is `shown`, without the lines for CloudWatch."""
        events = self.aws.logs.filter_log_events(logGroupName="/hansho/worker")["events"]
        lines = [event["message"].rstrip() for event in events]
        (self.into.path.parent / "worker-lambda.log").write_text("".join(line + "\n" for line in lines))
        if shown:
            print("\n".join(line for line in lines if '"_aws"' not in line))
        self.into.check(bool(events), "events to Slack: Lambda", "the function's log is in /hansho/worker", "nothing is there")
        metrics.check("\n".join(event["message"] for event in events), self.aws, self.into, "metrics and alarms: Lambda")

    def as_task(self) -> None:
        network = self.aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [self.aws.ec2.create_subnet(VpcId=network, CidrBlock=f"10.0.{i}.0/24")["Subnet"]["SubnetId"] for i in range(2)]
        # The guide's example has a VPC that nobody has; its command takes the variables.
        first, second = self.ecs_blocks(network, ",".join(subnets))
        for block in (first, second):
            self.shell.script("README.md, 4, instead. The worker: ECS", block, 60)
        self.into.seen("the guide's commands", "4, instead. The worker: ECS (docker by a stand-in)")
        repository, tag = self.shell.variable("REPOSITORY"), self.shell.variable("TAG")
        given = {
            "Image": f"{repository}:{tag}", "RepositoryArn": f"arn:aws:ecr:{HOME}:{ACCOUNT}:repository/hansho",
            "CpuArchitecture": {"arm64": "ARM64"}.get(self.shell.variable("PROCESSOR"), "X86_64"),
            "VpcId": network, "SubnetIds": ",".join(subnets), "AssignPublicIp": "DISABLED", **self.mentions(),
        }
        self.look("hansho-worker-ecs", "worker-ecs.yaml", given, "worker-ecs.yaml")
        self.runbook.rest()
        self.change_over()
        group, night = "events to Slack: ECS", findings.night(2)
        proof.put(self.aws, night)
        proof.in_lanes(self.aws, night, self.into, group)
        since = len(self.slack.posts)
        stack = self.aws.stack("hansho-worker-ecs", self.folder / "infra/worker-ecs.yaml", given)
        health = looks_compute.lowered(stack.properties("Task")["ContainerDefinitions"][0]["HealthCheck"])
        self.task = Task(self.aws, self.folder, self.into.path.parent / "ecs-task.log", health)
        print(f"{EMULATOR}: the task's program runs {self.task.how}")
        self.task.start()
        proof.judge(self.aws, self.slack, night, since, self.into, group, 60)
        self.into.check(self.task.running(), group, "the task still runs", f"see {self.task.log}")
        # The task does not post again what the function posted: both share the ledger.
        posted = len(self.slack.posts)
        proof.put(self.aws, findings.night(1))
        wait_for(lambda: not any(proof.waiting(self.aws, proof.urls(self.aws)[lane]) for lane in ("express", "standard")), 60, "the first night again")
        time.sleep(proof.QUIET_S)
        self.into.check(len(self.slack.posts) == posted, group, "what the function posted is not posted again", f"{len(self.slack.posts) - posted} posts")
        said = self.look_into_the_quarantine()
        self.into.check("no_identity" in said, group, "the guide's look into the quarantine shows the reason", f"it says {said[:200]}")
        status, said = self.task.health()
        self.into.check(status == 0, "heartbeat and health", "the task's health check", f"exit status {status}: {said}")
        status, took = self.task.stop()
        limit = self.task.container["stopTimeout"]
        self.into.check(status == 0, group, f"SIGTERM: exit 0 within {limit} s", f"exit status {status} after {took:.1f} s")
        status, said = self.task.health()
        self.into.check(status == 1, "heartbeat and health", "without the task the health check fails", f"exit status {status}: {said}")
        metrics.check(self.task.log.read_text(), self.aws, self.into, "metrics and alarms: ECS")

    def mentions(self) -> dict:
        return dict.fromkeys(("MentionMedium", "MentionHigh", "MentionCritical"), self.shell.variable("MENTION"))

    def uninstall(self) -> None:
        """The guide's way out: what holds findings stays until a person deletes it."""
        group = "uninstall"
        # The stack sets' commands before it are moto's.
        first, = guide.blocks("README.md", "Uninstall worker and pipeline")
        second, = guide.blocks("README.md", "Uninstall what is left")
        self.shell.script("README.md, Uninstall", first, 90)

        def left():
            return [each["StackName"] for each in self.aws.cloudformation.describe_stacks()["Stacks"] if each["StackStatus"] != "DELETE_COMPLETE"]

        wait_for(lambda: "hansho-pipeline" not in left(), 30, "the deletion of hansho-pipeline")
        self.into.check(left() == ["hansho-forwarder"], group, "the stacks are gone", f"there are {left()}")
        self.into.check(len(proof.urls(self.aws)) == 5, group, "the queues stay", "one is gone")
        self.into.check(self.aws.dynamodb.describe_table(TableName="hansho-ledger")["Table"]["TableStatus"] == "ACTIVE", group, "the ledger stays", "it is gone")
        groups = [each["logGroupName"] for each in self.aws.logs.describe_log_groups()["logGroups"]]
        self.into.check("/hansho/worker" in groups, group, "the log stays", f"there are {groups}")
        rules = self.aws.events.list_event_buses()["EventBuses"]
        self.into.check("hansho" not in [each["Name"] for each in rules], group, "the bus goes", f"{rules}")
        self.shell.script("README.md, Uninstall", second, 60)
        self.into.seen("the guide's commands", "Uninstall")
        queues = self.aws.sqs.list_queues(QueueNamePrefix="hansho-").get("QueueUrls", [])
        self.into.check([url.rsplit("/", 1)[1] for url in queues] == ["hansho-forwarder-dead"], group, "then the queues are gone", f"{queues}")
        self.into.check(not self.aws.dynamodb.list_tables()["TableNames"], group, "and the ledger", "it is there")

    def ecs_blocks(self, network: str, subnets: str) -> list[str]:
        blocks = guide.blocks("README.md", "4, instead. The worker: ECS")
        whole = "\n".join(blocks)
        line, = [each for each in whole.splitlines() if each.startswith("export VPC=")]
        first, second = whole.split(line)
        return [first, f"export VPC={network} SUBNETS={subnets}\n{second}"]

    def change_over(self) -> None:
        """From one worker to the other: the first stack is deleted, and takes what it made with it."""
        self.aws.cloudformation.delete_stack(StackName="hansho-worker-lambda")
        client = self.aws.__getattr__("lambda")
        group = "from Lambda to ECS"

        def gone():
            listed = self.aws.cloudformation.describe_stacks()["Stacks"]
            return not any(each["StackName"] == "hansho-worker-lambda" and each["StackStatus"] != "DELETE_COMPLETE" for each in listed)

        wait_for(gone, 30, "the deletion of hansho-worker-lambda")
        left = client.list_event_source_mappings()["EventSourceMappings"]
        self.into.check(not left, group, "no mapping is left", f"{len(left)} are")
        names = [each["FunctionName"] for each in client.list_functions()["Functions"]]
        self.into.check("hansho-worker" not in names, group, "no function is left", f"{names}")

    # --- Every condition the other way ---

    def variants(self) -> None:
        """In two more regions: all sources, and a key of one's own with every option set."""
        everything, keyed = self.aws.elsewhere(EVERYTHING), self.aws.elsewhere(KEYED)
        where = self.folder / "infra"
        group = "pipeline, all sources"
        given = {**YES, "AlarmOnSilence": "no", "AlarmTopicArn": f"arn:aws:sns:{EVERYTHING}:{ACCOUNT}:elsewhere", "LedgerDeletionProtection": "false",
                 "GuardDutySource": "aws.guardduty"}
        everything.deploy("hansho-pipeline", where / "pipeline.yaml", given)
        self.look("hansho-pipeline", "pipeline.yaml", given, group, everything)
        forward = {**YES, "HomeBusArn": self.shell.variable("BUS_ARN"), "AlarmTopicArn": given["AlarmTopicArn"], "BoundaryPolicy": "hansho/hansho-boundary",
                   "GuardDutySource": "aws.guardduty"}
        everything.deploy("hansho-forwarder", where / "forwarder.yaml", forward)
        self.look("hansho-forwarder", "forwarder.yaml", forward, "forwarder, all sources", everything)
        pattern = json.loads(everything.events.describe_rule(Name="hansho-forwarder")["EventPattern"])
        patterns.check(everything, pattern, self.into, "rules against every source")
        group = "all with CustomerKey"
        given = {"CustomerKey": "yes", "AlarmEmail": "oncall@example.com"}
        keyed.deploy("hansho-pipeline", where / "pipeline.yaml", given)
        self.look("hansho-pipeline", "pipeline.yaml", given, group, keyed)
        # As the guide says: a key that is there and not used, then those who need it, then its use.
        key = keyed.outputs("hansho-pipeline")["KeyArn"]
        operator = {"CustomerKeyArn": key, "SessionSeconds": "7200"}
        keyed.deploy("hansho-operator", where / "operator.yaml", operator)
        self.look("hansho-operator", "operator.yaml", operator, group, keyed)
        more = {"CustomerKeyArn": key, "MentionMedium": "<!channel>", "MentionHigh": "<!subteam^S0123|sre>", "MentionCritical": "<!here>",
                "ExtraSecretArns": f"arn:aws:secretsmanager:{KEYED}:{ACCOUNT}:secret:hansho/slack-oncall-a1b2c3"}
        network = keyed.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = keyed.ec2.create_subnet(VpcId=network, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        keyed.ecs.create_cluster(clusterName="shared")
        tasks = {**more, "Image": "hansho:1", "VpcId": network, "SubnetIds": subnet, "ClusterName": "shared", "EndpointUrl": ""}
        keyed.deploy("hansho-worker-ecs", where / "worker-ecs.yaml", tasks)
        self.look("hansho-worker-ecs", "worker-ecs.yaml", tasks, group, keyed)
        bucket, code = "hansho-code-keyed", self.shell.variable("CODE_KEY")
        keyed.s3.create_bucket(Bucket=bucket)
        keyed.s3.put_object(Bucket=bucket, Key=code, Body=(self.folder / "target/dist/hansho-lambda.zip").read_bytes())
        functions = {**more, "CodeBucket": bucket, "CodeKey": code, "ReservedConcurrency": "10", "Heartbeat": "no", "Architecture": self.shell.variable("PROCESSOR")}
        keyed.deploy("hansho-worker-lambda", where / "worker-lambda.yaml", functions)
        self.look("hansho-worker-lambda", "worker-lambda.yaml", functions, group, keyed)

    def close(self) -> None:
        if self.task:
            self.task.kill()
        self.slack.close()


if __name__ == "__main__":
    part = Ministack(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
    parts.run(EMULATOR, part, [part.prepare, part.pipeline, part.beside, part.as_function, part.as_task, part.uninstall])
