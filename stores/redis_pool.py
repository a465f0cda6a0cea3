"""The connections to one Redis, behind a circuit: while it hangs, none is handed out."""

from __future__ import annotations

from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from stores.circuit import Circuit


class GuardedPool(BlockingConnectionPool):
    """A connection that comes back broken is one on which nobody was answered, or not in time."""

    def __init__(self, *, circuit: Circuit, **options: Any) -> None:
        super().__init__(**options)
        self._circuit = circuit
        self._lent: set[AbstractConnection] = set()

    async def get_connection(
        self, command_name: object = None, *keys: object, **options: object
    ) -> AbstractConnection:
        if not self._circuit.admits():
            raise RedisConnectionError("it did not answer lately and is not asked just now")
        try:
            connection: AbstractConnection = await super().get_connection()  # type: ignore[no-untyped-call]  # redis-py's own
        except RedisTimeoutError:
            self._circuit.timed_out()
            raise
        except BaseException:
            # Refused, or all are lent, or nobody waits any more: that says nothing of how fast it is.
            self._circuit.gave_up()
            raise
        self._lent.add(connection)
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        # The pool also releases what it could not connect, and never lent.
        if connection in self._lent:
            self._lent.discard(connection)
            if connection.is_connected:
                self._circuit.answered()
            else:
                self._circuit.timed_out()
        await super().release(connection)
