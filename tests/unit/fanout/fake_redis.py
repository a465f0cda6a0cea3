"""As much of a Redis client as a push to lists needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from core.errors import Unavailable
from stores.redis_client import RedisClient
from stores.redis_commands import Command


class FakeRedis:
    """Every viewer has a list; `pushed` holds (viewer, tweet), `pipelines` how many commands each had."""

    def __init__(self) -> None:
        self.pushed: list[tuple[int, int]] = []
        self.pipelines: list[int] = []
        self.copied: set[bool] = set()
        self.away = False

    @property
    def client(self) -> RedisClient:
        return cast(RedisClient, self)

    async def calls(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        if self.away:
            raise Unavailable("away")
        self.pipelines.append(len(commands))
        self.copied.add(copied)
        for one in commands:
            # *3 $6 LPUSHX $n tl:{viewer} $n tweet
            words = one.packed.split(b"\r\n")[2::2]
            assert words[0] == b"LPUSHX"
            self.pushed.append((int(words[1].split(b"{")[1].rstrip(b"}")), int(words[2])))
        return [1] * len(commands)
