"""One Redis behind the client: every key is on the one server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.errors import Unavailable
from stores.ports import Ids
from stores.redis_client import Found, RedisClient
from stores.redis_commands import Command, mget, pack
from stores.redis_errors import ResponseError, translated
from stores.redis_node import RedisNode
from stores.redis_spread import Spread, packed_spread, read_lines


class SingleRedis(RedisClient):
    """Its tag is the empty one. Copies are its operator's business: `copied` waits for none."""

    def __init__(self, node: RedisNode) -> None:
        self._node = node

    async def answers(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        return await self._exchange([one.packed for one in commands]) if commands else []

    async def spread(self, spreads: Sequence[Spread], *, copied: bool = False) -> list[Ids]:
        counts = [len(one.template) for one in spreads]
        if not sum(counts):
            return [np.empty(0, np.int64) for _ in counts]
        packed = b"".join([packed_spread(one.template.prefixes, one.last) for one in spreads])
        lines = read_lines(await self._node.exchange_lines(packed, sum(counts)), sum(counts))
        for error in raised(list(lines.errors.values()), self._node):
            raise error
        return np.split(lines.numbers, np.cumsum(counts)[:-1])

    async def find(self, keys: Sequence[bytes], *, mark: bytes | None = None) -> Found:
        asked = list(keys) if mark is None else [*keys, mark]
        if not asked:
            return Found([], [])
        try:
            (values,) = await self._exchange([mget(asked)])
        except Unavailable as exc:
            return Found([None] * len(keys), [], frozenset(range(len(keys))), exc)
        return Found(values[: len(keys)], values[len(keys) :])

    async def shards(self) -> tuple[bytes, ...]:
        return (b"",)

    async def scan(self, pattern: bytes) -> list[bytes]:
        return await scan_node(self._node, pattern)

    async def ping(self) -> None:
        await self._exchange([pack(b"GET", b"ping")])

    async def aclose(self) -> None:
        self._node.close()

    async def _exchange(self, packed: Sequence[bytes]) -> list[Any]:
        return raised(await self._node.exchange(packed), self._node)


def raised(answers: list[Any], node: RedisNode) -> list[Any]:
    """The answers, unless one of them speaks of the server and not of its command."""
    for answer in answers:
        if isinstance(answer, ResponseError):
            error = translated(answer, str(node.address))
            if error is not answer:
                raise error from answer
    return answers


async def scan_node(node: RedisNode, pattern: bytes) -> list[bytes]:
    cursor, found = b"0", []
    while True:
        words = pack(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", 1000)
        ((cursor, keys),) = raised(await node.exchange([words]), node)
        found += keys
        if cursor == b"0":
            return found
