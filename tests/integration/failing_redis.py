"""Redis that goes away at a call of one's choice, before the call is made or after."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from core.errors import Unavailable
from stores.ports import Ids
from stores.redis_client import Found, RedisClient
from stores.redis_commands import Command
from stores.redis_spread import Spread

T = TypeVar("T")


class FailingRedis(RedisClient):
    """`fails_at` is the number of the call that fails, counted down; None fails none."""

    def __init__(self, inner: RedisClient) -> None:
        self._inner = inner
        self.fails_at: int | None = None
        self.made = False

    async def answers(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        return await self._call(self._inner.answers(commands, copied=copied))

    async def spread(self, spreads: Sequence[Spread], *, copied: bool = False) -> list[Ids]:
        return await self._call(self._inner.spread(spreads, copied=copied))

    async def find(self, keys: Sequence[bytes], *, mark: bytes | None = None) -> Found:
        return await self._inner.find(keys, mark=mark)

    async def shards(self) -> tuple[bytes, ...]:
        return await self._inner.shards()

    async def scan(self, pattern: bytes) -> list[bytes]:
        return await self._inner.scan(pattern)

    async def ping(self) -> None:
        await self._inner.ping()

    async def aclose(self) -> None:
        """Whoever made the inner one closes it."""

    async def _call(self, call: Awaitable[T]) -> T:
        if self.fails_at is None:
            return await call
        self.fails_at -= 1
        if self.fails_at >= 0:
            return await call
        # It stays away until it is told otherwise; the first call may have been made all the same.
        if self.fails_at == -1 and self.made:
            await call
        elif hasattr(call, "close"):
            call.close()
        raise Unavailable("told to go away")
