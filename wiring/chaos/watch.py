"""Ranked feeds, asked for over and over by clients of the API, while somebody disturbs the stack."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence, Set
from typing import Any

from core.clock import Clock
from core.errors import RankfeedError, Unavailable
from wiring.chaos.act import FULL, RungSeen

CALM_S = 0.5
"""For so long nothing but full pages must have been served before the ladder counts as back."""
ENOUGH = 3
"""So many of them at the least."""
_LOOK_EVERY_S = 0.05
_SAY_EVERY_S = 0.5

Ask = Callable[[], Awaitable[dict[str, Any]]]
"""Fetches a ranked page; raises Unavailable where there is none."""


class NotFull(RankfeedError):
    """Ranked feeds are not what they were."""


class Watch:
    """What `askers` were answered, each of whom asks again `every_s` after the answer.

    A page that is not full for one of the reasons `load` says nothing of the fault: there was no time.
    """

    def __init__(
        self, askers: Sequence[Ask], clock: Clock, every_s: float, load: Set[str] = frozenset()
    ) -> None:
        self._askers = askers
        self._clock = clock
        self._every_s = every_s
        self._load = load
        self._began_s = clock.monotonic_s()
        self._full_since_s: float | None = None
        self._full = 0
        self.rungs: list[RungSeen] = []
        self.refused = 0

    def now_s(self) -> float:
        """Seconds since it began."""
        return self._clock.monotonic_s() - self._began_s

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as asking:
            for ask in self._askers:
                asking.create_task(self._ask(ask))

    async def full_again(self, patience_s: float) -> float:
        """The moment of the first page since which all were full, once that has lasted.

        Raises NotFull where it does not come to that.
        """
        begun_s = self.now_s()
        while True:
            since_s = self._full_since_s
            if since_s is not None and self._full >= ENOUGH and self.now_s() - since_s >= CALM_S:
                return since_s
            if self.now_s() - begun_s > patience_s:
                raise NotFull(
                    f"after {patience_s:.0f} s ranked feeds are {self.summary(len(self.rungs) - ENOUGH)}: "
                    "`/metrics` and the API's log say why (docs/degradation.md, The ladder)"
                )
            await asyncio.sleep(_LOOK_EVERY_S)

    def forget_calm(self) -> None:
        """What was full until now does not count for `full_again`."""
        self._full_since_s, self._full = None, 0

    def summary(self, first: int) -> str:
        """The rungs of the pages from number `first` on, the most frequent first."""
        told = Counter(one.said() for one in self.rungs[max(0, first) :])
        if not told:
            return "not answered"
        if len(told) == 1:
            return next(iter(told))
        return ", ".join(f"{count} {what}" for what, count in told.most_common())

    async def narrate(self, say: Callable[[str], None], *, changes_only: bool) -> None:
        """Says every half second what was served in it, until it is cancelled."""
        told, before = len(self.rungs), ""
        while True:
            await asyncio.sleep(_SAY_EVERY_S)
            now = self.summary(told)
            told = len(self.rungs)
            if now != before or not changes_only:
                say(f"{self.now_s():5.1f} s  {now}")
            before = now

    async def _ask(self, ask: Ask) -> None:
        while True:
            try:
                meta = (await ask())["meta"]
            except Unavailable:
                self.refused += 1
                self.forget_calm()
            else:
                self._note(RungSeen(self.now_s(), meta["rung"], meta["reason"] or ""))
            await asyncio.sleep(self._every_s)

    def _note(self, seen: RungSeen) -> None:
        self.rungs.append(seen)
        if seen.rung != FULL and seen.reason not in self._load:
            self.forget_calm()
            return
        if self._full_since_s is None:
            self._full_since_s = seen.at_s
        self._full += 1
