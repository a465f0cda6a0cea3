"""SIGKILL at every step of what keeps counts and deletions in Redis: they come true all the same.

While Redis is flushed again and again; likes and deletions are written straight into the stores. Without the
flushes, each step is killed under the load of `tests.e2e.bustle`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.ids import TweetId, UserId, compose_id, id_time_ms
from core.types import Tweet
from eventlog.schema import LikeSet, ReplySet, TweetCreated, TweetDeleted, record_of
from stores.cached_tweet import is_tombstone, tweet_key
from stores.ports import OutboxRecord
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_options import RedisOptions
from stores.tweet_cache import TweetCache
from tests.e2e.faulty_stack import faulty_stack, left
from tests.e2e.waiting import eventually
from tests.faults.fault import arm
from tests.faults.points import TWEET_STATE, faults_of
from tests.integration.redis_world import PATIENT_MS
from wiring.resources import Stores, open_stores

pytestmark = pytest.mark.torture

FAULTS = tuple(faults_of("pipelines", TWEET_STATE))
AUTHORS = [UserId(number) for number in range(501, 506)]
CLIENTS = 8
FLUSH_EVERY = 100
PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Doings:
    """What people do to the tweets of some authors, each thing with its event."""

    stores: Stores
    cache: TweetCache
    mint: Callable[[], int]
    tweets: list[Tweet]
    deleted: list[int]

    async def post(self, author: UserId, reply_to: Tweet | None = None) -> None:
        tweet_id = TweetId(self.mint())
        parent = None if reply_to is None else reply_to.tweet_id
        tweet = Tweet(tweet_id, author, "hello", id_time_ms(tweet_id), reply_to=parent)
        await self.stores.tweets.create(
            tweet, None, [self._record(TweetCreated.of(tweet), author), *self._edge(tweet, on=True)]
        )
        self.tweets.append(tweet)

    async def delete(self, tweet: Tweet) -> None:
        event = self._record(TweetDeleted(tweet.tweet_id, tweet.author_id), tweet.author_id)
        await self.stores.tweets.delete(tweet, ver=self.mint(), outbox=[event, *self._edge(tweet, on=False)])
        self.deleted.append(tweet.tweet_id)

    async def like(self, user: int, tweet: Tweet, *, on: bool) -> None:
        record = self._record(LikeSet(user, tweet.tweet_id, on), tweet.tweet_id)
        await self.stores.engagements.set_like(
            UserId(user), tweet.tweet_id, on=on, ver=self.mint(), outbox=[record]
        )

    async def look(self, tweets: Sequence[Tweet]) -> None:
        await self.cache.get_live([tweet.tweet_id for tweet in tweets])

    def _edge(self, tweet: Tweet, *, on: bool) -> list[OutboxRecord]:
        if tweet.reply_to is None:
            return []
        return [self._record(ReplySet(tweet.tweet_id, tweet.reply_to, on), tweet.reply_to)]

    def _record(self, event: LikeSet | ReplySet | TweetCreated | TweetDeleted, key: int) -> OutboxRecord:
        number = self.mint()
        return record_of(event, id=number, ts_ms=id_time_ms(number), key=key)


async def test_each_step_is_killed_and_nothing_of_it_shows(tmp_path: Path) -> None:
    clock, sequence = SystemClock(), itertools.count()

    def mint() -> int:
        # The importer's number, which no process of the stack holds.
        return compose_id(clock.now_ms(), 31, 31, next(sequence) % 4_096)

    with faulty_stack(tmp_path, FAULTS) as stack:
        redis = open_redis(RedisOptions(stack.state.redis_url, PATIENT_MS))
        async with open_stores(stack.settings, stack.home, clock) as stores:
            cache = TweetCache(redis, stores.tweets, stores.engagements, clock, random.Random(1))
            doings = Doings(stores, cache, mint, [], [])
            for author in AUTHORS:
                await doings.post(author)
            roots = list(doings.tweets)
            arm(tmp_path)
            over = asyncio.Event()

            async def client(number: int) -> None:
                dice = random.Random(number)
                for turn in itertools.count(1):
                    if over.is_set():
                        return
                    root = dice.choice(roots)
                    await doings.like(dice.randrange(1, 40), root, on=dice.random() < 0.7)
                    await doings.post(AUTHORS[0], reply_to=root)
                    if turn % 3 == 0:
                        await doings.delete(doings.tweets[len(roots) + dice.randrange(turn)])
                    await doings.look(dice.choices(doings.tweets, k=10))
                    if turn % FLUSH_EVERY == 0:
                        with stack.redis() as look:
                            look.flushall()
                    await asyncio.sleep(0.02)

            async def all_have_happened() -> bool:
                return not left(tmp_path, FAULTS)

            async with asyncio.TaskGroup() as clients:
                for number in range(CLIENTS):
                    clients.create_task(client(number))
                await eventually("every fault has happened", all_have_happened, PATIENCE_S)
                over.set()
            await stack.drained()
            check = Check(doings, roots, redis)
            await eventually("what is deleted is not shown", check.deleted_stay_deleted)
            await eventually("counts are what the rows are", check.counts_are_true)
            await eventually("deletions are in Redis", check.tombstones_are_there)
        await redis.aclose()


@dataclass(frozen=True, slots=True)
class Check:
    """What must come true, by itself, seconds after the last event."""

    doings: Doings
    roots: Sequence[Tweet]
    redis: RedisClient

    async def deleted_stay_deleted(self) -> bool:
        newest = [tweet.tweet_id for tweet in self.doings.tweets[-900:]]
        live = await self.doings.cache.get_live(newest)
        return live.keys() == set(newest) - set(self.doings.deleted)

    async def counts_are_true(self) -> bool:
        ids = [root.tweet_id for root in self.roots]
        truth = await self.doings.stores.engagements.counts(ids)
        gone = set(self.doings.deleted)
        replies = [tweet for tweet in self.doings.tweets if tweet.reply_to and tweet.tweet_id not in gone]
        assert sum(counts.replies for counts in truth.values()) == len(replies)
        assert all(counts.likes for counts in truth.values())
        shown = await self.doings.cache.get_live(ids)
        return {one: tweet.counts for one, tweet in shown.items()} == truth

    async def tombstones_are_there(self) -> bool:
        keys = [tweet_key(tweet_id) for tweet_id in self.doings.deleted[-20:]]
        return all(is_tombstone(raw) for raw in (await self.redis.find(keys)).values)
