"""A fault is over when its claim is, by the wall's clock, and who gave it says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from core.errors import Unavailable
from ranking.faults import FaultName
from stores.redis_client import RedisClient
from stores.redis_commands import Command
from stores.redis_connection import RedisConnection
from stores.redis_options import RedisOptions
from tests.fakes import FakeClock
from wiring.chaos.faults import ALLOWED, Chaos
from wiring.home import StackState

LONG_S = 300.0
"""By the clock of the loop nobody waits for it."""
SLEPT_MS = 1_000_000
SLICES = 3


class Redis:
    """Answers what a claim needs, and counts the times that it was to forget rows."""

    def __init__(self, forgets: Callable[[], None], failed: Callable[[], None] = lambda: None) -> None:
        self.forgot = 0
        self.ends = 0
        self.away = 0
        self._forgets = forgets
        self._failed = failed

    async def call(self, command: Command) -> Any:
        match command.packed.split(b"\r\n")[2]:
            case b"GET":
                return None
            case b"SET":
                return b"OK"
        self.ends += 1
        if self.ends <= self.away:
            self._failed()
            raise Unavailable("away")
        return 1

    async def calls(self, commands: Sequence[Any]) -> list[Any]:
        self.forgot += 1
        self._forgets()
        return [1] * len(commands)

    async def shards(self) -> list[bytes]:
        return [b""]


class Paused:
    """A connection to a Redis whose machine falls asleep in one of the slices."""

    def __init__(self, clock: FakeClock) -> None:
        self.slices = 0
        self._clock = clock

    async def exchange(self, packed: bytes, answers: int) -> list[Any]:
        await asyncio.sleep(0)
        self.slices += 1
        if self.slices == SLICES:
            self._clock.advance(SLEPT_MS)
        return [b"OK"] * answers

    def abort(self) -> None:
        pass


def chaos_of(redis: Redis, clock: FakeClock) -> Chaos:
    state = StackState(1, "", "", ready=True, settings={ALLOWED: "true"}, own_redis=True)
    return Chaos(state, cast(RedisClient, redis), RedisOptions("redis://127.0.0.1:1/0"), clock)


async def test_rows_are_forgotten_no_more_once_a_machine_has_slept_over_the_end() -> None:
    clock = FakeClock()
    redis = Redis(lambda: clock.advance(SLEPT_MS) if redis.forgot == SLICES else None)
    await chaos_of(redis, clock).give("features", LONG_S)
    assert redis.forgot == SLICES


async def test_redis_is_paused_no_more_once_a_machine_has_slept_over_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    paused = Paused(clock)

    async def opened(*args: object) -> Paused:
        return paused

    monkeypatch.setattr(RedisConnection, "open", opened)
    await chaos_of(Redis(lambda: None), clock).give("redis", LONG_S)
    assert paused.slices == SLICES


async def given_up(chaos: Chaos, name: FaultName) -> None:
    giving = asyncio.create_task(chaos.give(name, LONG_S))
    await asyncio.sleep(0)
    giving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await giving


async def test_a_claim_that_cannot_be_ended_at_once_is_tried_again() -> None:
    redis = Redis(lambda: None)
    redis.away = 2
    chaos = chaos_of(redis, FakeClock())
    await given_up(chaos, "model")
    assert redis.ends == redis.away + 1
    assert chaos.given_up() == "the fault is over"


async def test_a_claim_that_stays_is_told_with_its_own_end() -> None:
    clock = FakeClock()
    redis = Redis(lambda: None, failed=lambda: clock.advance(600))
    redis.away = SLEPT_MS
    chaos = chaos_of(redis, clock)
    await given_up(chaos, "model")
    assert redis.ends == 2
    assert "`model` ends by itself, in 299 s" in chaos.given_up()
