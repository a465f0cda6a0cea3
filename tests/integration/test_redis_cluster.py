"""A Redis Cluster under reads and writes while its nodes die, forget and hand over slots."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from core.errors import Unavailable
from core.ids import UserId
from features.accumulate import FeatureState, Observation
from features.packed_store import ExpiringRow, PackedStore
from features.reader import FeatureReader, FeaturesMissing
from features.schema import VIEWS
from pipelines.features_file import FeaturesFile
from pipelines.features_projection import FeaturesProjection
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_commands import command
from stores.redis_options import Address, RedisOptions
from stores.redis_slots import slots_of
from stores.redis_spread import KeyTemplate, Spread
from stores.tweet_cache import TweetCache
from tests.e2e.waiting import eventually
from tests.fakes import FakeClock
from tests.integration.redis_shards import Shards
from tests.unit.stores.fake_engagements import FakeEngagementStore
from tests.unit.timelines.fake_stores import FakeGraphStore, FakeTweetStore
from timelines.audience import Audience, Offer, push_to
from timelines.layout import Delivery, parse_timeline, push, timeline_key
from timelines.merge import TimelineMerge
from timelines.reader import TimelineReader
from timelines.relations import Relations
from wiring.home import Home
from wiring.servers.local import LocalServers

ADA, VIEWER = 5, 7
BASE = 2**62
TIMEOUT_MS = 2_000
"""A node that is dead says so at once; one that is busy gets its time."""


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    servers = LocalServers(Home(tmp_path_factory.mktemp("cluster")), Path(), with_parent=True)
    servers.up(["redis-cluster"], nodes=3)
    yield Shards(servers.cluster("redis-cluster"))
    servers.down(["redis-cluster"], wipe=True)


@pytest.fixture
async def client(shards: Shards) -> AsyncIterator[RedisClient]:
    """On an empty Cluster of which everybody is well."""
    shards.await_ready()
    for primary in shards.primaries():
        shards.flush(primary)
    redis = open_redis(RedisOptions(shards.url, TIMEOUT_MS, cluster=True))
    yield redis
    await redis.aclose()


class Readers:
    """Viewers who follow Ada, who posts; every read is held against what she was told is delivered."""

    def __init__(self, client: RedisClient, viewers: list[int]) -> None:
        self._client = client
        self._viewers = viewers
        self._audience = Audience(np.array(viewers, np.int64))
        self._tweets, self._graph = FakeTweetStore(), FakeGraphStore()
        for viewer in viewers:
            self._graph.follow(viewer, ADA)
        relations = Relations(client, self._graph)
        merge = TimelineMerge(client, self._tweets)
        self._reader = TimelineReader(client, relations, merge, self._graph, self._tweets)
        self.delivered: list[int] = []
        self.origins: dict[int, list[str]] = {viewer: [] for viewer in viewers}
        self.refused = 0

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """While posts are delivered one after the other, and everybody reads all the time."""
        for viewer in self._viewers:
            await self._read(viewer)
            self.origins[viewer].clear()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._post(stop))
            for viewer in self._viewers:
                tasks.create_task(self._read_on(viewer, stop))
            try:
                yield
            finally:
                stop.set()

    async def more_delivered(self, number: int) -> None:
        end = len(self.delivered) + number

        async def enough() -> bool:
            return len(self.delivered) >= end

        await eventually(f"{number} more posts are delivered", enough)

    async def _post(self, stop: asyncio.Event) -> None:
        tweet = BASE
        # Lists are held against the store whole: they must not outgrow their capacity.
        while not stop.is_set() and len(self.delivered) < 700:
            tweet += 1
            self._tweets.add(ADA, tweet)
            await eventually("every list has it", lambda one=tweet: self._push(one))  # type: ignore[misc]  # bound per turn
            self.delivered.append(tweet)
            await asyncio.sleep(0.01)

    async def _push(self, tweet: int) -> bool:
        """As fan-out does it: again and again, until every list that there is has it."""
        try:
            await push_to(self._client, [Offer(self._audience, tweet)], copied=True)
        except Unavailable:
            self.refused += 1
            return False
        return True

    async def _read_on(self, viewer: int, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._read(viewer)
            await asyncio.sleep(0.005)

    async def _read(self, viewer: int) -> None:
        delivered = set(self.delivered)
        timeline = await self._reader.read(UserId(viewer))
        ids = timeline.ids.tolist()
        ids += (await self._reader.older(timeline, before=ids[-1] if ids else None, limit=1_000)).tolist()
        assert len(ids) == len(set(ids)), "shown twice"
        assert delivered <= set(ids), "not shown"
        self.origins[viewer].append(timeline.origin)


def everywhere(shards: Shards) -> dict[Address, list[int]]:
    """Two viewers on each shard."""
    return {primary: shards.viewers_at(primary, 2) for primary in shards.primaries()}


async def _hurt_one(shards: Shards, client: RedisClient) -> None:
    at = everywhere(shards)
    dead, *alive = at
    readers = Readers(client, [viewer for viewers in at.values() for viewer in viewers])
    async with readers.busy():
        await readers.more_delivered(20)
        shards.kill(dead)
        await readers.more_delivered(20)
        shards.start(dead)
        await readers.more_delivered(20)
    assert readers.refused > 0, "nobody noticed"
    others = {origin for primary in alive for viewer in at[primary] for origin in readers.origins[viewer]}
    assert others == {"list"}
    # Answered by the store meanwhile, and by the list again; nothing delivered was taken back.
    assert {origin for viewer in at[dead] for origin in readers.origins[viewer]} == {"list", "store"}
    for viewer in readers.origins:
        items = await client.call(command(b"LRANGE", timeline_key(viewer), 0, -1))
        listed = parse_timeline(items)
        assert listed.complete
        assert set(readers.delivered) <= set(listed.ids.tolist())


async def test_a_killed_primary_takes_nothing_with_it_and_nobody_else(
    shards: Shards, client: RedisClient
) -> None:
    await _hurt_one(shards, client)


@pytest.mark.torture
@pytest.mark.parametrize("_", range(20))
async def test_killed_primaries_take_nothing_with_them(_: int, shards: Shards, client: RedisClient) -> None:
    await _hurt_one(shards, client)


async def test_tweets_of_a_dead_shard_come_from_the_store_and_the_others_from_the_cache(
    shards: Shards, client: RedisClient
) -> None:
    tweets = FakeTweetStore()
    ids = list(range(BASE, BASE + 30))
    tweets.add(ADA, *ids)
    cache = TweetCache(client, tweets, FakeEngagementStore(), FakeClock(), random.Random(1))
    assert len(await cache.get_many(ids)) == 30
    primary = shards.primaries()[0]
    there = {one for one in ids if shards.primary_of(b"tw:%d" % one) == primary}
    assert 0 < len(there) < 30
    shards.kill(primary)
    try:
        assert set(await cache.at_hand(ids)) == set(ids) - there
        assert set(await cache.get_many(ids)) == set(ids)
    finally:
        shards.start(primary)


async def test_without_any_node_every_call_says_so() -> None:
    nowhere = open_redis(RedisOptions("redis://127.0.0.1:1,redis://127.0.0.1:2", 500, cluster=True))
    try:
        for call in (
            nowhere.call(command(b"GET", b"k")),
            nowhere.scan(b"*"),
            nowhere.ping(),
            nowhere.shards(),
        ):
            with pytest.raises(Unavailable):
                await call
        found = await nowhere.find([b"k"])
        assert found.values == [None]
        assert found.unanswered == {0}
    finally:
        await nowhere.aclose()


async def test_writes_wait_for_a_replica_that_does_not_keep_up(shards: Shards, client: RedisClient) -> None:
    primary = shards.primaries()[0]
    (viewer,) = shards.viewers_at(primary, 1)
    await client.call(command(b"RPUSH", timeline_key(viewer), b"0"))
    deliveries = [Delivery(viewer, BASE)]
    assert await push(client, deliveries, copied=True) == 1
    with shards.stopped(shards.replica_of(primary)):
        assert await push(client, deliveries) == 1
        with pytest.raises(Unavailable, match="replica"):
            await push(client, deliveries, copied=True)

    async def kept_up() -> bool:
        try:
            return await push(client, deliveries, copied=True) == 1
        except Unavailable:
            return False

    await eventually("the replica has it", kept_up)


async def test_writes_go_on_where_the_replica_is_gone(shards: Shards, client: RedisClient) -> None:
    primary = shards.primaries()[1]
    (viewer,) = shards.viewers_at(primary, 1)
    replica = shards.replica_of(primary)

    async def delivered() -> bool:
        try:
            await push(client, [Delivery(viewer, BASE)], copied=True)
        except Unavailable:
            return False
        return True

    shards.kill(replica)
    try:
        await eventually("nobody waits for a dead replica", delivered)
    finally:
        shards.start(replica)


async def test_slots_that_move_are_followed(shards: Shards, client: RedisClient) -> None:
    source, target, *_ = shards.primaries()
    (viewer,) = shards.viewers_at(source, 1)
    key, absent = b"a:{%d}" % viewer, b"b:{%d}" % viewer
    (slot,) = slots_of([key])
    await client.call(command(b"SET", key, b"here"))
    ids = {node: shards.ask(node, "CLUSTER MYID") for node in (source, target)}
    shards.ask(target, "CLUSTER SETSLOT", slot, "IMPORTING", ids[source])
    shards.ask(source, "CLUSTER SETSLOT", slot, "MIGRATING", ids[target])
    # Half way: what is not here any more is asked for there, this once.
    assert await client.call(command(b"GET", key)) == b"here"
    shards.ask(source, "MIGRATE", target.host, target.port, key, 0, 5_000)
    assert await client.calls([command(b"GET", key), command(b"GET", absent)]) == [b"here", None]
    both = KeyTemplate(b"LPUSHX", [b"l:{%d}" % viewer, b"l:{else}"])
    assert [one.tolist() for one in await client.spread([Spread(both, 1)], copied=True)] == [[0, 0]]
    assert (await client.find([key, absent])).values == [b"here", None]
    assert await client.call(command(b"SET", absent, b"there"), copied=True) == b"OK"
    for node in (target, source):
        shards.ask(node, "CLUSTER SETSLOT", slot, "NODE", ids[target])
    assert (await client.find([key, absent, b"else"])).values == [b"here", b"there", None]
    assert await client.call(command(b"LPUSHX", b"l:{%d}" % viewer, 1), copied=True) == 0
    assert [one.tolist() for one in await client.spread([Spread(both, 1)], copied=True)] == [[0, 0]]
    # Home again, for the tests that come after. Without IMPORTING the source would come home with its old
    # epoch, and a node that has not heard of it yet would tell it that the slot is the target's.
    shards.flush(target)
    shards.ask(source, "CLUSTER SETSLOT", slot, "IMPORTING", ids[target])
    for node in (source, target):
        shards.ask(node, "CLUSTER SETSLOT", slot, "NODE", ids[source])
    assert await client.calls([command(b"GET", key)]) == [None]


class Rows:
    """Feature rows of one viewer and many tweets, on all shards, projected by the product's own means."""

    def __init__(self, client: RedisClient, home: Path) -> None:
        self._clock = FakeClock()
        self._file = FeaturesFile.open(home / "features.db", self._clock)
        self._state = FeatureState()
        self.store = PackedStore(client)
        self.projection = FeaturesProjection(self.store, self._file, "one")
        self._reader = FeatureReader(client)
        self.tweets = np.arange(BASE, BASE + 60, dtype=np.int64)

    async def see_all(self) -> None:
        for tweet in self.tweets.tolist():
            self._state.apply(Observation(self._clock.now_ms(), "seen", VIEWER, ADA, tweet))
        rows = self._state.drain()
        await self._file.commit(rows, {}, {}, forget_before_ms=0)
        self.projection.hand_over([ExpiringRow.of(row, VIEWS[row.view].ttl_s) for row in rows])

    async def seen(self) -> list[int]:
        """How often each tweet was seen, as the rows say; raises where not all of them can be had."""
        blocks, _ = await self._reader.fetch(VIEWER, self.tweets, np.full(len(self.tweets), ADA))
        assert blocks["t"].hit_rate == blocks["va"].hit_rate == blocks["g"].hit_rate == 1.0
        counts: list[int] = blocks["t"].seq.tolist()
        return counts

    async def are(self, count: int) -> bool:
        try:
            return await self.seen() == [count] * len(self.tweets)
        except Unavailable:
            return False

    @asynccontextmanager
    async def projected(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(self.projection.run(stop))
        try:
            yield
        finally:
            stop.set()
            self.projection.wake()
            async with asyncio.timeout(20):
                await task
            self._file.close()


@pytest.mark.parametrize("number", range(3))
async def test_a_flushed_shard_is_filled_again_and_no_half_of_the_rows_is_taken_for_all(
    number: int, shards: Shards, client: RedisClient, tmp_path: Path
) -> None:
    rows = Rows(client, tmp_path)
    await rows.see_all()
    async with rows.projected():
        await eventually("all rows are there", lambda: rows.are(1))
        missed = 0
        for round_ in range(5):
            shards.flush(shards.primaries()[number])
            # Whoever reads meanwhile has all rows or none; `seen` sees to that.
            while not await rows.are(round_ + 1):
                missed += 1
            await rows.see_all()
            await eventually("all rows are new", lambda r=round_: rows.are(r + 2))  # type: ignore[misc]  # bound per turn
        assert missed


async def test_a_shard_that_comes_back_with_older_rows_is_filled_again(
    shards: Shards, client: RedisClient, tmp_path: Path
) -> None:
    rows = Rows(client, tmp_path)
    primary = shards.primaries()[2]
    replica, there = shards.replica_of(primary), _tweet_at(shards, primary)
    await rows.see_all()
    async with rows.projected():
        await eventually("all rows are there", lambda: rows.are(1))
        with shards.stopped(replica):
            await rows.see_all()
            await eventually("all rows are new", lambda: rows.are(2))
            shards.kill(primary)
        # What it does not know yet: the second sight.
        shards.await_another_primary(primary, b"tw:%d" % there)
        await eventually("all rows are new again", lambda: rows.are(2))
        shards.start(primary)


def _tweet_at(shards: Shards, primary: Address) -> int:
    return next(one for one in range(1, 1_000) if shards.primary_of(b"tw:%d" % one) == primary)


async def test_a_shard_without_the_word_of_completeness_is_not_read(
    shards: Shards, client: RedisClient
) -> None:
    store, reader = PackedStore(client), FeatureReader(client)
    tweets, authors = np.arange(1, 40, dtype=np.int64), np.full(39, ADA)
    await store.mark(b"1")
    assert await store.complete(b"1")
    await reader.fetch(VIEWER, tweets, authors)
    assert await store.epoch() == b"1"
    shards.flush(shards.primaries()[1])
    with pytest.raises(FeaturesMissing):
        await reader.fetch(VIEWER, tweets, authors)
    assert await store.epoch() is None
    assert not await store.complete(b"1")
    assert await store.epoch() is None
    assert not await store.write([], was=b"1", epoch=b"2")
