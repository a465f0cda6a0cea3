"""Places for what takes a core's time, and a short queue before them.

All requests share the loop's core, and scoring has one more. With more rankings under way than keep both
busy each just takes longer; so the others wait, not long and not many, or take another rung.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Gauge

from ranking.query import FeedQuery
from ranking.stages import DURATION, FAILURES, StageFailed

QUEUE = "queue"
FULL = "ranking_busy"

WAITING = Gauge("rankfeed_ranking_waiting", "Requests that wait for a place to be ranked")
_WAITED = DURATION.labels(QUEUE)
_TURNED_AWAY = FAILURES.labels(QUEUE, FULL)


class ScoringQueue:
    """`places` at a time, in the order in which they came; at most `waiting` others wait for one."""

    def __init__(self, places: int, waiting: int) -> None:
        self._room = asyncio.Semaphore(places)
        self._most = waiting
        self._waiting = 0

    @asynccontextmanager
    async def place(self, query: FeedQuery, patience_ms: float) -> AsyncIterator[None]:
        """Held until left; raises StageFailed where there is none in time, or too many wait for one.

        Who is cancelled leaves the queue, and the place.
        """
        with query.timings.measure(QUEUE, _WAITED):
            await self._enter(query.deadline.remaining_s(patience_ms))
        try:
            yield
        finally:
            self._room.release()

    async def _enter(self, patience_s: float) -> None:
        if not self._room.locked():
            await self._room.acquire()
            return
        if patience_s > 0 and self._waiting < self._most:
            self._wait(1)
            try:
                async with asyncio.timeout(patience_s):
                    await self._room.acquire()
                return
            except TimeoutError:
                pass
            finally:
                self._wait(-1)
        # Not by the stage runner: where many are turned away, a line in the log for each is load as well.
        _TURNED_AWAY.inc()
        raise StageFailed(QUEUE, FULL)

    def _wait(self, one: int) -> None:
        self._waiting += one
        WAITING.inc(one)
