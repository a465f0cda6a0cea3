"""Tombstones once more: 5 and 60 s after a deletion.

A reader who was under way may fill after a flush what it read before the deletion, and a failover may
take a tombstone back. Neither happens so late as the last repeat.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.errors import Unavailable
from core.waiting import happens
from stores.tombstones import Tombstones

REPEATS_S = (5.0, 60.0)
RETRY_S = 1.0
_AT_ONCE = 500

TOMBSTONES = Counter("rankfeed_tombstones_total", "Tombstones written, first and repeated ones", ["repeat"])
_logger = structlog.get_logger("tombstone_repeats")


class TombstoneRepeats:
    def __init__(self, tombstones: Tombstones, clock: Clock) -> None:
        self._tombstones = tombstones
        self._clock = clock
        self._due: list[tuple[float, int]] = []
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    async def write(self, tweet_ids: Sequence[int]) -> None:
        """Now, and again later. Raises Unavailable; it is not repeated then."""
        await self._tombstones.write(tweet_ids)
        TOMBSTONES.labels("first").inc(len(tweet_ids))
        now_s = self._clock.monotonic_s()
        for tweet_id in tweet_ids:
            for after_s in REPEATS_S:
                heapq.heappush(self._due, (now_s + after_s, tweet_id))
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and `wake` called. What is left then is made good at the next start."""
        while not stop.is_set():
            self._wake.clear()
            await self.turn()
            await happens(self._wake, None if not self._due else self._due[0][0] - self._clock.monotonic_s())

    def wake(self) -> None:
        self._wake.set()

    async def turn(self) -> None:
        """Writes all that are due; those that cannot be written now are due again soon."""
        now_s = self._clock.monotonic_s()
        while self._due and self._due[0][0] <= now_s:
            due: list[int] = []
            while self._due and self._due[0][0] <= now_s and len(due) < _AT_ONCE:
                due.append(heapq.heappop(self._due)[1])
            try:
                await self._tombstones.write(due)
            except Unavailable as exc:
                _logger.warning("tombstones_wait", error=str(exc), tweets=len(due))
                for tweet_id in due:
                    heapq.heappush(self._due, (now_s + RETRY_S, tweet_id))
            else:
                TOMBSTONES.labels("repeated").inc(len(due))
