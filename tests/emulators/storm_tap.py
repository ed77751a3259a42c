"""Each worker reaches the emulator through a tap, which passes every byte on and notes when the findings that are
watched went by: handed out by the queue, claimed in the ledger. So it is known where time is lost, and in whose hands a
finding was when a worker was killed.
"""

import asyncio
import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

ID = re.compile(rb"[0-9a-f]{32}")
TARGET = re.compile(rb"(?i)x-amz-target: *\w+\.(\w+)")
LANE = re.compile(rb"storm-(express|standard)")
CHUNK_BYTES = 65536
# An emulator goes on with the long poll of a worker that was killed, and hands messages to nobody. For so long
# the tap goes on listening, to know which.
DEAD_POLL_S = 25


class Tap:
    def __init__(self, worker: str, endpoint: str, watched: set[str], note: Callable[..., None]):
        self.worker = worker
        self.upstream = urlsplit(endpoint)
        self.watched = watched
        self.note = note
        self.tasks: set[asyncio.Task] = set()

    async def start(self) -> str:
        """The endpoint for the worker."""
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self.server.close()
        for task in list(self.tasks):
            task.cancel()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ends without a word when it is stopped."""
        this = asyncio.current_task()
        self.tasks.add(this)
        try:
            await self.connection(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            self.tasks.discard(this)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(self.upstream.hostname, self.upstream.port)
        except OSError:
            writer.close()
            return
        exchange = Exchange(self)
        answers = asyncio.create_task(self.pass_answers(exchange, up_reader, writer))
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                exchange.request(chunk)
                up_writer.write(chunk)
                await up_writer.drain()
        except ConnectionError:
            pass
        finally:
            exchange.dead = True
            await asyncio.wait([answers], timeout=DEAD_POLL_S if exchange.waiting else 0)
            answers.cancel()
            up_writer.close()

    async def pass_answers(
        self, exchange: "Exchange", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                exchange.answer(chunk)
                if not exchange.dead:
                    writer.write(chunk)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


class Exchange:
    """The requests and answers of one connection, which take turns."""

    def __init__(self, tap: Tap):
        self.tap = tap
        self.dead = False
        self.waiting = False
        self.asked = b""
        self.asked_at = 0.0
        self.call = ""
        self.answered = b""

    def request(self, chunk: bytes) -> None:
        if not self.waiting:
            self.waiting = True
            self.asked, self.asked_at = b"", time.monotonic()
            self.answered = b""
        self.asked += chunk

    def answer(self, chunk: bytes) -> None:
        now = time.monotonic()
        if self.waiting:
            self.waiting = False
            target = TARGET.search(self.asked)
            self.call = target[1].decode() if target else ""
            if self.call == "PutItem":
                for id in self.seen(self.asked):
                    self.tap.note(kind="write", worker=self.tap.worker, id=id, asked=self.asked_at, answered=now)
        if self.call == "ReceiveMessage":
            before = self.seen(self.answered)
            self.answered += chunk
            lane = LANE.search(self.asked)
            for id in self.seen(self.answered) - before:
                at = dict(asked=self.asked_at, answered=now)
                lane_name = lane[1].decode() if lane else "?"
                self.tap.note(kind="receive", worker=self.tap.worker, id=id, lane=lane_name, dead=self.dead, **at)

    def seen(self, text: bytes) -> set[str]:
        return {id.decode() for id in ID.findall(text)} & self.tap.watched
