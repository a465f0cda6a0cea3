"""Recounts: at once, then every five seconds; repeated; and never done before store and Redis have them."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import Unavailable
from eventlog.log import TopicPartition
from pipelines.dirty_tweets import Place
from pipelines.recounts import RecountOptions, Recounts
from stores.buckets import BUCKETS, bucket_of
from stores.ports import Bucket, Counts
from tests.fakes import FakeClock
from tests.unit.pipelines.fake_counts import FakeCountsCache
from tests.unit.stores.fake_engagements import FakeEngagementStore

TP = TopicPartition("edges.v1", 0)


class World:
    def __init__(self, options: RecountOptions | None = None) -> None:
        self.engagements = FakeEngagementStore()
        self.cache = FakeCountsCache()
        self.clock = FakeClock()
        self.recounts = Recounts(self.engagements, self.cache, self.clock, options)
        self.offset = 0

    def like(self, tweet: int, user: int, *, on: bool = True) -> Bucket:
        bucket = Bucket(tweet, "likes", bucket_of(user))
        self.engagements.add(tweet, "likes", user, on=on)
        self.recounts.mark(bucket, Place(TP, self.offset), at_ms=self.clock.now_ms())
        self.offset += 1
        return bucket

    def done(self) -> int:
        return self.recounts.done({TP: self.offset})[TP]

    async def after(self, seconds: float) -> None:
        self.clock.advance(int(seconds * 1_000))
        await self.recounts.turn()


async def test_a_change_is_counted_at_once_and_written_once_more() -> None:
    world = World()
    bucket = world.like(7, 1)
    assert world.done() == 0
    await world.recounts.turn()
    assert world.cache.counts == {7: Counts(likes=1)}
    assert world.done() == 1
    # Who read before the recount, and filled after it.
    world.cache.counts[7] = Counts()
    await world.after(4.9)
    assert world.cache.counts == {7: Counts()}
    await world.after(0.1)
    assert world.cache.counts == {7: Counts(likes=1)}
    await world.after(100)
    assert world.engagements.recounts == {bucket: 1}
    assert world.cache.pipelines == [1, 1]


async def test_what_changes_all_the_time_is_counted_every_five_seconds() -> None:
    world = World()
    for second in range(50):
        world.like(7, 1, on=second % 2 == 0)
        await world.after(1)
    assert sum(world.engagements.recounts.values()) == 10
    await world.after(5)
    assert world.cache.counts[7] == world.engagements.truth(7) == Counts()
    assert world.done() == 50


async def test_a_tweet_of_many_rows_is_counted_more_slowly_and_not_too_slowly() -> None:
    world = World(RecountOptions(rows_a_second=10, slowest_s=50.0))
    world.engagements.counted = {Bucket(7, "likes", number): 1_600 for number in range(BUCKETS)}
    world.engagements.rows = {
        Bucket(7, "likes", number): dict.fromkeys(range(-1_600, 0), True) for number in range(BUCKETS)
    }
    world.engagements.counted[Bucket(8, "likes", 0)] = 10**6
    for tweet in (7, 8):
        world.like(tweet, 1)
    await world.recounts.turn()
    before = dict(world.engagements.recounts)
    for tweet in (7, 8):
        world.like(tweet, 1)
    await world.after(49.9)
    assert world.engagements.recounts == before
    await world.after(0.1)
    assert sum(world.engagements.recounts.values()) == 4


async def test_only_the_buckets_that_changed_are_counted() -> None:
    world = World()
    buckets = {world.like(7, user) for user in range(3)}
    await world.recounts.turn()
    assert set(world.engagements.recounts) == buckets


async def test_many_tweets_are_counted_in_parts() -> None:
    world = World(RecountOptions(at_once=10))
    for tweet in range(25):
        world.like(tweet, 1)
    await world.recounts.turn()
    assert world.cache.pipelines == [10, 10, 5]
    assert world.done() == 25


async def test_nothing_is_done_while_the_store_is_away() -> None:
    world = World()
    world.like(7, 1)
    world.engagements.away = True
    await world.recounts.turn()
    assert world.done() == 0
    world.engagements.away = False
    await world.after(0.5)
    assert world.done() == 0
    await world.after(0.5)
    assert (world.done(), world.cache.counts) == (1, {7: Counts(likes=1)})


async def test_a_shard_that_is_away_holds_up_only_its_own_and_no_row_is_counted_again() -> None:
    world = World()
    world.cache.away = {7}
    for tweet in (6, 7, 8):
        world.like(tweet, 1)
    await world.recounts.turn()
    assert world.cache.counts.keys() == {6, 8}
    assert world.done() == 1
    for _ in range(4):
        await world.after(1)
    assert sum(world.engagements.recounts.values()) == 3
    world.cache.away = set()
    await world.after(1)
    assert world.cache.counts[7] == Counts(likes=1)
    assert world.done() == 3
    # And once more, as any other.
    world.cache.counts.clear()
    await world.after(5)
    assert world.cache.counts[7] == Counts(likes=1)


async def test_the_end_counts_what_is_left_whenever_it_would_be_due() -> None:
    world = World()
    world.like(7, 1)
    await world.recounts.turn()
    world.like(7, 2)
    await world.recounts.finish()
    assert (world.done(), world.cache.counts) == (2, {7: Counts(likes=2)})


async def test_the_end_says_what_is_left() -> None:
    world = World()
    world.cache.away = {7}
    for tweet in (7, 8):
        world.like(tweet, 1)
    with pytest.raises(Unavailable, match="1 tweets"):
        await world.recounts.finish()
    assert world.done() == 0


async def test_it_is_full_at_its_limit() -> None:
    world = World(RecountOptions(most_dirty=3))
    for tweet in range(3):
        assert not world.recounts.is_full
        world.like(tweet, 1)
    assert world.recounts.is_full


async def test_it_runs_until_it_is_told_to_stop() -> None:
    world = World()
    stop = asyncio.Event()
    running = asyncio.create_task(world.recounts.run(stop))
    await asyncio.sleep(0)
    world.like(7, 1)
    await world.cache.written.wait()
    stop.set()
    world.recounts.wake()
    await running
