"""Redis' counts and tombstones in memory, which are away when told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from core.errors import Unavailable
from stores.counts_cache import CountsCache
from stores.ports import Counts
from stores.tombstones import Tombstones


class FakeCountsCache(CountsCache):
    """`away` are tweets whose shard is; one that fails fails its whole pipeline."""

    def __init__(self) -> None:
        self.counts: dict[int, Counts] = {}
        self.away: set[int] = set()
        self.pipelines: list[int] = []
        self.written = asyncio.Event()

    async def renew(self, counted: Mapping[int, Counts]) -> int:
        self.pipelines.append(len(counted))
        self.counts |= {tweet: counts for tweet, counts in counted.items() if tweet not in self.away}
        if self.away & counted.keys():
            raise Unavailable("a shard is away")
        self.written.set()
        return len(counted)


class FakeTombstones(Tombstones):
    """`written` holds the ids of each call."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.away = False

    async def write(self, tweet_ids: Sequence[int]) -> None:
        if self.away:
            raise Unavailable("Redis is away")
        self.written.append(list(tweet_ids))
