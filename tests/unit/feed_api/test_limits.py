"""Limits open where Redis is away, say which class and when, and cost nothing where they are off."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from core.errors import RateLimited, Unavailable
from core.ids import UserId
from core.rates import Rate
from feed_api.limits import LOCAL, SHARED, LimitClass, Limits
from stores.rate_limits import RateLimits
from tests.fakes import FakeClock

ADA = UserId(7)


class FakeRateLimits(RateLimits):
    """Says how long to wait; `charged` is what it was asked for."""

    def __init__(self) -> None:
        self.wait_ms = 0
        self.away = False
        self.charged: list[tuple[int, str, int, int, bytes]] = []

    async def charge(
        self, user: UserId, limit_class: str, rate: Rate, *, now_ms: int, once: bytes = b""
    ) -> int:
        self.charged.append((user, limit_class, rate.count, now_ms, once))
        if self.away:
            raise Unavailable("no redis")
        return self.wait_ms


def limits_of(shared: RateLimits, clock: FakeClock, text: str = "2/1m") -> Limits:
    rates: dict[LimitClass, Rate | None] = {name: Rate.parse(text) for name in (*SHARED, *LOCAL)}
    return Limits(shared, rates, clock)


def counted(name: str, limit_class: str) -> float:
    return REGISTRY.get_sample_value(name, {"limit_class": limit_class}) or 0.0


async def test_too_many_names_the_class_the_limit_and_when() -> None:
    shared, clock = FakeRateLimits(), FakeClock()
    limits = limits_of(shared, clock)
    await limits.charge(ADA, "post", "key 1")
    shared.wait_ms = 1_001
    before = counted("rankfeed_rate_limited_total", "post")
    with pytest.raises(RateLimited) as refused:
        await limits.charge(ADA, "post", "key 2")
    assert (refused.value.field, refused.value.limit, refused.value.retry_after_s) == ("post", "2/1m", 2)
    assert counted("rankfeed_rate_limited_total", "post") == before + 1
    (first, second) = (charge[4] for charge in shared.charged)
    assert first != second
    # Never what could be taken for a time.
    assert len(first) == len(second) == 8


async def test_without_redis_it_is_open_and_counted() -> None:
    shared = FakeRateLimits()
    shared.away = True
    before = counted("rankfeed_rate_limit_open_total", "follow")
    await limits_of(shared, FakeClock()).charge(ADA, "follow")
    assert counted("rankfeed_rate_limit_open_total", "follow") == before + 1


async def test_reads_are_counted_here() -> None:
    shared, clock = FakeRateLimits(), FakeClock()
    limits = limits_of(shared, clock)
    limits.charge_here(ADA, "read")
    limits.charge_here(ADA, "read")
    with pytest.raises(RateLimited) as refused:
        limits.charge_here(ADA, "read")
    assert (refused.value.field, refused.value.limit, refused.value.retry_after_s) == ("read", "2/1m", 30)
    # Each class has its own.
    limits.charge_here(ADA, "report", 2)
    assert not shared.charged


async def test_off_is_off() -> None:
    shared = FakeRateLimits()
    limits = limits_of(shared, FakeClock(), "off")
    for _ in range(10):
        limits.charge_here(ADA, "read", 1_000)
        await limits.charge(ADA, "post")
    assert not shared.charged
