"""What a real Redis says when it is full, lonely or busy is "not now", and never a bug of ours."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.errors import Unavailable
from core.ids import UserId
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_commands import command
from stores.redis_errors import ResponseError
from stores.redis_node import CONNECTIONS
from stores.redis_options import RedisOptions
from stores.slates import SLATES_A_VIEWER, Served, Slate, SlateStore, served_key, slate_key
from tests.e2e.waiting import eventually
from tests.integration.redis_world import PATIENT_MS, RedisWorld, redis_world
from wiring.home import Home
from wiring.process import listen
from wiring.redis_server import redis_command

WRITE = "return redis.call('SET', KEYS[1], ARGV[1])"


@pytest.fixture
def own_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of this test's own, whose configuration it may change."""
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen(
        redis_command(Home(tmp_path), port, "secret"), stdout=subprocess.DEVNULL
    ) as process:
        yield f"redis://:secret@127.0.0.1:{port}/0"
        process.kill()


@pytest.fixture
async def own_redis(own_url: str) -> AsyncIterator[RedisWorld]:
    client = open_redis(RedisOptions(own_url, PATIENT_MS))
    await eventually("Redis answers", lambda: _answers(client))
    async with redis_world(RedisOptions(own_url, PATIENT_MS)) as world:
        yield world
    await client.aclose()


async def _answers(client: RedisClient) -> bool:
    try:
        await client.ping()
    except Unavailable:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "value"),
    [("min-replicas-to-write", "1"), ("maxmemory", "1"), ("replicaof", "127.0.0.1 1")],
    ids=["without replicas", "full", "read-only"],
)
async def test_a_state_of_redis_is_unavailable(own_redis: RedisWorld, name: str, value: str) -> None:
    if name == "replicaof":
        await own_redis.look.execute_command("REPLICAOF", *value.split())
    else:
        await own_redis.look.config_set(name, value)
    redis = own_redis.client
    with pytest.raises(Unavailable):
        await redis.call(command(b"SET", b"k", b"v"))
    with pytest.raises(Unavailable):
        await redis.run_script(WRITE, [b"k"], b"v")
    with pytest.raises(Unavailable):
        await redis.answers([command(b"GET", b"k"), command(b"SET", b"k", b"v")])
    # Reads go on, but for a Redis that may not be asked at all.
    assert (await redis.find([b"k"])).failure is None


async def test_a_wrong_command_is_a_bug_of_ours(own_redis: RedisWorld) -> None:
    redis = own_redis.client
    await redis.run_script("return redis.call('LPUSH', KEYS[1], ARGV[1])", [b"list"], b"v")
    with pytest.raises(ResponseError):
        await redis.call(command(b"GET", b"list"))
    with pytest.raises(ResponseError):
        await redis.run_script("return nonsense(", [b"k"])


async def test_what_is_wrong_with_one_command_is_its_own_answer(both_redis: RedisWorld) -> None:
    await both_redis.look.rpush("{one}list", "v")
    await both_redis.look.set("other", "v")
    words = [(b"GET", b"{one}list"), (b"GET", b"other"), (b"LLEN", b"{one}list"), (b"GET", b"nothing")]
    wrong, *rest = await both_redis.client.answers([command(name, key) for name, key in words])
    assert isinstance(wrong, ResponseError)
    assert rest == [b"v", 1, None]
    # As MGET has it: what is no string is no value.
    assert (await both_redis.client.find([b"{one}list", b"other"])).values == [None, b"v"]


async def test_nothing_asked_is_nothing_answered(both_redis: RedisWorld) -> None:
    assert await both_redis.client.calls([]) == []
    assert (await both_redis.client.find([])).values == []
    assert await both_redis.client.scan(b"*") == []


async def test_every_key_is_found_by_its_pattern(both_redis: RedisWorld) -> None:
    keys = {b"proc:%d" % number for number in range(300)}
    await both_redis.client.calls([command(b"SET", key, b"v") for key in [*keys, b"other"]])
    found = await both_redis.client.scan(b"proc:*")
    assert (set(found), len(found)) == (keys, 300)


async def test_more_callers_than_connections_wait_for_one(own_redis: RedisWorld) -> None:
    calls = [command(b"SET", b"k%d" % i, i) for i in range(5 * CONNECTIONS)]
    assert await asyncio.gather(*map(own_redis.client.call, calls)) == [b"OK"] * len(calls)
    # The two others are the one who looks and the one who waited for the start.
    assert int((await own_redis.look.info("clients"))["connected_clients"]) <= CONNECTIONS + 2


async def test_a_viewer_keeps_only_so_many_slates(both_redis: RedisWorld) -> None:
    store, viewer = SlateStore(both_redis.client), UserId(7)
    made = [_slate(f"s{number}") for number in range(SLATES_A_VIEWER + 3)]
    for slate in made:
        await store.put(viewer, slate)
        await store.remember_served(viewer, [1])
    kept = [
        slate.slate_id for slate in made if await both_redis.look.exists(slate_key(viewer, slate.slate_id))
    ]
    assert kept == [slate.slate_id for slate in made[3:]]


async def test_a_slate_that_was_made_here_outlives_redis(both_redis: RedisWorld) -> None:
    store, viewer, slate = SlateStore(both_redis.client), UserId(7), _slate("s")
    await store.put(viewer, slate)
    await both_redis.look.flushall()
    assert await store.get(viewer, "s") == slate
    assert await SlateStore(both_redis.client).get(viewer, "s") is None
    assert await store.get(UserId(8), "s") is None


async def test_the_newest_slate_is_the_one_that_was_put_last(both_redis: RedisWorld) -> None:
    store, viewer = SlateStore(both_redis.client), UserId(7)
    assert await store.newest(viewer) is None
    for slate in (_slate("a"), _slate("b")):
        await store.put(viewer, slate)
        assert await store.newest(viewer) == slate
        # Another process has it from Redis.
        assert await SlateStore(both_redis.client).newest(viewer) == slate


async def test_what_was_served_and_what_of_it_was_recommended_is_remembered(both_redis: RedisWorld) -> None:
    store, viewer = SlateStore(both_redis.client), UserId(7)
    await both_redis.client.call(command(b"LPUSH", served_key(viewer), (5).to_bytes(8, "little")))
    await store.remember_served(viewer, [11, 2**62], {2**62})
    await store.remember_served(viewer, [13])
    assert await store.served(viewer) == Served(frozenset({5, 11, 13, 2**62}), frozenset({2**62}))
    await both_redis.look.flushall()
    assert await store.served(viewer) == Served(frozenset(), frozenset())


def _slate(slate_id: str) -> Slate:
    return Slate(slate_id, 1, 1, "m@1", "o@1", "h", ["timeline"], [], b"", b"", b"", b"", b"")
