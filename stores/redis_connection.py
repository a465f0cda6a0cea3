"""One connection to one Redis: bytes out, as many answers in, nothing in between.

redis-py's own connection awaits each answer under a timeout of its own: 900 pipelined GETs cost it
several times what they cost here, where answers are taken as they lie in the buffer. asyncio's streams
keep that buffer apart, and wake the reader for each piece of it: where a pipeline has two answers, that
is half of the time.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import ExitStack
from typing import Any, cast

import hiredis

from stores.redis_commands import pack
from stores.redis_errors import ResponseError
from stores.redis_options import Address, Login

_NOTHING_YET = object()


class RedisConnection(asyncio.Protocol):
    """Not for two callers at once; after any exception it is to be aborted."""

    def __init__(self) -> None:
        self._parser = hiredis.Reader(
            protocolError=ConnectionError, replyError=ResponseError, notEnoughData=_NOTHING_YET
        )
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._ended: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._missing = 0
        self._answers: list[Any] = []
        self._lines: list[bytes] | None = None

    @classmethod
    async def open(cls, address: Address, login: Login, tls: ssl.SSLContext | None) -> RedisConnection:
        """Raises OSError, and ResponseError where Redis does not let us in."""
        loop = asyncio.get_running_loop()
        if address.port:
            # No delay is asyncio's default, and so is the check of the host's name.
            _, connection = await loop.create_connection(cls, address.host, address.port, ssl=tls)
        else:
            _, connection = await loop.create_unix_connection(cls, address.host)
        with ExitStack() as undo:
            undo.callback(connection.abort)
            await connection._introduce(login)
            undo.pop_all()
        return connection

    async def _introduce(self, login: Login) -> None:
        words = []
        if login.username:
            words.append(pack(b"AUTH", login.username.encode(), login.password.encode()))
        elif login.password:
            words.append(pack(b"AUTH", login.password.encode()))
        if login.database:
            words.append(pack(b"SELECT", login.database))
        for answer in await self.exchange(b"".join(words), len(words)) if words else ():
            if isinstance(answer, ResponseError):
                raise answer

    @property
    def usable(self) -> bool:
        """Whether it looks as if the other side were still there."""
        return self._ended is None and not self._transport.is_closing()

    async def exchange(self, packed: bytes, answers: int) -> list[Any]:
        """As many answers as commands were packed, in their order, ResponseErrors among them.

        Raises OSError where the connection ends first.
        """
        self._answers, self._lines, self._missing = [], None, answers
        await self._written(packed)
        return self._answers

    async def exchange_lines(self, packed: bytes, answers: int) -> bytes:
        """The answers to commands that each answer in one line, as they came. Raises OSError as above."""
        chunks: list[bytes] = []
        self._lines, self._missing = chunks, answers
        await self._written(packed)
        if self._missing or not chunks[-1].endswith(b"\n"):
            raise ConnectionError("it answered more than it was asked")
        return b"".join(chunks)

    def abort(self) -> None:
        self._transport.abort()

    async def _written(self, packed: bytes) -> None:
        """Returns once nothing is missing."""
        self._transport.write(packed)
        if self._lines is None:
            # What a server says before it is asked (that it has no room for us) is its answer.
            self._take()
        if self._missing > 0:
            if self._ended is not None:
                raise self._ended
            self._waiting = self._loop.create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None

    def _take(self) -> None:
        """Answers that lie in the buffer, no more than are missing."""
        missing, found, read = self._missing, self._answers, self._parser.gets
        while missing:
            answer = read()
            if answer is _NOTHING_YET:
                break
            found.append(answer)
            missing -= 1
        self._missing = missing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            if self._lines is None:
                self._parser.feed(data)
                self._take()
            else:
                self._lines.append(data)
                self._missing -= data.count(b"\n")
        except ConnectionError as exc:
            self._end(exc)
            return
        if self._missing <= 0 and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("it closed the connection"))

    def _end(self, cause: Exception) -> None:
        self._ended = self._ended or cause
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(cause)
