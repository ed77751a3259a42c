"""The commands of infra/README.md and its pages, taken out of the text, so that the tests run what people run."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import template


class Broken(Exception):
    """A command of the guide failed."""


def blocks(page: str, heading: str, text: str | None = None) -> list[str]:
    """The shell blocks under a heading, up to the next one, without their fences. `text` takes the place of the page's own."""
    found, below, fenced = [], False, ""
    for line in (text or (template.INFRA / page).read_text()).splitlines():
        if line.startswith("```"):
            fenced = "" if fenced else line
            if fenced == "```sh" and below:
                found.append("")
        elif fenced == "```sh" and below:
            found[-1] += line + "\n"
        elif not fenced and (title := re.fullmatch(r"#{1,4} (.*)", line)):
            below = title[1].strip() == heading
    if not found:
        raise Broken(f"{page} has no commands under '{heading}'")
    return found


def command(page: str, heading: str, containing: str) -> str:
    """One command out of the blocks under a heading, for those that no emulator takes as a whole. Its lines are joined by their
    back-slashes."""
    lines = "\n".join(blocks(page, heading)).replace("\\\n", "\0").split("\n")
    found = [line.replace("\0", "\\\n") for line in lines if containing in line and not line.startswith("#")]
    if len(found) != 1:
        raise Broken(f"{page}, {heading}: {len(found)} commands with '{containing}'")
    return found[0] + "\n"


class Shell:
    """A person at a terminal, with the AWS CLI on an emulator: what one block sets, the next one has. Commands run in `folder`, and what they
    say is in `log`."""

    def __init__(self, endpoint: str, key: str, folder: Path, log: Path, more: dict | None = None):
        self.folder, self.log = folder, log
        self.log.write_text("")
        self.programs = folder / "bin"
        self.programs.mkdir(exist_ok=True)
        # Version 1 of the CLI goes to AWS itself for SQS whatever AWS_ENDPOINT_URL says, unless it is an argument.
        self.program("aws", f'#!/bin/sh\nexec "{Path(sys.executable).parent}/aws" --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n')
        # Nothing may leave this machine, whatever a tool makes of a URL.
        nowhere = "http://127.0.0.1:9"
        self.environment = {
            "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": endpoint, "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true",
            "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "NO_PROXY": "127.0.0.1,localhost", "HOME": str(folder),
            "PATH": f"{self.programs}:{os.environ['PATH']}", **(more or {}),
        }
        # Not the log's folder: variables and functions are kept between the blocks.
        self.memory = folder / ".shell"
        self.memory.write_text("")
        # Whatever the caller's own account and region are, no command may find them.
        self.inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}

    def program(self, name: str, text: str) -> None:
        """A program that the commands find before any other of that name."""
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def run(self, page: str, heading: str, seconds: float, typed: str = "") -> None:
        """All commands under a heading, as they stand there."""
        for block in blocks(page, heading):
            self.script(f"{page}, {heading}", block, seconds, typed)

    def script(self, name: str, block: str, seconds: float, typed: str = "") -> str:
        """Runs it under bash's strictest habits. Whatever is typed goes to its standard input and nowhere else."""
        whole = f"set -euo pipefail\n. '{self.memory}'\n{block}\n{{ export -p; declare -f; }} >'{self.memory}'\n"
        with self.log.open("a") as log:
            log.write(f"\n== {name}\n{block}")
            log.flush()
            process = subprocess.Popen(["bash", "-c", whole], cwd=self.folder, env={**self.inherited, **self.environment}, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
            try:
                said, _ = process.communicate(typed, timeout=seconds)
            except subprocess.TimeoutExpired:
                raise Broken(f"{name}: did not end within {seconds:.0f} s; see {self.log}") from None
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            # Without the bars that show progress.
            log.write(re.sub(r"[^\n]*\r", "", said))
        if process.returncode != 0:
            raise Broken(f"{name}: exit status {process.returncode}; see {self.log}")
        return said

    def variable(self, name: str) -> str:
        return self.script(f"${name}", f'printf %s "${{{name}}}"', 10)
