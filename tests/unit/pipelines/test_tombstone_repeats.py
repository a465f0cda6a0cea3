"""Tombstones are written once more after 5 and after 60 seconds, however long Redis is away."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import Unavailable
from pipelines.tombstone_repeats import TombstoneRepeats
from tests.fakes import FakeClock
from tests.unit.pipelines.fake_counts import FakeTombstones


class World:
    def __init__(self) -> None:
        self.tombstones = FakeTombstones()
        self.clock = FakeClock()
        self.repeats = TombstoneRepeats(self.tombstones, self.clock)

    async def after(self, seconds: float) -> list[list[int]]:
        """What was written by then."""
        self.tombstones.written.clear()
        self.clock.advance(int(seconds * 1_000))
        await self.repeats.turn()
        return list(self.tombstones.written)


async def test_three_times() -> None:
    world = World()
    await world.repeats.write([1, 2])
    assert world.tombstones.written == [[1, 2]]
    assert await world.after(4.9) == []
    assert await world.after(0.1) == [[1, 2]]
    assert await world.after(54.9) == []
    assert await world.after(0.1) == [[1, 2]]
    assert await world.after(1_000) == []
    assert len(world.repeats) == 0


async def test_what_was_not_written_is_the_callers_to_repeat() -> None:
    world = World()
    world.tombstones.away = True
    with pytest.raises(Unavailable):
        await world.repeats.write([1])
    assert len(world.repeats) == 0


async def test_a_repeat_waits_for_redis() -> None:
    world = World()
    await world.repeats.write([1])
    world.tombstones.away = True
    assert await world.after(5) == []
    world.tombstones.away = False
    assert await world.after(0.9) == []
    assert await world.after(0.1) == [[1]]
    assert await world.after(60) == [[1]]


async def test_many_are_written_in_parts() -> None:
    world = World()
    await world.repeats.write(range(1_200))
    assert [len(ids) for ids in await world.after(5)] == [500, 500, 200]


async def test_it_runs_until_it_is_told_to_stop() -> None:
    world = World()
    stop = asyncio.Event()
    running = asyncio.create_task(world.repeats.run(stop))
    await world.repeats.write([1])
    await asyncio.sleep(0)
    stop.set()
    world.repeats.wake()
    await running
