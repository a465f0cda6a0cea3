"""A timeline without Redis: the store answers, bounded, and says where it did not ask everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.errors import Unavailable
from core.ids import UserId
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from tests.unit.timelines.fake_stores import FakeGraphStore, FakeTweetStore
from timelines.merge import TimelineMerge
from timelines.reader import MAX_FAN_IN, TimelineReader
from timelines.relations import Relations

VIEWER = UserId(7)


class World:
    def __init__(self, reader: TimelineReader, graph: FakeGraphStore, tweets: FakeTweetStore) -> None:
        self.reader = reader
        self.graph = graph
        self.tweets = tweets


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Nobody listens where its Redis should be."""
    redis = open_redis(RedisOptions("redis://127.0.0.1:1/0", timeout_ms=100))
    graph, tweets = FakeGraphStore(), FakeTweetStore()
    reader = TimelineReader(redis, Relations(redis, graph), TimelineMerge(redis, tweets), graph, tweets)
    yield World(reader, graph, tweets)
    await redis.aclose()


async def test_the_store_answers_in_order(world: World) -> None:
    world.graph.follow(VIEWER, 21, 22)
    world.tweets.add(21, 100, 102)
    world.tweets.add(22, 101, 103)
    world.tweets.add(23, 104)
    timeline = await world.reader.read(VIEWER)
    assert (timeline.origin, timeline.partial) == ("store", False)
    assert timeline.authors.tolist() == [VIEWER, 21, 22]
    assert (await world.reader.older(timeline, before=None, limit=3)).tolist() == [103, 102, 101]
    assert (await world.reader.older(timeline, before=101, limit=3)).tolist() == [100]


async def test_whoever_follows_very_many_has_a_partial_feed(world: World) -> None:
    world.graph.follow(VIEWER, *range(1_000, 1_000 + MAX_FAN_IN))
    assert not (await world.reader.read(VIEWER)).partial
    world.graph.follow(VIEWER, 999)
    timeline = await world.reader.read(VIEWER)
    assert timeline.partial
    assert len(timeline.authors) == MAX_FAN_IN + 1
    assert VIEWER in timeline.authors


async def test_without_the_store_nothing_answers(world: World) -> None:
    world.graph.away = True
    with pytest.raises(Unavailable):
        await world.reader.read(VIEWER)
