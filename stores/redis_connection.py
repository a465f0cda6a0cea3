"""One connection to one Redis: bytes out, as many answers in, nothing in between.

redis-py's own connection awaits each answer under a timeout of its own: 900 pipelined GETs cost it
several times what they cost here, where answers are taken as they lie in the buffer.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import ExitStack
from typing import Any

import hiredis
from redis.exceptions import ResponseError

from stores.redis_commands import pack
from stores.redis_options import Address, Login

_CHUNK_BYTES = 256 * 1024
_NOTHING_YET = object()


class RedisConnection:
    """Not for two callers at once; after any exception it is to be aborted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = hiredis.Reader(
            protocolError=ConnectionError, replyError=ResponseError, notEnoughData=_NOTHING_YET
        )

    @classmethod
    async def open(cls, address: Address, login: Login, tls: ssl.SSLContext | None) -> RedisConnection:
        """Raises OSError, and ResponseError where Redis does not let us in."""
        if address.port:
            # No delay is asyncio's default, and so is the check of the host's name.
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=tls, limit=_CHUNK_BYTES
            )
        else:
            reader, writer = await asyncio.open_unix_connection(address.host, limit=_CHUNK_BYTES)
        connection = cls(reader, writer)
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
        return not (self._reader.at_eof() or self._writer.is_closing())

    async def exchange(self, packed: bytes, answers: int) -> list[Any]:
        """As many answers as commands were packed, in their order, ResponseErrors among them.

        Raises OSError where the connection ends first.
        """
        self._writer.write(packed)
        found: list[Any] = []
        while len(found) < answers:
            answer = self._parser.gets()
            if answer is not _NOTHING_YET:
                found.append(answer)
                continue
            chunk = await self._reader.read(_CHUNK_BYTES)
            if not chunk:
                raise ConnectionError("it closed the connection")
            self._parser.feed(chunk)
        return found

    async def exchange_lines(self, packed: bytes, answers: int) -> bytes:
        """The answers to commands that each answer in one line, as they came. Raises OSError as above."""
        self._writer.write(packed)
        chunks, missing = [], answers
        while missing > 0:
            chunk = await self._reader.read(_CHUNK_BYTES)
            if not chunk:
                raise ConnectionError("it closed the connection")
            chunks.append(chunk)
            missing -= chunk.count(b"\n")
        if missing or not chunks[-1].endswith(b"\n"):
            raise ConnectionError("it answered more than it was asked")
        return b"".join(chunks)

    def abort(self) -> None:
        self._writer.transport.abort()
