"""Packed rows through a real Redis: what the store wrote is what the reader gathers."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Unavailable
from core.ids import compose_id
from features.accumulate import FeatureState, Observation, PackedRow
from features.compute import matrix
from features.moments import UNKNOWN, Moments
from features.packed_store import COMPLETE_KEY, EPOCH_KEY, ExpiringRow, PackedStore, row_key
from features.reader import FeatureReader, FeaturesMissing, Fetched
from features.schema import FEATURES, VIEWS, ViewName
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_options import RedisOptions
from tests.integration.redis_world import RedisWorld

NOW_MS = 1_700_000_000_000
VIEWER = 7
TWEETS = np.array([compose_id(NOW_MS - 60_000 * i, 1, 1, 0) for i in range(1, 21)], np.int64)
AUTHORS = np.array([100 + i % 6 for i in range(20)], np.int64)


def moments(tweets: NDArray[np.int64], authors: NDArray[np.int64]) -> Moments:
    return Moments(np.array([VIEWER]), authors, tweets, np.array([NOW_MS]), UNKNOWN, UNKNOWN)


def state_of_some() -> FeatureState:
    """The viewer has met the first five candidates; the last ten tweets have no row."""
    state = FeatureState()
    for i in range(10):
        viewer = VIEWER if i < 5 else 8
        state.apply(Observation(NOW_MS - 1_000 * i, "seen", viewer, int(AUTHORS[i]), int(TWEETS[i])))
    return state


async def write(client: RedisClient, rows: list[PackedRow], ttl_s: int = 60) -> None:
    store = PackedStore(client)
    await store.mark(b"1")
    assert await store.write([ExpiringRow.of(row, ttl_s) for row in rows], was=b"1", epoch=b"2")
    assert await store.complete(b"2")


def test_keys_are_those_of_the_contracts() -> None:
    assert row_key("g", 0) == b"f:g:0"
    assert row_key("t", 123) == b"f:t:123"
    assert row_key("va", (12, 34)) == b"f:va:{12}:34"


async def test_what_was_written_is_read_row_for_row(both_redis: RedisWorld) -> None:
    state = state_of_some()
    await write(both_redis.client, state.drain())
    blocks, _ = await FeatureReader(both_redis.client).fetch(VIEWER, TWEETS, AUTHORS)
    assert {name: len(block) for name, block in blocks.items()} == {
        "g": 1,
        "u": 1,
        "t": 20,
        "a": 20,
        "va": 20,
    }
    for i, (tweet, author) in enumerate(zip(TWEETS.tolist(), AUTHORS.tolist(), strict=True)):
        expected = {
            "g": (0, state.row("g", 0)),
            "u": (0, state.row("u", VIEWER)),
            "t": (i, state.row("t", tweet)),
            "a": (i, state.row("a", author)),
            "va": (i, state.row("va", (VIEWER, author))),
        }
        for name, block in blocks.items():
            at, row = expected[name]
            assert bool(block.present[at]) == (row is not None)
            if row is not None:
                got = (block.schema_id[at], block.event_ts_s[at], block.seq[at], block.values[at].tobytes())
                assert got == (row.schema_id, row.event_ts_s, row.seq, row.values.tobytes())
            else:
                assert np.isnan(block.values[at]).all()


async def test_each_view_says_its_hit_rate(both_redis: RedisWorld) -> None:
    await write(both_redis.client, state_of_some().drain())
    blocks, _ = await FeatureReader(both_redis.client).fetch(VIEWER, TWEETS, AUTHORS)
    rates = {name: block.hit_rate for name, block in blocks.items()}
    # Of the candidates' six authors the viewer has met five: the sixth has three of the twenty.
    assert rates == {"g": 1.0, "u": 1.0, "t": 0.5, "a": 1.0, "va": 0.85}


async def test_no_rows_at_all_give_a_matrix_all_the_same(both_redis: RedisWorld) -> None:
    await write(both_redis.client, [])
    blocks, _ = await FeatureReader(both_redis.client).fetch(VIEWER, TWEETS, AUTHORS)
    assert all(block.hit_rate == 0.0 for block in blocks.values())
    inputs = matrix(blocks, moments(TWEETS, AUTHORS))
    assert inputs.shape == (20, len(FEATURES))
    assert not np.isnan(inputs[:, FEATURES.index("t.click_rate_2d")]).any()


async def test_rows_are_not_read_before_all_of_them_are_back(both_redis: RedisWorld) -> None:
    await write(both_redis.client, state_of_some().drain())
    await both_redis.look.flushall()
    store = PackedStore(both_redis.client)
    await store.mark(b"3")
    # What is written first after a flush is no more than what has just changed.
    assert await store.write(
        [ExpiringRow.of(row, 60) for row in state_of_some().drain()], was=b"3", epoch=b"4"
    )
    with pytest.raises(FeaturesMissing):
        await FeatureReader(both_redis.client).fetch(VIEWER, TWEETS, AUTHORS)
    assert await store.epoch() is None
    assert not await store.complete(b"3")
    assert await store.complete(b"4")
    assert await store.epoch() == b"4"
    await FeatureReader(both_redis.client).fetch(VIEWER, TWEETS, AUTHORS)


async def test_no_candidates(both_redis: RedisWorld) -> None:
    await write(both_redis.client, [])
    none = np.array([], np.int64)
    blocks, _ = await FeatureReader(both_redis.client).fetch(VIEWER, none, none)
    assert matrix(blocks, moments(none, none)).shape == (0, len(FEATURES))


@pytest.mark.parametrize(
    "packed", [b"", b"not a row", b"\xf5\x02" + bytes(50), b"\xf5\x01\x63\x00" + bytes(48)]
)
async def test_rows_that_cannot_be_read_are_missing_and_counted(
    both_redis: RedisWorld, packed: bytes
) -> None:
    await write(both_redis.client, state_of_some().drain())
    await both_redis.look.set(row_key("t", int(TWEETS[0])), packed)
    block = (await FeatureReader(both_redis.client).fetch(VIEWER, TWEETS, AUTHORS)).blocks["t"]
    assert block.foreign == 1
    assert block.present.tolist() == [False, *[True] * 9, *[False] * 10]


async def test_every_key_expires(both_redis: RedisWorld) -> None:
    await write(both_redis.client, state_of_some().drain(), ttl_s=1_000)
    keys = [key async for key in both_redis.look.scan_iter("*")]
    assert row_key("va", (VIEWER, 100)) in keys
    for key in keys:
        ttl_s = await both_redis.look.ttl(key)
        assert 990 <= ttl_s <= (86_400 if key.startswith((EPOCH_KEY, COMPLETE_KEY)) else 1_000)


async def test_a_write_says_whether_redis_still_holds_the_one_before(
    both_redis: RedisWorld,
) -> None:
    store = PackedStore(both_redis.client)
    assert await store.epoch() is None
    assert not await store.write([], was=b"1", epoch=b"2")
    assert await store.epoch() is None
    await store.mark(b"1")
    assert await store.write([], was=b"1", epoch=b"2")
    assert not await store.write([], was=b"1", epoch=b"3")
    await both_redis.look.flushall()
    assert not await store.write([], was=b"3", epoch=b"4")
    assert await store.epoch() is None


@pytest.mark.parametrize("cluster", [False, True], ids=["one", "cluster"])
async def test_redis_away_is_unavailable(cluster: bool) -> None:
    with socket.socket() as held:
        # Bound and not listening: nobody else can answer there.
        held.bind(("127.0.0.1", 0))
        client = open_redis(RedisOptions(f"redis://127.0.0.1:{held.getsockname()[1]}", 200, cluster))
        with pytest.raises(Unavailable):
            await FeatureReader(client).fetch(VIEWER, TWEETS, AUTHORS)
        with pytest.raises(Unavailable):
            await PackedStore(client).write([], was=b"1", epoch=b"2")
        with pytest.raises(Unavailable):
            await PackedStore(client).epoch()
        await client.aclose()


async def test_a_slow_redis_is_unavailable_and_its_late_answer_is_nobodys(one_redis: RedisWorld) -> None:
    await write(one_redis.client, state_of_some().drain())
    impatient = open_redis(replace(one_redis.options, timeout_ms=50))
    reader = FeatureReader(impatient)
    await _in_time(reader, 20)
    await one_redis.look.execute_command("CLIENT", "PAUSE", "200")
    with pytest.raises(Unavailable):
        await reader.fetch(VIEWER, TWEETS, AUTHORS)
    # Answered only once the pause is over.
    await one_redis.look.get("any")
    assert len((await _in_time(reader, 3)).blocks["t"]) == 3
    await impatient.aclose()


async def _in_time(reader: FeatureReader, n: int) -> Fetched:
    """The first answer that comes in time: on a busy machine 50 ms are not always enough."""
    async with asyncio.timeout(20):
        while True:
            with suppress(Unavailable):
                return await reader.fetch(VIEWER, TWEETS[:n], AUTHORS[:n])


async def test_a_connection_that_redis_closed_is_replaced(one_redis: RedisWorld) -> None:
    await write(one_redis.client, state_of_some().drain())
    reader = FeatureReader(one_redis.client)
    await one_redis.look.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
    # The first may come before the loop has seen the end of the connection; the second may not.
    with suppress(Unavailable):
        await reader.fetch(VIEWER, TWEETS, AUTHORS)
    blocks, _ = await reader.fetch(VIEWER, TWEETS, AUTHORS)
    assert blocks["t"].hit_rate == 0.5


async def test_fetches_at_the_same_time_do_not_mix(both_redis: RedisWorld) -> None:
    await write(both_redis.client, state_of_some().drain())
    reader = FeatureReader(both_redis.client)
    sizes = [1 + i % 20 for i in range(60)]
    answers = await asyncio.gather(*(reader.fetch(VIEWER, TWEETS[:n], AUTHORS[:n]) for n in sizes))
    names: set[ViewName] = set(VIEWS)
    for n, (blocks, _) in zip(sizes, answers, strict=True):
        assert set(blocks) == names
        assert blocks["t"].present.tolist() == [i < 10 for i in range(n)]
