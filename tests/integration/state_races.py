"""One tweet, whoever reads, deletes, counts and repairs what Redis has of it, and what Redis goes through.

Steps are drawn one by one: somebody begins, a call that waits goes on or fails, time passes, Redis is
flushed or fails over to what a replica had, a key expires. Two caches stand for two processes.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TypeVar

from core.errors import Unavailable
from core.ids import TweetId, UserId, compose_id
from core.types import Tweet
from eventlog.log import TopicPartition
from pipelines.dirty_tweets import Place
from pipelines.recounts import Recounts
from pipelines.tombstone_repeats import TombstoneRepeats
from stores.buckets import bucket_of
from stores.cached_tweet import counts_key, is_tombstone, tweet_key
from stores.counts_cache import CountsCache
from stores.ports import Bucket, Counts
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_commands import command
from stores.redis_options import RedisOptions
from stores.tombstones import Tombstones
from stores.tweet_cache import LiveTweet, TweetCache
from tests.fakes import FakeClock
from tests.integration.interleaving import ACTOR, Held, HeldRedis, Stage, held_port
from tests.integration.redis_world import PATIENT_MS
from tests.unit.stores.fake_engagements import FakeEngagementStore
from tests.unit.timelines.fake_stores import FakeTweetStore

TWEET = TweetId(2**62)
POSTED = Tweet(TWEET, UserId(21), "hello", 1_000)
KEYS = (tweet_key(TWEET), counts_key(TWEET))
LAG_MS = 3_000
"""So much a replica that takes over may lack."""
EDGES = TopicPartition("edges.v1", 0)

Values = tuple[bytes | None, bytes | None]
T = TypeVar("T")


@dataclass(slots=True)
class Look:
    """One read, from its begin."""

    gone_after: int | None
    """How many disturbances there had been, where the tweet was surely gone by then."""
    there_after: int | None
    """How much had been lost, where it was surely there."""
    task: asyncio.Task[LiveTweet | None]


class Races:
    def __init__(self, redis: RedisClient) -> None:
        self.redis = redis
        self.stage = Stage()
        self.clock = FakeClock()
        self.tweets = FakeTweetStore()
        self.engagements = FakeEngagementStore()
        held_redis = HeldRedis(redis, self.stage)
        tweets, engagements = held_port(self.tweets, self.stage), held_port(self.engagements, self.stage)
        self.caches = [
            TweetCache(held_redis, tweets, engagements, self.clock, random.Random(n)) for n in range(2)
        ]
        self._held_tweets = tweets
        self._tombstones = _NotedTombstones(held_redis, self)
        self._counts = CountsCache(held_redis, engagements, self.clock)
        self.repeats = TombstoneRepeats(self._tombstones, self.clock)
        self.recounts = Recounts(engagements, self._counts, self.clock)
        self.looks: list[Look] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._history: list[tuple[int, Values]] = []
        self._users = count(1)
        self._actors = count(1)
        self.newest = 0
        """Who began last."""
        self._turning = False
        self.disturbances = self.lost = 0
        self.posted_after: int | None = None
        """How much had been lost when it was posted."""
        self.is_begun_to_post = self.is_begun_to_delete = self.is_told = self.is_deleted = (
            self.is_consuming
        ) = False
        self.tombstoned_after: int | None = None
        """How many disturbances there had been when the newest tombstone began to be written."""

    # Who begins.

    def look(self, process: int) -> None:
        async def read() -> LiveTweet | None:
            return (await self.caches[process].get_live([TWEET])).get(TWEET)

        gone = self.tombstoned_after if self.is_deleted else None
        there = None if self.is_begun_to_delete else self.posted_after
        self.looks.append(Look(gone, there, self._start(read)))

    def have_posted(self) -> None:
        """Some time ago: nothing of it is in Redis."""
        self.is_begun_to_post = True
        self.tweets.tweets[TWEET] = POSTED
        self.posted_after = 0

    async def post(self) -> None:
        self.is_begun_to_post = True
        await self._held_tweets.create(POSTED, None, [])
        lost = self.lost
        await self.caches[0].put(POSTED)
        self.posted_after = lost

    async def delete(self) -> None:
        """As its route does: the store, then the tombstone; the event is there once the store has it."""
        self.is_begun_to_delete = True
        await self._held_tweets.delete(POSTED, ver=TWEET + 1, outbox=[])
        self.is_told = True
        with suppress(Unavailable):
            await self._tombstones.write([TWEET])
        self.is_deleted = True

    async def consume(self) -> None:
        """As the worker does, until it could."""
        self.is_consuming = True
        while True:
            try:
                await self.repeats.write([TWEET])
            except Unavailable:
                continue
            return

    async def like(self) -> None:
        """As its route does: the store and the event, and some time later the hint."""
        user = next(self._users)
        ver = compose_id(self.clock.now_ms(), 0, 0, 0)
        self.engagements.add(TWEET, "likes", user)
        place = Place(EDGES, user)
        self.recounts.mark(Bucket(TWEET, "likes", bucket_of(user)), place, at_ms=self.clock.now_ms())
        await self.stage.around("answered", lambda: asyncio.sleep(0))
        await self._counts.shift(TWEET, "likes", 1, before=Counts(), ver=ver)

    async def turn(self) -> None:
        """What the consumer does beside its events."""
        self._turning = True
        try:
            await self.recounts.turn()
            await self.repeats.turn()
        finally:
            self._turning = False

    def begin(self, act: Callable[[], Coroutine[None, None, None]]) -> None:
        self._tasks.add(self._start(act))

    def _start(self, act: Callable[[], Coroutine[None, None, T]]) -> asyncio.Task[T]:
        self.newest = next(self._actors)
        context = contextvars.copy_context()
        context.run(ACTOR.set, self.newest)
        return asyncio.create_task(act(), context=context)

    # What happens to it.

    async def pass_time(self, ms: int) -> bool:
        """What is on its way to Redis arrives before: its timeout is shorter than any step of time.

        Whether the consumer has begun to do what is due.
        """
        for held in [one for one in self.stage.held if one.of_redis and not one.is_made]:
            if held in self.stage.held:
                await self.stage.let_go(held)
        self.clock.advance(ms)
        if self._turning:
            return False
        self.begin(self.turn)
        return True

    async def flush(self) -> None:
        await self._restore((None, None), (0, 1))

    async def fail_over(self, back: int, shards: tuple[int, ...]) -> None:
        """To what a replica had `back` steps ago, if it is not too long ago; the keys' shards fail alone."""
        recent = [values for at_ms, values in self._history if self.clock.now_ms() - at_ms <= LAG_MS]
        if recent:
            await self._restore(recent[-1 - back % len(recent)], shards)

    async def expire(self, number: int) -> None:
        """Not what outlives every fill."""
        raw = (await self.values())[number]
        if not (is_tombstone(raw) or (number == 1 and raw is not None and raw[-1])):
            self.lost += 1
            await self.redis.call(command(b"DEL", KEYS[number]))

    async def let_go(self, held: Held, *, failed: bool) -> None:
        """Goes on with a call; only of Redis it is known what its callers do when it fails."""
        self.lost += failed and held.of_redis
        await self.stage.let_go(held, failed=failed and held.of_redis)

    async def _restore(self, values: Values, shards: tuple[int, ...]) -> None:
        self.disturbances += 1
        self.lost += 1
        for number in shards:
            value = values[number]
            await self.redis.call(
                command(b"DEL", KEYS[number])
                if value is None
                else command(b"SET", KEYS[number], value, b"EX", 1_000)
            )

    async def values(self) -> Values:
        body, state = (await self.redis.find(KEYS)).values
        return body, state

    async def note(self) -> None:
        self._history.append((self.clock.now_ms(), await self.values()))

    # What must be true.

    def check(self) -> None:
        for look in [one for one in self.looks if one.task.done()]:
            self.looks.remove(look)
            found = look.task.result()
            if look.gone_after == self.disturbances:
                assert found is None, "a deleted tweet was shown"
            if look.there_after == self.lost and not self.is_begun_to_delete:
                assert found is not None, "a tweet that is there was not shown"
        for task in [one for one in self._tasks if one.done()]:
            self._tasks.remove(task)
            task.result()

    async def drain(self) -> None:
        """Everybody ends, and the consumer has done all that it will do."""
        await self._run_out()
        if self.is_told and not self.is_consuming:
            self.begin(self.consume)
            await self._run_out()
        # A failed write, a recount and its repeat; and the tombstone's.
        for ms in (1_000, 5_000, 5_000, 5_000, 60_000, 5_000):
            await self.pass_time(ms)
            await self._run_out()
        assert len(self.repeats) == 0

    async def _run_out(self) -> None:
        await self.stage.settle()
        while self.stage.held:
            await self.stage.let_go(self.stage.held[0])
        self.check()
        assert not self._tasks
        assert not self.looks

    def truth(self) -> LiveTweet | None:
        tweet = self.tweets.tweets.get(TWEET)
        return None if tweet is None else LiveTweet(tweet, self.engagements.truth(TWEET))

    async def shown(self) -> list[LiveTweet | None]:
        """What each process shows when all is over."""

        async def read(cache: TweetCache) -> LiveTweet | None:
            return (await cache.get_live([TWEET])).get(TWEET)

        tasks = [self._start(partial(read, cache)) for cache in self.caches]
        await self._run_out()
        return [task.result() for task in tasks]


class _NotedTombstones(Tombstones):
    """Notes since which disturbance the newest was begun that was written."""

    def __init__(self, redis: RedisClient, races: Races) -> None:
        super().__init__(redis)
        self._races = races

    async def write(self, tweet_ids: Sequence[int]) -> None:
        began = self._races.disturbances
        await super().write(tweet_ids)
        self._races.tombstoned_after = max(began, self._races.tombstoned_after or 0)


@asynccontextmanager
async def races(redis_url: str) -> AsyncIterator[Races]:
    redis = open_redis(RedisOptions(redis_url, PATIENT_MS))
    try:
        await redis.calls([command(b"DEL", key) for key in KEYS])
        yield Races(redis)
    finally:
        await redis.aclose()
