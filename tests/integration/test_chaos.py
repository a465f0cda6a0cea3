"""Faults given to a real Redis: one at a time, as long as wanted, and over whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from core.clock import SystemClock
from core.errors import ConfigurationError, Unavailable
from features.packed_store import PackedStore
from ranking.faults import KEY, LONGEST_S, Fault, FaultName, FaultStore
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from tests.e2e.waiting import eventually
from tests.integration.redis_world import RedisWorld
from wiring.chaos.faults import ALLOWED, Chaos, hang
from wiring.home import StackState

LONG_S = 60.0
"""Nobody waits for it: it is cancelled."""


def chaos_of(world: RedisWorld, *, own_redis: bool = True) -> Chaos:
    state = StackState(1, "", "", ready=True, settings={ALLOWED: "true"}, own_redis=own_redis)
    return Chaos(state, world.client, world.options, SystemClock())


async def standing(world: RedisWorld) -> FaultName | None:
    fault = await FaultStore(world.client).standing()
    return None if fault is None else fault.name


async def given_up(giving: asyncio.Task[None]) -> None:
    giving.cancel()
    with suppress(asyncio.CancelledError):
        await giving


async def test_a_fault_stands_alone_and_ends_with_who_gave_it(both_redis: RedisWorld) -> None:
    chaos = chaos_of(both_redis)
    giving = asyncio.create_task(chaos.give("model", LONG_S))

    async def stands() -> bool:
        return await standing(both_redis) == "model"

    await eventually("it stands", stands)
    # Whoever is killed leaves it behind; it goes by itself.
    assert 0 < await both_redis.look.pttl(KEY) <= 1000 * LONG_S <= 1000 * LONGEST_S
    with pytest.raises(ConfigurationError, match="`model` stands for"):
        await chaos.give("slow", 1.0)
    assert await standing(both_redis) == "model"
    await given_up(giving)
    assert await standing(both_redis) is None
    await chaos.give("slow", 0.01)
    assert await standing(both_redis) is None


async def test_what_another_has_claimed_since_is_left_alone(one_redis: RedisWorld) -> None:
    store, now_ms = FaultStore(one_redis.client), SystemClock().now_ms()
    first, second = (Fault("model", now_ms + 60_000, mark) for mark in "ab")
    assert await store.claim(first, now_ms)
    assert not await store.claim(second, now_ms)
    await store.end(first)
    assert await store.claim(second, now_ms)
    await store.end(first)
    assert await store.standing() == second


async def test_what_is_no_claim_of_this_code_is_none(one_redis: RedisWorld) -> None:
    for raw in (b"", b"\x02\x93", b"\x01\x90", b"\x01\x93\xa5flood\x01\xa1a"):
        await one_redis.look.set(KEY, raw)
        assert await FaultStore(one_redis.client).standing() is None


async def test_redis_hangs_without_a_gap_and_is_back_at_once(both_redis: RedisWorld) -> None:
    # Its own client: the circuit of the other one is not to be opened.
    hurried = open_redis(
        RedisOptions(both_redis.options.url, timeout_ms=500, cluster=both_redis.options.cluster)
    )
    hanging = asyncio.create_task(hang(both_redis.options.place, lambda: False))
    answered: list[bool] = []

    async def nobody_answers() -> bool:
        try:
            await hurried.ping()
        except Unavailable:
            return True
        answered.append(True)
        return False

    try:
        await eventually("it hangs", nobody_answers)
        answered.clear()
        # More than one slice, none of whose ends let anybody through.
        assert await nobody_answers()
        assert not answered
    finally:
        await given_up(hanging)
        await hurried.aclose()
    await both_redis.client.ping()


async def test_a_redis_of_somebody_else_is_not_stopped(one_redis: RedisWorld) -> None:
    with pytest.raises(ConfigurationError, match="RANKFEED_REDIS_URL"):
        await chaos_of(one_redis, own_redis=False).give("redis", 1.0)
    assert await standing(one_redis) is None


async def test_marks_of_feature_rows_are_taken_away_again_and_again(both_redis: RedisWorld) -> None:
    rows = PackedStore(both_redis.client)
    giving = asyncio.create_task(chaos_of(both_redis, own_redis=False).give("features", LONG_S))

    async def gone() -> bool:
        return await rows.epoch() is None

    for _ in range(3):
        await rows.mark(b"one:1")
        await rows.complete(b"one:1")
        await eventually("the marks are gone", gone)
    await given_up(giving)
    await rows.mark(b"one:2")
    assert await rows.complete(b"one:2")
    assert await rows.epoch() == b"one:2"
