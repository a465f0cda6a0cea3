"""Preheating: what Redis lost of active users' timelines comes back before they read.

Who is active the user store says. The lists are built by the same merge as a reader's, a few at a
time and so many a second, those of the newest day first. A list that is there is left alone, so
whatever breaks a round off, the next one goes on where it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from prometheus_client import Counter, Gauge

from core.clock import Clock, utc_day
from core.errors import Unavailable
from core.ids import UserId
from core.waiting import happens
from stores.ports import Ids, UserStore
from stores.turn import Turn
from timelines.merge import LOCK_MS, TimelineMerge
from timelines.relations import Relations
from timelines.warmth import Warmth

ACTIVE_DAYS = 7
"""As long as a list lives without a read. A day is looked at whole, the oldest one included."""
TURN = "timelines/preheat"
"""The control document with the name of the process whose turn it is."""
PAGE = 1_000
LOOKED_AT_ONCE = 50
TRIES = 3

PREHEATED = Counter("rankfeed_preheat_total", "Active users who were looked at after a loss", ["outcome"])
DAYS_LEFT = Gauge("rankfeed_preheat_days_left", "Days whose active users are still to be looked at")
_logger = structlog.get_logger("preheat")


@dataclass(frozen=True, slots=True)
class PreheatOptions:
    """Lists built side by side, and a second; how long others who build one are waited for."""

    at_once: int = 4
    a_second: int = 50
    look_every_s: float = 1.0
    others_s: float = LOCK_MS / 1000


class Preheat:
    """Any number of processes may run one: they take turns, and a list is built under its own lock."""

    def __init__(
        self,
        warmth: Warmth,
        turn: Turn,
        users: UserStore,
        relations: Relations,
        merge: TimelineMerge,
        clock: Clock,
        options: PreheatOptions,
    ) -> None:
        self._warmth = warmth
        self._turn = turn
        self._users = users
        self._relations = relations
        self._merge = merge
        self._clock = clock
        self._options = options
        self._room = asyncio.Semaphore(options.at_once)

    async def run(self, stop: asyncio.Event) -> None:
        """Looks once a second whether lists were lost, until `stop`; waits for neighbours."""
        was_away = False
        while not stop.is_set():
            try:
                await self.look(stop)
                was_away = False
            except Unavailable as exc:
                if not was_away:
                    _logger.warning("neighbour_away", error=str(exc))
                was_away = True
            await happens(stop, self._options.look_every_s)

    async def look(self, stop: asyncio.Event) -> None:
        """Brings back what was lost, where nobody else is at it. Raises Unavailable."""
        if await self._warmth.is_warm() or not await self._turn.is_ours():
            return
        try:
            # Not where the one whose turn it was has finished just before.
            if await self._warmth.begin():
                _logger.info("preheat_begun")
                whole = await self._heat_all(stop)
                _logger.info("preheat_ended", whole=whole)
        finally:
            DAYS_LEFT.set(0)
            await self._turn.pass_on()

    async def _heat_all(self, stop: asyncio.Event) -> bool:
        """False where it was broken off: told to stop, not our turn, or Redis lost lists again."""
        today, left = utc_day(self._clock.now_ms()), list[int]()
        for past in range(ACTIVE_DAYS + 1):
            DAYS_LEFT.set(ACTIVE_DAYS + 1 - past)
            after, looked_at = 0, 0
            while len(page := await self._users.active(today - past, after=after, limit=PAGE)):
                if not await self._heat(page.tolist(), left, stop):
                    return False
                after, looked_at = int(page[-1]), looked_at + len(page)
            _logger.info("preheat_day", days_past=past, active=looked_at, left=len(left))
        for _ in range(TRIES):
            if not left:
                break
            # Those who had the lock have built their lists by then, or died over it.
            await happens(stop, self._options.others_s)
            again, left = left, []
            if not await self._heat(again, left, stop):
                return False
        PREHEATED.labels("left").inc(len(left))
        return await self._warmth.finish()

    async def _heat(self, viewers: Sequence[int], left: list[int], stop: asyncio.Event) -> bool:
        """Builds the lists that are not there; whose could not be built is `left`. False as above."""
        for first in range(0, len(viewers), LOOKED_AT_ONCE):
            if stop.is_set() or not await self._turn.is_ours() or not await self._warmth.stands():
                return False
            began_s = self._clock.monotonic_s()
            some = viewers[first : first + LOOKED_AT_ONCE]
            cold, building = await self._warmth.look(some)
            PREHEATED.labels("found").inc(len(some) - len(cold) - len(building))
            built = await asyncio.gather(*(self._build(UserId(viewer), stop) for viewer in cold))
            PREHEATED.labels("heated").inc(sum(built))
            left += building
            if not all(built):
                left += [viewer for viewer, done in zip(cold, built, strict=True) if not done]
                # Of one user it may be; where the store is away it is all of them, and this raises.
                await self._users.active(0, after=0, limit=1)
            due_s = began_s + len(cold) / self._options.a_second
            await happens(stop, due_s - self._clock.monotonic_s())
        return True

    async def _build(self, viewer: UserId, stop: asyncio.Event) -> bool:
        async def authors() -> Ids:
            # Read after the list exists; and kept, with whom the viewer does not see, for the read to come.
            followees, _ = await asyncio.gather(
                self._relations.load(viewer), self._relations.load_hidden(viewer)
            )
            return np.union1d(followees.ids, np.array([viewer], np.int64))

        async with self._room:
            if stop.is_set():
                return False
            try:
                await self._merge.rebuild(viewer, authors)
            except Unavailable as exc:
                _logger.warning("list_not_heated", viewer=viewer, error=str(exc))
                return False
            return True
