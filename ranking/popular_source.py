"""What is popular with everybody, as candidates: one key of Redis, kept in the process for some seconds."""

from __future__ import annotations

import asyncio

import numpy as np
import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.errors import Unavailable
from ranking.candidate import POPULAR_SOURCE
from ranking.query import FeedQuery
from ranking.stages import Stage
from stores.popular import TTL_S, PopularStore
from stores.ports import Ids
from timelines.reader import Timeline

FRESH_S = 5.0
"""So long nobody asks Redis again."""

FETCHES = Counter(
    "rankfeed_popular_fetches_total", "Times that a process asked Redis for what is popular", ["outcome"]
)
_logger = structlog.get_logger("popular_source")


class PopularSource:
    """Only the first requests of a process wait for Redis: later ones have what was there last.

    Where Redis is away, slow, or was emptied, that holds for as long as its key would have; beyond that
    nothing is popular. Redis is asked once at a time, however many requests there are.
    """

    name = POPULAR_SOURCE
    stage = Stage("popular", deadline_ms=50, on_failure="open")

    def __init__(self, store: PopularStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._ids: Ids = np.empty(0, np.int64)
        self._found_s = -float("inf")
        self._asked_s = -float("inf")
        self._away = False
        self._fetch: asyncio.Task[None] | None = None

    def at_hand(self, query: FeedQuery, timeline: Timeline) -> Ids | None:
        now_s = self._clock.monotonic_s()
        if self._fetch is not None and self._fetch.done():
            # What our own code did wrong surfaces here, once: the next fetch may do better.
            fetch, self._fetch = self._fetch, None
            fetch.result()
        if now_s - self._asked_s >= FRESH_S and self._fetch is None:
            self._asked_s = now_s
            self._fetch = asyncio.create_task(self._refresh())
        if now_s - self._found_s < TTL_S:
            return self._ids
        return None if self._fetch is not None else np.empty(0, np.int64)

    async def find(self, query: FeedQuery, timeline: Timeline) -> Ids:
        """Waits for the fetch that is under way; whoever gives up does not end it. Raises Unavailable."""
        if self._fetch is not None:
            await asyncio.shield(self._fetch)
        if self._clock.monotonic_s() - self._found_s < TTL_S:
            return self._ids
        if self._away:
            raise Unavailable("nobody says what is popular")
        return np.empty(0, np.int64)

    async def _refresh(self) -> None:
        try:
            popular = await self._store.get()
        except Unavailable as exc:
            self._away = True
            FETCHES.labels("unavailable").inc()
            _logger.warning("popular_unavailable", error=str(exc))
            return
        self._away = False
        if popular is None:
            # Nothing was ever popular, or Redis was emptied and the next turn of its writer heals it.
            FETCHES.labels("missing").inc()
            return
        FETCHES.labels("found").inc()
        self._ids = np.frombuffer(popular.ids, "<i8").astype(np.int64)
        self._found_s = self._clock.monotonic_s()
