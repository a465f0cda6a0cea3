"""Counts in Redis are what the rows are, and what was deleted is marked so, on every engine.

With the real log and a real Redis: after disorder and duplicates, deaths at every call, and flushes.
"""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, cast

import pytest

from core.clock import SystemClock
from core.ids import TweetId, UserId
from core.types import Tweet
from eventlog.log import OperatedLog
from eventlog.schema import Event, LikeSet, ReplySet, RetweetSet, TweetDeleted, record_of
from pipelines.recounts import RecountOptions, Recounts
from pipelines.tombstone_repeats import TombstoneRepeats
from pipelines.tweet_state import GROUP, TOPICS, TweetState
from stores.cached_tweet import counts_key, decode_state, is_tombstone, tweet_key
from stores.counts_cache import CountsCache
from stores.ports import Counts, EngagementStore, OutboxRecord
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_commands import command
from stores.redis_options import RedisOptions
from stores.tombstones import Tombstones
from stores.tweet_cache import TweetCache
from tests.contracts.engines import Stack
from tests.e2e.waiting import eventually
from tests.fakes import FakeClock
from tests.integration.redis_world import PATIENT_MS

ADA = UserId(21)
TWEETS = [TweetId(1_000), TweetId(1_001), TweetId(1_002)]
SOON = RecountOptions(every_s=0.02, retry_s=0.02)
DEATHS = 12


class Died(Exception):
    """A process of the test came to its end."""


class Mortal:
    """A port that dies with its process, before or after the `at`-th call of all its ports together."""

    def __init__(self, port: Any, life: Life) -> None:
        self._port = port
        self._life = life

    def __getattr__(self, method: str) -> Any:
        value = getattr(self._port, method)
        if not inspect.iscoroutinefunction(value) or method == "close":
            return value

        async def call(*arguments: Any, **options: Any) -> Any:
            self._life.step(method)
            result = await value(*arguments, **options)
            self._life.step(method)
            return Mortal(result, self._life) if method == "subscribe" else result

        return call


class Life:
    """Of so many steps; None is without end."""

    def __init__(self, steps: int | None) -> None:
        self._left = steps
        self.is_over = asyncio.Event()

    def step(self, method: str) -> None:
        # A poll that finds nothing is made again and again.
        if self._left is None or method in ("poll", "offsets_at", "ends", "positions", "lag"):
            return
        if self._left == 0:
            self.is_over.set()
            raise Died
        self._left -= 1


class StoresClock(SystemClock):
    """The day is that of the stores and the log, which stands still; seconds pass."""

    def __init__(self, day: FakeClock) -> None:
        self._day = day

    def now_ms(self) -> int:
        return self._day.now_ms()


class World:
    def __init__(self, stack: Stack, redis: RedisClient, clock: FakeClock) -> None:
        self.stack = stack
        self.redis = redis
        self.clock = StoresClock(clock)
        self.cache = TweetCache(redis, stack.tweets, stack.engagements, self.clock, random.Random(1))
        self.numbers = count(10_000)

    async def post(
        self, tweet_id: int, *, reply_to: int | None = None, retweet_of: int | None = None
    ) -> Tweet:
        tweet = Tweet(
            TweetId(tweet_id),
            ADA if retweet_of is None else UserId(tweet_id),
            "" if retweet_of else "hello",
            1_000,
            None if reply_to is None else TweetId(reply_to),
            None if retweet_of is None else TweetId(retweet_of),
        )
        await self.stack.tweets.create(tweet, None, self._edge(tweet, on=True))
        return tweet

    async def delete(self, tweet: Tweet) -> None:
        """In the store and the log; Redis is the consumer's."""
        deleted = self._record(TweetDeleted(tweet.tweet_id, tweet.author_id), tweet.author_id)
        outbox = [deleted, *self._edge(tweet, on=False)]
        await self.stack.tweets.delete(tweet, ver=tweet.tweet_id + 2**30, outbox=outbox)

    async def like(self, user: int, tweet: int, *, on: bool = True, told: int = 1) -> None:
        event = LikeSet(user, tweet, on)
        outbox = [self._record(event, tweet) for _ in range(told)]
        await self.stack.engagements.set_like(
            UserId(user), TweetId(tweet), on=on, ver=next(self.numbers), outbox=outbox
        )

    def _edge(self, tweet: Tweet, *, on: bool) -> list[OutboxRecord]:
        if tweet.reply_to is not None:
            return [self._record(ReplySet(tweet.tweet_id, tweet.reply_to, on), tweet.reply_to)]
        if tweet.retweet_of is not None:
            event = RetweetSet(tweet.author_id, tweet.retweet_of, on, tweet.tweet_id)
            return [self._record(event, tweet.retweet_of)]
        return []

    def _record(self, event: Event, key: int) -> OutboxRecord:
        return record_of(event, id=next(self.numbers), ts_ms=self.clock.now_ms(), key=key)

    def process(self, life: Life | None = None) -> TweetState:
        """One that consumes; its ports die with its life."""
        life = life or Life(None)
        engagements = cast(EngagementStore, Mortal(self.stack.engagements, life))
        redis = cast(RedisClient, Mortal(self.redis, life))
        log = cast(OperatedLog, Mortal(self.stack.log, life))
        return TweetState(
            log,
            Recounts(engagements, CountsCache(redis, engagements, self.clock), self.clock, SOON),
            TombstoneRepeats(Tombstones(redis), self.clock),
            self.clock,
            lambda: next(self.numbers),
        )

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[None]:
        """While a process consumes; at the end it has consumed everything."""
        stop = asyncio.Event()
        running = asyncio.create_task(self.process().run(stop))
        try:
            yield
            await self.stack.settle()
            await eventually("all is consumed", self.is_drained, 60.0)
        finally:
            stop.set()
            await running

    async def is_drained(self) -> bool:
        return not any((await self.stack.log.lag(GROUP, TOPICS)).values())

    async def in_redis(self, tweet: int) -> Counts | None:
        """Asked past the product's own reading."""
        state = decode_state(await self.redis.call(command(b"GET", counts_key(tweet))))
        return None if state is None else state[0]

    async def is_marked_deleted(self, tweet: int) -> bool:
        body, state = (await self.redis.find([tweet_key(tweet), counts_key(tweet)])).values
        return is_tombstone(body) and state is not None and bool(state[-1] & 1)


