"""The queue of the offline source: numbers and times that rise, and where it goes on."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from eventlog.log import TopicPartition
from features.accumulate import FeatureState, Observation, PackedRow
from features.offline_rows import Chunk, frame_of
from features.packed_row import encode_row
from features.schema import VIEWS
from pipelines.features_file import FeaturesFile
from pipelines.offline_queue import Place
from tests.fakes import FakeClock

PARTITION = TopicPartition("views.v1", 3)
NOW_MS = 1_700_000_000_000


class World:
    """A stream's file, and commits of one observation each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = FeaturesFile.open(path, FakeClock())
        self.state = FeatureState()
        self._seconds = count()

    async def commit(self, *, arrived_ms: int = NOW_MS, viewer: int = 1) -> None:
        self.state.apply(Observation(NOW_MS + next(self._seconds) * 1_000, "seen", viewer, 3, 5))
        await self.file.commit(self.state.drain(), {}, {}, forget_before_ms=0, arrived_ms=arrived_ms)

    async def waiting(self, next_: int = 1, max_rows: int = 1_000) -> list[Chunk]:
        return await self.file.offline.waiting(next_, max_rows=max_rows)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "features.db")
    yield one
    one.file.close()


async def test_a_commit_is_a_chunk_each_view_in_the_order_of_the_commits(world: World) -> None:
    await world.commit()
    await world.commit()
    chunks = await world.waiting()
    assert [chunk.number for chunk in chunks] == list(range(1, 11))
    assert [chunk.view for chunk in chunks] == [*VIEWS, *VIEWS]
    assert [frame_of(chunk)["seq"].to_list() for chunk in chunks] == [[1]] * 5 + [[2]] * 5


async def test_later_rows_are_created_later_whatever_arrived_when(world: World) -> None:
    for arrived_ms in (NOW_MS, NOW_MS, NOW_MS - 60_000, NOW_MS + 1):
        await world.commit(arrived_ms=arrived_ms)
    created = [chunk.created_us for chunk in await world.waiting()][::5]
    now_us = NOW_MS * 1_000
    assert created == [now_us, now_us + 1, now_us + 2, now_us + 1_000]


async def test_no_more_is_taken_at_a_time_than_asked_for_but_a_commit_is_whole(world: World) -> None:
    await world.commit()
    await world.commit()
    assert [chunk.number for chunk in await world.waiting(max_rows=1)] == [1, 2, 3, 4, 5]
    assert [chunk.number for chunk in await world.waiting(2, max_rows=4)] == [2, 3, 4, 5]
    assert [chunk.number for chunk in await world.waiting(2, max_rows=5)] == list(range(2, 11))


async def test_it_knows_how_far_in_the_log_chunks_went(world: World) -> None:
    for next_ in (3, 5, 9):
        world.state.apply(Observation(NOW_MS + next_ * 1_000, "seen", 1, 3, 5))
        rows, reached = world.state.drain(), {PARTITION: 100 + next_}
        await world.file.commit(rows, {}, {PARTITION: next_}, forget_before_ms=0, reached=reached)
    queue = world.file.offline
    assert await queue.progress(1, 11) == {PARTITION: Place(5, 105)}
    assert await queue.progress(6, 16) == {PARTITION: Place(9, 109)}
    await queue.forget(11)
    assert await queue.progress(1, 11) == {}


async def test_the_newest_chunk_stays_and_numbers_go_on_behind_it(world: World) -> None:
    await world.commit()
    await world.file.offline.forget(6)
    assert [chunk.number for chunk in await world.waiting()] == [5]
    assert await world.waiting(6) == []
    await world.commit()
    assert [chunk.number for chunk in await world.waiting(6)] == [6, 7, 8, 9, 10]


async def test_a_start_where_the_lake_stands_changes_nothing(world: World) -> None:
    await world.file.offline.start(1)
    await world.commit()
    for next_ in (1, 4, 6):
        await world.file.offline.start(next_)
        assert len(await world.waiting()) == 5
    await world.file.offline.forget(6)
    await world.file.offline.start(6)
    assert await world.waiting(6) == []


async def test_a_file_that_is_older_than_the_lake_goes_on_behind_it(world: World) -> None:
    await world.commit()
    await world.file.offline.start(90)
    assert await world.waiting(90) == []
    await world.commit(arrived_ms=0)
    chunks = await world.waiting(90)
    assert [chunk.number for chunk in chunks] == [90, 91, 92, 93, 94]
    # And never created before what the lake may have of it already.
    assert chunks[0].created_us > NOW_MS * 1_000


async def test_a_new_lake_begins_with_every_row_as_it_is(world: World) -> None:
    for _ in range(3):
        await world.commit()
    await world.file.offline.forget(12)
    await world.file.offline.start(1)
    await world.commit()
    # A process that ends before the lake has them does not begin anew.
    await world.file.offline.start(1)
    chunks = await world.waiting()
    assert [chunk.number for chunk in chunks] == list(range(1, 11))
    assert [frame_of(chunk)["seq"].to_list() for chunk in chunks] == [[3]] * 5 + [[4]] * 5
    assert chunks[0].created_us > NOW_MS * 1_000


async def test_rows_of_an_older_schema_begin_an_empty_source_under_today_s(world: World) -> None:
    older = encode_row(4, NOW_MS // 1_000, 7, array("f", [3.0] * 10))
    await world.file.commit([PackedRow("t", 6, older)], {}, {}, forget_before_ms=0)
    await world.file.offline.forget(2)
    await world.commit(viewer=2)
    await world.file.offline.forget(99)
    await world.file.offline.start(1)
    (tweets,) = [frame_of(chunk) for chunk in await world.waiting() if chunk.view == "t"]
    assert tweets["schema_id"].to_list() == [VIEWS["t"].schema_id] * 2
    assert tweets.select("tweet", "seq", "hide_30d", "reply_2d").rows() == [
        (5, 1, 0.0, 0.0),
        (6, 7, 3.0, 0.0),
    ]
