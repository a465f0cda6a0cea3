"""Preheating by itself: who is built, in what order, how many at once, and what it does in bad times."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import numpy as np
import pytest

from core.clock import utc_day
from core.errors import Unavailable
from core.ids import UserId
from fanout.preheat import ACTIVE_DAYS, LOOKED_AT_ONCE, PAGE, TRIES, Preheat, PreheatOptions
from stores.ports import Ids, UserStore
from stores.turn import Turn
from tests.fakes import FakeClock
from tests.unit.timelines.fake_stores import FakeGraphStore
from timelines.merge import TimelineMerge
from timelines.relations import Relations
from timelines.warmth import Looked, Warmth


class FakeWarmth:
    """Lists by viewer, in memory; `stood` is how often it is asked before lists are lost again."""

    def __init__(self) -> None:
        self.lists: set[int] = set()
        self.building: set[int] = set()
        self.warm = False
        self.finished = asyncio.Event()
        self.stood = 10**6

    async def is_warm(self) -> bool:
        return self.warm

    async def begin(self) -> bool:
        return not self.warm

    async def stands(self) -> bool:
        self.stood -= 1
        return self.stood >= 0

    async def look(self, viewers: Sequence[int]) -> Looked:
        missing = [viewer for viewer in viewers if viewer not in self.lists]
        return Looked(
            [viewer for viewer in missing if viewer not in self.building],
            [viewer for viewer in missing if viewer in self.building],
        )

    async def finish(self) -> bool:
        self.warm = True
        self.finished.set()
        return True


class FakeTurn:
    """`others` while it is another one's; `when_asked` happens before the answer."""

    def __init__(self) -> None:
        self.others = False
        self.mine = False
        self.when_asked: Callable[[], None] = lambda: None

    async def is_ours(self) -> bool:
        self.when_asked()
        self.mine = not self.others
        return self.mine

    async def pass_on(self) -> None:
        self.mine = False


class FakeMerge:
    """Builds lists in the memory above; some it cannot build."""

    def __init__(self, warmth: FakeWarmth) -> None:
        self._warmth = warmth
        self.built: list[int] = []
        self.authors: dict[int, list[int]] = {}
        self.failing: set[int] = set()
        self.at_once = self.most_at_once = 0
        self.after_build: Callable[[], None] = lambda: None

    async def rebuild(self, viewer: UserId, authors: Callable[[], Awaitable[Ids]]) -> Ids:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if viewer in self.failing:
            raise Unavailable("too slow")
        self.authors[viewer] = (await authors()).tolist()
        self._warmth.lists.add(viewer)
        self.built.append(viewer)
        self.after_build()
        return np.empty(0, np.int64)


class FakeActive:
    """As much of a user store as says who was here."""

    def __init__(self, today: int) -> None:
        self._today = today
        self.days: dict[int, list[int]] = {}
        self.away = False

    def add(self, days_past: int, *viewers: int) -> None:
        self.days.setdefault(self._today - days_past, []).extend(viewers)

    async def active(self, day: int, *, after: int, limit: int) -> Ids:
        if self.away:
            raise Unavailable("no store")
        return np.array(
            sorted(viewer for viewer in self.days.get(day, []) if viewer > after)[:limit], np.int64
        )


class FakeRelations:
    """From the store, and no cache."""

    def __init__(self, graph: FakeGraphStore) -> None:
        self.load, self.load_hidden = graph.followees, graph.hidden


class World:
    def __init__(self, at_once: int = 4) -> None:
        self.clock = FakeClock()
        self.warmth, self.turn = FakeWarmth(), FakeTurn()
        self.merge = FakeMerge(self.warmth)
        self.users = FakeActive(utc_day(self.clock.now_ms()))
        self.graph = FakeGraphStore()
        self.stop = asyncio.Event()
        self.preheat = Preheat(
            cast(Warmth, self.warmth),
            cast(Turn, self.turn),
            cast(UserStore, self.users),
            cast(Relations, FakeRelations(self.graph)),
            cast(TimelineMerge, self.merge),
            self.clock,
            PreheatOptions(at_once, a_second=10**9, look_every_s=0.0, others_s=0.0),
        )

    async def look(self) -> None:
        await self.preheat.look(self.stop)


@pytest.fixture
def world() -> World:
    return World()


async def test_the_newest_day_is_built_first_and_who_was_not_here_for_a_week_is_not(world: World) -> None:
    for days_past in (3, 0, ACTIVE_DAYS, ACTIVE_DAYS + 1, 1):
        world.users.add(days_past, 100 + days_past)
    await world.look()
    assert world.merge.built == [100, 101, 103, 100 + ACTIVE_DAYS]
    assert world.warmth.warm
    assert not world.turn.mine


