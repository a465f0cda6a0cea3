"""Rates on a real Redis: exact over every window, forward and backward; retries free; keys that expire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Unavailable
from core.ids import UserId
from core.rates import Rate
from stores.rate_limits import RateLimits, rate_key
from stores.redis_assembly import open_redis
from stores.redis_commands import command
from stores.redis_options import RedisOptions

ADA = UserId(7)
SMALL = Rate(3, 1_000, "3/1s")
HALF_A_DAY_MS = 12 * 3_600_000
BEGIN_MS = 1_700_000_000_000


@pytest.fixture
async def limits(redis_url: str, redis_client: redis.asyncio.Redis) -> AsyncIterator[RateLimits]:
    """On the Redis that `redis_client` has emptied."""
    client = open_redis(RedisOptions(redis_url, timeout_ms=10_000))
    yield RateLimits(client)
    await client.aclose()


class Model:
    """What exactness means: one more is admitted unless the window behind it then held too many."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self.admitted: list[int] = []

    def charge(self, now_ms: int) -> int:
        inside = [at for at in self.admitted if at > now_ms - self._rate.window_ms]
        if len(inside) >= self._rate.count:
            return inside[-self._rate.count] + self._rate.window_ms - now_ms
        self.admitted.append(now_ms)
        return 0


@given(steps=st.lists(st.integers(0, 700), min_size=10, max_size=60), count=st.integers(1, 5))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_the_window_is_exact(redis_url: str, steps: list[int], count: int) -> None:
    """Equal to the model, in what is admitted and in how long to wait; and so never above the count."""
    rate = Rate(count, 1_000, f"{count}/1s")
    model = Model(rate)

    async def compare() -> None:
        client = open_redis(RedisOptions(redis_url, timeout_ms=10_000))
        try:
            await client.call(command(b"DEL", rate_key(ADA, "post")))
            limits, now_ms = RateLimits(client), BEGIN_MS
            for advance_ms in steps:
                now_ms += advance_ms
                # The key must not expire by the real clock within the example.
                await client.call(command(b"PERSIST", rate_key(ADA, "post")))
                assert await limits.charge(ADA, "post", rate, now_ms=now_ms) == model.charge(now_ms)
        finally:
            await client.aclose()

    asyncio.run(compare())
    for began in model.admitted:
        assert sum(began <= at < began + rate.window_ms for at in model.admitted) <= count


async def test_300_in_any_3_hours(limits: RateLimits) -> None:
    """The demand itself: as many tries as one likes over half a day, and at most 300 in any 3 h."""
    rate = Rate(300, 3 * 3_600_000, "300/3h")
    admitted = [
        now_ms
        for now_ms in range(BEGIN_MS, BEGIN_MS + HALF_A_DAY_MS, 17_000)
        if not await limits.charge(ADA, "post", rate, now_ms=now_ms)
    ]
    begins = range(len(admitted))
    assert (
        max(sum(admitted[i] <= at < admitted[i] + rate.window_ms for at in admitted) for i in begins) == 300
    )
    assert len(admitted) == 4 * 300


async def test_who_waits_as_told_is_admitted_and_not_a_moment_before(limits: RateLimits) -> None:
    for at in (0, 100, 200):
        assert await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS + at) == 0
    wait_ms = await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS + 300)
    assert wait_ms == 700
    assert await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS + 300 + wait_ms - 1) == 1
    assert await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS + 300 + wait_ms) == 0


async def test_users_and_classes_are_counted_apart(limits: RateLimits) -> None:
    one = Rate(1, 1_000, "1/1s")
    for user in (7, 8):
        for name in ("post", "follow"):
            assert await limits.charge(UserId(user), name, one, now_ms=BEGIN_MS) == 0
            assert await limits.charge(UserId(user), name, one, now_ms=BEGIN_MS) == 1_000


async def test_a_retry_is_not_counted(limits: RateLimits, redis_client: redis.asyncio.Redis) -> None:
    for number in range(3):
        for _ in range(4):
            once = b"retry %d" % number
            assert await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS, once=once) == 0
    assert len(await _entries(redis_client)) == 2 * 3
    assert await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS, once=b"retry 3") > 0
    assert await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS, once=b"retry 0") == 0
    # Requests without a key are all different.
    assert await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS) > 0


async def test_many_at_once_are_counted_one_by_one(limits: RateLimits) -> None:
    rate = Rate(10, 1_000, "10/1s")
    waits = await asyncio.gather(*(limits.charge(ADA, "post", rate, now_ms=BEGIN_MS + 5) for _ in range(60)))
    assert waits.count(0) == 10


async def test_keys_expire_and_stay_small(limits: RateLimits, redis_client: redis.asyncio.Redis) -> None:
    rate = Rate(300, 3 * 3_600_000, "300/3h")
    for number in range(1_000):
        now_ms = BEGIN_MS + number * rate.window_ms
        await limits.charge(ADA, "post", rate, now_ms=now_ms, once=b"%08d" % number)
    key = rate_key(ADA, "post")
    assert len(await _entries(redis_client)) == 2 * 300
    assert 0 < await redis_client.pttl(key) <= rate.window_ms
    assert await redis_client.memory_usage(key, samples=0) <= 10_000


async def test_a_smaller_limit_counts_what_is_there(limits: RateLimits) -> None:
    for number in range(3):
        assert await limits.charge(ADA, "post", SMALL, now_ms=BEGIN_MS + 100 * number) == 0
    two = Rate(2, 1_000, "2/1s")
    assert await limits.charge(ADA, "post", two, now_ms=BEGIN_MS + 300) == 800
    assert await limits.charge(ADA, "post", two, now_ms=BEGIN_MS + 1_100) == 0


async def _entries(client: redis.asyncio.Redis) -> list[bytes]:
    found: list[bytes] = await client.lrange(rate_key(ADA, "post"), 0, -1)  # type: ignore[misc]  # redis-py's own
    return found


@pytest.fixture
async def away() -> AsyncIterator[RateLimits]:
    nobody = open_redis(RedisOptions("redis://127.0.0.1:1/0", timeout_ms=100))
    yield RateLimits(nobody)
    await nobody.aclose()


async def test_without_redis_it_cannot_be_known(away: RateLimits) -> None:
    with pytest.raises(Unavailable):
        await away.charge(ADA, "post", SMALL, now_ms=BEGIN_MS)
