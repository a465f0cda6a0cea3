"""Sources side by side: the timeline wins, each has its room, and what is away is left out."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from core.errors import Unavailable
from ranking.candidate import POPULAR_SOURCE, TIMELINE_SOURCE
from ranking.query import FeedQuery
from ranking.sources import Source, Sources
from ranking.stages import Stage
from stores.ports import Ids
from tests.unit.ranking.feed_world import VIEWER, FeedWorld
from timelines.reader import Timeline


class FakeSource:
    """`ready` says whether it needs no waiting; `together` is a barrier that it waits at."""

    stage = Stage("popular", deadline_ms=50, on_failure="open")

    def __init__(self, *ids: int, name: str = POPULAR_SOURCE, ready: bool = True) -> None:
        self.name = name
        self.ids = np.array(ids, np.int64)
        self.ready = ready
        self.fails: Exception | None = None
        self.together: asyncio.Barrier | None = None
        self.asked = 0

    def at_hand(self, query: FeedQuery, timeline: Timeline) -> Ids | None:
        self.asked += 1
        return self.ids if self.ready else None

    async def find(self, query: FeedQuery, timeline: Timeline) -> Ids:
        if self.together is not None:
            await self.together.wait()
        if self.fails is not None:
            raise self.fails
        return self.ids


def timeline(*ids: int) -> Timeline:
    nobody = np.empty(0, np.int64)
    return Timeline(VIEWER, np.array(ids, np.int64), np.array([VIEWER]), nobody, nobody, "list")


async def found(
    world: FeedWorld, share: float, at_most: int, own: tuple[int, ...], *sources: Source
) -> list[tuple[int, str]]:
    candidates = await Sources(sources, share).newest(world.query(), timeline(*own), at_most)
    return list(zip(candidates.ids.tolist(), candidates.sources, strict=True))


async def test_the_newest_come_first_and_a_share_is_recommended(world: FeedWorld) -> None:
    got = await found(world, 0.5, 4, (9, 8, 7, 6, 5), FakeSource(31, 32, 33))
    assert got == [(9, "timeline"), (8, "timeline"), (31, "popular"), (32, "popular")]


async def test_a_short_timeline_leaves_its_room_and_so_do_recommendations(world: FeedWorld) -> None:
    popular = FakeSource(31, 32, 33)
    assert [one for one, _ in await found(world, 0.25, 4, (9, 8), popular)] == [9, 8, 31, 32]
    assert [one for one, _ in await found(world, 0.25, 8, (), popular)] == [31, 32, 33]
    assert [one for one, _ in await found(world, 0.5, 4, (9, 8, 7, 6, 5), FakeSource(31))] == [9, 8, 7, 31]


async def test_what_is_in_the_timeline_is_the_timelines_wherever_it_stands(world: FeedWorld) -> None:
    got = await found(world, 0.5, 4, (9, 8, 7, 6, 5), FakeSource(5, 9, 31, 32))
    assert got == [(9, "timeline"), (8, "timeline"), (31, "popular"), (32, "popular")]


async def test_an_earlier_source_wins(world: FeedWorld) -> None:
    others = FakeSource(31, 32, name="popular"), FakeSource(32, 41, name="others")
    got = await found(world, 0.5, 6, (9,), *others)
    assert got == [(9, "timeline"), (31, "popular"), (32, "popular"), (41, "others")]


async def test_without_a_share_nobody_is_asked(world: FeedWorld) -> None:
    source = FakeSource(31)
    assert await found(world, 0.0, 4, (), source) == []
    assert source.asked == 0


async def test_those_who_have_to_be_waited_for_are_asked_side_by_side(world: FeedWorld) -> None:
    slow = FakeSource(31, ready=False), FakeSource(41, name="others", ready=False)
    slow[0].together = slow[1].together = asyncio.Barrier(2)
    assert [one for one, _ in await found(world, 0.5, 4, (), *slow)] == [31, 41]


async def test_what_is_away_or_slow_is_left_out(world: FeedWorld) -> None:
    away, slow = FakeSource(31, ready=False), FakeSource(32, name="slow", ready=False)
    away.fails, slow.together = Unavailable("gone"), asyncio.Barrier(2)
    assert await found(world, 0.5, 4, (9,), away, slow) == [(9, TIMELINE_SOURCE)]


async def test_what_a_source_does_wrong_surfaces(world: FeedWorld) -> None:
    wrong = FakeSource(31, ready=False)
    wrong.fails = KeyError("oops")
    with pytest.raises(KeyError):
        await found(world, 0.5, 4, (9,), wrong)


async def test_beside_given_ids_all_of_these_stay_and_what_was_served_is_not_recommended(
    world: FeedWorld,
) -> None:
    sources = Sources([FakeSource(31, 32, 33, 34)], 0.5)
    own = np.array([9, 8, 7, 6, 5], np.int64)
    got = await sources.beside(world.query(), timeline(9, 8), own, 4, frozenset({31, 7}))
    assert got.ids.tolist() == [9, 8, 7, 6, 5, 32, 33]
    assert got.sources == ["timeline"] * 5 + ["popular"] * 2


async def test_what_came_from_where_is_counted(world: FeedWorld) -> None:
    query = world.query()
    await Sources([FakeSource(31, 32)], 0.5).newest(query, timeline(9), 8)
    assert query.timings.counts() == [("timeline", 1), ("popular", 2)]
