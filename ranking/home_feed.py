"""The home feed. Read this first.

    ranked, first page                         every later page
    ──────────────────                         ────────────────
    timeline      ids and followees, one trip   timeline
    hydrate       tweets, through the cache     slate        the order that the first page pinned
    filter        gone, not followed            walk         hydrate and filter until the page is full
    features      one MGET of packed rows       tail         below the slate's floor, in time order
    model         one ONNX call                 served record
    objective     weights over heads
    slate         pins the order
    walk, served record

A chronological feed is the timeline and the walk. Whatever keeps a ranked feed from being made is
said in `meta.reason`, and the feed is chronological.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import structlog
from prometheus_client import Counter

from core.errors import LeaseLost, Unavailable
from core.ids import UserId
from eventlog.schema import Served, record_of
from ranking.page_walk import PageWalk, Shown
from ranking.patience import Patience
from ranking.pipeline import RankingPipeline
from ranking.query import Algorithm, FeedItem, FeedMeta, FeedPage, FeedPosition, FeedQuery
from ranking.side_effects import DROPPED, ServedRecords
from ranking.slate_items import served_items
from ranking.stages import Stage, StageFailed, run_stage
from stores.ports import Ids
from stores.slates import Slate, SlateStore
from timelines.reader import Timeline, TimelineReader

TIMELINE = Stage("timeline", deadline_ms=2_000, on_failure="closed")
WALK = Stage("walk", deadline_ms=2_000, on_failure="closed")
SLATE = Stage("slate", deadline_ms=250, on_failure="closed")
PIN = Stage("pin", deadline_ms=250, on_failure="closed")

PAGES = Counter("rankfeed_feed_pages_total", "Pages served", ["asked", "served", "reason"])
_logger = structlog.get_logger("home_feed")


@dataclass(frozen=True, slots=True)
class HomeFeedParts:
    timelines: TimelineReader
    walk: PageWalk
    pipeline: RankingPipeline
    slates: SlateStore
    served: ServedRecords
    mint: Callable[[], int]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A page before it is cut: one item more than asked for, if there is one.

    Of one that was made without the store nobody knows whether it was the last.
    """

    shown: list[Shown]
    meta: FeedMeta
    slate: Slate | None
    first_index: int
    in_slate: int
    without_store: bool


