"""Preheating on a real Redis: whatever was lost of active users' lists comes back without a read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.clock import utc_day
from core.ids import UserId
from fanout.preheat import ACTIVE_DAYS, TURN, Preheat, PreheatOptions
from stores.ports import Ids
from stores.redis_client import Found, RedisClient
from stores.redis_commands import Command, shard_key
from stores.redis_options import RedisOptions
from stores.redis_spread import Spread
from stores.sqlite import open_facts
from stores.sqlite_control import SqliteControlStore
from stores.sqlite_database import SqliteDatabase
from stores.sqlite_users import SqliteUserStore
from stores.turn import RENEWAL_S, TURN_S, Turn
from tests.e2e.waiting import eventually
from tests.fakes import FakeClock
from tests.integration.cassandra_faults import Died, Fuse
from tests.integration.redis_world import PATIENT_MS, RedisWorld, redis_world
from tests.unit.timelines.fake_stores import FakeGraphStore, FakeTweetStore
from timelines.layout import COMPLETE, CUT, MARK, Delivery, parse_timeline, push, timeline_key
from timelines.merge import LOCK_MS, TimelineMerge, lock_key
from timelines.reader import TimelineReader
from timelines.relations import Relations
from timelines.warmth import MARKER_KEY, MARKER_TTL_S, WARM, Warmth

ADA = 21
BASE = 2**62
TWEETS = list(range(BASE + 9, BASE - 1, -1))
VIEWERS = range(1, 13)
"""Who were here today; of a Cluster's shards each has some of their lists."""
SLEEPER = 99


