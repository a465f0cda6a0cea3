"""A viewer's timeline, as the feed reads it: list, followees and who is hidden, in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

import msgspec
import numpy as np
import structlog
from prometheus_client import Counter

from core.errors import Unavailable
from core.ids import UserId
from stores.ports import Followees, GraphStore, Hidden, Ids
from stores.redis_client import RedisClient
from stores.redis_commands import command
from stores.redis_errors import ResponseError
from timelines.fan_in import WideTweets
from timelines.layout import (
    CAPACITY,
    HEAD,
    SENTINELS,
    TTL_S,
    parse_head,
    parse_timeline,
    timeline_key,
)
from timelines.merge import TimelineMerge
from timelines.relations import (
    Relations,
    decode_followees,
    decode_hidden,
    decode_outdated,
    followees_key,
    hidden_key,
)

MAX_FAN_IN = 500
"""Followees that a read without Redis asks the store for; beyond it the feed is partial."""
DEEP = 100_000
"""Viewers of whom it is remembered that the head of their list says too little: 8 MB."""

_AT_ONCE = 500

READS = Counter("rankfeed_timeline_reads_total", "Timelines read, by where they came from", ["origin"])
_logger = structlog.get_logger("timeline_reader")


class Timeline(msgspec.Struct, frozen=True):
    """Ids newest first (int64 [n]) and whose tweets may be shown: followees and the viewer, sorted.

    Nothing by or of `blocked` (either way) and `muted` users may be, sorted as well. `origin` is `list`,
    `rebuilt` or `store`; `partial` says that not every followee was asked; `distinct` is the share of
    the list's ids that were not there twice. `outdated` says that the followees are those of before the
    last change, `cut` that the list has older ids as well.
    """

    viewer: UserId
    ids: Ids
    authors: Ids
    blocked: Ids
    muted: Ids
    origin: Literal["list", "rebuilt", "store"]
    partial: bool = False
    distinct: float = 1.0
    outdated: bool = False
    cut: bool = False


class TimelineReader:
    def __init__(
        self,
        redis: RedisClient,
        relations: Relations,
        merge: TimelineMerge,
        graph: GraphStore,
        tweets: WideTweets,
    ) -> None:
        self._redis = redis
        self._relations = relations
        self._merge = merge
        self._graph = graph
        self._tweets = tweets
        self._deep: set[UserId] = set()
        """Viewers with much in their lists that was pushed since these were put in order."""

    async def read(
        self,
        viewer: UserId,
        *,
        fresh: bool = False,
        enough: int | None = None,
        patience_s: float | None = None,
    ) -> Timeline:
        """From the list; rebuilt where it is cold; bounded from the store where Redis is away.

        `fresh` rebuilds a list that is complete too. Whoever wants no more than the newest says how many
        are `enough`: a list is then read no further than it has to be. With `patience_s` outdated followees
        will do where the store has not said for so long who they are. Raises Unavailable where the store
        is away as well.
        """
        try:
            timeline = await self._from_redis(viewer, fresh, None if fresh else enough, patience_s)
        except Unavailable as exc:
            _logger.warning("timeline_from_store", viewer=viewer, error=str(exc))
            timeline = await self._from_store(viewer)
        _reads(timeline.origin).inc()
        return timeline

    async def older(self, timeline: Timeline, *, before: int | None, limit: int) -> Ids:
        """What follows in the store: at most `limit` ids below `before`, newest first."""
        return await self._tweets.newest_ids(timeline.authors, before=before, limit=limit)

    async def rest(self, timeline: Timeline) -> Ids:
        """What the list has below those ids that were read of it; none where it cannot say."""
        none: Ids = np.empty(0, np.int64)
        try:
            (items,) = await self._redis.answers([command(b"LRANGE", timeline_key(timeline.viewer), 0, -1)])
        except Unavailable as exc:
            _logger.warning("rest_not_read", viewer=timeline.viewer, error=str(exc))
            return none
        listed = None if isinstance(items, ResponseError) else parse_timeline(items)
        if listed is None or not listed.complete:
            return none
        older: Ids = listed.ids[listed.ids < timeline.ids[-1]]
        return older

    async def down_to(self, timeline: Timeline, floor: int) -> Ids:
        """All ids from `floor` on, newest first: those of the list, and of the store where it ends above.

        Of a floor of 0 nothing below the list is known to be wanted. Raises Unavailable.
        """
        ids = timeline.ids[timeline.ids >= floor]
        while floor and not (len(ids) and ids[-1] == floor):
            before = int(ids[-1]) if len(ids) else None
            older = await self.older(timeline, before=before, limit=_AT_ONCE)
            ids = np.concatenate([ids, older[older >= floor]])
            if len(older) < _AT_ONCE or older[-1] < floor:
                break
        return ids

    async def retweets(
        self, timeline: Timeline, originals: Sequence[int], *, since: int
    ) -> Mapping[int, Ids]:
        """The store's retweets of these by the timeline's authors, from the id `since` on."""
        return await self._tweets.retweets_since(originals, timeline.authors, since=since)

    async def _from_redis(
        self, viewer: UserId, fresh: bool, enough: int | None, patience_s: float | None
    ) -> Timeline:
        key = timeline_key(viewer)
        head = enough is not None and viewer not in self._deep
        # Its last item first: a list that is built anew in between must not look complete.
        sentinel, items, _, raw_followees, raw_hidden = await self._redis.answers(
            [
                command(b"LINDEX", key, -1),
                command(b"LRANGE", key, 0, HEAD - 1 if head else -1),
                command(b"EXPIRE", key, TTL_S),
                command(b"GET", followees_key(viewer)),
                command(b"GET", hidden_key(viewer)),
            ]
        )
        for answer in (items, raw_followees, raw_hidden):
            if isinstance(answer, ResponseError):
                await self._remove_foreign(viewer, answer)
        cut = head and len(items) == HEAD and items[-1] not in SENTINELS
        listed = parse_head(items, sentinel, enough or 0) if cut else parse_timeline(items)
        if listed is None:
            self._note_deep(viewer)
            return await self._from_redis(viewer, fresh, enough, patience_s)
        if enough is not None and not head and parse_head(items[:HEAD], sentinel, enough) is not None:
            self._deep.discard(viewer)
        if not listed.complete or fresh:
            return await self._rebuilt(viewer, listed.ids, await self._hidden(viewer, raw_hidden))
        followees, outdated = decode_followees(raw_followees), False
        if followees is None:
            followees, outdated = await self._followees(viewer, decode_outdated(raw_followees), patience_s)
        hidden = await self._hidden(viewer, raw_hidden)
        return Timeline(
            viewer,
            listed.ids,
            _with_viewer(followees.ids, viewer),
            hidden.blocked,
            hidden.muted,
            "list",
            distinct=listed.distinct,
            outdated=outdated,
            cut=cut,
        )

    async def _rebuilt(self, viewer: UserId, listed: Ids, hidden: Hidden) -> Timeline:
        """From the store and into the list, with what this had."""
        authors: Ids = np.empty(0, np.int64)

        async def fresh_authors() -> Ids:
            # Read after the list exists: a follow in between then merges into that list.
            nonlocal authors
            authors = _with_viewer((await self._relations.load(viewer)).ids, viewer)
            return authors

        stored = await self._merge.rebuild(viewer, fresh_authors)
        # Not more than the store was asked for: below that it may have others.
        ids = np.unique(np.concatenate([listed, stored]))[::-1][:CAPACITY]
        return Timeline(viewer, ids, authors, hidden.blocked, hidden.muted, "rebuilt")

    def _note_deep(self, viewer: UserId) -> None:
        if len(self._deep) >= DEEP:
            self._deep.clear()
        self._deep.add(viewer)

    async def _followees(
        self, viewer: UserId, outdated: Followees | None, patience_s: float | None
    ) -> tuple[Followees, bool]:
        """From the store, and False; or those that are outdated, and True."""
        if outdated is None or patience_s is None:
            return await self._relations.load(viewer), False
        try:
            async with asyncio.timeout(patience_s):
                return await self._relations.load(viewer), False
        except (Unavailable, TimeoutError) as exc:
            _logger.warning("followees_outdated", viewer=viewer, error=str(exc) or type(exc).__name__)
            return outdated, True

    async def _hidden(self, viewer: UserId, raw: bytes | None) -> Hidden:
        hidden = decode_hidden(raw)
        return await self._relations.load_hidden(viewer) if hidden is None else hidden

    async def _remove_foreign(self, viewer: UserId, error: ResponseError) -> None:
        """A value of another type under our key is nothing of ours: it goes, and the store answers."""
        if not str(error).startswith("WRONGTYPE"):
            raise error
        ours = (timeline_key(viewer), followees_key(viewer), hidden_key(viewer))
        await self._redis.call(command(b"UNLINK", *ours))
        raise Unavailable(f"a key of viewer {viewer} held something else: {error}")

    async def _from_store(self, viewer: UserId) -> Timeline:
        (followees, _), hidden = await asyncio.gather(
            self._graph.followees(viewer), self._graph.hidden(viewer)
        )
        return Timeline(
            viewer,
            np.empty(0, np.int64),
            _with_viewer(followees[:MAX_FAN_IN], viewer),
            hidden.blocked,
            hidden.muted,
            "store",
            partial=len(followees) > MAX_FAN_IN,
        )


@cache
def _reads(origin: str) -> Counter:
    return READS.labels(origin)


def _with_viewer(followees: Ids, viewer: UserId) -> Ids:
    place = int(followees.searchsorted(viewer))
    return np.concatenate([followees[:place], np.array([viewer], np.int64), followees[place:]])
