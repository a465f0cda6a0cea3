"""Redis with a trigger around whatever goes out to it together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stores import counts_cache
from stores.ports import Ids
from stores.redis_client import Found, RedisClient
from stores.redis_commands import Command
from stores.redis_spread import Spread
from tests.faults.fault import Trigger
from timelines import merge, relations

_SCRIPTS = {
    relations._FILL.encode(): "fill",
    relations._OUTDATE.encode(): "outdate",
    merge._ENSURE.encode(): "ensure",
    merge._SWAP.encode(): "swap",
    counts_cache._SHIFT.encode(): "shift",
    counts_cache._RENEW.encode(): "renew",
}


class WatchedRedis(RedisClient):
    def __init__(self, inner: RedisClient, trigger: Trigger) -> None:
        self._inner = inner
        self._trigger = trigger

    async def answers(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        point = point_of(commands[0]) if commands else "redis.nothing"
        return await self._trigger.around(point, lambda: self._inner.answers(commands, copied=copied))

    async def spread(self, spreads: Sequence[Spread], *, copied: bool = False) -> list[Ids]:
        point = point_of(spreads[0].template.command(0, spreads[0].last)) if spreads else "redis.nothing"
        return await self._trigger.around(point, lambda: self._inner.spread(spreads, copied=copied))

    async def find(self, keys: Sequence[bytes], *, mark: bytes | None = None) -> Found:
        return await self._trigger.around("redis.find", lambda: self._inner.find(keys, mark=mark))

    async def shards(self) -> tuple[bytes, ...]:
        return await self._inner.shards()

    async def scan(self, pattern: bytes) -> list[bytes]:
        return await self._inner.scan(pattern)

    async def ping(self) -> None:
        await self._inner.ping()

    async def aclose(self) -> None:
        await self._inner.aclose()


def point_of(command: Command) -> str:
    # As it goes over the wire: how many words, and each with its length before it.
    words = command.packed.split(b"\r\n")[2::2]
    if words[0] == b"SET" and words[1].startswith(b"tw:") and b"NX" not in words:
        # A fill gives way; this is written over whatever is there.
        return "redis.tombstone"
    if words[0] == b"EVAL":
        return f"script.{_SCRIPTS.get(words[1], 'other')}"
    return f"redis.{words[0].decode().lower()}"
