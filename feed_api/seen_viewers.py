"""Who was here today, on its way to the store: once a viewer, day and process, beside the requests."""

from __future__ import annotations

import asyncio
from collections import deque

import structlog
from prometheus_client import Counter

from core.clock import Clock, utc_day
from core.errors import Unavailable
from core.ids import UserId
from core.waiting import happens
from stores.ports import UserStore

CAPACITY = 100_000
"""Viewers of today that are remembered, 10 MB. A process that serves more notes them again: no harm."""
WAITING = 20_000
"""Beyond it nobody is noted: they are noted when they come again, once the store is back."""
BATCH = 500
FLUSH_EVERY_S = 1.0

NOTED = Counter("rankfeed_viewers_seen_total", "Viewers noted in the store as seen today")
_logger = structlog.get_logger("seen_viewers")


class SeenViewers:
    """A crash may forget those of the last second, until they come again."""

    def __init__(
        self, users: UserStore, clock: Clock, *, capacity: int = CAPACITY, waiting: int = WAITING
    ) -> None:
        self._users = users
        self._clock = clock
        self._capacity = capacity
        self._most = waiting
        self._day = 0
        self._noted: set[UserId] = set()
        self._waiting: deque[tuple[int, UserId]] = deque()

    def note(self, viewer: UserId) -> None:
        """Returns at once, whatever the store does."""
        day = utc_day(self._clock.now_ms())
        if day != self._day:
            self._day = day
            self._noted.clear()
        if viewer in self._noted or len(self._waiting) >= self._most:
            return
        if len(self._noted) >= self._capacity:
            self._noted.clear()
        self._noted.add(viewer)
        self._waiting.append((day, viewer))

    async def run(self, stop: asyncio.Event) -> None:
        """Writes once a second until told to stop, then what is left."""
        while not await happens(stop, FLUSH_EVERY_S):
            await self.flush()
        await self.flush()

    async def flush(self) -> None:
        """Writes those who wait. Those whom the store does not take go on waiting."""
        while self._waiting:
            day, batch = self._waiting[0][0], list[UserId]()
            while self._waiting and self._waiting[0][0] == day and len(batch) < BATCH:
                batch.append(self._waiting.popleft()[1])
            try:
                await self._users.seen(batch, day)
            except Unavailable as exc:
                _logger.warning("viewers_not_noted", error=str(exc), waiting=len(self._waiting) + len(batch))
                self._waiting.extendleft((day, viewer) for viewer in reversed(batch))
                return
            NOTED.inc(len(batch))
