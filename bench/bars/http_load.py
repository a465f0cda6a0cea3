"""HTTP requests at a rate: a client so small that what is measured is the server.

httpx takes about as long for a request as the API takes to answer it. This one writes bytes that were
made before, and reads an answer to its `Content-Length`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


class Connection:
    """One request at a time; `head` is that of the last answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.head = b""

    @classmethod
    async def open(cls, url: str) -> Connection:
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self._writer.write(request)
        self.head = head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


def get(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bar\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def post(path: str, token: str, body: bytes = b"") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bar\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a run came to: answers a second by the clock, and each answer's latency, from when it was due."""

    per_s: float
    latencies_s: Sequence[float]


async def one_by_one(url: str, requests: Iterable[bytes]) -> None:
    """Each once, on one connection."""
    connection = await Connection.open(url)
    for request in requests:
        await _ask(connection, request)
    connection.close()


async def closed(url: str, requests: Iterator[bytes], *, clients: int, seconds: float) -> Loaded:
    """As fast as it goes: each client asks again as soon as it has its answer."""
    latencies: list[float] = []
    end_s = time.perf_counter() + seconds

    async def client() -> None:
        connection = await Connection.open(url)
        while (began_s := time.perf_counter()) < end_s:
            await _ask(connection, next(requests))
            latencies.append(time.perf_counter() - began_s)
        connection.close()

    began_s = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Loaded(len(latencies) / (time.perf_counter() - began_s), latencies)


async def open_loop(url: str, requests: Iterator[bytes], *, per_s: float, seconds: float) -> Loaded:
    """At fixed moments, whatever becomes of the answers; late ones are late from when they were due."""
    # In turn: one that is idle for seconds is closed by the server.
    idle = deque([await Connection.open(url) for _ in range(32)])
    latencies: list[float] = []

    async def one(due_s: float, request: bytes) -> None:
        connection = idle.popleft() if idle else await Connection.open(url)
        await _ask(connection, request)
        latencies.append(time.perf_counter() - due_s)
        idle.append(connection)

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(per_s * seconds)):
            due_s = began_s + number / per_s
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            tasks.create_task(one(due_s, next(requests)))
    took_s = time.perf_counter() - began_s
    for connection in idle:
        connection.close()
    return Loaded(len(latencies) / took_s, latencies)


async def _ask(connection: Connection, request: bytes) -> None:
    status, body = await connection.exchange(request)
    assert 200 <= status < 300, body[:500]
