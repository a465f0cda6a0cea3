"""One Redis server: its connections, its deadline, its errors in our words."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from core.errors import Unavailable
from stores.circuit import Circuit
from stores.redis_connection import RedisConnection
from stores.redis_errors import RedisRefused, ResponseError, translated
from stores.redis_options import Address, Login

T = TypeVar("T")

CONNECTIONS = 64
"""Of one process to one node; a request that finds none free waits, within the timeout."""


class RedisNode:
    """Answers, or fails, within its timeout: waiting for a connection and making one included.

    While its circuit is open it fails at once.
    """

    def __init__(
        self,
        address: Address,
        login: Login,
        tls: ssl.SSLContext | None,
        circuit: Circuit,
        *,
        timeout_s: float,
    ) -> None:
        self.address = address
        self._login = login
        self._tls = tls
        self._circuit = circuit
        self._timeout_s = timeout_s
        self._idle: list[RedisConnection] = []
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._closed = False

    async def exchange(self, packed: Sequence[bytes]) -> list[Any]:
        """The answers to packed commands, in their order, over one connection, in one round trip.

        What is wrong with one command is its answer, a ResponseError. Raises Unavailable where the
        node is away or slow, and RedisRefused where it does not let us in; an unknown part of the
        commands was then executed. Nothing is tried twice.
        """
        return await self._over(lambda connection: connection.exchange(b"".join(packed), len(packed)))

    async def exchange_lines(self, packed: bytes, answers: int) -> bytes:
        """As `exchange`, for so many commands that each answer in one line; the lines as they came."""
        return await self._over(lambda connection: connection.exchange_lines(packed, answers))

    async def _over(self, exchange: Callable[[RedisConnection], Awaitable[T]]) -> T:
        """Over one connection that is then free for others, with every failure in our words."""
        if not self._circuit.admits():
            raise Unavailable(f"redis at {self.address}: it hung lately, and is not asked just now")
        greeting = self._tls is not None
        try:
            with self._circuit.attempt():
                async with asyncio.timeout(self._timeout_s), self._free:
                    connection = await self._connection()
                    greeting, all_read = False, False
                    try:
                        answers = await exchange(connection)
                        all_read = True
                    finally:
                        self._give_back(connection, all_read=all_read)
        except TimeoutError as exc:
            hint = "; if no TLS is spoken there, its URL begins with redis://" if greeting else ""
            raise Unavailable(
                f"redis at {self.address}: no answer within {self._timeout_s * 1000:.0f} ms{hint}"
            ) from exc
        except ssl.SSLCertVerificationError as exc:
            raise RedisRefused(
                f"redis at {self.address}: its certificate is not trusted ({exc.verify_message}); give "
                "the authority that signed it, and use the host's name as its certificate says it"
            ) from exc
        except ssl.SSLError as exc:
            raise RedisRefused(
                f"redis at {self.address}: TLS failed ({exc.reason or exc}); either no TLS is spoken there "
                "(then it is redis://), or it does not accept our certificate"
            ) from exc
        except OSError as exc:
            raise Unavailable(f"redis at {self.address}: {str(exc) or type(exc).__name__}") from exc
        except ResponseError as exc:
            raise translated(exc, str(self.address)) from exc
        return answers

    def close(self) -> None:
        """What is under way goes on; its connections are closed when they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()

    async def _connection(self) -> RedisConnection:
        while self._idle:
            # The one used last: the others may be closed by Redis when nobody needs so many.
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.abort()
        return await RedisConnection.open(self.address, self._login, self._tls)

    def _give_back(self, connection: RedisConnection, *, all_read: bool) -> None:
        # Answers that nobody read would be taken for those of the next command.
        if all_read and not self._closed:
            self._idle.append(connection)
        else:
            connection.abort()
