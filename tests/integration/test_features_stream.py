"""The features stream from a real log into a real Redis, and through every way in which Redis forgets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ConfigurationError, Unavailable
from core.ids import compose_id
from core.types import EngagementType
from eventlog.envelope import decode_envelope
from eventlog.log import Entry
from eventlog.schema import (
    DEAD_LETTERS,
    EDGES,
    VIEWS,
    DeadLetter,
    LikeSet,
    Viewed,
    decode_event,
    record_of,
)
from eventlog.sqlite_log import SqliteEventLog
from features.accumulate import FeatureState, Observation
from features.compute import matrix
from features.moments import UNKNOWN, Moments
from features.packed_store import COMPLETE_KEY, EPOCH_KEY, ExpiringRow, PackedStore, row_key
from features.reader import FeatureReader
from features.row_block import RowBlock
from features.schema import FEATURES
from features.schema import VIEWS as FEATURE_VIEWS
from features.seen_list import seen_key
from pipelines.features_file import FeaturesFile
from pipelines.features_projection import FeaturesProjection
from pipelines.features_stream import GROUP, FeaturesStream
from pipelines.popular_tweets import PopularOptions, PopularTweets
from stores import popular
from stores.popular import PopularStore
from stores.ports import OutboxRecord
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_options import RedisOptions
from stores.sqlite import open_facts, open_telemetry
from tests.fakes import FakeClock
from tests.integration.redis_world import RedisWorld

VIEWER, TWEET, AUTHOR = 1, 1_000_000_000_000_000_000, 3


class World:
    """A log in files, and a stream that can be started and stopped on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = FakeClock()
        self._facts = open_facts(home / "facts.db")
        self._telemetry = open_telemetry(home / "telemetry.db")
        self.log = SqliteEventLog(self._facts, self._telemetry, self.clock, partitions=4)
        self._ids = count(1)

    def close(self) -> None:
        self._facts.close()
        self._telemetry.close()

    def mint(self) -> int:
        return next(self._ids)

    def stream(self, client: RedisClient) -> FeaturesStream:
        home = self.home
        popular = PopularTweets(PopularStore(client), self.clock, PopularOptions(every_s=0.05, days=7))
        return FeaturesStream(
            self.log,
            PackedStore(client),
            home / "features.db",
            home / "lake",
            self.clock,
            self.mint,
            popular=popular,
        )

    async def see(
        self, tweet: int = TWEET, kind: EngagementType = "seen", *, viewer: int = VIEWER, request: bytes = b""
    ) -> None:
        event = Viewed(viewer, request, tweet, AUTHOR, kind)
        await self.log.append([record_of(event, id=self.mint(), ts_ms=self.clock.now_ms(), key=viewer)])

    async def like(self, tweet: int = TWEET) -> None:
        event = LikeSet(VIEWER, tweet, True, AUTHOR)
        await self.log.append([record_of(event, id=self.mint(), ts_ms=self.clock.now_ms(), key=tweet)])

    async def consumed(self) -> None:
        """Returns once the group has committed everything in the log."""
        async with asyncio.timeout(20):
            while any((await self.log.lag(GROUP, [VIEWS, EDGES])).values()):
                continue

    @asynccontextmanager
    async def running(self, client: RedisClient) -> AsyncIterator[None]:
        """The stream, until it has drained and projected."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.stream(client).run(stop))
        try:
            yield
        finally:
            stop.set()
            async with asyncio.timeout(20):
                await task


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


async def feature_keys(look: Any) -> set[bytes]:
    """Of rows, and of lists of what was seen."""
    rows = {key async for key in look.scan_iter("f:*") if not key.startswith((EPOCH_KEY, COMPLETE_KEY))}
    return rows | {key async for key in look.scan_iter("sv:*")}


async def rows_in(look: Any) -> dict[bytes, bytes | None]:
    return {key: await look.get(key) for key in await feature_keys(look)}


async def until_there(look: Any, key: bytes) -> None:
    async with asyncio.timeout(20):
        while not await look.exists(key):
            continue


async def test_events_become_rows_and_rows_the_models_inputs(world: World, both_redis: RedisWorld) -> None:
    async with world.running(both_redis.client):
        await world.see()
        await world.see(kind="click")
        await world.like()
        await world.consumed()
    assert await feature_keys(both_redis.look) == {
        row_key("g", 0),
        row_key("u", VIEWER),
        row_key("a", AUTHOR),
        row_key("t", TWEET),
        row_key("va", (VIEWER, AUTHOR)),
        seen_key(VIEWER),
    }
    tweets, authors = np.array([TWEET]), np.array([AUTHOR])
    blocks, seen = await FeatureReader(both_redis.client).fetch(VIEWER, tweets, authors)
    assert seen.tolist() == [TWEET]
    now = np.array([world.clock.now_ms()])
    moments = Moments(np.array([VIEWER]), authors, tweets, now, UNKNOWN, UNKNOWN)
    online = matrix(blocks, moments)

    state = FeatureState()
    now_ms = world.clock.now_ms()
    state.apply(Observation(now_ms, "seen", VIEWER, AUTHOR, TWEET))
    state.apply(Observation(now_ms, "click", VIEWER, AUTHOR, TWEET))
    state.apply(Observation(now_ms, "like", VIEWER, AUTHOR, TWEET))
    offline = {name: RowBlock.missing(view, 1) for name, view in FEATURE_VIEWS.items()}
    for name, entity, _ in state.drain():
        row = state.row(name, entity)
        assert row is not None
        offline[name].put(
            0, schema_id=row.schema_id, event_ts_s=row.event_ts_s, seq=row.seq, values=row.values
        )
    assert online.tobytes() == matrix(offline, moments).tobytes()
    assert online.shape == (1, len(FEATURES))


async def test_it_goes_on_where_it_stopped(world: World, both_redis: RedisWorld) -> None:
    for i in range(5):
        await world.see(request=b"%d" % i)
        async with world.running(both_redis.client):
            await world.consumed()
    block = (
        await FeatureReader(both_redis.client).fetch(VIEWER, np.array([TWEET]), np.array([AUTHOR]))
    ).blocks["t"]
    assert block.seq.tolist() == [5]


async def test_what_the_log_was_told_does_not_matter(world: World, both_redis: RedisWorld) -> None:
    """The log's own offsets are for the lag; a crash between the two commits must not count twice."""
    await world.see()
    async with world.running(both_redis.client):
        await world.consumed()
    before = await rows_in(both_redis.look)
    subscription = await world.log.subscribe(GROUP, [VIEWS, EDGES])
    (tp,) = {entry.topic_partition async for entry in _entries(world, VIEWS)}
    await subscription.commit({tp: 0})
    await subscription.close()
    async with world.running(both_redis.client):
        await world.see(tweet=TWEET + 1, request=b"next")
        await world.consumed()
    after = await rows_in(both_redis.look)
    assert after[row_key("t", TWEET)] == before[row_key("t", TWEET)]


