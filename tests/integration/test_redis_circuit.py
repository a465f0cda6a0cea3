"""A Redis that hangs is asked a few times, then left alone; when it answers again it is used again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from prometheus_client import REGISTRY

from core.errors import Unavailable
from stores.circuit import FAILURES
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_commands import command
from stores.redis_errors import ResponseError
from stores.redis_options import RedisOptions
from tests.e2e.waiting import eventually


@pytest.fixture
async def impatient(redis_url: str, redis_client: redis.asyncio.Redis) -> AsyncIterator[RedisClient]:
    client = open_redis(RedisOptions(redis_url, timeout_ms=250))
    yield client
    await client.aclose()


@pytest.fixture
async def stopped(redis_client: redis.asyncio.Redis) -> AsyncIterator[int]:
    """The process id of the Redis, which hangs; it goes on after the test at the latest."""
    pid = int((await redis_client.info("server"))["process_id"])
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


async def get(client: RedisClient) -> bytes | None:
    value: bytes | None = await client.call(command(b"GET", b"k"))
    return value


def refused() -> float:
    return REGISTRY.get_sample_value("rankfeed_circuit_refused_total", {"neighbour": "redis"}) or 0.0


async def test_a_redis_that_hangs_is_left_alone_until_it_answers(
    impatient: RedisClient, stopped: int
) -> None:
    before = refused()
    for _ in range(FAILURES):
        with pytest.raises(Unavailable):
            await get(impatient)
    assert refused() == before
    for _ in range(20):
        with pytest.raises(Unavailable):
            await get(impatient)
    # Half open, a probe may have been among them.
    assert refused() > before + 10
    # A cache that is asked says that it does not know.
    assert (await impatient.find([b"k"])).unanswered == {0}
    os.kill(stopped, signal.SIGCONT)

    async def answers() -> bool:
        try:
            return await get(impatient) is None
        except Unavailable:
            return False

    await eventually("Redis is asked again", answers)
    before = refused()
    assert await asyncio.gather(*(get(impatient) for _ in range(20))) == [None] * 20
    assert refused() == before


async def test_a_redis_that_is_gone_opens_nothing() -> None:
    nobody = open_redis(RedisOptions("redis://127.0.0.1:1/0", timeout_ms=250))
    before = refused()
    for _ in range(3 * FAILURES):
        with pytest.raises(Unavailable):
            await get(nobody)
    assert refused() == before
    await nobody.aclose()


async def test_whoever_does_not_wait_for_it_says_nothing_of_it(impatient: RedisClient, stopped: int) -> None:
    before = refused()
    for _ in range(3 * FAILURES):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await get(impatient)
    assert refused() == before


async def test_a_wrong_command_is_an_answer(impatient: RedisClient) -> None:
    before = refused()
    for _ in range(3 * FAILURES):
        with pytest.raises(ResponseError):
            await impatient.call(command(b"NONSENSE", b"k"))
    assert refused() == before
    assert await get(impatient) is None