class FusedRedis(RedisClient):
    """A process's client that ends with the process."""

    def __init__(self, inner: RedisClient, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    async def answers(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        return await self._fuse.carry(lambda: self._inner.answers(commands, copied=copied))

    async def find(self, keys: Sequence[bytes], *, mark: bytes | None = None) -> Found:
        return await self._fuse.carry(lambda: self._inner.find(keys, mark=mark))

    async def spread(self, spreads: Sequence[Spread], *, copied: bool = False) -> list[Ids]:
        return await self._fuse.carry(lambda: self._inner.spread(spreads, copied=copied))

    async def shards(self) -> tuple[bytes, ...]:
        return await self._inner.shards()

    async def scan(self, pattern: bytes) -> list[bytes]:
        return await self._inner.scan(pattern)

    async def ping(self) -> None:
        await self._inner.ping()

    async def aclose(self) -> None:
        await self._inner.aclose()


class World:
    """Viewers who follow Ada; those of VIEWERS were here today."""

    def __init__(self, redis: RedisWorld, facts: SqliteDatabase) -> None:
        self.client, self.look = redis.client, redis.look
        self.clock = FakeClock()
        self.users = SqliteUserStore(facts, self.clock, 16)
        self.control = SqliteControlStore(facts, self.clock, 16)
        self.today = utc_day(self.clock.now_ms())
        self.tweets, self.graph = FakeTweetStore(), FakeGraphStore()
        self.tweets.add(ADA, *TWEETS)
        for viewer in (*VIEWERS, SLEEPER):
            self.graph.follow(viewer, ADA)
        self.stop = asyncio.Event()

    async def were_here(self, viewers: Sequence[int], days_past: int = 0) -> None:
        await self.users.seen([UserId(viewer) for viewer in viewers], self.today - days_past)

    def preheat(self, client: RedisClient | None = None, name: str = "one") -> Preheat:
        client = client or self.client
        turn = Turn(self.control, self.clock, TURN, name)
        options = PreheatOptions(at_once=1, a_second=10**9, look_every_s=0.01, others_s=0.0)
        relations, merge = Relations(client, self.graph), TimelineMerge(client, self.tweets)
        return Preheat(Warmth(client, name.encode()), turn, self.users, relations, merge, self.clock, options)

    async def heat(self, name: str = "one") -> None:
        await self.preheat(name=name).look(self.stop)

    async def heat_after_a_death(self) -> None:
        """By another process, once what the dead one held has ended by itself."""
        for viewer in VIEWERS:
            await self.look.delete(lock_key(viewer))
        preheat = self.preheat(name="next")
        await preheat.look(self.stop)
        self.clock.advance(int(TURN_S * 1000))
        await preheat.look(self.stop)

    async def ids(self, viewer: int) -> list[int] | None:
        """What a complete list holds; None where there is none that is complete."""
        listed = parse_timeline(await self.look.lrange(timeline_key(viewer), 0, -1))
        return listed.ids.tolist() if listed.complete else None

    async def lists(self) -> list[int]:
        """Whose list is there, and as the truth is."""
        found = []
        for viewer in (*VIEWERS, SLEEPER):
            if (ids := await self.ids(viewer)) is not None:
                assert ids == sorted(self.tweets.tweets, reverse=True)
                found.append(viewer)
        return found

    async def markers(self) -> list[bytes | None]:
        tags = await self.client.shards()
        return [await self.look.get(shard_key(MARKER_KEY, tag)) for tag in tags]


@pytest.fixture
async def world(both_redis: RedisWorld, tmp_path: Path) -> AsyncIterator[World]:
    facts = open_facts(tmp_path / "facts.db")
    try:
        world = World(both_redis, facts)
        await world.were_here(VIEWERS)
        yield world
    finally:
        facts.close()


async def test_after_a_flush_the_lists_of_active_users_are_there_again(world: World) -> None:
    await world.heat()
    assert await world.lists() == list(VIEWERS)
    assert set(await world.markers()) == {WARM}
    await world.look.flushall()
    await world.heat()
    assert await world.lists() == list(VIEWERS)
    for tag in await world.client.shards():
        assert 0 < await world.look.ttl(shard_key(MARKER_KEY, tag)) <= MARKER_TTL_S


async def test_their_next_read_asks_the_store_for_nothing(world: World) -> None:
    await world.heat()
    world.graph.away = world.tweets.away = True
    merge = TimelineMerge(world.client, world.tweets)
    relations = Relations(world.client, world.graph)
    reader = TimelineReader(world.client, relations, merge, world.graph, world.tweets)
    for viewer in VIEWERS:
        timeline = await reader.read(UserId(viewer))
        assert (timeline.origin, timeline.ids.tolist()) == ("list", TWEETS)
        assert timeline.authors.tolist() == sorted({viewer, ADA})


async def test_a_list_that_was_cut_is_as_warm_as_a_whole_one(world: World) -> None:
    whole, cut, lost, *_ = VIEWERS
    await world.look.rpush(timeline_key(whole), BASE + 1, MARK, COMPLETE)
    await world.look.rpush(timeline_key(cut), BASE + 1, MARK, CUT)
    assert await Warmth(world.client, b"one").look([whole, cut, lost]) == ([lost], [])


async def test_who_was_not_here_for_a_week_gets_no_list(world: World) -> None:
    await world.were_here([SLEEPER], days_past=ACTIVE_DAYS + 1)
    await world.heat()
    assert await world.lists() == list(VIEWERS)
    # Nothing of theirs is there: no empty list, no followees, no lock.
    assert [key for key in await world.client.scan(b"*") if b"{%d}" % SLEEPER in key] == []
    # A day less, and it is there.
    await world.were_here([SLEEPER], days_past=ACTIVE_DAYS)
    await world.look.flushall()
    await world.heat()
    assert await world.lists() == [*VIEWERS, SLEEPER]


async def test_lists_that_are_there_are_not_touched(world: World) -> None:
    await world.heat()
    await world.look.flushall()
    kept = timeline_key(VIEWERS[0])
    await world.look.rpush(kept, b"%d" % TWEETS[0], b"0")
    reads = world.tweets.reads
    await world.heat()
    assert world.tweets.reads == reads + len(VIEWERS) - 1
    assert await world.look.lrange(kept, 0, -1) == [b"%d" % TWEETS[0], b"0"]
    # While all is warm, nothing is looked at either.
    await world.look.delete(kept)
    await world.heat()
    assert not await world.look.exists(kept)


async def test_what_a_dead_builder_left_half_built_is_built(world: World) -> None:
    await world.look.rpush(timeline_key(VIEWERS[0]), b"1")
    await world.heat()
    assert await world.lists() == list(VIEWERS)


async def test_whose_reader_is_building_is_left_to_it(world: World) -> None:
    first = VIEWERS[0]
    await world.look.rpush(timeline_key(first), b"1")
    await world.look.set(lock_key(first), b"reader", px=LOCK_MS)
    await world.heat()
    assert await world.lists() == list(VIEWERS)[1:]
    assert await world.look.get(lock_key(first)) == b"reader"
    assert await world.look.lrange(timeline_key(first), 0, -1) == [b"1"]


async def test_whose_reader_died_over_it_is_built_in_the_end(world: World) -> None:
    first = VIEWERS[0]
    await world.look.rpush(timeline_key(first), b"1")
    await world.look.set(lock_key(first), b"reader", px=LOCK_MS)

    async def expire() -> None:
        await world.look.delete(lock_key(first))

    world.tweets.after_read = [expire]
    await world.heat()
    assert await world.lists() == list(VIEWERS)


async def test_what_is_pushed_meanwhile_stays(world: World) -> None:
    newest = BASE + 100

    async def post() -> None:
        # After the store was read for the first of them: only the push brings it.
        world.tweets.add(ADA, newest)
        await push(world.client, [Delivery(viewer, newest) for viewer in VIEWERS])

    world.tweets.after_read = [post]
    await world.heat()
    assert await world.lists() == list(VIEWERS)


async def test_what_is_no_list_is_nobodys_concern_here(world: World) -> None:
    await world.look.set(timeline_key(VIEWERS[0]), b"something else")
    await world.heat()
    assert await world.look.get(timeline_key(VIEWERS[0])) == b"something else"
    for viewer in VIEWERS[1:]:
        assert await world.ids(viewer) == TWEETS


@pytest.mark.parametrize("at", range(len(VIEWERS)))
async def test_a_flush_in_the_middle_is_noticed(world: World, at: int) -> None:
    async def nothing() -> None:
        pass

    async def flush() -> None:
        await world.look.flushall()

    world.tweets.after_read = [*[nothing] * at, flush]
    await world.heat()
    assert WARM not in await world.markers()
    await world.heat()
    assert await world.lists() == list(VIEWERS)
    assert set(await world.markers()) == {WARM}


async def test_of_several_workers_one_builds(world: World) -> None:
    await asyncio.gather(*(world.heat(name) for name in ("one", "two", "three")))
    assert await world.lists() == list(VIEWERS)
    assert world.tweets.reads == len(VIEWERS)


async def test_a_worker_whose_turn_is_over_leaves_the_work_to_the_other(world: World) -> None:
    async def take_over() -> None:
        held = await world.control.get(TURN)
        assert held is not None
        assert await world.control.compare_and_set(TURN, b"two", expected=held.version)
        world.clock.advance(int(RENEWAL_S * 1000))

    # Of another day: by then it has noticed.
    await world.were_here([SLEEPER], days_past=1)
    world.tweets.after_read = [take_over]
    await world.heat("one")
    assert await world.lists() == list(VIEWERS)
    # It says nothing of what it has not finished.
    assert WARM not in await world.markers()
    await world.heat("two")
    assert set(await world.markers()) == {WARM}
    assert await world.lists() == [*VIEWERS, SLEEPER]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_worker_that_dies_at_any_call_is_made_good_for_by_another(world: World, after: bool) -> None:
    died = 0
    for at in range(1, 10_000):
        await world.look.flushall()
        fuse = Fuse(at, after=after)
        try:
            await world.preheat(FusedRedis(world.client, fuse), "dies").look(world.stop)
        except Died:
            died += 1
        if not fuse.blown:
            break
        await world.heat_after_a_death()
        assert await world.lists() == list(VIEWERS)
        assert set(await world.markers()) == {WARM}
    assert died > 4 * len(VIEWERS)


async def test_it_runs_beside_the_work_until_it_is_told_to_end(world: World) -> None:
    running = asyncio.create_task(world.preheat().run(world.stop))

    async def all_there() -> bool:
        return await world.lists() == list(VIEWERS)

    for _ in range(3):
        await world.look.flushall()
        await eventually("the lists are there again", all_there)
    world.stop.set()
    await running


async def test_a_shard_that_was_lost_is_filled_and_the_others_are_left_alone(
    redis_shards: str, tmp_path: Path
) -> None:
    facts = open_facts(tmp_path / "facts.db")
    try:
        async with redis_world(RedisOptions(redis_shards, PATIENT_MS, cluster=True)) as redis:
            world = World(redis, facts)
            await world.were_here(VIEWERS)
            await world.heat()
            for primary in redis.look.get_primaries():
                await redis.look.flushall(target_nodes=[primary])
                lost = [viewer for viewer in VIEWERS if await world.ids(viewer) is None]
                assert 0 < len(lost) < len(VIEWERS)
                assert (await world.markers()).count(WARM) == 2
                reads = world.tweets.reads
                await world.heat()
                assert world.tweets.reads == reads + len(lost)
                assert await world.lists() == list(VIEWERS)
                assert set(await world.markers()) == {WARM}
    finally:
        facts.close()
