"""Counts on a real Redis: what is there is overwritten and shifted, flags never, and nothing is made."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Unavailable
from core.ids import compose_id
from stores.cached_tweet import MAX_COUNT, counts_key, encode_state
from stores.counts_cache import HINT_WITHIN_MS, CountsCache
from stores.ports import CountKind, Counts
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from stores.tombstones import Tombstones
from tests.fakes import FakeClock
from tests.integration.redis_world import RedisWorld
from tests.unit.stores.fake_engagements import FakeEngagementStore

TWEET = 2**62


class World:
    def __init__(self, world: RedisWorld) -> None:
        self.redis: Any = world.look
        self.engagements = FakeEngagementStore()
        self.clock = FakeClock()
        self.cache = CountsCache(world.client, self.engagements, self.clock)
        self.tombstones = Tombstones(world.client)

    async def set(self, counts: Counts, flags: int = 0, tweet: int = TWEET) -> None:
        await self.redis.set(counts_key(tweet), encode_state(counts, flags), ex=1_000)

    async def state(self, tweet: int = TWEET) -> bytes | None:
        raw: bytes | None = await self.redis.get(counts_key(tweet))
        return raw


@pytest.fixture
def world(both_redis: RedisWorld) -> World:
    return World(both_redis)


@pytest.mark.parametrize(
    ("kind", "by", "after"),
    [("likes", 1, Counts(6, 3, 0)), ("retweets", -1, Counts(5, 2, 0)), ("replies", -1, Counts(5, 3, 0))],
)
async def test_a_hint_shifts_one_count(world: World, kind: CountKind, by: int, after: Counts) -> None:
    await world.set(Counts(5, 3, 0), flags=2)
    assert await world.cache.shift(TWEET, kind, by) == after
    assert await world.state() == encode_state(after, flags=2)
    assert 0 < await world.redis.ttl(counts_key(TWEET)) <= 1_000


async def test_a_count_does_not_pass_its_ends(world: World) -> None:
    await world.set(Counts(MAX_COUNT, 0, 0))
    assert (await world.cache.shift(TWEET, "likes", 1)).likes == MAX_COUNT
    assert (await world.cache.shift(TWEET, "retweets", -1)).retweets == 0
    await world.cache.renew({TWEET: Counts(2**40, -1, 7)})
    assert await world.state() == encode_state(Counts(MAX_COUNT, 0, 7))


async def test_without_counts_in_redis_the_answer_is_what_was_known_before(world: World) -> None:
    assert await world.cache.shift(TWEET, "likes", 1, before=Counts(4, 2, 1)) == Counts(5, 2, 1)
    assert await world.cache.shift(TWEET, "likes", -1, before=Counts(0, 2, 1)) == Counts(0, 2, 1)
    assert await world.state() is None
    assert world.engagements.asked == []


async def test_and_else_what_the_store_has_counted(world: World) -> None:
    world.engagements.add(TWEET, "likes", 1, 2)
    assert await world.cache.shift(TWEET, "likes", 1) == Counts()
    world.engagements.counted = {bucket: len(rows) for bucket, rows in world.engagements.rows.items()}
    assert await world.cache.shift(TWEET, "likes", 1) == Counts(likes=2)
    world.engagements.away = True
    with pytest.raises(Unavailable):
        await world.cache.shift(TWEET, "likes", 1)


async def test_without_redis_a_hint_is_not_given(world: World) -> None:
    nowhere = open_redis(RedisOptions("redis://127.0.0.1:1", 500))
    cache = CountsCache(nowhere, world.engagements, world.clock)
    assert await cache.shift(TWEET, "replies", 1, before=Counts(1, 1, 1)) == Counts(1, 1, 2)
    with pytest.raises(Unavailable):
        await cache.renew({TWEET: Counts()})
    await nowhere.aclose()


async def test_a_hint_that_comes_late_is_none(world: World) -> None:
    """A recount may hold it already, and nothing would take it back."""
    await world.set(Counts(5, 0, 0))
    ver = compose_id(world.clock.now_ms(), 0, 0, 0)
    assert await world.cache.shift(TWEET, "likes", 1, before=Counts(5, 0, 0), ver=ver) == Counts(6, 0, 0)
    world.clock.advance(HINT_WITHIN_MS + 1)
    assert await world.cache.shift(TWEET, "likes", 1, before=Counts(8, 0, 0), ver=ver) == Counts(9, 0, 0)
    assert await world.state() == encode_state(Counts(6, 0, 0))


async def test_a_recount_overwrites_where_there_are_counts(world: World) -> None:
    tweets = range(TWEET, TWEET + 40)
    for tweet in tweets[::2]:
        await world.set(Counts(9, 9, 9), flags=tweet % 4 and 1, tweet=tweet)
    counted = {tweet: Counts(tweet - TWEET, 1, 2) for tweet in tweets}
    assert await world.cache.renew(counted) == 20
    for tweet in tweets:
        expected = None if tweet % 2 else encode_state(counted[tweet], flags=tweet % 4 and 1)
        assert await world.state(tweet) == expected
    assert await world.cache.renew({}) == 0


async def test_a_tombstone_makes_the_state_and_keeps_what_is_there(world: World) -> None:
    await world.set(Counts(1, 2, 3), flags=2)
    for _ in range(2):
        await world.tombstones.write([TWEET, TWEET + 1])
        assert await world.state() == encode_state(Counts(1, 2, 3), flags=3)
        assert await world.state(TWEET + 1) == encode_state(Counts(), flags=1)
    await world.cache.renew({TWEET: Counts(7, 7, 7), TWEET + 1: Counts(8, 8, 8)})
    assert await world.cache.shift(TWEET, "likes", 1) == Counts(8, 7, 7)
    assert await world.state() == encode_state(Counts(8, 7, 7), flags=3)
    assert await world.state(TWEET + 1) == encode_state(Counts(8, 8, 8), flags=1)
    await world.tombstones.write([])


@pytest.mark.parametrize("other", ["list", "short"])
async def test_what_is_no_state_is_left_alone(world: World, other: str) -> None:
    if other == "list":
        await world.redis.lpush(counts_key(TWEET), 1)
    else:
        await world.redis.set(counts_key(TWEET), b"abc")
    assert await world.cache.renew({TWEET: Counts(1, 1, 1)}) == 0
    assert await world.cache.shift(TWEET, "likes", 1, before=Counts()) == Counts(likes=1)
