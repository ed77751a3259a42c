"""The task as ECS would start it: read back through ECS's API, with its command, its variables and its user, in the file system that
infra/build laid out. Only the container engine is missing."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path


class Task:
    def __init__(self, aws, folder: Path, log: Path, health: dict):
        """`health` is the template's health check, for an emulator that does not keep it."""
        service = aws.ecs.describe_services(cluster="hansho", services=["hansho-worker"])["services"][0]
        self.definition = aws.ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        self.container, = self.definition["containerDefinitions"]
        self.health_check = self.container.get("healthCheck") or health
        self.rootfs = folder / "target/dist/image/rootfs"
        entry, = [line for line in (folder / "target/dist/image/Dockerfile").read_text().splitlines() if line.startswith("ENTRYPOINT ")]
        self.program = entry.split('"')[1]
        self.environment = {each["name"]: each["value"] for each in self.container["environment"]}
        # What a task gets from its role by way of ECS, and nothing else of this process's environment.
        self.environment |= {"AWS_ACCESS_KEY_ID": aws.account, "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
        self.log, self.process = log, None
        self.cage, self.how = self._cage()

    def _cage(self) -> tuple[list[str], str]:
        """The image's root as the program's root, if this machine allows it."""
        user = self.container["user"]
        ways = [
            (["chroot", f"--userspec={user}", str(self.rootfs)], f"in the image's file system, as user {user}"),
            (["unshare", "--map-root-user", "--root", str(self.rootfs)], "in the image's file system, as a user of its own"),
        ]
        for way, how in ways:
            found = shutil.which(way[0], path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
            if found and subprocess.run([found, *way[1:], self.program, "--version"], capture_output=True, env={}).returncode == 0:
                return [found, *way[1:]], how
        return [], "outside the image's file system, as this machine allows no other root"

    def _command(self, arguments: list[str]) -> list[str]:
        program = self.program if self.cage else str(self.rootfs) + self.program
        return [*self.cage, program, *arguments]

    def start(self) -> None:
        # A task has a network of its own; here its port is the machine's.
        host, port = self.environment["HANSHO_METRICS_LISTEN"].split(":")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, int(port)))
            except OSError:
                raise RuntimeError(f"{host}:{port}, where the task listens, is taken by another program of this machine") from None
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self._command(self.container["command"]), env=self.environment, cwd="/", stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def health(self) -> tuple[int, str]:
        """The health check's command, with its time-out."""
        about = self.health_check
        kind, program, *arguments = about["command"]
        if kind != "CMD" or program != self.program:
            return -1, f"the health check is {about['command']}, and the program {self.program}"
        try:
            done = subprocess.run(self._command(arguments), env=self.environment, cwd="/", capture_output=True, text=True, timeout=about["timeout"])
        except subprocess.TimeoutExpired:
            return -1, f"it did not end within {about['timeout']} s"
        return done.returncode, (done.stderr or done.stdout).strip().splitlines()[0] if done.stderr or done.stdout else ""

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> tuple[int | None, float]:
        """As ECS does: SIGTERM, and SIGKILL after the stop time-out. The exit status, None if it had to be killed."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(self.container["stopTimeout"]), time.monotonic() - began
        except subprocess.TimeoutExpired:
            self.kill()
            return None, time.monotonic() - began

    def kill(self) -> None:
        if self.running():
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
