"""Lists that need the store for longer than a request has time, and what shows that they need it.

A cold list whose reader's time was over before it was built would be begun anew by each read, and never
be there: it is built here, in as much time as its lock has.

What was delivered twice (a replay, a consumer that died before its commit) does no harm in a list: it
is read once. But where much of a list is there twice something went wrong with deliveries, and others
may be missing, which no read can see. So such a list is merged with the store as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Never

import structlog
from prometheus_client import Counter

from core.errors import Unavailable
from core.ids import UserId
from timelines.merge import LOCK_MS
from timelines.reader import Timeline, TimelineReader

DISTINCT = 0.9
"""Of the ids of a list: below that it is merged."""
WAITING = 1_000
"""Viewers of damaged lists; those who come later are found again when they read again."""
UNFINISHED = 100
"""Viewers whose lists were not built in time: a slow store makes many, and takes long for each."""
PAUSE_S = 0.05
"""Between two: whoever is merged asks the store as much as somebody whose list is cold."""

HEALED = Counter(
    "rankfeed_timelines_healed_total", "Lists merged with the store because ids were in them twice"
)
FINISHED = Counter("rankfeed_timelines_finished_total", "Cold lists built after their reader's time was over")
_logger = structlog.get_logger("healing")


class Healing:
    """One viewer at a time, each once however often they read."""

    def __init__(self, timelines: TimelineReader) -> None:
        self._timelines = timelines
        self._damaged: dict[UserId, None] = {}
        self._unfinished: dict[UserId, None] = {}
        self._any = asyncio.Event()

    def look_at(self, timeline: Timeline) -> None:
        """Notes the viewer of a list that should be merged. Costs nothing."""
        if timeline.distinct < DISTINCT and timeline.origin == "list":
            self._note(timeline.viewer, self._damaged, WAITING)

    def finish(self, viewer: UserId) -> None:
        """Notes somebody whose time was over before their list was read. Costs nothing."""
        self._note(viewer, self._unfinished, UNFINISHED)

    async def run(self, stop: asyncio.Event) -> None:
        """Merges until told to stop; what waits then is found again by whoever reads it next."""
        working, ending = asyncio.ensure_future(self._work()), asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            # In the midst of a list it gives the lock back.
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def _work(self) -> Never:
        while True:
            await self._any.wait()
            await self._heal_next()
            await asyncio.sleep(PAUSE_S)

    def _note(self, viewer: UserId, waiting: dict[UserId, None], most: int) -> None:
        if len(waiting) < most:
            waiting[viewer] = None
            self._any.set()

    async def _heal_next(self) -> None:
        waiting = self._damaged or self._unfinished
        viewer = next(iter(waiting))
        await self._heal(viewer, is_damaged=waiting is self._damaged)
        # Only now: whoever reads meanwhile is not noted again.
        del waiting[viewer]
        if not self._damaged and not self._unfinished:
            self._any.clear()

    async def _heal(self, viewer: UserId, *, is_damaged: bool) -> None:
        try:
            # Beyond that it would be in vain: another may hold the lock by then.
            async with asyncio.timeout(LOCK_MS / 1000):
                timeline = await self._timelines.read(viewer, fresh=is_damaged)
        except (Unavailable, TimeoutError) as exc:
            _logger.warning("not_healed", viewer=viewer, error=str(exc) or type(exc).__name__)
            return
        if timeline.origin == "rebuilt":
            (HEALED if is_damaged else FINISHED).inc()
