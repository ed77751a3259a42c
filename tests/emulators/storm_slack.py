"""The storm's stand-in for Slack's incoming webhooks, in a process of its own, so that its clock is its own.

It takes one post a second and answers those that come sooner with 429; now and then it says 429 for no reason, and
refuses every post until the time that it named is over. Nothing here is shared with the code that it tests.
"""

import asyncio
import ctypes
import json
import math
import random
import re
import signal
import time
from multiprocessing.connection import Connection

PERIOD_S = 1.0
ANSWER_S = (0.05, 0.3)
RETRY_AFTER_S = (1, 2, 3)
# For the news of a 429 to reach the whole fleet, after it was answered.
NEWS_S = 0.1
ID = re.compile(rb"[0-9a-f]{32}")


def end_with_parent() -> None:
    """Linux kills this process when the one that started it ends, however that ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def serve(events: Connection, seed: int, refused_share: float, refused_once: frozenset[bytes]) -> None:
    """Runs until its parent ends. Sends the port first, then a dict for each post. The first post that shows one of the
    findings `refused_once` gets a 429 on purpose."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(Slack(events, seed, refused_share, refused_once).run())


class Slack:
    def __init__(self, events: Connection, seed: int, refused_share: float, refused_once: frozenset[bytes]):
        self.events = events
        self.chance = random.Random(f"{seed}/slack")
        self.refused_share = refused_share
        self.refused_once = set(refused_once)
        self.accepted_at = -math.inf
        # Every post is refused until then; and since when the fleet can know it.
        self.pause_until = -math.inf
        self.pause_known_at = -math.inf
        self.pause_known_to = ""

    async def run(self) -> None:
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, limit=2**21)
        self.events.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while first := await reader.read(1):
                arrived = time.monotonic()
                head = first + await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                await self.answer(writer, head.split(b" ")[1].decode(), body, arrived)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # A worker that was killed. What came in whole was judged.
        finally:
            writer.close()

    async def answer(self, writer: asyncio.StreamWriter, path: str, body: bytes, arrived: float) -> None:
        """The worker is known by the last part of its webhook's path."""
        worker = path.rsplit("/", 1)[-1]
        gap = arrived - self.accepted_at
        verdict, status, retry_after = self.judge(worker, body, arrived)
        answered = arrived + self.chance.uniform(*ANSWER_S)
        if verdict == "on_purpose":
            self.pause_until = answered + retry_after
            self.pause_known_at = answered + NEWS_S
        await asyncio.sleep(answered - time.monotonic())
        text = b"ok" if verdict == "accepted" else verdict.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
        if retry_after:
            head += f"Retry-After: {retry_after}\r\n"
        ids = sorted(set(ID.findall(body))) if verdict == "accepted" else []
        self.events.send({
            "worker": worker,
            "verdict": verdict,
            "arrived": arrived,
            "answered": time.monotonic(),
            "gap": gap,
            "retry_after": retry_after,
            "pause_until": self.pause_until,
            "pause_known_to": self.pause_known_to,
            "ids": [id.decode() for id in ids],
            "bytes": len(body),
        })
        writer.write(head.encode() + b"\r\n" + text)
        await writer.drain()

    def judge(self, worker: str, body: bytes, arrived: float) -> tuple[str, str, int]:
        """What becomes of the post, the status, and how many seconds to wait."""
        if not is_payload(body):
            return "invalid_payload", "400 Bad Request", 0
        busy = "429 Too Many Requests"
        if arrived < self.pause_until:
            left = math.ceil(min(self.pause_until - arrived, RETRY_AFTER_S[-1]))
            # What was under way when the pause began could not know of it.
            return "in_pause" if arrived > self.pause_known_at else "under_way", busy, left
        if arrived - self.accepted_at < PERIOD_S:
            return "too_early", busy, 1
        once = self.refused_once.intersection(ID.findall(body)) if self.refused_once else set()
        self.refused_once -= once
        if once or self.chance.random() < self.refused_share:
            retry_after = RETRY_AFTER_S[0] if once else self.chance.choice(RETRY_AFTER_S)
            # From now on; when it ends and who can know of it is clear when it is answered.
            self.pause_until = math.inf
            self.pause_known_at = math.inf
            self.pause_known_to = worker
            return "on_purpose", busy, retry_after
        self.accepted_at = arrived
        return "accepted", "200 OK", 0


def is_payload(body: bytes) -> bool:
    """JSON with a text, and blocks or attachments with blocks if there are any."""
    try:
        payload = json.loads(body)
    except ValueError:
        return False
    if not isinstance(payload, dict) or not isinstance(payload.get("text"), str) or not payload["text"]:
        return False
    attachments = payload.get("attachments", [])
    return isinstance(attachments, list) and all(
        isinstance(part, dict) and isinstance(part.get("blocks"), list) and part["blocks"] for part in attachments
    )
