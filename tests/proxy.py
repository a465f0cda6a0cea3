"""A TCP proxy between a client and a real server: it delays, cuts, and can be away."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto


class Cut(Enum):
    """Where a connection is cut, once, at the request that is asked for."""

    AFTER_REQUEST = auto()
    """The request has been passed on; the server may or may not act on it."""
    BEFORE_ANSWER = auto()
    """The server has acted and answered; the answer is not passed on."""


Chunk = Callable[[bytes], bool]


@dataclass(slots=True)
class Proxy:
    """Listens at `host:port` for the server at `target`.

    `rewrite` changes what the server says, whole Kafka frames where `frames` is set: a broker tells
    its clients its own address, and they would go around the proxy.
    """

    target: tuple[str, int]
    rewrite: Callable[[bytes], bytes] = bytes
    frames: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    delay_s: float = 0.0
    cuts: int = 0
    _away: bool = False
    _cut: Cut | None = None
    _at: Chunk = field(default=lambda chunk: True)
    _stay_away: bool = False
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.go_away()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await server.wait_closed()

    def cut(self, where: Cut, at: Chunk = lambda chunk: True, *, then_away: bool = False) -> None:
        """Cuts the connection of the next chunk from a client that `at` chooses; or, where asked, all."""
        self._cut, self._at, self._stay_away = where, at, then_away

    def go_away(self) -> None:
        """Cuts every connection and takes no new one until `come_back`."""
        self._away = True
        for connection in self._connections:
            connection.cancel()

    def come_back(self) -> None:
        self._away = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if not self._away:
                await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self.target)
        cut_answers = asyncio.Event()
        pumps = {
            asyncio.create_task(self._requests(reader, server_writer, cut_answers)),
            asyncio.create_task(self._answers(server_reader, writer, cut_answers)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Before anything is waited for: this may be cancelled once more.
            server_writer.transport.abort()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        if self._stay_away and self._cut is None:
            self._stay_away = False
            self.go_away()

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut_answers: asyncio.Event
    ) -> None:
        while chunk := await reader.read(1 << 20):
            await asyncio.sleep(self.delay_s)
            where = self._cut if self._cut is not None and self._at(chunk) else None
            if where is not None:
                self._cut = None
                self.cuts += 1
            if where is Cut.BEFORE_ANSWER:
                cut_answers.set()
            writer.write(chunk)
            await writer.drain()
            if where is Cut.AFTER_REQUEST:
                return

    async def _answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut_answers: asyncio.Event
    ) -> None:
        while chunk := await (_frame(reader) if self.frames else reader.read(1 << 20)):
            await asyncio.sleep(self.delay_s)
            if cut_answers.is_set():
                return
            writer.write(self.rewrite(chunk))
            await writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """One length-prefixed frame with its length; nothing at the end of the stream."""
    try:
        head = await reader.readexactly(4)
        return head + await reader.readexactly(int.from_bytes(head, "big"))
    except asyncio.IncompleteReadError:
        return b""


def kafka_proxy(bootstrap: str) -> Proxy:
    """A proxy for a broker of that address, which then says that it lives at the proxy's."""
    host, _, port = bootstrap.partition(":")

    def rewrite(frame: bytes) -> bytes:
        name = struct.pack(">h", len(host)) + host.encode()
        return frame.replace(name + struct.pack(">i", int(port)), name + struct.pack(">i", proxy.port))

    proxy = Proxy((host, int(port)), rewrite, frames=True, host=host)
    return proxy


def is_produce(chunk: bytes) -> bool:
    """Whether a chunk begins with a produce request."""
    return chunk[4:6] == b"\x00\x00"


def is_metadata(chunk: bytes) -> bool:
    """Whether a chunk begins with a question for topics and brokers."""
    return chunk[4:6] == b"\x00\x03"


def is_offset_commit(chunk: bytes) -> bool:
    return chunk[4:6] == b"\x00\x08"
