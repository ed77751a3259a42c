"""A bad night for hansho's real binary; started by `storm`, which see. README.md tells how to read the report."""

import argparse
import asyncio
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import storm_findings
import storm_report
import storm_slack
from storm_aws import CREDENTIALS, TABLE, Emulator, probe
from storm_findings import OWED, URGENT, Finding, body
from storm_tap import Tap

# The share of each level in 20,000 findings; the rest is low.
WHOLE = 20_000
MIX = {"critical": 20, "high": 400, "medium": 12_000}
CRITICALS_MIN = 5
BATCH = 10
# The criticals are spread over this part of the storm, by the share of the findings that is posted.
CRITICAL_FROM, CRITICAL_UNTIL = 0.03, 0.75
RESTART_S = (1.0, 3.0)
# SIGTERM gives a worker 25 s to finish what is in hand.
DRAIN_S = 30
FLEET_VARIABLE = "HANSHO_WORKER_FLEET"


def options() -> argparse.Namespace:
    p = argparse.ArgumentParser(
        prog="storm",
        description="A bad night for hansho's real binary, measured and judged.",
        epilog="--emulator ministack (the default) or moto chooses the emulator of SQS and DynamoDB.",
    )
    number = dict(type=int, metavar="N")
    seconds = dict(type=float, metavar="S")
    p.add_argument("--findings", default=WHOLE, help="how many, all levels together [%(default)s]", **number)
    for level, of_whole in MIX.items():
        p.add_argument(f"--{level}", help=f"how many of them are {level} [{of_whole} of {WHOLE}]", **number)
    p.add_argument("--minutes", type=float, default=0, metavar="M",
                   help="send them over so long [0: as fast as the emulator takes them]")
    p.add_argument("--workers", default=2, help="how many workers [%(default)s]", **number)
    p.add_argument("--no-fleet", action="store_true",
                   help=f"leave {FLEET_VARIABLE} out, which is set to the number of workers if the binary knows it")
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                   help="an environment variable for the workers; may be given more than once")
    p.add_argument("--kill-every", nargs=2, type=float, default=[20, 60], metavar=("MIN", "MAX"),
                   help="SIGKILL a worker after so many seconds, again and again [20 60]")
    p.add_argument("--kill-until", type=float, default=0.9, metavar="SHARE",
                   help="kill no worker any more when this share of the findings is posted [%(default)s]")
    p.add_argument("--no-kills", action="store_true", help="kill nobody")
    p.add_argument("--refuse", type=float, default=0.03, metavar="SHARE",
                   help="the share of posts that get 429 for no reason [%(default)s]")
    p.add_argument("--refuse-criticals", action="store_true",
                   help="the first post that shows a critical finding gets a 429 with a Retry-After of 1 s")
    p.add_argument("--posts-max", help="how many posts may be taken [not checked]", **number)
    p.add_argument("--provoked-max", default=0,
                   help="how many 429s the workers may have earned [%(default)s]", **number)
    p.add_argument("--limit", default=900, help="give up after so many seconds [%(default)s]", **seconds)
    p.add_argument("--settle", default=180,
                   help="wait so long, at most, for empty queues after the last post [%(default)s]", **seconds)
    p.add_argument("--critical-within", default=3,
                   help="a critical finding has to be posted within so many seconds [%(default)s]", **seconds)
    p.add_argument("--rss-max", type=float, metavar="MIB",
                   help="the most memory for a worker [48; no bound for a binary in a folder debug]")
    p.add_argument("--senders", default=4, help="connections that send [%(default)s]", **number)
    p.add_argument("--seed", default=1, help="makes findings, kills and 429s repeatable [%(default)s]", **number)
    p.add_argument("--probe", action="store_true", help="measure the emulator alone")
    p.add_argument("--plan", action="store_true", help="say what would be sent, and end")
    # What the shell script says.
    for name in ["--endpoint", "--binary", "--folder"]:
        p.add_argument(name, help=argparse.SUPPRESS)
    args = p.parse_args()
    of_level = {level: getattr(args, level) for level in MIX}
    for level, count in of_level.items():
        if count is None:
            of_level[level] = MIX[level] * args.findings // WHOLE
            if level == "critical":
                of_level[level] = max(of_level[level], min(CRITICALS_MIN, args.findings))
    args.counts = {**of_level, "low": args.findings - sum(of_level.values())}
    if min(args.counts.values()) < 0:
        p.error(f"--findings {args.findings} is less than its parts {of_level}")
    if args.workers < 1 or args.senders < 1:
        p.error("there has to be one worker and one sender at least")
    if not 0 <= args.refuse < 1 or not 0 < args.kill_every[0] <= args.kill_every[1]:
        p.error("--refuse takes a share from 0 to below 1, --kill-every two times, the shorter first")
    if any("=" not in pair for pair in args.set):
        p.error("--set takes NAME=VALUE")
    return args