@pytest.fixture
async def world(stack: Stack, clock: FakeClock, redis_url: str) -> AsyncIterator[World]:
    redis = open_redis(RedisOptions(redis_url, PATIENT_MS))
    await redis.call(command(b"FLUSHALL", b"SYNC"))
    made = World(stack, redis, clock)
    for tweet_id in TWEETS:
        await made.post(tweet_id)
    try:
        yield made
    finally:
        await redis.aclose()


async def test_counts_are_what_the_rows_are(world: World) -> None:
    await world.cache.get_live(TWEETS)
    async with world.consuming():
        for user in range(1, 21):
            await world.like(user, TWEETS[0], told=1 + user % 3)
        for user in range(1, 6):
            await world.like(user, TWEETS[0], on=False)
        reply = await world.post(2_000, reply_to=TWEETS[0])
        await world.post(2_001, reply_to=TWEETS[1])
        await world.post(3_000, retweet_of=TWEETS[1])
        await world.delete(reply)
    assert [await world.in_redis(tweet) for tweet in TWEETS] == [Counts(15), Counts(0, 1, 1), Counts()]
    # What Redis does not have is not made by a recount, and found by whoever reads.
    assert await world.in_redis(2_001) is None
    await world.redis.call(command(b"FLUSHALL", b"SYNC"))
    live = await world.cache.get_live(TWEETS)
    assert [live[tweet].counts for tweet in TWEETS] == [Counts(15), Counts(0, 1, 1), Counts()]


async def test_deaths_at_every_call_lose_nothing(world: World) -> None:
    await world.cache.get_live(TWEETS)
    deaths = 0
    for steps in range(DEATHS):
        await world.like(100 + steps, TWEETS[0])
        await world.like(100, TWEETS[0], on=steps % 2 == 0)
        doomed = await world.post(5_000 + steps, reply_to=TWEETS[1])
        await world.delete(doomed)
        await world.stack.settle()
        life = Life(steps)
        async with asyncio.timeout(60):
            await _live(world.process(life), life)
        deaths += life.is_over.is_set()
    assert deaths == DEATHS
    async with world.consuming():
        pass
    assert await world.in_redis(TWEETS[0]) == Counts(likes=DEATHS - 1)
    assert await world.in_redis(TWEETS[1]) == Counts()
    for steps in range(DEATHS):
        assert await world.is_marked_deleted(5_000 + steps)


async def _live(process: TweetState, life: Life) -> None:
    """Until its ports have died, and it with them."""
    running = asyncio.create_task(process.run(asyncio.Event()))
    over = asyncio.create_task(life.is_over.wait())
    await asyncio.wait([running, over], return_when=asyncio.FIRST_COMPLETED)
    running.cancel()
    await asyncio.wait([running, over])
    assert running.cancelled() or isinstance(running.exception(), BaseExceptionGroup)


async def test_flushes_in_between_end_in_what_the_rows_are(world: World) -> None:
    async with world.consuming():
        for user in range(1, 31):
            await world.like(user, TWEETS[user % 3])
            await world.cache.get_live(TWEETS)
            if user % 5 == 0:
                await world.redis.call(command(b"FLUSHALL", b"SYNC"))
    live = await world.cache.get_live(TWEETS)
    assert [live[tweet].counts for tweet in TWEETS] == [Counts(10)] * 3


async def test_what_was_deleted_is_marked_by_the_consumer_alone(world: World) -> None:
    tweet = (await world.cache.get_live(TWEETS))[TWEETS[0]].tweet
    async with world.consuming():
        await world.delete(tweet)
    assert await world.is_marked_deleted(TWEETS[0])
    assert set(await world.cache.get_live(TWEETS)) == set(TWEETS[1:])


async def test_a_new_process_marks_again_what_another_had_marked(world: World) -> None:
    tweet = (await world.cache.get_live(TWEETS))[TWEETS[0]].tweet
    async with world.consuming():
        await world.delete(tweet)
    await world.redis.call(command(b"FLUSHALL", b"SYNC"))

    async def is_marked() -> bool:
        return await world.is_marked_deleted(TWEETS[0])

    async with world.consuming():
        await eventually("it is marked again", is_marked, 60.0)
