"""Lists that show the trace of a disturbance are compared with the store, off the request.

What was delivered twice (a replay, a consumer that died before its commit) does no harm in a list: it
is read once. But where much of a list is there twice something went wrong with deliveries, and others
may be missing, which no read can see. So such a list is merged with the store, as a cold one is.
"""

from __future__ import annotations

import asyncio

import structlog
from prometheus_client import Counter

from core.errors import Unavailable
from core.ids import UserId
from timelines.reader import Timeline, TimelineReader

DISTINCT = 0.9
"""Of the ids of a list: below that it is merged."""
WAITING = 1_000
"""Viewers; those who come later are found again when they read again."""
PAUSE_S = 0.05
"""Between two: whoever is merged asks the store as much as somebody whose list is cold."""

HEALED = Counter(
    "rankfeed_timelines_healed_total", "Lists merged with the store because ids were in them twice"
)
_logger = structlog.get_logger("healing")


class Healing:
    """One viewer at a time, each once however often they read."""

    def __init__(self, timelines: TimelineReader) -> None:
        self._timelines = timelines
        self._waiting: dict[UserId, None] = {}
        self._any = asyncio.Event()

    def look_at(self, timeline: Timeline) -> None:
        """Notes the viewer of a list that should be merged. Costs nothing."""
        if timeline.distinct < DISTINCT and timeline.origin == "list" and len(self._waiting) < WAITING:
            self._waiting[timeline.viewer] = None
            self._any.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Merges until told to stop; what waits then is found again by whoever reads it next."""
        ending = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                some = asyncio.ensure_future(self._any.wait())
                await asyncio.wait({ending, some}, return_when=asyncio.FIRST_COMPLETED)
                some.cancel()
                await self._heal_next()
                await asyncio.wait({ending}, timeout=PAUSE_S)
        finally:
            ending.cancel()

    async def _heal_next(self) -> None:
        if not self._waiting:
            return
        viewer = next(iter(self._waiting))
        try:
            await self._timelines.read(viewer, fresh=True)
            HEALED.inc()
        except Unavailable as exc:
            _logger.warning("not_healed", viewer=viewer, error=str(exc))
        # Only now: whoever reads meanwhile is not noted again.
        del self._waiting[viewer]
        if not self._waiting:
            self._any.clear()
