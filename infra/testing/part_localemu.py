"""localemu: findings of another region and of another account, over the forwarder and the home bus, to Slack; and GuardDuty's own sample.

usage: part_localemu.py ENDPOINT FOLDER BINARY
"""

import subprocess
import sys
import time
from pathlib import Path

import findings
import guide
import looks
import looks_compute  # noqa: F401 - they register their checkers.
import looks_data  # noqa: F401
import looks_messaging  # noqa: F401
import parts
import proof
import stage
from aws import Aws, wait_for
from results import Results
from slack import Slack

EMULATOR = "localemu"
# It lets anybody put events of AWS's own sources, so the templates' default is kept.
SOURCE = "aws.guardduty"
ACCOUNT, MEMBER = "111122223333", "444455556666"
HOME, FAR = "eu-central-1", "us-east-1"
BUS = f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/hansho"


class Localemu:
    def __init__(self, endpoint: str, folder: Path, binary: str):
        self.folder = folder / EMULATOR
        self.folder.mkdir(parents=True, exist_ok=True)
        self.into = Results(EMULATOR, folder)
        self.aws, self.far = Aws(endpoint, HOME, ACCOUNT), Aws(endpoint, FAR, ACCOUNT)
        self.member = Aws(endpoint, FAR, MEMBER)
        self.slack, self.worker = Slack(), None
        self.endpoint, self.binary, self.worker_log = endpoint, binary, folder / "worker-localemu.log"
        self.shell = guide.Shell(endpoint, ACCOUNT, self.folder, folder / "guide-localemu.log")

    def look(self, aws: Aws, name: str, path: str, given: dict, group: str) -> None:
        stack = aws.stack(name, self.folder / "infra" / path, given)
        looks.look_at(EMULATOR, aws, stack, self.into, group)
        looks.outputs_of(EMULATOR, aws, name, stack, self.into, group)

    def guide(self, heading: str, seconds: float, typed: str = "") -> None:
        self.shell.run("README.md", heading, seconds, typed)
        self.into.seen("the guide's commands", heading)

    def stacks(self) -> None:
        changes = stage.stage(EMULATOR, self.folder, {"EndpointUrl": self.endpoint}, ["pipeline.yaml", "forwarder.yaml", "guardduty.yaml"])
        print(f"{EMULATOR}: deployed are copies of the templates, changed in {changes or 'nothing'}")
        self.guide("Before you start", 10)
        self.guide("2. The pipeline (security account)", 60)
        given = {"OrganizationId": self.shell.variable("ORGANIZATION"), "AlarmEmail": self.shell.variable("ALARM_EMAIL")}
        self.look(self.aws, "hansho-pipeline", "pipeline.yaml", given, "pipeline.yaml")
        self.guide("3. The webhook", 30, self.slack.webhook + "\n")
        forward = {"HomeBusArn": BUS, "AlarmEmail": "oncall@example.com"}
        for aws in (self.aws, self.far, self.member):
            aws.deploy("hansho-forwarder", self.folder / "infra/forwarder.yaml", forward)
            self.look(aws, "hansho-forwarder", "forwarder.yaml", forward, f"forwarder.yaml in {aws.account}, {aws.region}")

    def start(self) -> None:
        """The worker as a process, with the variables that worker-ecs.yaml gives its task."""
        stack = self.aws.stack("hansho-pipeline", self.folder / "infra/worker-ecs.yaml", {"Image": "hansho:1", "VpcId": "vpc-1", "SubnetIds": "subnet-1"})
        container, = stack.properties("Task")["ContainerDefinitions"]
        environment = {each["Name"]: each["Value"] for each in container["Environment"]}
        environment |= {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
        # The other emulator's task may still listen there.
        environment["HANSHO_METRICS_LISTEN"] = "off"
        with self.worker_log.open("w") as log:
            self.worker = subprocess.Popen([self.binary, *container["Command"]], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def nights(self) -> None:
        for number, (far, group) in enumerate(((self.far, f"events from {FAR} to Slack"), (self.member, f"events from {MEMBER}, {FAR} to Slack")), start=11):
            night, since = findings.night(number, SOURCE), len(self.slack.posts)
            proof.put(self.aws, night, far)
            if self.worker is None:
                proof.in_lanes(self.aws, night, self.into, group)
                self.start()
            proof.judge(self.aws, self.slack, night, since, self.into, group, 60)

    def sample(self) -> None:
        """Step 7, as it stands there: GuardDuty's own finding from the last of the regions. The detector is made by hand, as its stack made none."""
        group = "GuardDuty's sample to Slack"
        self.far.deploy("hansho-guardduty", self.folder / "infra/guardduty.yaml", {})
        self.look(self.far, "hansho-guardduty", "guardduty.yaml", {}, "guardduty.yaml")
        self.far.guardduty.create_detector(Enable=True)
        since = len(self.slack.posts)
        self.guide("7. The first sample finding", 30)
        wait_for(lambda: len(self.slack.posts) > since, 30, "the sample finding in Slack")
        time.sleep(proof.QUIET_S)
        posts = self.slack.posts[since:]
        # AWS's own samples say [SAMPLE] in their titles; localemu's don't.
        self.into.check(len(posts) == 1 and "CryptoCurrency:EC2/BitcoinTool.B!DNS" in str(posts[0]), group, "one post, of the type that was asked for", f"{len(posts)} posts")

    def stop(self) -> None:
        self.worker.terminate()
        try:
            status = self.worker.wait(60)
        except subprocess.TimeoutExpired:
            status = None
        self.into.check(status == 0, f"events from {FAR} to Slack", "SIGTERM: exit 0", f"exit status {status}; see {self.worker_log}")

    def close(self) -> None:
        if self.worker and self.worker.poll() is None:
            self.worker.kill()
            self.worker.wait()
        self.slack.close()


if __name__ == "__main__":
    part = Localemu(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
    parts.run(EMULATOR, part, [part.stacks, part.nights, part.sample, part.stop])