class HomeFeed:
    def __init__(self, parts: HomeFeedParts) -> None:
        self._parts = parts

    async def page(self, query: FeedQuery) -> FeedPage:
        """One page, full unless the history ends. Raises Unavailable where nothing can answer."""
        timeline = await run_stage(TIMELINE, query, lambda: self._parts.timelines.read(query.viewer))
        assert timeline is not None  # the stage fails closed
        answer = await self._answer(query, timeline)
        page = self._cut(query, answer)
        self._record(query, answer, page)
        PAGES.labels(page.meta.algorithm_asked, page.meta.algorithm_served, page.meta.reason or "").inc()
        return page

    async def _answer(self, query: FeedQuery, timeline: Timeline) -> _Answer:
        meta = FeedMeta(query.algorithm, query.algorithm, "full", partial=timeline.partial)
        position = query.position
        if query.algorithm == "chronological" or (position is not None and position.mode == "c"):
            reason = None if query.algorithm == "chronological" else "scroll_began_chronological"
            return await self._chronological(query, timeline, _degraded(meta, reason))
        slate = None
        if position is not None:
            pinned = position.slate
            slate = await run_stage(SLATE, query, lambda: self._parts.slates.get(query.viewer, pinned))
        try:
            if position is None:
                slate = await self._pinned(query, await self._parts.pipeline.rank(query, timeline))
            elif slate is None and position.below:
                # Past the slate's end already: what follows was in the order of time anyway.
                return await self._chronological(query, timeline, _degraded(meta, "slate_lost"))
            elif slate is None:
                meta = replace(meta, remade=True)
                slate, position = await self._remade_slate(query, timeline, position.floor), None
        except StageFailed as failure:
            if position is not None:
                # In time order the rest of the slate would be skipped: the client comes again instead.
                raise
            return await self._chronological(query, timeline, _degraded(meta, failure.reason))
        assert slate is not None
        if slate.reason:
            meta = _degraded(meta, slate.reason)
        else:
            meta = replace(meta, model=slate.model, objective=slate.objective)
        return await self._along_slate(query, timeline, slate, position, replace(meta, slate=slate.slate_id))

    async def _pinned(self, query: FeedQuery, slate: Slate) -> Slate:
        await run_stage(PIN, query, lambda: self._parts.slates.put(query.viewer, slate))
        return slate

    async def _remade_slate(self, query: FeedQuery, timeline: Timeline, floor: int) -> Slate:
        """A lost slate, made again down to its floor without what the viewer was served from it."""
        served = await run_stage(SLATE, query, lambda: self._parts.slates.served(query.viewer))
        assert served is not None
        without = frozenset(served)
        try:
            slate = await self._parts.pipeline.rank(query, timeline, without, floor)
        except StageFailed as failure:
            # No score to be had: the order of time, pinned like any other, without what was served.
            slate = self._parts.pipeline.unscored(query, timeline, without, floor, failure.reason)
        return await self._pinned(query, slate)

    async def _chronological(self, query: FeedQuery, timeline: Timeline, meta: FeedMeta) -> _Answer:
        position = query.position
        below = None
        if position is not None:
            below = position.below or position.floor or None
        patience = Patience(query)

        async def walk() -> list[Shown]:
            shown = await self._parts.walk.in_time_order(timeline, below, query.limit + 1, patience)
            return _something(shown, patience)

        shown = await run_stage(WALK, query, walk)
        assert shown is not None
        first_index = position.index if position is not None else 0
        return _Answer(shown, _partial(meta, patience), None, first_index, 0, patience.ran_out)

    async def _along_slate(
        self,
        query: FeedQuery,
        timeline: Timeline,
        slate: Slate,
        position: FeedPosition | None,
        meta: FeedMeta,
    ) -> _Answer:
        begin = position.index if position is not None else 0
        below = (position.below if position is not None else 0) or slate.floor
        ids: Ids = np.frombuffer(slate.ids, "<i8")[begin:]
        want = query.limit + 1
        patience = Patience(query)

        async def walk() -> tuple[list[Shown], int]:
            shown = await self._parts.walk.along(ids, timeline, want, patience)
            in_slate = len(shown)
            if in_slate < want:
                tail = await self._parts.walk.in_time_order(timeline, below, want - in_slate, patience)
                shown += [one._replace(place=len(ids) + i) for i, one in enumerate(tail)]
            return _something(shown, patience), in_slate

        result = await run_stage(WALK, query, walk)
        assert result is not None
        return _Answer(result[0], _partial(meta, patience), slate, begin, result[1], patience.ran_out)

    def _cut(self, query: FeedQuery, answer: _Answer) -> FeedPage:
        page = answer.shown[: query.limit]
        slate = answer.slate
        items = [
            FeedItem(one.tweet, one.author, answer.first_index + (one.place if slate is not None else i))
            for i, one in enumerate(page)
        ]
        following = None
        if len(answer.shown) > query.limit or answer.without_store:
            last = page[-1]
            if slate is None:
                following = FeedPosition("c", below=last.tweet.tweet_id, index=items[-1].position + 1)
            else:
                following = FeedPosition(
                    "r",
                    below=last.tweet.tweet_id if len(page) > answer.in_slate else 0,
                    slate=slate.slate_id,
                    index=items[-1].position + 1,
                    floor=slate.floor,
                )
        return FeedPage(items, following, answer.meta)

    def _record(self, query: FeedQuery, answer: _Answer, page: FeedPage) -> None:
        slate = answer.slate
        event = Served(
            viewer=query.viewer,
            request_id=query.request_id.bytes,
            now_ms=slate.as_of_ms if slate is not None else query.now_ms,
            algorithm=page.meta.algorithm_served,
            rung=page.meta.rung,
            reason=page.meta.reason,
            model=page.meta.model,
            objective=page.meta.objective,
            schema_hash=slate.schema_hash if slate is not None else None,
            items=served_items(page.items, slate, answer.in_slate),
        )
        try:
            event_id = self._parts.mint()
        except LeaseLost:
            # Reading goes on while the store is away; only the record of it is given up.
            DROPPED.inc()
            return
        self._parts.served.put(record_of(event, id=event_id, ts_ms=query.now_ms, key=query.viewer))

    async def remember(self, viewer: UserId, page: FeedPage) -> None:
        """Off the request: what a ranked page showed, for a slate that may get lost."""
        if page.meta.slate is not None:
            await self._parts.slates.remember_served(viewer, [item.tweet.tweet_id for item in page.items])


def _degraded(meta: FeedMeta, reason: str | None) -> FeedMeta:
    if reason is None:
        return meta
    served: Algorithm = "chronological"
    return replace(meta, algorithm_served=served, rung="chronological", reason=reason)


def _something(shown: list[Shown], patience: Patience) -> list[Shown]:
    if patience.ran_out and not shown:
        raise Unavailable("the store is away, and nothing of this page is cached")
    return shown


def _partial(meta: FeedMeta, patience: Patience) -> FeedMeta:
    return replace(meta, partial=True) if patience.ran_out else meta
