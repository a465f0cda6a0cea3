"""What happens in the middle of an operation: a death, a neighbour that is away, or a long wait.

An operation is a request, or a consumer's turn over a batch. Every call that it makes of a port is
counted; at the n-th, before it took effect or after, comes what was chosen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeVar

from core.errors import Unavailable

T = TypeVar("T")

Kind = Literal["died", "away", "held"]


class Died(BaseException):
    """The process is no more: nothing of it runs on, not even what handles exceptions."""


@dataclass(frozen=True, slots=True)
class Fault:
    """At the `call`-th call of a port: the process dies, the port is away, or it takes its time.

    A call that is `away` after it took effect is one whose outcome is unknown to the caller.
    """

    kind: Kind
    call: int
    after: bool = False


class Operation:
    """One request or one turn: how many ports it called, and whether its fault came to pass."""

    def __init__(self, fault: Fault | None = None) -> None:
        self._fault = fault
        self.calls = 0
        self.struck: Kind | None = None
        self.dead = False
        self.writes = False
        self.held = asyncio.Event()
        self.released = asyncio.Event()
        self.versions: list[int] = []
        """Of the ids that it minted, in their order."""

    async def around(self, call: Callable[[], Awaitable[T]]) -> T:
        self._require_alive()
        self.calls += 1
        mine = self._fault is not None and self.calls == self._fault.call
        if mine and self._fault is not None and not self._fault.after:
            await self._strike(self._fault.kind)
        result = await call()
        self._require_alive()
        if mine and self._fault is not None and self._fault.after:
            await self._strike(self._fault.kind)
        return result

    def die(self) -> None:
        """Its process ended for another reason; where it waits, it goes no further."""
        self.dead = True
        self.released.set()

    async def _strike(self, kind: Kind) -> None:
        self.struck = kind
        if kind == "died":
            self.dead = True
            raise Died
        if kind == "away":
            raise Unavailable("away, for this one call")
        self.held.set()
        await self.released.wait()
        self._require_alive()

    def _require_alive(self) -> None:
        # Its other tasks end at their next step, as they would in a process that was killed.
        if self.dead:
            raise Died


class Interruptions:
    """The trigger around every port: each call belongs to the operation that it is made in."""

    def __init__(self) -> None:
        self._current: ContextVar[Operation | None] = ContextVar("operation", default=None)

    async def run(self, operation: Operation, work: Callable[[], Awaitable[T]]) -> T:
        token = self._current.set(operation)
        try:
            return await work()
        finally:
            self._current.reset(token)

    def minted(self, snowflake: int) -> int:
        if (operation := self._current.get()) is not None:
            operation.versions.append(snowflake)
        return snowflake

    async def around(self, point: str, call: Callable[[], Awaitable[T]]) -> T:
        operation = self._current.get()
        # What closes has nothing left to do that could go wrong.
        if operation is None or point.endswith(".close"):
            return await call()
        return await operation.around(call)

    def before(self, point: str) -> None:
        """Subscriptions are fed by hand: what happens around them is a step of the history."""

    def after(self, point: str) -> None:
        return
