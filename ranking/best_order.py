"""The best order that can be had for a ranked feed, rung by rung down the ladder."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from core.errors import Unavailable
from ranking.ladder import BREAKER, WITHOUT_MODEL, Ladder, Rung
from ranking.pipeline import Ranked, RankingPipeline, follows_nobody
from ranking.query import FeedQuery
from ranking.scorers import FEATURES, MODEL
from ranking.scoring_queue import QUEUE, ScoringQueue
from ranking.stages import Stage, StageFailed, run_stage
from stores.ports import Ids
from stores.slates import Served, SlateStore
from timelines.reader import Timeline

CACHED = Stage("cached", deadline_ms=250, on_failure="open")

_FOR_CACHED = frozenset({FEATURES.name, MODEL.name, QUEUE, BREAKER})
"""What an order of before can do without."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """So many rankings at a time, so many that wait for that, and so long.

    `patience_ms` is a first page's, that has other rungs. A scroll whose slate was lost has none, and
    waits `scroll_patience_ms`. `cached_places` are for orders of before: to show one again takes about as
    much time as to rank a few.
    """

    places: int = 3
    cached_places: int = 2
    waiting: int = 16
    patience_ms: float = 20.0
    scroll_patience_ms: float = 250.0


class BestOrder:
    def __init__(
        self, pipeline: RankingPipeline, ladder: Ladder, slates: SlateStore, options: QueueOptions
    ) -> None:
        self._pipeline = pipeline
        self._ladder = ladder
        self._slates = slates
        self._options = options
        self._queue = ScoringQueue(options.places, options.waiting)
        self._cached_queue = ScoringQueue(options.cached_places, options.waiting)

    async def first(self, query: FeedQuery, timeline: Timeline) -> Ranked:
        """For a first page; raises StageFailed, with the reason, where only the order of time is left."""
        rung = self._ladder.now()
        try:
            if rung.name == "cached":
                raise StageFailed(BREAKER, rung.reason)
            return await self._scored(query, timeline, rung)
        except StageFailed as failure:
            if failure.stage not in _FOR_CACHED or failure.reason in WITHOUT_MODEL:
                raise
            # Who waited for a place in vain does not wait for another.
            patience_ms = 0.0 if failure.stage == QUEUE else self._options.patience_ms
            cached = await self._as_before(query, timeline, failure.reason, patience_ms)
            if cached is not None:
                return cached
            if follows_nobody(timeline):
                return await self._pipeline.recommended(query, timeline, failure.reason)
            raise

    async def remade(
        self, query: FeedQuery, timeline: Timeline, own: Ids, served: Served, floor: int
    ) -> Ranked:
        """As the pipeline's, in its turn. Raises StageFailed where that does not come."""
        async with self._queue.place(query, self._options.scroll_patience_ms):
            return await self._pipeline.remade(query, timeline, own, served, floor)

    async def _scored(self, query: FeedQuery, timeline: Timeline, rung: Rung) -> Ranked:
        try:
            async with self._queue.place(query, self._options.patience_ms):
                ranked = await self._pipeline.rank(query, timeline, rung.candidates)
        except StageFailed as failure:
            if failure.stage == QUEUE:
                self._ladder.turned_away()
            raise
        if rung.name == "full" or len(timeline.ids) <= rung.candidates or not ranked.slate.scores:
            # Nothing was left out, or nothing scored.
            return ranked
        return ranked._replace(slate=replace(ranked.slate, reason=rung.reason))

    async def _as_before(
        self, query: FeedQuery, timeline: Timeline, reason: str, patience_ms: float
    ) -> Ranked | None:
        try:
            async with self._cached_queue.place(query, patience_ms):
                last = await run_stage(CACHED, query, lambda: self._slates.newest(query.viewer))
                if last is None or not last.model:
                    return None
                return await self._pipeline.as_before(query, timeline, last, reason)
        except Unavailable:
            # It is the reason of before that counts.
            return None