class Worker:
    def __init__(self, name: str, binary: str, folder: Path, environment: dict[str, str]):
        self.name = name
        # The worker runs in another folder.
        self.binary = str(Path(binary).resolve())
        self.folder = folder
        self.environment = environment
        self.log = folder / f"{name}.log"
        self.log.unlink(missing_ok=True)
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "run"],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                # Ctrl-C is for the storm, which then ends its workers.
                start_new_session=True,
                preexec_fn=storm_slack.end_with_parent,
            )

    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def memory_kib(self) -> tuple[int, int] | None:
        """What is resident now, and the most that ever was."""
        if not self.is_up():
            return None
        try:
            lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        except OSError:
            return None
        found = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS", "VmHWM")))
        if len(found) < 2:
            return None  # It is just ending.
        return int(found["VmRSS"].split()[0]), int(found["VmHWM"].split()[0])


class Storm:
    """The night, and what was seen of it."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.folder = Path(args.folder)
        self.emulator = Emulator(args.endpoint)
        all_findings = storm_findings.findings(args.counts, args.seed)
        self.findings = {finding.id: finding for finding in all_findings}
        self.bulk = [finding for finding in all_findings if finding.level != "critical"]
        self.criticals = [finding for finding in all_findings if finding.level == "critical"]
        self.owed = {finding.id for finding in all_findings if finding.level in OWED}
        self.owed_in_bulk = sum(finding.level in OWED for finding in self.bulk)
        self.sent_owed = 0
        self.all_sent = False
        self.sending_s = 0.0
        self.posts_of: dict[str, list[dict]] = {}
        # What happened: posts, kills, arrivals of criticals, and where those went.
        self.posts: list[dict] = []
        self.kills: list[dict] = []
        self.arrivals: dict[str, dict] = {}
        self.steps: list[dict] = []
        self.memory: list[dict] = []
        self.taps: list[Tap] = []
        self.workers: list[Worker] = []
        self.restarting: list[Worker] = []
        self.bulk_pool = ThreadPoolExecutor(args.senders)
        self.pool = ThreadPoolExecutor(4)
        self.complete = False
        self.settled = False

    async def run(self) -> bool:
        self.urls = await self.in_thread(self.emulator.queues)
        await self.in_thread(self.emulator.table)
        port = self.start_slack()
        await self.start_workers(port)
        self.started = time.monotonic()
        killer = asyncio.create_task(self.kill())
        tasks = [
            asyncio.create_task(step)
            for step in (self.send_all(), self.send_criticals(), self.sample(), self.show_progress())
        ]
        try:
            until = self.started + self.args.limit
            await self.wait(lambda: self.all_sent and self.posts_of.keys() >= self.owed, until, [killer, *tasks])
            self.complete = self.posts_of.keys() >= self.owed
            self.posted_after = time.monotonic() - self.started
            killer.cancel()
            for worker in self.restarting:
                worker.start()
            self.restarting.clear()
            if self.complete:
                await self.settle(tasks)
            self.left = {name: await self.in_thread(self.emulator.depth, url) for name, url in self.urls.items()}
            self.exits = await self.in_thread(self.stop_workers)
        finally:
            for task in [killer, *tasks]:
                task.cancel()
        return storm_report.report(self)

    def start_slack(self) -> int:
        context = multiprocessing.get_context("spawn")
        events, child = context.Pipe(duplex=False)
        refused_once = {finding.id.encode() for finding in self.criticals} if self.args.refuse_criticals else set()
        arguments = (child, self.args.seed, self.args.refuse, frozenset(refused_once))
        self.slack = context.Process(target=storm_slack.serve, args=arguments, daemon=True)
        self.slack.start()
        child.close()
        port = events.recv()

        def drain() -> None:
            try:
                while events.poll():
                    self.posted(events.recv())
            except EOFError:
                loop.remove_reader(events.fileno())

        loop = asyncio.get_running_loop()
        loop.add_reader(events.fileno(), drain)
        return port

    def posted(self, post: dict) -> None:
        post["ids"] = [id for id in post["ids"] if id in self.findings]
        self.posts.append(post)
        for id in post["ids"]:
            self.posts_of.setdefault(id, []).append(post)

    async def start_workers(self, slack_port: int) -> None:
        help_text = subprocess.run([self.args.binary, "--help"], capture_output=True, text=True, check=True).stdout
        self.fleet = FLEET_VARIABLE in help_text and not self.args.no_fleet
        watched = {finding.id for finding in self.criticals}
        for number in range(1, self.args.workers + 1):
            name = f"worker-{number}"
            tap = Tap(name, self.args.endpoint, watched, lambda **step: self.steps.append(step))
            self.taps.append(tap)
            environment = {
                **CREDENTIALS,
                "AWS_ENDPOINT_URL": await tap.start(),
                "HOME": str(self.folder),
                "HANSHO_QUEUE_STANDARD": self.urls["standard"],
                "HANSHO_QUEUE_EXPRESS": self.urls["express"],
                "HANSHO_QUEUE_QUARANTINE": self.urls["quarantine"],
                "HANSHO_LEDGER_TABLE": TABLE,
                "HANSHO_DESTINATION_NAME": "storm",
                "HANSHO_DESTINATION_WEBHOOK": "env:STORM_WEBHOOK",
                "STORM_WEBHOOK": f"http://127.0.0.1:{slack_port}/services/T000/B000/{name}",
            }
            if self.fleet:
                environment[FLEET_VARIABLE] = str(self.args.workers)
            environment.update(pair.split("=", 1) for pair in self.args.set)
            self.workers.append(Worker(name, self.args.binary, self.folder, environment))
        for worker in self.workers:
            worker.start()

    async def in_thread(self, call, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self.pool, call, *arguments)

    async def wait(self, done, until: float, tasks: list[asyncio.Task]) -> None:
        """Until it is done or too late. A task that failed, or a worker that ended by itself, is an error."""
        while not done() and time.monotonic() < until:
            for task in tasks:
                if task.done() and not task.cancelled() and task.exception():
                    raise task.exception()
            for worker in self.workers:
                if worker not in self.restarting and not worker.is_up():
                    last = worker.log.read_text(errors="replace").splitlines()[-5:]
                    status = worker.process.returncode
                    raise RuntimeError("\n".join([f"{worker.name} ended by itself with {status}:", *last]))
            await asyncio.sleep(0.1)

    # --- What comes in.

    def backlog(self) -> int:
        """How many findings wait for a post."""
        return self.sent_owed - len(self.posts_of)

    async def send_all(self) -> None:
        started = time.monotonic()
        batches = [self.bulk[i : i + BATCH] for i in range(0, len(self.bulk), BATCH)]
        interval = self.args.minutes * 60 / max(len(batches), 1)
        numbers = iter(range(len(batches)))

        def send() -> None:
            for number in numbers:
                time.sleep(max(0.0, started + number * interval - time.monotonic()))
                self.send(batches[number])

        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self.bulk_pool, send) for _ in range(self.args.senders)))
        self.sending_s = time.monotonic() - started

    def send(self, batch: list[Finding]) -> None:
        if urgent := [body(finding) for finding in batch if finding.level in URGENT]:
            self.emulator.send(self.urls["express"], urgent)
        self.emulator.send(self.urls["standard"], [body(finding) for finding in batch])
        self.sent_owed += sum(finding.level in OWED for finding in batch)

    async def send_criticals(self) -> None:
        """Each at its share of the night, so that it arrives behind what waits then."""
        chance = random.Random(f"{self.args.seed}/criticals")
        width = (CRITICAL_UNTIL - CRITICAL_FROM) / max(len(self.criticals), 1)
        for number, finding in enumerate(self.criticals):
            share = CRITICAL_FROM + width * (number + chance.random())
            while len(self.posts_of) - len(self.arrivals) < share * self.owed_in_bulk:
                await asyncio.sleep(0.05)
            # A post has just been taken. A critical finding comes at any time between two.
            await asyncio.sleep(chance.uniform(0, 2))
            backlog, text = self.backlog(), body(finding)
            express = self.in_thread(self.emulator.send, self.urls["express"], [text])
            standard = self.in_thread(self.emulator.send, self.urls["standard"], [text])
            arrived, _ = await asyncio.gather(express, standard)
            self.arrivals[finding.id] = {"arrived": arrived, "backlog": backlog}
            self.sent_owed += 1
        while not self.sending_s:
            await asyncio.sleep(0.1)
        self.all_sent = True

    # --- What goes wrong, and what is watched meanwhile.

    async def kill(self) -> None:
        chance = random.Random(f"{self.args.seed}/kills")
        while not self.args.no_kills:
            await asyncio.sleep(chance.uniform(*self.args.kill_every))
            if len(self.posts_of) >= self.args.kill_until * len(self.owed):
                return
            worker = chance.choice(self.workers)
            self.restarting.append(worker)
            self.kills.append({"worker": worker.name, "at": time.monotonic()})
            worker.kill()
            await asyncio.sleep(chance.uniform(*RESTART_S))
            worker.start()
            self.restarting.remove(worker)

    async def sample(self) -> None:
        while True:
            for worker in self.workers:
                if found := worker.memory_kib():
                    sample = {"at": time.monotonic(), "worker": worker.name, "pid": worker.process.pid}
                    self.memory.append({**sample, "rss_kib": found[0], "peak_kib": found[1]})
            await asyncio.sleep(1)

    async def show_progress(self) -> None:
        while True:
            await asyncio.sleep(10)
            at = time.monotonic() - self.started
            posted, owed = len(self.posts_of), len(self.owed)
            print(f"storm: {at:4.0f} s  {posted} of {owed} posted, {self.backlog()} waiting, {len(self.posts)} posts, "
                  f"{len(self.arrivals)} criticals sent, {len(self.kills)} kills", flush=True)

    async def settle(self, tasks: list[asyncio.Task]) -> None:
        """Messages of killed workers return when their visibility ends. None may be posted again without a reason."""
        empty = asyncio.create_task(self.lanes_empty())
        try:
            await self.wait(empty.done, time.monotonic() + self.args.settle, [empty, *tasks])
        finally:
            self.settled = empty.done()
            empty.cancel()

    async def lanes_empty(self) -> None:
        while True:
            depths = [await self.in_thread(self.emulator.depth, self.urls[lane]) for lane in ("express", "standard")]
            if depths == [(0, 0), (0, 0)]:
                return
            await asyncio.sleep(1)

    def stop_workers(self) -> dict[str, int | None]:
        """With SIGTERM: what is in hand is finished. The status of each; None for one that did not end in time."""
        for worker in self.workers:
            worker.process.terminate()
        statuses, until = {}, time.monotonic() + DRAIN_S
        for worker in self.workers:
            try:
                statuses[worker.name] = worker.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                statuses[worker.name] = None
        return statuses

    def end(self) -> None:
        for tap in self.taps:
            tap.stop()
        for worker in self.workers:
            worker.kill()
        if slack := getattr(self, "slack", None):
            slack.kill()
        # A thread may be in the middle of a call, so nobody waits for it.
        self.bulk_pool.shutdown(wait=False, cancel_futures=True)
        self.pool.shutdown(wait=False, cancel_futures=True)


async def main(args: argparse.Namespace) -> bool:
    storm = Storm(args)
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, this.cancel)
    try:
        return await storm.run()
    finally:
        storm.end()


if __name__ == "__main__":
    args = options()
    if args.plan:
        parts = ", ".join(f"{count} {level}" for level, count in args.counts.items())
        print(f"storm: {args.findings} findings: {parts}; seed {args.seed}")
        sys.exit(0)
    if args.probe:
        bodies = [body(finding) for finding in storm_findings.findings(args.counts, args.seed)]
        probe(Emulator(args.endpoint), bodies, args.senders, seconds=15)
        sys.exit(0)
    passed = False
    try:
        passed = asyncio.run(main(args))
    except asyncio.CancelledError:
        print("storm: stopped", file=sys.stderr)
    except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"storm: {error}", file=sys.stderr)
    sys.stdout.flush()
    # A thread that is in the middle of a call would hold up the end.
    os._exit(0 if passed else 1)
