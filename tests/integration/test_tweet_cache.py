"""Tweets by id on a real Redis: what is there is found in one round trip, what is deleted never is."""

from __future__ import annotations

import random
from typing import Any

import pytest

from core.errors import Unavailable
from core.ids import TweetId, UserId
from core.types import Tweet
from stores.cached_tweet import DELETED, TOMBSTONE, TOMBSTONE_TTL_S, TTL_S, counts_key, tweet_key
from stores.ports import Bucket, Counts
from stores.recent_misses import TTL_S as MISS_S
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from stores.tombstones import Tombstones
from stores.tweet_cache import FILL_WITHIN_S, LiveTweet, TweetCache
from tests.fakes import FakeClock
from tests.integration.redis_world import RedisWorld
from tests.unit.stores.fake_engagements import FakeEngagementStore
from tests.unit.timelines.fake_stores import FakeTweetStore

ADA = UserId(21)
BASE = 2**62
IDS = list(range(BASE, BASE + 20))


class Cached:
    """A cache over stores in memory, with twenty tweets of Ada's; the first has two likes."""

    def __init__(self, world: RedisWorld) -> None:
        self.redis: Any = world.look
        self.tweets = FakeTweetStore()
        self.engagements = FakeEngagementStore()
        self.clock = FakeClock()
        self.cache = self.another(world)
        self.tombstones = Tombstones(world.client)
        self.tweets.add(ADA, *IDS)
        self.engagements.add(BASE, "likes", 1, 2)
        self.engagements.counted = {
            bucket: sum(rows.values()) for bucket, rows in self.engagements.rows.items()
        }

    def another(self, world: RedisWorld) -> TweetCache:
        return TweetCache(world.client, self.tweets, self.engagements, self.clock, random.Random(1))

    def live(self, tweet_id: int) -> LiveTweet:
        return LiveTweet(self.tweets.tweets[tweet_id], self.engagements.truth(tweet_id))

    async def delete(self, tweet_id: int) -> None:
        await self.tweets.delete(self.tweets.tweets[tweet_id], ver=tweet_id + 1, outbox=[])
        await self.tombstones.write([tweet_id])


@pytest.fixture
def cached(both_redis: RedisWorld) -> Cached:
    return Cached(both_redis)


async def test_what_is_missing_comes_from_the_store_and_is_then_there(cached: Cached) -> None:
    expected = {tweet_id: cached.live(tweet_id) for tweet_id in IDS}
    assert await cached.cache.get_live(IDS) == expected
    assert expected[BASE].counts == Counts(likes=2)
    reads = cached.tweets.reads
    cached.tweets.away = cached.engagements.away = True
    assert await cached.cache.get_live(IDS) == expected
    assert cached.tweets.reads == reads
    for key in (tweet_key(BASE), counts_key(BASE)):
        assert 0.9 * TTL_S - 60 <= await cached.redis.ttl(key) <= 1.1 * TTL_S


async def test_of_nothing_nothing_is_asked(cached: Cached) -> None:
    assert await cached.cache.get_live([]) == {}
    assert await cached.cache.get_many([]) == {}
    assert (cached.tweets.reads, cached.engagements.asked) == (0, [])


@pytest.mark.parametrize("lost", [tweet_key, counts_key])
async def test_the_half_that_is_missing_is_asked_for(cached: Cached, lost: Any) -> None:
    await cached.cache.get_live(IDS)
    await cached.redis.delete(lost(BASE))
    assert await cached.cache.get_live(IDS) == {tweet_id: cached.live(tweet_id) for tweet_id in IDS}
    assert await cached.redis.exists(lost(BASE))


async def test_what_is_deleted_is_not_shown_and_not_asked_for(cached: Cached) -> None:
    await cached.cache.get_live(IDS)
    await cached.delete(BASE)
    cached.tweets.away = True
    assert set(await cached.cache.get_live(IDS)) == set(IDS[1:])
    assert set(await cached.cache.get_many(IDS)) == set(IDS[1:])
    assert set(await cached.cache.at_hand(IDS)) == set(IDS[1:])
    assert set(await cached.cache.at_hand_live(IDS)) == set(IDS[1:])
    for key in (tweet_key(BASE), counts_key(BASE)):
        assert TTL_S < await cached.redis.ttl(key) <= TOMBSTONE_TTL_S


@pytest.mark.parametrize("lost", [(tweet_key,), (counts_key,), (tweet_key, counts_key)])
async def test_what_is_deleted_stays_so_whatever_of_it_is_lost(cached: Cached, lost: tuple[Any, ...]) -> None:
    await cached.delete(BASE)
    for key in lost:
        await cached.redis.delete(key(BASE))
    assert set(await cached.cache.get_live(IDS)) == set(IDS[1:])
    # Whoever found out wrote it down again.
    assert await cached.redis.get(tweet_key(BASE)) in (None, TOMBSTONE + DELETED)
    cached.tweets.away = True
    assert await cached.cache.get_live([BASE]) == {}


async def test_a_body_without_its_state_is_not_believed(cached: Cached) -> None:
    await cached.cache.get_live(IDS)
    await cached.tweets.delete(cached.tweets.tweets[BASE], ver=BASE + 1, outbox=[])
    await cached.redis.delete(counts_key(BASE))
    assert set(await cached.cache.get_live(IDS)) == set(IDS[1:])
    assert await cached.redis.get(tweet_key(BASE)) == TOMBSTONE + DELETED


