"""The home feed. Read this first.

    ranked, first page                         every later page
    ──────────────────                         ────────────────
    timeline      ids, followees, who is        timeline
                  hidden: one trip              slate        the order that the first page pinned
    sources       the timeline's newest,        walk         hydrate and filter until the page is full
                  and what is popular           tail         below the slate's floor, in time order
    hydrate       tweets and counts, cached     one a root   also with what stands above the page
    filter        gone, not followed,           served record
                  blocked, muted, and what
                  is popular by followees
    one a root    a tweet and its retweets
    features      one MGET of packed rows,
                  and what was seen before
    model         one ONNX call
    objective     weights over heads, age, source,
                  what was seen before
    diversity     an author's further ones later
    slate         pins the order
    walk, served record; of some requests
    all that was scored

A chronological feed is the timeline and the walk, one a root. Whatever keeps a ranked feed from being made is
said in `meta.reason`, and `meta.rung` what it is instead: of fewer candidates, in the order of before, in
that of time (`ranking.best_order`); for who follows nobody it is what is popular.
`docs/feed.md` goes through the stages.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import cache

import numpy as np
import structlog
from msgspec.structs import replace
from prometheus_client import Counter

from core.errors import LeaseLost, Unavailable
from core.ids import UserId
from eventlog.schema import Event, record_of
from ranking.best_order import BestOrder
from ranking.candidate import TIMELINE_SOURCE
from ranking.feed_meta import CACHE_AWAY, along, degraded, meta_of, partial
from ranking.page_walk import PageWalk, Shown
from ranking.patience import FOLLOWEES_SHARE, Patience
from ranking.pinned import highest, recommended
from ranking.pipeline import Ranked
from ranking.prepared import Answer, Prepared, cut
from ranking.query import Algorithm, FeedMeta, FeedPage, FeedPosition, FeedQuery
from ranking.scored_sample import ScoredSample
from ranking.side_effects import Records, ServedRecords
from ranking.slate_items import scored_event, served_event
from ranking.stages import Stage, StageFailed, count_items, run_stage, slow
from stores.ports import Ids
from stores.slates import Served, Slate, SlateStore
from timelines.healing import Healing
from timelines.reader import Timeline, TimelineReader

TIMELINE = Stage("timeline", deadline_ms=2_000, on_failure="closed")
WALK = Stage("walk", deadline_ms=2_000, on_failure="closed")
SLATE = Stage("slate", deadline_ms=250, on_failure="closed")
PIN = Stage("pin", deadline_ms=250, on_failure="closed")

PAGES = Counter("rankfeed_feed_pages_total", "Pages served", ["asked", "served", "rung", "reason"])
_logger = structlog.get_logger("home_feed")


@dataclass(frozen=True, slots=True)
class HomeFeedParts:
    timelines: TimelineReader
    healing: Healing
    walk: PageWalk
    order: BestOrder
    slates: SlateStore
    served: ServedRecords
    scored: ScoredSample
    mint: Callable[[], int]


class HomeFeed:
    def __init__(self, parts: HomeFeedParts) -> None:
        self._parts = parts

    async def page(self, query: FeedQuery) -> FeedPage:
        """One page, full unless the history ends. Raises Unavailable where nothing can answer."""
        return await self.serve(query, await self.prepare(query))

    async def prepare(self, query: FeedQuery) -> Prepared:
        """A page to look at, for a client that may have it already. Raises Unavailable."""
        # A later page would skip for good what it does not know of.
        patience_s = FOLLOWEES_SHARE * query.deadline.remaining_s() if query.position is None else None
        # Ranking looks at all of it, and so does a later page: what stands above it hides retweets in it.
        newest = query.algorithm == "chronological" and query.position is None
        enough = query.limit + 1 if newest else None
        try:
            timeline = await run_stage(
                TIMELINE,
                query,
                lambda: self._parts.timelines.read(
                    query.viewer, fresh=query.refresh, enough=enough, patience_s=patience_s
                ),
            )
        except StageFailed as failure:
            if failure.reason == slow(TIMELINE):
                self._parts.healing.finish(query.viewer)
            raise
        assert timeline is not None  # the stage fails closed
        self._parts.healing.look_at(timeline)
        answer = await self._answer(query, timeline)
        return Prepared(cut(query, answer), timeline, answer)

    async def serve(self, query: FeedQuery, prepared: Prepared) -> FeedPage:
        """Pins what was made for this page and records it as served. Raises Unavailable."""
        answer, page = prepared.answer, prepared.page
        ranked = answer.ranked
        if ranked is not None:
            try:
                await run_stage(PIN, query, lambda: self._parts.slates.put(query.viewer, ranked.slate))
            except StageFailed as failure:
                if query.position is not None:
                    raise
                meta = degraded(meta_of(query, prepared.timeline), failure.reason)
                answer = await self._chronological(query, prepared.timeline, meta)
                page = cut(query, answer)
        count_items(query, "page", len(page.items))
        self._record(query, answer, page)
        _pages(
            page.meta.algorithm_asked, page.meta.algorithm_served, page.meta.rung, page.meta.reason or ""
        ).inc()
        return page

    async def _answer(self, query: FeedQuery, timeline: Timeline) -> Answer:
        meta = meta_of(query, timeline)
        position = query.position
        if query.algorithm == "chronological" or (position is not None and position.mode == "c"):
            reason = None if query.algorithm == "chronological" else "scroll_began_chronological"
            return await self._chronological(query, timeline, degraded(meta, reason))
        if position is None and timeline.origin == "store":
            # Features and slates are where the list was: there is nothing to rank with.
            return await self._chronological(query, timeline, degraded(meta, CACHE_AWAY))
        slate: Slate | None = None
        ranked: Ranked | None = None
        if position is not None:
            slate_id = position.slate
            slate = await run_stage(SLATE, query, lambda: self._parts.slates.get(query.viewer, slate_id))
        try:
            if position is None:
                ranked = await self._parts.order.first(query, timeline)
                slate = ranked.slate
            elif slate is None and position.below:
                # Past the slate's end already: what follows was in the order of time anyway.
                served = await self._served(query)
                meta = degraded(meta, "slate_lost")
                return await self._chronological(query, timeline, meta, served.recommended)
            elif slate is None:
                meta = replace(meta, remade=True)
                ranked = await self._remade_slate(query, timeline, position.floor)
                slate = ranked.slate
                top = max(position.top, highest(slate)) if position.top else 0
                position = replace(position, index=0, top=top)
        except StageFailed as failure:
            if position is not None:
                # In time order the rest of the slate would be skipped: the client comes again instead.
                raise
            return await self._chronological(query, timeline, degraded(meta, failure.reason))
        assert slate is not None
        meta = replace(along(meta, slate), slate=slate.slate_id)
        return await self._along_slate(query, timeline, slate, position, meta, ranked)

    async def _remade_slate(self, query: FeedQuery, timeline: Timeline, floor: int) -> Ranked:
        """A lost slate, made again down to its floor without what the viewer was served from it."""
        served = await self._served(query)
        # Neither the list nor what was cut of it may be missing: below the floor the tail begins.
        own = await run_stage(TIMELINE, query, lambda: self._parts.timelines.down_to(timeline, floor))
        assert own is not None
        return await self._parts.order.remade(query, timeline, own, served, floor)

    async def _served(self, query: FeedQuery) -> Served:
        served = await run_stage(SLATE, query, lambda: self._parts.slates.served(query.viewer))
        assert served is not None
        return served

    async def _chronological(
        self, query: FeedQuery, timeline: Timeline, meta: FeedMeta, recommended: Set[int] = frozenset()
    ) -> Answer:
        """`recommended` are roots that the scroll may have shown and that no id of the timeline tells of."""
        position = query.position
        below = None
        if position is not None:
            below = position.below or position.floor or None
        top = position.top if position is not None else 0
        patience = Patience(query)
        once = self._parts.walk.once(timeline, patience, above=below, top=top, shown=recommended)

        async def walk() -> list[Shown]:
            shown = await self._parts.walk.in_time_order(timeline, below, query.limit + 1, patience, once)
            return _something(shown, patience)

        shown = await run_stage(WALK, query, walk)
        assert shown is not None
        first_index = position.index if position is not None else 0
        if position is None and shown:
            top = shown[0].tweet.tweet_id
        return Answer(shown, partial(meta, patience), None, first_index, 0, top, patience.ran_out)

    async def _along_slate(
        self,
        query: FeedQuery,
        timeline: Timeline,
        slate: Slate,
        position: FeedPosition | None,
        meta: FeedMeta,
        ranked: Ranked | None,
    ) -> Answer:
        # A slate that was just made is walked from its beginning.
        at_hand = None if ranked is None else ranked.tweets
        begin = position.index if position is not None else 0
        below = (position.below if position is not None else 0) or slate.floor
        top = position.top if position is not None else highest(slate)
        ids: Ids = np.frombuffer(slate.ids, "<i8")[begin:]
        sources = slate.sources[begin:]
        want = query.limit + 1
        patience = Patience(query)
        elsewhere = [*recommended(slate), *np.frombuffer(slate.shown, "<i8").tolist()]
        once = self._parts.walk.once(timeline, patience, above=below, top=top, shown=elsewhere)

        async def walk() -> tuple[list[Shown], int]:
            # The slate has each root once.
            shown = await self._parts.walk.along(
                ids, timeline, want, patience, sources=sources, at_hand=at_hand
            )
            in_slate = len(shown)
            if in_slate < want:
                missing = want - in_slate
                tail = await self._parts.walk.in_time_order(timeline, below, missing, patience, once)
                shown += [replace(one, place=len(ids) + i) for i, one in enumerate(tail)]
            return _something(shown, patience), in_slate

        result = await run_stage(WALK, query, walk)
        assert result is not None
        shown, in_slate = result
        return Answer(shown, partial(meta, patience), slate, begin, in_slate, top, patience.ran_out, ranked)

    def _record(self, query: FeedQuery, answer: Answer, page: FeedPage) -> None:
        event = served_event(query, page, answer.slate, answer.in_slate)
        self._put(self._parts.served, event, query)
        if answer.ranked is not None and self._parts.scored.takes(query.request_id):
            scored = scored_event(query, answer.ranked)
            if scored is not None:
                self._put(self._parts.scored.records, scored, query)

    def _put(self, records: Records, event: Event, query: FeedQuery) -> None:
        try:
            event_id = self._parts.mint()
        except LeaseLost:
            # Reading goes on while the store is away; only the record of it is given up.
            records.dropped.inc()
            return
        records.put(record_of(event, id=event_id, ts_ms=query.now_ms, key=query.viewer))

    async def remember(self, viewer: UserId, page: FeedPage) -> None:
        """Off the request: what a ranked page showed, for a slate that may get lost."""
        if page.meta.slate is not None:
            roots = {item.root.tweet.tweet_id: item.source for item in page.items}
            recommended = {root for root, source in roots.items() if source != TIMELINE_SOURCE}
            await self._parts.slates.remember_served(viewer, list(roots), recommended)


@cache
def _pages(asked: Algorithm, served: Algorithm, rung: str, reason: str) -> Counter:
    return PAGES.labels(asked, served, rung, reason)


def _something(shown: list[Shown], patience: Patience) -> list[Shown]:
    if patience.ran_out and not shown:
        raise Unavailable("the store is away, and nothing of this page is cached")
    return shown