async def test_a_list_holds_the_followees_and_the_viewers_own(world: World) -> None:
    world.graph.follow(7, 3, 9)
    world.users.add(0, 7, 8)
    await world.look()
    assert world.merge.authors == {7: [3, 7, 9], 8: [8]}


async def test_who_was_here_on_several_days_is_built_once(world: World) -> None:
    for days_past in range(5):
        world.users.add(days_past, 7)
    await world.look()
    assert world.merge.built == [7]


async def test_a_list_that_is_there_is_left_alone(world: World) -> None:
    world.users.add(0, 7, 8)
    world.warmth.lists = {7}
    await world.look()
    assert world.merge.built == [8]


async def test_while_nothing_is_lost_nobody_is_looked_at(world: World) -> None:
    world.users.away = True
    world.warmth.warm = True
    await world.look()


async def test_where_another_one_is_at_it_it_is_left_to_that_one(world: World) -> None:
    world.users.add(0, 7)
    world.turn.others = True
    await world.look()
    assert world.merge.built == []
    # That one finished between the look and the turn.
    world.turn.others = False

    def finish() -> None:
        world.warmth.warm = True

    world.turn.when_asked = finish
    await world.look()
    assert world.merge.built == []
    assert not world.turn.mine


@pytest.mark.parametrize("at_once", [1, 3])
async def test_only_so_many_are_built_side_by_side(at_once: int) -> None:
    world = World(at_once)
    world.users.add(0, *range(1, PAGE + 2 * LOOKED_AT_ONCE))
    await world.look()
    assert sorted(world.merge.built) == list(range(1, PAGE + 2 * LOOKED_AT_ONCE))
    assert world.merge.most_at_once == at_once


async def test_it_ends_where_it_is_told_to_and_goes_on_there(world: World) -> None:
    viewers = range(1, 4 * LOOKED_AT_ONCE)
    world.users.add(0, *viewers)

    def enough() -> None:
        if len(world.merge.built) == LOOKED_AT_ONCE + 5:
            world.stop.set()

    world.merge.after_build = enough
    await world.look()
    assert len(world.merge.built) < 2 * LOOKED_AT_ONCE
    assert not world.warmth.warm
    world.stop.clear()
    await world.look()
    assert sorted(world.merge.built) == list(viewers)
    assert world.warmth.warm


async def test_where_lists_are_lost_again_it_begins_again_with_the_newest_day(world: World) -> None:
    world.users.add(0, *range(1, 2 * LOOKED_AT_ONCE))
    world.users.add(1, 9_999)
    world.warmth.stood = 2
    await world.look()
    assert 9_999 not in world.merge.built
    assert not world.warmth.warm
    assert not world.turn.mine
    world.warmth.lists.clear()
    world.merge.built.clear()
    world.warmth.stood = 10**6
    await world.look()
    assert world.merge.built[-1] == 9_999
    assert len(world.merge.built) == 2 * LOOKED_AT_ONCE


async def test_one_who_cannot_be_built_keeps_nobody_else_waiting(world: World) -> None:
    world.users.add(0, 7, 8)
    world.users.add(1, 9)
    world.merge.failing = {7}
    await world.look()
    assert sorted(world.merge.built) == [8, 9]
    # After some tries it is left to its reader.
    assert world.warmth.warm


async def test_who_is_being_built_is_looked_at_again(world: World) -> None:
    world.users.add(0, 7, 8)
    world.warmth.building = {7}
    world.merge.after_build = world.warmth.building.clear
    await world.look()
    assert world.merge.built == [8, 7]
    # One that is never done is left to its reader.
    again = World()
    again.users.add(0, 7)
    again.warmth.building = {7}
    again.warmth.stood = 1 + TRIES
    await again.look()
    assert again.merge.built == []
    assert again.warmth.warm


async def test_while_the_store_is_away_nobody_is_given_up(world: World) -> None:
    world.users.add(0, *range(1, 3 * LOOKED_AT_ONCE))

    def away() -> None:
        world.users.away = True
        world.merge.failing = set(range(1, 3 * LOOKED_AT_ONCE))

    world.merge.after_build = away
    with pytest.raises(Unavailable):
        await world.look()
    assert len(world.merge.built) < LOOKED_AT_ONCE
    assert not world.warmth.warm
    assert not world.turn.mine
    world.users.away, world.merge.failing, world.merge.after_build = False, set(), lambda: None
    await world.look()
    assert sorted(world.merge.built) == list(range(1, 3 * LOOKED_AT_ONCE))


async def test_it_runs_on_while_neighbours_are_away(world: World) -> None:
    world.users.add(0, 7)
    world.users.away = True
    running = asyncio.create_task(world.preheat.run(world.stop))
    for _ in range(20):
        await asyncio.sleep(0)
    world.users.away = False
    await world.warmth.finished.wait()
    world.stop.set()
    await running
    assert world.merge.built == [7]