async def test_all_rows_come_back_after_flushall_while_it_runs(world: World, both_redis: RedisWorld) -> None:
    async with world.running(both_redis.client):
        for i in range(20):
            await world.see(tweet=TWEET + i)
        await world.consumed()
        await until_there(both_redis.look, row_key("t", TWEET + 19))
        before = await rows_in(both_redis.look)
        await both_redis.look.flushall()
        await until_there(both_redis.look, row_key("va", (VIEWER, AUTHOR)))
    assert await rows_in(both_redis.look) == before


async def test_rows_that_change_right_after_flushall_do_not_hide_it(
    world: World, both_redis: RedisWorld
) -> None:
    async with world.running(both_redis.client):
        await world.see()
        await world.consumed()
        await until_there(both_redis.look, row_key("t", TWEET))
        await both_redis.look.flushall()
        await world.see(tweet=TWEET + 1)
        await world.consumed()
    assert {row_key("t", TWEET), row_key("t", TWEET + 1)} <= await feature_keys(both_redis.look)


async def test_all_rows_are_there_after_a_start_on_an_empty_redis(
    world: World, both_redis: RedisWorld
) -> None:
    await world.see()
    async with world.running(both_redis.client):
        await world.consumed()
    before = await rows_in(both_redis.look)
    await both_redis.look.flushall()
    async with world.running(both_redis.client):
        await until_there(both_redis.look, row_key("g", 0))
    assert await rows_in(both_redis.look) == before


