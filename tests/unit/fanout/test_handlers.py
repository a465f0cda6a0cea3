"""Fan-out's effects: every follower's list, in pages and pipelines, again as often as need be."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Unavailable
from core.ids import UserId
from eventlog.envelope import decode_envelope
from eventlog.log import Entry
from eventlog.schema import Event, FollowSet, TweetCreated, decode_event, record_of
from eventlog.worker import Arrived
from fanout.handlers import FOLLOWER_PAGE, PIPELINE_COMMANDS, FanoutHandler
from stores.ports import GraphStore, Ids
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from tests.fakes import FakeClock
from tests.unit.fanout.fake_redis import FakeRedis
from tests.unit.timelines.fake_stores import FakeGraphStore, FakeTweetStore
from timelines.merge import TimelineMerge
from timelines.relations import Relations

ADA, BOB = 21, 22
VER = 4_711


class KnownRelations(Relations):
    def __init__(self) -> None:
        self.invalidated: list[tuple[int, int]] = []

    async def invalidate(self, viewer: UserId, ver: int) -> None:
        self.invalidated.append((viewer, ver))


class KnownMerge(TimelineMerge):
    def __init__(self) -> None:
        self.added: list[tuple[int, int]] = []

    async def add_author(self, viewer: UserId, author: UserId) -> bool:
        self.added.append((viewer, author))
        return True


class SmallPages(FakeGraphStore):
    """Pages of followers that are smaller than asked for, as the port allows."""

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        return await super().follower_page(user, after=after, limit=min(limit, 3))


class World:
    def __init__(self, graph: FakeGraphStore | None = None) -> None:
        self.redis = FakeRedis()
        self.graph = graph or FakeGraphStore()
        self.relations = KnownRelations()
        self.merge = KnownMerge()
        store: GraphStore = self.graph
        self.handler = FanoutHandler(self.redis.client, store, self.relations, self.merge, FakeClock())


def arrived(*events: Event, ver: int = VER) -> list[Arrived]:
    batch = []
    for offset, event in enumerate(events):
        record = record_of(event, id=ver, ts_ms=1, key=1)
        envelope = decode_envelope(record.value)
        decoded = decode_event(envelope)
        assert decoded is not None
        batch.append(Arrived(Entry(record.topic, 0, offset, 1, record.value, 1), envelope, decoded))
    return batch


def tweet(number: int, author: int = ADA) -> TweetCreated:
    return TweetCreated(number, author, "x", 1_000)


async def test_a_tweet_goes_to_its_author_and_all_followers() -> None:
    world = World()
    for follower in (1, 2, 3):
        world.graph.follow(follower, ADA)
    world.graph.follow(4, BOB)
    await world.handler.handle(arrived(tweet(100)))
    assert sorted(world.redis.pushed) == [(1, 100), (2, 100), (3, 100), (ADA, 100)]
    # Once the batch is committed nobody pushes it again: a failover must not take it back.
    assert world.redis.copied == {True}


async def test_authors_are_asked_for_once_a_batch_and_page_by_page() -> None:
    world = World(SmallPages())
    for follower in range(1, 8):
        world.graph.follow(follower, ADA)
    await world.handler.handle(arrived(tweet(100), tweet(101), tweet(102, BOB)))
    expected = {(viewer, one) for viewer in [*range(1, 8), ADA] for one in (100, 101)} | {(BOB, 102)}
    assert set(world.redis.pushed) == expected
    assert len(world.redis.pushed) == len(expected)
    # Three pages and the empty one that ends them; Bob's only page is empty.
    assert world.graph.pages == 5


async def test_a_batch_with_many_followers_goes_out_in_several_pipelines() -> None:
    world = World()
    for follower in range(1, PIPELINE_COMMANDS + 100):
        world.graph.follow(follower, ADA)
    await world.handler.handle(arrived(tweet(100), tweet(101)))
    assert len(world.redis.pushed) == 2 * (PIPELINE_COMMANDS + 100)
    assert max(world.redis.pipelines) == PIPELINE_COMMANDS
    assert FOLLOWER_PAGE > 0


async def test_a_follow_forgets_the_followees_and_brings_what_was_there() -> None:
    world = World()
    await world.handler.handle(arrived(FollowSet(1, ADA, on=True), FollowSet(2, ADA, on=False)))
    assert world.relations.invalidated == [(1, VER), (2, VER)]
    assert world.merge.added == [(1, ADA)]
    assert world.redis.pushed == []


async def test_an_edge_that_changed_often_is_that_of_its_highest_version() -> None:
    world = World()
    events = [(7, True), (9, False), (8, True)]
    await world.handler.handle(
        [one for ver, on in events for one in arrived(FollowSet(1, ADA, on=on), ver=ver)]
    )
    assert world.relations.invalidated == [(1, 9)]
    assert world.merge.added == []


async def test_a_tweet_that_was_told_of_twice_is_pushed_once() -> None:
    world = World()
    world.graph.follow(1, ADA)
    await world.handler.handle(arrived(tweet(100), tweet(101), tweet(100)))
    assert sorted(world.redis.pushed) == [(1, 100), (1, 101), (ADA, 100), (ADA, 101)]


async def test_follows_come_before_the_tweets_of_their_batch() -> None:
    world = World()
    world.redis.away = True
    with pytest.raises(Unavailable):
        await world.handler.handle(arrived(tweet(100), FollowSet(1, ADA, on=True)))
    assert world.merge.added == [(1, ADA)]


async def test_a_neighbour_that_is_away_makes_the_batch_come_again() -> None:
    world = World()
    world.graph.follow(1, ADA)
    world.graph.away = True
    with pytest.raises(Unavailable):
        await world.handler.handle(arrived(tweet(100)))
    world.graph.away = False
    await world.handler.handle(arrived(tweet(100)))
    await world.handler.handle(arrived(tweet(100)))
    assert set(world.redis.pushed) == {(1, 100), (ADA, 100)}


async def test_without_redis_the_batch_waits() -> None:
    graph = FakeGraphStore()
    redis = open_redis(RedisOptions("redis://127.0.0.1:1/0", timeout_ms=100))
    try:
        relations, merge = Relations(redis, graph), TimelineMerge(redis, FakeTweetStore())
        handler = FanoutHandler(redis, graph, relations, merge, FakeClock())
        for event in (tweet(100), FollowSet(1, ADA, on=True), FollowSet(1, ADA, on=False)):
            with pytest.raises(Unavailable):
                await handler.handle(arrived(event))
    finally:
        await redis.aclose()


async def test_an_empty_batch_does_nothing() -> None:
    world = World()
    await world.handler.handle([])
    assert world.redis.pipelines == []
    assert np.array(world.redis.pushed).size == 0
