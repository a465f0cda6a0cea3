"""Each viewer is noted once a day, in few writes, and whatever the store does no request notices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from core.clock import utc_day
from core.errors import Unavailable
from core.ids import UserId
from feed_api.seen_viewers import BATCH, SeenViewers
from stores.ports import UserStore
from tests.fakes import FakeClock

DAY_MS = 86_400_000
ADA, BOB = UserId(1), UserId(2)


class FakeSeen:
    """As much of a user store as takes notes."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[int], int]] = []
        self.away = False

    async def seen(self, users: Sequence[UserId], day: int) -> None:
        if self.away:
            raise Unavailable("no store")
        self.calls.append((list(users), day))


class World:
    def __init__(self, capacity: int = 10_000, waiting: int = 10_000) -> None:
        self.clock = FakeClock()
        self.store = FakeSeen()
        self.day = utc_day(self.clock.now_ms())
        self.viewers = SeenViewers(
            cast(UserStore, self.store), self.clock, capacity=capacity, waiting=waiting
        )

    async def note(self, *viewers: int) -> None:
        for viewer in viewers:
            self.viewers.note(UserId(viewer))
        await self.viewers.flush()


async def test_a_viewer_is_noted_once_a_day() -> None:
    world = World()
    await world.note(ADA, BOB, ADA)
    await world.note(BOB)
    world.clock.advance(DAY_MS)
    await world.note(BOB)
    assert world.store.calls == [([ADA, BOB], world.day), ([BOB], world.day + 1)]


async def test_many_are_noted_in_one_write() -> None:
    world = World()
    await world.note(*range(1, 2 * BATCH + 2))
    assert [len(viewers) for viewers, _ in world.store.calls] == [BATCH, BATCH, 1]


async def test_those_before_midnight_are_noted_on_their_day() -> None:
    world = World()
    world.viewers.note(ADA)
    world.clock.advance(DAY_MS)
    await world.note(ADA, BOB)
    assert world.store.calls == [([ADA], world.day), ([ADA, BOB], world.day + 1)]


async def test_while_the_store_is_away_they_wait_in_order() -> None:
    world = World()
    world.store.away = True
    for viewer in (3, 1, 2):
        await world.note(viewer)
    world.store.away = False
    await world.note(3)
    assert world.store.calls == [([3, 1, 2], world.day)]


async def test_who_found_no_room_to_wait_is_noted_at_the_next_read() -> None:
    world = World(waiting=2)
    world.store.away = True
    await world.note(1, 2, 3)
    world.store.away = False
    await world.viewers.flush()
    await world.note(1, 2, 3)
    assert world.store.calls == [([1, 2], world.day), ([3], world.day)]


async def test_more_than_are_remembered_are_noted_again_and_nobody_is_left_out() -> None:
    world = World(capacity=3)
    for _ in range(2):
        await world.note(*range(1, 6))
    noted = [viewer for viewers, _ in world.store.calls for viewer in viewers]
    assert set(noted) == set(range(1, 6))
    assert len(noted) <= 10


async def test_what_is_left_is_written_at_the_end() -> None:
    world = World()
    stop = asyncio.Event()
    running = asyncio.create_task(world.viewers.run(stop))
    world.viewers.note(ADA)
    stop.set()
    await running
    assert world.store.calls == [([ADA], world.day)]
