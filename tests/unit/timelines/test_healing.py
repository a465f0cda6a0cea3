"""Lists in which much is twice, or that nobody had the time to build, are merged with the store, one at a
time; others are left alone."""

from __future__ import annotations

import asyncio

import numpy as np

from core.errors import Unavailable
from core.ids import UserId
from tests.e2e.waiting import eventually
from timelines.healing import UNFINISHED, WAITING, Healing
from timelines.reader import Timeline, TimelineReader

NOBODY = np.empty(0, np.int64)


class SlowReader(TimelineReader):
    def __init__(self) -> None:
        self.read_fresh: list[int] = []
        self.read_as_is: list[int] = []
        self.at_once = 0
        self.most = 0
        self.away = False
        self.go = asyncio.Event()

    async def read(
        self,
        viewer: UserId,
        *,
        fresh: bool = False,
        enough: int | None = None,
        patience_s: float | None = None,
    ) -> Timeline:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.go.wait()
        self.at_once -= 1
        (self.read_fresh if fresh else self.read_as_is).append(viewer)
        if self.away:
            raise Unavailable("no store")
        return _read(viewer, 1.0)


def _read(viewer: int, distinct: float) -> Timeline:
    return Timeline(UserId(viewer), NOBODY, NOBODY, NOBODY, NOBODY, "list", distinct=distinct)


async def _healed(healing: Healing, reader: SlowReader, viewers: int) -> list[int]:
    """Whoever was merged, once so many were."""

    async def enough() -> bool:
        return len(reader.read_fresh) + len(reader.read_as_is) >= viewers

    stop = asyncio.Event()
    running = asyncio.create_task(healing.run(stop))
    reader.go.set()
    await eventually("they are merged", enough)
    stop.set()
    await running
    return reader.read_fresh


async def test_each_is_merged_once_and_one_at_a_time() -> None:
    reader = SlowReader()
    healing = Healing(reader)
    for viewer in (1, 2, 1, 3, 2, 1):
        healing.look_at(_read(viewer, 0.89))
    healing.look_at(_read(4, 0.9))
    assert await _healed(healing, reader, 3) == [1, 2, 3]
    assert reader.most == 1
    healing.look_at(_read(1, 0.5))
    assert await _healed(healing, reader, 4) == [1, 2, 3, 1]


async def test_without_the_store_the_others_still_have_their_turn() -> None:
    reader = SlowReader()
    reader.away = True
    healing = Healing(reader)
    for viewer in (1, 2):
        healing.look_at(_read(viewer, 0.0))
    assert await _healed(healing, reader, 2) == [1, 2]


async def test_no_more_wait_than_can_be_merged() -> None:
    reader = SlowReader()
    healing = Healing(reader)
    for viewer in range(WAITING + 10):
        healing.look_at(_read(viewer, 0.0))
    assert await _healed(healing, reader, 3) == [0, 1, 2]
    assert len(healing._damaged) <= WAITING


async def test_damaged_lists_do_not_wait_for_those_that_a_slow_store_makes() -> None:
    reader = SlowReader()
    healing = Healing(reader)
    for viewer in range(1, UNFINISHED + 10):
        healing.finish(UserId(viewer))
    healing.look_at(_read(5_000, 0.5))
    await _healed(healing, reader, 1)
    assert reader.read_fresh == [5_000]
    assert len(healing._unfinished) <= UNFINISHED


async def test_it_ends_in_the_midst_of_a_list_when_told() -> None:
    reader = SlowReader()
    healing = Healing(reader)
    healing.finish(UserId(1))
    stop = asyncio.Event()
    running = asyncio.create_task(healing.run(stop))

    async def reading() -> bool:
        return reader.at_once == 1

    await eventually("a list is read", reading)
    stop.set()
    await running
    assert reader.read_as_is == []


async def test_nothing_to_heal_ends_when_told() -> None:
    assert await _healed(Healing(SlowReader()), SlowReader(), 0) == []


async def test_a_list_that_was_not_built_in_time_is_read_as_any_other() -> None:
    """Whoever built it meanwhile is not undone; what is damaged comes first, and is merged."""
    reader = SlowReader()
    healing = Healing(reader)
    for viewer in (1, 2, 3, 1):
        healing.finish(UserId(viewer))
    healing.look_at(_read(2, 0.5))
    healing.look_at(_read(4, 0.5))
    healing.finish(UserId(4))
    assert await _healed(healing, reader, 6) == [2, 4]
    assert reader.read_as_is == [1, 2, 3, 4]
