"""Calls of ports that go on only when they are told to: every order of their steps can be played.

Each call waits twice, before it is made and before its answer is handed on, among all the others.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from core.errors import Unavailable
from stores.ports import Ids
from stores.redis_client import Found, RedisClient
from stores.redis_commands import Command
from stores.redis_spread import Spread

T = TypeVar("T")
_TURNS = 12
"""Of the event loop, until whoever was let go waits again or is done: gathers need a few."""


ACTOR: contextvars.ContextVar[int] = contextvars.ContextVar("actor")
"""Whose calls they are, those included that are made side by side."""


@dataclass(slots=True, eq=False)
class Held:
    """A call that waits. `of_redis` are calls that a server takes, or not, within its timeout."""

    name: str
    is_made: bool
    of_redis: bool
    actor: int = field(default_factory=ACTOR.get)
    go: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Stage:
    def __init__(self) -> None:
        self.held: list[Held] = []
        self._under_way = 0

    async def around(self, name: str, call: Callable[[], Awaitable[T]], *, of_redis: bool = False) -> T:
        await self._hold(Held(name, is_made=False, of_redis=of_redis))
        self._under_way += 1
        try:
            result = await call()
        finally:
            self._under_way -= 1
        await self._hold(Held(name, is_made=True, of_redis=of_redis))
        return result

    async def let_go(self, held: Held, *, failed: bool = False) -> None:
        """Lets one go on, or has it fail here, and returns when it waits again or has ended."""
        self.held.remove(held)
        if failed:
            held.go.set_exception(Unavailable(f"{held.name} failed"))
        else:
            held.go.set_result(None)
        await self.settle()

    async def run(self, actor: int, until: Callable[[Sequence[Held]], bool] = lambda calls: False) -> None:
        """Lets one go on while all others wait: to its end, or until its calls are such."""
        while (calls := [held for held in self.held if held.actor == actor]) and not until(calls):
            # Those that are not made yet go first: what is asked side by side is answered then.
            await self.let_go(min(calls, key=lambda held: held.is_made))

    async def settle(self) -> None:
        turns = 0
        while turns < _TURNS:
            await asyncio.sleep(0)
            turns = 0 if self._under_way else turns + 1

    async def _hold(self, held: Held) -> None:
        self.held.append(held)
        await held.go


class HeldPort:
    """Any port; its coroutine methods go over the stage."""

    def __init__(self, port: Any, stage: Stage) -> None:
        self._port = port
        self._stage = stage

    def __getattr__(self, method: str) -> Any:
        value = getattr(self._port, method)
        if not inspect.iscoroutinefunction(value):
            return value

        async def held(*arguments: Any, **options: Any) -> Any:
            return await self._stage.around(method, lambda: value(*arguments, **options))

        return held


def held_port(port: T, stage: Stage) -> T:
    return cast(T, HeldPort(port, stage))


class HeldRedis(RedisClient):
    def __init__(self, inner: RedisClient, stage: Stage) -> None:
        self._inner = inner
        self._stage = stage

    async def answers(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        if not commands:
            return []
        name = commands[0].packed.split(b"\r\n")[2].decode()
        return await self._stage.around(
            name, lambda: self._inner.answers(commands, copied=copied), of_redis=True
        )

    async def spread(self, spreads: Sequence[Spread], *, copied: bool = False) -> list[Ids]:
        return await self._stage.around(
            "spread", lambda: self._inner.spread(spreads, copied=copied), of_redis=True
        )

    async def find(self, keys: Sequence[bytes], *, mark: bytes | None = None) -> Found:
        return await self._stage.around("find", lambda: self._inner.find(keys, mark=mark))

    async def shards(self) -> tuple[bytes, ...]:
        return await self._inner.shards()

    async def scan(self, pattern: bytes) -> list[bytes]:
        return await self._inner.scan(pattern)

    async def ping(self) -> None:
        await self._inner.ping()

    async def aclose(self) -> None:
        await self._inner.aclose()
