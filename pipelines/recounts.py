"""Recounts: dirty buckets become absolute values, in the store and where Redis has counts of the tweet.

A tweet is visited at once when something happened to it, and then every 5 s while more does; one with
very many rows more slowly. After its last recount it is visited once more, without counting: whoever
read the store before it, and wrote to Redis after it, is overwritten.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge, Histogram

from core.clock import Clock
from core.errors import Unavailable
from core.waiting import happens
from eventlog.log import Offsets
from pipelines.dirty_tweets import DirtyTweets, Place, Visit
from stores.buckets import BUCKETS
from stores.counts_cache import CountsCache
from stores.ports import Bucket, Counts, EngagementStore

DIRTY = Gauge("rankfeed_dirty_tweets", "Tweets whose counts wait for a recount, or for its repeat")
RECOUNTS = Counter("rankfeed_recounts_total", "Buckets counted anew", ["kind"])
DELAY = Histogram(
    "rankfeed_recount_delay_seconds",
    "From an event to the counts that hold it",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

_logger = structlog.get_logger("recounts")


@dataclass(frozen=True, slots=True)
class RecountOptions:
    """`rows_a_second` is what the recounts of one tweet may cost; `slowest_s` how long its counts may wait.

    How many rows there are is known from the last counts: a like that was taken back has a row too,
    so it is somewhat more.
    """

    every_s: float = 5.0
    slowest_s: float = 50.0
    rows_a_second: int = 50_000
    at_once: int = 200
    retry_s: float = 1.0
    most_dirty: int = 100_000


class Recounts:
    """The effects of likes, retweets and replies (`eventlog.late_commits.LateEffects`)."""

    def __init__(
        self,
        engagements: EngagementStore,
        cache: CountsCache,
        clock: Clock,
        options: RecountOptions | None = None,
    ) -> None:
        self._engagements = engagements
        self._cache = cache
        self._clock = clock
        self._options = options or RecountOptions()
        self._dirty = DirtyTweets()
        self._visiting = asyncio.Lock()
        self._wake = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return len(self._dirty) >= self._options.most_dirty

    def mark(self, bucket: Bucket, place: Place | None, *, at_ms: int) -> None:
        self._dirty.mark(bucket, place, at_ms=at_ms, now_s=self._clock.monotonic_s())
        self._wake.set()

    def done(self, handled: Offsets) -> Offsets:
        return self._dirty.done(handled)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and `wake` called; what fails because a neighbour is away is tried again."""
        while not stop.is_set():
            self._wake.clear()
            await self.turn()
            due_s = self._dirty.next_due_s()
            await happens(self._wake, None if due_s is None else due_s - self._clock.monotonic_s())

    def wake(self) -> None:
        self._wake.set()

    async def turn(self) -> None:
        """Visits every tweet that is due."""
        async with self._visiting:
            while visits := self._dirty.take(self._clock.monotonic_s(), self._options.at_once):
                await self._visit(visits)
            DIRTY.set(len(self._dirty))

    async def finish(self) -> None:
        """Visits every tweet once, due or not. Raises Unavailable where something is left."""
        async with self._visiting:
            left = 0
            waiting = self._dirty.take(float("inf"), len(self._dirty))
            for begin in range(0, len(waiting), self._options.at_once):
                left += await self._visit(waiting[begin : begin + self._options.at_once])
        if left:
            raise Unavailable(f"{left} tweets could not be recounted")

    async def _visit(self, visits: Sequence[Visit]) -> int:
        """Returns how many were given back."""
        try:
            counted = await self._count(visits)
        except Unavailable as exc:
            _logger.warning("store_away", error=str(exc), tweets=len(visits))
            return self._give_back(visits)
        written = await self._write([visit.tweet for visit in visits], counted)
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        left = []
        for visit in visits:
            if visit.tweet not in written:
                # Counted it is; what is left is to write it.
                visit.dirt.buckets.clear()
                left.append(visit)
                continue
            if visit.dirt.since_ms is not None:
                DELAY.observe(max(0, now_ms - visit.dirt.since_ms) / 1000)
            self._dirty.counted(visit, next_s=now_s + self._pace_s(visit, counted[visit.tweet]), now_s=now_s)
        return self._give_back(left)

    async def _count(self, visits: Sequence[Visit]) -> Mapping[int, Counts]:
        buckets = [bucket for visit in visits for bucket in visit.buckets()]
        if buckets:
            await self._engagements.recount(buckets)
            for kind, number in Tally(bucket.kind for bucket in buckets).items():
                RECOUNTS.labels(kind).inc(number)
        return await self._engagements.counts([visit.tweet for visit in visits])

    async def _write(self, tweet_ids: Sequence[int], counted: Mapping[int, Counts]) -> set[int]:
        """Those whose counts Redis has taken: all, or, where a shard is away, those of the others."""
        try:
            await self._cache.renew({tweet_id: counted[tweet_id] for tweet_id in tweet_ids})
        except Unavailable as exc:
            _logger.warning("cache_away", error=str(exc), tweets=len(tweet_ids))
            if len(tweet_ids) == 1:
                return set()
            alone = await asyncio.gather(*(self._write([tweet_id], counted) for tweet_id in tweet_ids))
            return set().union(*alone)
        return set(tweet_ids)

    def _give_back(self, visits: Sequence[Visit]) -> int:
        for visit in visits:
            self._dirty.give_back(visit, again_s=self._clock.monotonic_s() + self._options.retry_s)
        return len(visits)

    def _pace_s(self, visit: Visit, counts: Counts) -> float:
        by_kind = counts._asdict()
        rows: float = sum(by_kind[kind] for kind, _ in visit.dirt.buckets) / BUCKETS
        options = self._options
        return min(options.slowest_s, max(options.every_s, rows / options.rows_a_second))
