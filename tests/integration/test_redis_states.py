"""What a real Redis says when it is full, lonely or busy is "not now", and never a bug of ours."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.errors import Unavailable
from core.ids import UserId
from stores.redis_client import CONNECTIONS, open_redis, redis_errors, run_script
from stores.slates import SLATES_A_VIEWER, Slate, SlateStore, slate_key
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
async def own_redis(own_url: str) -> AsyncIterator[Redis]:
    redis = open_redis(own_url, timeout_ms=10_000)
    async with asyncio.timeout(20):
        while not await _answers(redis):
            continue
    yield redis
    await redis.aclose()


async def _answers(redis: Redis) -> bool:
    try:
        with redis_errors():
            await redis.get("any")
    except Unavailable:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "value"),
    [("min-replicas-to-write", "1"), ("maxmemory", "1"), ("replicaof", "127.0.0.1 1")],
    ids=["without replicas", "full", "read-only"],
)
async def test_a_state_of_redis_is_unavailable(own_redis: Redis, name: str, value: str) -> None:
    if name == "replicaof":
        await own_redis.execute_command("REPLICAOF", *value.split())  # type: ignore[no-untyped-call]  # redis-py's own
    else:
        await own_redis.config_set(name, value)
    with pytest.raises(Unavailable), redis_errors():
        await own_redis.set("k", "v")
    with pytest.raises(Unavailable):
        await run_script(own_redis, WRITE, [b"k"], b"v")
    pipeline = own_redis.pipeline(transaction=False)
    pipeline.set("k", "v")
    with pytest.raises(Unavailable), redis_errors():
        await pipeline.execute()


async def test_a_wrong_command_is_a_bug_of_ours(own_redis: Redis) -> None:
    await run_script(own_redis, "return redis.call('LPUSH', KEYS[1], ARGV[1])", [b"list"], b"v")
    with pytest.raises(ResponseError), redis_errors():
        await own_redis.get("list")
    with pytest.raises(ResponseError):
        await run_script(own_redis, "return nonsense(", [b"k"])


async def test_more_callers_than_connections_wait_for_one(own_redis: Redis) -> None:
    answers = await asyncio.gather(*(own_redis.set(f"k{i}", i) for i in range(5 * CONNECTIONS)))
    assert all(answers)
    connected = int((await own_redis.info("clients"))["connected_clients"])
    assert connected <= CONNECTIONS


async def test_a_viewer_keeps_only_so_many_slates(own_redis: Redis) -> None:
    store, viewer = SlateStore(own_redis), UserId(7)
    made = [_slate(f"s{number}") for number in range(SLATES_A_VIEWER + 3)]
    for slate in made:
        await store.put(viewer, slate)
    kept = [slate.slate_id for slate in made if await own_redis.exists(slate_key(viewer, slate.slate_id))]
    assert kept == [slate.slate_id for slate in made[3:]]


async def test_a_slate_that_was_made_here_outlives_redis(own_redis: Redis) -> None:
    store, viewer, slate = SlateStore(own_redis), UserId(7), _slate("s")
    await store.put(viewer, slate)
    await own_redis.flushall()
    assert await store.get(viewer, "s") == slate
    assert await SlateStore(own_redis).get(viewer, "s") is None
    assert await store.get(UserId(8), "s") is None


def _slate(slate_id: str) -> Slate:
    return Slate(slate_id, 1, 1, "m@1", "o@1", "h", ["timeline"], [], b"", b"", b"", b"", b"")
