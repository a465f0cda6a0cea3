"""The first page that each viewer was served last, in memory: for when neither Redis nor store answers.

It is shown as it was, tracking tokens and cursor included; only its `meta` is new. Nobody can be asked
about it then, so it may show what another process was told to delete since: hence no older than a client's
own cache may be. What this process was told to delete is not shown.
"""

from __future__ import annotations

from typing import NamedTuple

from core.clock import Clock
from core.ids import UserId
from ranking.query import Algorithm

OVERHEAD_BYTES = 700
"""Of an entry beside its tweets."""
BYTES_AN_ID = 40


class LastPage(NamedTuple):
    """What was asked for and what was served; `tweets` is the JSON array as it was sent, `ids` what is in
    it, originals of retweets included."""

    algorithm_asked: Algorithm
    limit: int
    tweets: bytes
    next_cursor: str | None
    algorithm_served: Algorithm
    model: str | None
    objective: str | None
    slate: str | None
    partial: bool
    ids: tuple[int, ...] = ()


class LastPages:
    """One a viewer, together at most `max_bytes`: those served longest ago go first."""

    def __init__(self, clock: Clock, *, max_bytes: int, max_age_s: float) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._kept: dict[UserId, tuple[float, LastPage]] = {}
        self._bytes = 0
        self._buried: dict[int, float] = {}

    def keep(self, viewer: UserId, page: LastPage) -> None:
        self.forget(viewer)
        size = _size(page)
        if size > self._max_bytes:
            return
        while self._bytes + size > self._max_bytes:
            self.forget(next(iter(self._kept)))
        self._kept[viewer] = (self._clock.monotonic_s(), page)
        self._bytes += size

    def get(self, viewer: UserId, asked: Algorithm, limit: int) -> LastPage | None:
        """None where the last one was asked for differently, or is too old."""
        kept_s, page = self._kept.get(viewer, (0.0, None))
        if page is None or (page.algorithm_asked, page.limit) != (asked, limit):
            return None
        if not self._buried.keys().isdisjoint(page.ids):
            return None
        return page if self._clock.monotonic_s() - kept_s <= self._max_age_s else None

    def bury(self, tweet_id: int) -> None:
        """After its deletion: no page that holds it is shown any more, also none that is being made now."""
        now_s = self._clock.monotonic_s()
        # Long enough for pages that were being made then; those of before are too old by themselves.
        while self._buried and now_s - next(iter(self._buried.values())) > 2 * self._max_age_s:
            del self._buried[next(iter(self._buried))]
        self._buried[tweet_id] = now_s

    def forget(self, viewer: UserId) -> None:
        """After something that the viewer does not want to see any more."""
        _, page = self._kept.pop(viewer, (0.0, None))
        if page is not None:
            self._bytes -= _size(page)


def _size(page: LastPage) -> int:
    return len(page.tweets) + BYTES_AN_ID * len(page.ids) + OVERHEAD_BYTES
