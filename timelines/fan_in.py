"""A gate before the widest question that feeds ask the store: the newest tweets of many authors.

A cold timeline asks it, and while Redis is away every page does, each for hundreds of authors. A few
at a time the store answers as fast as it can; all at once none of them would be answered in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from prometheus_client import Counter, Gauge

from core.errors import Overloaded
from stores.ports import Ids

WAITING_A_SLOT = 8
"""Who comes behind so many would not be answered before its deadline, and is turned away at once."""

ASKING = Gauge("rankfeed_fan_in_asking", "Questions to the store over many authors, under way or waiting")
TURNED_AWAY = Counter("rankfeed_fan_in_turned_away_total", "Such questions that were not even asked")


class NewestTweets(Protocol):
    """What a merge wants of the tweet store, at the gate or past it."""

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids: ...


class WideTweets(NewestTweets, Protocol):
    """What a reader wants of it besides: all that is asked over many authors."""

    async def retweets_since(
        self, originals: Sequence[int], authors: Ids, *, since: int
    ) -> Mapping[int, Ids]: ...


class FanIn:
    """At most `slots` at once in this process, and eight times as many waiting for their turn."""

    def __init__(self, tweets: WideTweets, slots: int) -> None:
        self._tweets = tweets
        self._slots = asyncio.Semaphore(slots)
        self._most = slots * (1 + WAITING_A_SLOT)
        self._asking = 0

    async def newest_ids(self, authors: Ids, *, before: int | None, limit: int) -> Ids:
        """As the store's own. Raises Overloaded where too many ask already."""
        async with self._slot():
            return await self._tweets.newest_ids(authors, before=before, limit=limit)

    async def retweets_since(
        self, originals: Sequence[int], authors: Ids, *, since: int
    ) -> Mapping[int, Ids]:
        """As the store's own. Raises Overloaded where too many ask already."""
        async with self._slot():
            return await self._tweets.retweets_since(originals, authors, since=since)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._asking >= self._most:
            TURNED_AWAY.inc()
            raise Overloaded("too many feeds ask the store already")
        self._asking += 1
        ASKING.inc()
        try:
            async with self._slots:
                yield
        finally:
            self._asking -= 1
            ASKING.dec()
