"""Fan-out's effects: every follower's list, in pages and pipelines, again as often as need be."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Unavailable
from core.ids import UserId
from eventlog.envelope import decode_envelope
from eventlog.log import Entry
from eventlog.schema import (
    BlockSet,
    Event,
    FollowSet,
    MuteSet,
    TweetCreated,
    TweetDeleted,
    decode_event,
    record_of,
)
from eventlog.worker import Arrived
from fanout.followers import token_key
from fanout.handlers import FanoutHandler
from stores.ports import GraphStore, Ids
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from tests.fakes import FakeClock
from tests.unit.fanout.fake_redis import FakeRedis
from tests.unit.timelines.fake_stores import FakeGraphStore, FakeTweetStore
from timelines.audience import PIPELINE, VIEWER_BYTES
from timelines.merge import TimelineMerge
from timelines.relations import Relations

ADA, BOB = 21, 22
VER = 4_711


class KnownRelations(Relations):
    def __init__(self) -> None:
        self.invalidated: list[tuple[int, int]] = []
        self.hidden_of: list[tuple[int, int]] = []

    async def invalidate(self, viewer: UserId, ver: int) -> None:
        self.invalidated.append((viewer, ver))

    async def invalidate_hidden(self, user: UserId, ver: int) -> None:
        self.hidden_of.append((user, ver))


class KnownMerge(TimelineMerge):
    def __init__(self) -> None:
        self.added: list[tuple[int, list[int]]] = []

    async def add_authors(self, viewer: UserId, authors: Ids) -> bool:
        self.added.append((viewer, authors.tolist()))
        return True


class SmallPages(FakeGraphStore):
    """Pages of followers that are smaller than asked for, as the port allows."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self._size = size

    async def follower_page(self, user: UserId, *, after: int, limit: int) -> Ids:
        return await super().follower_page(user, after=after, limit=min(limit, self._size))


class World:
    def __init__(self, graph: FakeGraphStore | None = None, followers_bytes: int = 1_000_000) -> None:
        self.redis = FakeRedis()
        self.graph = graph or FakeGraphStore()
        self.relations = KnownRelations()
        self.merge = KnownMerge()
        store: GraphStore = self.graph
        self.handler = FanoutHandler(
            self.redis.client,
            store,
            self.relations,
            self.merge,
            FakeClock(),
            followers_bytes=followers_bytes,
        )


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
    world = World(SmallPages(1_000))
    for follower in range(1_001, 4_001):
        world.graph.follow(follower, ADA)
        world.graph.follow(follower + 3_000, BOB)
    await world.handler.handle(arrived(tweet(100), tweet(101, BOB)))
    assert len(world.redis.pushed) == len(set(world.redis.pushed)) == 2 * 3_001
    assert len(world.redis.pipelines) == 2
    assert max(world.redis.pipelines) < PIPELINE + 1_000


async def test_a_viewer_of_several_tweets_gets_them_in_one_command() -> None:
    world = World(SmallPages(1_000))
    for follower in range(1_001, 6_001):
        world.graph.follow(follower, ADA)
    await world.handler.handle(arrived(tweet(100), tweet(101)))
    assert len(world.redis.pushed) == len(set(world.redis.pushed)) == 2 * 5_001
    assert world.redis.pipelines == [PIPELINE, 5_001 - PIPELINE]


async def test_tweets_of_several_authors_go_out_in_their_order() -> None:
    world = World()
    for follower in (1, 2):
        world.graph.follow(follower, ADA, BOB)
    await world.handler.handle(arrived(tweet(102, BOB), tweet(101), tweet(100, BOB)))
    assert [one for viewer, one in world.redis.pushed if viewer == 1] == [100, 101, 102]


async def test_a_follow_forgets_the_followees_and_brings_what_was_there() -> None:
    world = World()
    await world.handler.handle(arrived(FollowSet(1, ADA, on=True), FollowSet(2, ADA, on=False)))
    assert world.relations.invalidated == [(1, VER), (2, VER)]
    assert world.merge.added == [(1, [ADA])]
    assert world.redis.pushed == []


