"""As much of a Redis client as fan-out needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from core.errors import Unavailable
from stores.ports import Ids
from stores.redis_client import Found, RedisClient
from stores.redis_commands import Command
from stores.redis_spread import Spread


class FakeRedis:
    """Every viewer has a list; `pushed` and `removed` hold (viewer, tweet), `pipelines` how many each had.

    `strings` are the keys that are set.
    """

    def __init__(self) -> None:
        self.pushed: list[tuple[int, int]] = []
        self.removed: list[tuple[int, int]] = []
        self.strings: dict[bytes, bytes] = {}
        self.pipelines: list[int] = []
        self.copied: set[bool] = set()
        self.away = False

    @property
    def client(self) -> RedisClient:
        return cast(RedisClient, self)

    async def spread(self, spreads: Sequence[Spread], *, copied: bool = False) -> list[Ids]:
        self._answer()
        self.pipelines.append(sum(len(one.template) for one in spreads))
        for one in spreads:
            for position in range(len(one.template)):
                name, key, *words = words_of(one.template.command(position, one.last))
                viewer = int(key.split(b"{")[1].rstrip(b"}"))
                if name == b"LPUSHX":
                    self.pushed += [(viewer, int(tweet)) for tweet in words]
                    self.copied.add(copied)
                else:
                    self.removed.append((viewer, int(words[-1])))
        return [np.ones(len(one.template), np.int64) for one in spreads]

    async def calls(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        self._answer()
        return [self._call(*words_of(one)) for one in commands]

    async def find(self, keys: Sequence[bytes]) -> Found:
        if self.away:
            return Found([None] * len(keys), [], frozenset(range(len(keys))), Unavailable("away"))
        return Found([self.strings.get(key) for key in keys], [])

    def _call(self, name: bytes, key: bytes, *words: bytes) -> Any:
        match name:
            case b"SET":
                assert words[1:3] == (b"NX", b"EX")
                return self.strings.setdefault(key, words[0])
            case b"GET":
                return self.strings.get(key)
            case b"DEL":
                return int(self.strings.pop(key, None) is not None)
        raise AssertionError(name)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("away")


def words_of(command: Command) -> list[bytes]:
    """As it goes over the wire: how many words, and each with its length before it."""
    return command.packed.split(b"\r\n")[2::2]