async def test_a_hidden_tweet_is_absent_and_keeps_its_counts(cached: Cached) -> None:
    await cached.cache.get_live(IDS)
    await cached.redis.setbit(counts_key(BASE), 126, 1)
    assert BASE not in await cached.cache.get_live(IDS)
    await cached.redis.setbit(counts_key(BASE), 126, 0)
    assert (await cached.cache.get_live(IDS))[BASE].counts == Counts(likes=2)


@pytest.mark.parametrize("damaged", [b"", b"\x00" * 15, b"\x00" * 17, b"\xff" * 16])
async def test_a_state_that_cannot_be_read_is_a_miss(cached: Cached, damaged: bytes) -> None:
    await cached.redis.set(counts_key(BASE), damaged)
    assert await cached.cache.get_live([BASE]) == {BASE: cached.live(BASE)}


async def test_something_else_under_our_keys_is_a_miss(cached: Cached) -> None:
    await cached.redis.lpush(counts_key(BASE), 1)
    await cached.redis.lpush(tweet_key(BASE), 1)
    assert await cached.cache.get_live([BASE]) == {BASE: cached.live(BASE)}


async def test_at_hand_is_what_redis_has(cached: Cached) -> None:
    await cached.cache.get_live(IDS)
    await cached.redis.delete(counts_key(BASE), tweet_key(BASE + 1))
    cached.tweets.away = cached.engagements.away = True
    found = await cached.cache.at_hand_live(IDS)
    assert set(found) == set(IDS) - {BASE + 1}
    assert found[BASE] == LiveTweet(cached.tweets.tweets[BASE], Counts())


async def test_without_the_store_what_is_missing_is_unavailable(cached: Cached) -> None:
    await cached.cache.get_live(IDS)
    await cached.redis.delete(counts_key(BASE))
    cached.tweets.away = True
    with pytest.raises(Unavailable):
        await cached.cache.get_live(IDS)


async def test_without_redis_everything_comes_from_the_store(cached: Cached) -> None:
    await cached.delete(BASE)
    nowhere = open_redis(RedisOptions("redis://127.0.0.1:1", 500))
    cache = TweetCache(nowhere, cached.tweets, cached.engagements, cached.clock, random.Random(1))
    for _ in range(2):
        assert await cache.get_live(IDS) == {tweet_id: cached.live(tweet_id) for tweet_id in IDS[1:]}
        assert set(await cache.get_many(IDS)) == set(IDS[1:])
    assert await cache.at_hand_live(IDS) == {}
    await nowhere.aclose()


async def test_a_miss_is_asked_for_once_a_second(cached: Cached) -> None:
    unknown = BASE + 500
    for _ in range(3):
        assert await cached.cache.get_live([unknown]) == {}
        assert await cached.cache.get_many([unknown]) == {}
    assert cached.tweets.reads == 2  # the tweet, and whether it was deleted
    cached.clock.advance(int(MISS_S * 1_000))
    cached.tweets.add(ADA, unknown)
    assert set(await cached.cache.get_live([unknown])) == {unknown}


async def test_a_creation_shows_at_once_where_it_was_missed_before(
    cached: Cached, both_redis: RedisWorld
) -> None:
    created = Tweet(TweetId(BASE + 500), ADA, "new", 1_000)
    other = cached.another(both_redis)
    for cache in (cached.cache, other):
        assert await cache.get_live([created.tweet_id]) == {}
    await cached.tweets.create(created, None, [])
    await cached.cache.put(created)
    for cache in (cached.cache, other):
        assert await cache.get_live([created.tweet_id]) == {created.tweet_id: LiveTweet(created, Counts())}


async def test_a_creation_that_redis_does_not_take_shows_where_it_was_made(cached: Cached) -> None:
    created = Tweet(TweetId(BASE + 500), ADA, "new", 1_000)
    nowhere = open_redis(RedisOptions("redis://127.0.0.1:1", 500))
    cache = TweetCache(nowhere, cached.tweets, cached.engagements, cached.clock, random.Random(1))
    assert await cache.get_live([created.tweet_id]) == {}
    await cached.tweets.create(created, None, [])
    await cache.put(created)
    assert set(await cache.get_live([created.tweet_id])) == {created.tweet_id}
    await nowhere.aclose()


async def test_a_fill_gives_way_to_a_deletion(cached: Cached) -> None:
    """The store is read, then the tweet is deleted, and only then does the reader fill."""

    async def delete_meanwhile() -> None:
        await cached.delete(BASE)

    cached.engagements.after_read = [delete_meanwhile]
    await cached.cache.get_live([BASE])
    assert await cached.cache.get_live([BASE]) == {}
    assert await cached.redis.get(tweet_key(BASE)) == TOMBSTONE + DELETED


async def test_whoever_is_too_late_does_not_fill(cached: Cached) -> None:
    async def sleep() -> None:
        cached.clock.advance(int(FILL_WITHIN_S * 1_000) + 1)

    cached.engagements.after_read = [sleep]
    assert await cached.cache.get_live(IDS) == {tweet_id: cached.live(tweet_id) for tweet_id in IDS}
    assert not await cached.redis.exists(tweet_key(BASE))
    assert not await cached.redis.exists(counts_key(BASE))


async def test_counts_are_those_of_the_last_recount(cached: Cached) -> None:
    cached.engagements.add(BASE + 1, "replies", 5)
    assert (await cached.cache.get_live([BASE + 1]))[BASE + 1].counts == Counts()
    await cached.engagements.recount([Bucket(BASE + 1, "replies", n) for n in range(16)])
    await cached.redis.flushall()
    assert (await cached.cache.get_live([BASE + 1]))[BASE + 1].counts == Counts(replies=1)