async def test_many_follows_of_one_viewer_are_one_merge() -> None:
    world = World()
    follows = [one for ver in range(1, 18) for one in arrived(FollowSet(1, 100 + ver, on=True), ver=ver)]
    await world.handler.handle([*follows, *arrived(FollowSet(1, 105, on=False), ver=30)])
    assert world.relations.invalidated == [(1, 30)]
    assert world.merge.added == [(1, [100 + n for n in range(1, 18) if n != 5])]


async def test_a_block_hides_both_from_each_other_and_a_mute_one() -> None:
    world = World()
    await world.handler.handle(
        [
            *arrived(BlockSet(1, 2, on=True), ver=5),
            *arrived(BlockSet(3, 1, on=False), ver=6),
            *arrived(MuteSet(2, 4, on=True), ver=9),
            *arrived(MuteSet(4, 2, on=False), ver=7),
        ]
    )
    assert sorted(world.relations.hidden_of) == [(1, 6), (2, 9), (3, 6), (4, 7)]
    assert world.relations.invalidated == []


async def test_followers_who_are_kept_are_not_read_again_until_they_change() -> None:
    world = World()
    world.graph.follow(1, ADA)
    await world.handler.handle(arrived(tweet(100)))
    pages = world.graph.pages
    await world.handler.handle(arrived(tweet(101)))
    assert world.graph.pages == pages
    world.graph.follow(2, ADA)
    await world.handler.handle(arrived(FollowSet(2, ADA, on=True), tweet(102)))
    assert world.graph.pages > pages
    assert sorted(world.redis.pushed) == [
        *((1, 100), (1, 101), (1, 102), (2, 102)),
        *((ADA, 100), (ADA, 101), (ADA, 102)),
    ]


async def test_another_process_s_word_of_a_change_is_heard() -> None:
    """It has the same Redis and its own memory: the token that it removes is the only word there is."""
    world, elsewhere = World(), World()
    elsewhere.redis, elsewhere.graph = world.redis, world.graph
    other = FanoutHandler(world.redis.client, world.graph, elsewhere.relations, elsewhere.merge, FakeClock())
    await world.handler.handle(arrived(tweet(100)))
    for follower in (1, 2, 3):
        world.graph.follow(follower, ADA)
        await other.handle(arrived(FollowSet(follower, ADA, on=True)))
        await world.handler.handle(arrived(tweet(100 + follower)))
        assert (follower, 100 + follower) in world.redis.pushed
    # A flush takes the tokens, and a new one is never an old one.
    world.graph.follow(4, ADA)
    world.redis.strings.clear()
    await world.handler.handle(arrived(tweet(104)))
    assert (4, 104) in world.redis.pushed
    assert len(world.redis.strings[token_key(ADA)]) == 12


@pytest.mark.parametrize(
    ("room", "lately", "ever"),
    [(0, 3, 3), (100_000, 3, 3), (16 * 101 * VIEWER_BYTES, 0, 3), (10**7, 0, 0)],
)
async def test_no_more_followers_are_kept_than_there_is_room_for(room: int, lately: int, ever: int) -> None:
    """Pages read, again, for an author who posted lately, and for one who did before sixteen others."""
    world = World(SmallPages(50), followers_bytes=room)
    authors = range(21, 41)
    for follower in range(1_001, 1_101):
        world.graph.follow(follower, *authors)
    for author in authors:
        await world.handler.handle(arrived(tweet(100 + author, author)))
    assert len(world.redis.pushed) == len(set(world.redis.pushed)) == 20 * 101
    for author, pages in ((40, lately), (25, lately), (21, ever)):
        before = world.graph.pages
        await world.handler.handle(arrived(tweet(200 + author, author)))
        assert world.graph.pages == before + pages


async def test_a_deleted_tweet_is_taken_out_and_one_that_is_gone_is_not_put_in() -> None:
    world = World()
    for follower in (1, 2):
        world.graph.follow(follower, ADA)
    await world.handler.handle(arrived(tweet(100), tweet(101), TweetDeleted(101, ADA), TweetDeleted(99, ADA)))
    assert sorted(world.redis.pushed) == [(1, 100), (2, 100), (ADA, 100)]
    assert sorted(world.redis.removed) == [(viewer, one) for viewer in (1, 2, ADA) for one in (99, 101)]


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
        await world.handler.handle(arrived(tweet(100), MuteSet(1, ADA, on=True)))
    assert world.relations.hidden_of == [(1, VER)]


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