async def test_it_counts_while_redis_is_away_and_projects_when_it_is_back(
    world: World, both_redis: RedisWorld
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        away = open_redis(RedisOptions(f"redis://127.0.0.1:{held.getsockname()[1]}", 200))
        async with world.running(away):
            await world.see()
            await world.consumed()
        await away.aclose()
    async with world.running(both_redis.client):
        await until_there(both_redis.look, row_key("t", TWEET))


async def test_what_cannot_be_counted_is_set_aside_and_the_rest_goes_on(
    world: World, both_redis: RedisWorld
) -> None:
    await world.log.append([OutboxRecord(VIEWS, VIEWER, b"not an envelope")])
    await world.see(viewer=0)
    await world.see()
    async with world.running(both_redis.client):
        await world.consumed()
    # Neither is set aside a second time.
    async with world.running(both_redis.client):
        await world.see(kind="click")
        await world.consumed()
    letters = [decode_event(decode_envelope(entry.value)) async for entry in _entries(world, DEAD_LETTERS)]
    assert [letter.group for letter in letters if isinstance(letter, DeadLetter)] == [GROUP, GROUP]
    block = (
        await FeatureReader(both_redis.client).fetch(VIEWER, np.array([TWEET]), np.array([AUTHOR]))
    ).blocks["t"]
    assert block.seq.tolist() == [2]


async def test_there_is_one_stream_a_file(world: World, both_redis: RedisWorld) -> None:
    async with world.running(both_redis.client):
        await world.see()
        await world.consumed()
        with pytest.raises(ConfigurationError):
            await world.stream(both_redis.client).run(asyncio.Event())


class InterruptedStore(PackedStore):
    """A real store whose next writes fail, before or after they reached Redis."""

    def __init__(self, client: RedisClient) -> None:
        super().__init__(client)
        self.failures: list[str] = []

    async def write(self, rows: Sequence[ExpiringRow], *, was: bytes, epoch: bytes) -> bool:
        failure = self.failures.pop() if self.failures else None
        if failure == "before":
            raise Unavailable("cut off")
        kept = await super().write(rows, was=was, epoch=epoch)
        if failure == "after":
            raise Unavailable("the answer was lost")
        return kept


@pytest.mark.parametrize("failure", ["before", "after"])
async def test_a_write_that_was_cut_off_is_made_good(
    world: World, both_redis: RedisWorld, failure: str
) -> None:
    file = FeaturesFile.open(world.home / "features.db", world.clock)
    store = InterruptedStore(both_redis.client)
    projection = FeaturesProjection(store, file, "one")
    stop = asyncio.Event()
    task = asyncio.create_task(projection.run(stop))
    state = FeatureState()
    for i in range(3):
        state.apply(Observation(world.clock.now_ms(), "seen", VIEWER, AUTHOR, TWEET + i))
        rows = state.drain()
        await file.commit(rows, {}, {}, forget_before_ms=0)
        store.failures = [failure] * i
        projection.hand_over([ExpiringRow.of(row, FEATURE_VIEWS[row.view].ttl_s) for row in rows])
        await until_there(both_redis.look, row_key("t", TWEET + i))
    stop.set()
    projection.wake()
    await task
    assert await rows_in(both_redis.look) == {row.key: row.packed for row in await _all(file)}
    file.close()


async def _all(file: FeaturesFile) -> list[ExpiringRow]:
    return (await file.page(("", 0, 0), 1_000)).rows


async def _entries(world: World, topic: str) -> AsyncIterator[Entry]:
    subscription = await world.log.subscribe("looking on", [topic])
    for entry in await subscription.poll(max_entries=1_000, timeout_s=0.1):
        yield entry
    await subscription.close()


async def test_what_is_popular_is_in_redis_again_after_a_flush(world: World, both_redis: RedisWorld) -> None:
    now_ms = world.clock.now_ms()
    liked, seen, old = (compose_id(now_ms - age_ms, 1, 1, 0) for age_ms in (10, 20, 8 * 86_400_000))
    for tweet in (liked, seen, old):
        await world.see(tweet)
    await world.see(liked, kind="click")
    async with world.running(both_redis.client):
        await world.consumed()
        for _ in range(2):
            await both_redis.look.flushall()
            await until_there(both_redis.look, popular.KEY)
    # As the last turn saw it; an earlier one may have been amid the events.
    found = await PopularStore(both_redis.client).get()
    assert found is not None
    assert np.frombuffer(found.ids, "<i8").tolist() == [liked, seen]
    assert 0 < await both_redis.look.ttl(popular.KEY) <= popular.TTL_S
