"""The stream's handler: once each, in order, and never ahead of its file."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

import pytest

from core.errors import Corrupt, Unavailable
from core.types import EngagementType
from eventlog.envelope import decode_envelope
from eventlog.log import Entry, Offsets, TopicPartition
from eventlog.schema import LikeSet, Viewed, record_of
from eventlog.worker import Arrived
from features.accumulate import Entity, FeatureState, Observation, PackedRow
from features.packed_row import Row, decode_row, encode_row
from features.packed_store import ExpiringRow, PackedStore, row_key
from features.schema import VIEWS, ViewName
from features.seen_list import SeenList, SeenLists, decode_seen, seen_key
from pipelines.features_file import FeaturesFile
from pipelines.features_stream import GROUP, FeaturesHandler, FeaturesStream
from pipelines.rows_table import FIRST
from tests.fakes import FakeClock
from tests.unit.eventlog.fake_log import FakeLog
from tests.unit.pipelines.damaged import until_damaged

DAY_MS = 86_400_000


class FailingFile(FeaturesFile):
    """Fails a commit when told: before it, or after it, when its outcome is not known."""

    fail: str | None = None

    async def commit(
        self,
        rows: Sequence[PackedRow],
        counted: Mapping[bytes, int],
        offsets: Offsets,
        *,
        forget_before_ms: int,
        arrived_ms: int = 0,
        reached: Mapping[TopicPartition, int] | None = None,
        seen: Sequence[SeenList] = (),
    ) -> None:
        fail, self.fail = self.fail, None
        if fail == "before":
            raise Unavailable("the disk is full")
        await super().commit(
            rows,
            counted,
            offsets,
            forget_before_ms=forget_before_ms,
            arrived_ms=arrived_ms,
            reached=reached,
            seen=seen,
        )
        if fail == "after":
            raise Unavailable("the answer was lost")


class World:
    """A handler on a real file, and events made up with rising ids and offsets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self.handed_over: list[ExpiringRow] = []
        self.file = self._open()
        self.handler = self._handler()
        self._next = count(1)

    def _open(self) -> FailingFile:
        return FailingFile.open(self.path, self.clock)

    def _handler(self) -> FeaturesHandler:
        return FeaturesHandler(self.file, self.handed_over.extend, self.clock)

    def restart(self) -> None:
        self.file.close()
        self.file = self._open()
        self.handler = self._handler()

    def arrived(
        self, event: Viewed | LikeSet, *, ago_ms: int = 0, offset: int | None = None, ver: int | None = None
    ) -> Arrived:
        number = next(self._next)
        record = record_of(event, id=number, ts_ms=self.clock.now_ms() - ago_ms, key=1, ver=ver)
        entry = Entry(
            record.topic, 0, number if offset is None else offset, 1, record.value, self.clock.now_ms()
        )
        return Arrived(entry, decode_envelope(record.value), event)

    async def row(self, view: ViewName, entity: Entity) -> Row | None:
        found = (await self.file.find([], [(view, entity)])).rows
        return decode_row(found[0].packed, VIEWS[view]) if found else None

    async def value(self, view: ViewName, entity: Entity, field: str) -> float:
        row = await self.row(view, entity)
        assert row is not None
        return row.values[VIEWS[view].index(field)]

    async def seen_by(self, viewer: int) -> list[int]:
        """What the file says that they have looked at, oldest first."""
        found = (await self.file.find([], [], [viewer])).seen
        seen = decode_seen(found[0].packed if found else None)
        return [] if seen is None else seen.tolist()

    async def rows(self) -> dict[bytes, bytes]:
        """All that belongs in Redis, rows and lists."""
        rows, after = await self.file.page(FIRST, 100_000)
        assert after is not None
        lists, after = await self.file.page(after, 100_000)
        assert after is None
        return {row.key: row.packed for row in (*rows, *lists)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "features.db")
    yield one
    one.file.close()


def viewed(
    kind: EngagementType = "seen", *, request: bytes = b"r", viewer: int = 1, tweet: int = 2
) -> Viewed:
    return Viewed(viewer, request, tweet, 3, kind, value_ms=4_000)


def busy(world: World, n: int = 300) -> list[Arrived]:
    """Distinct events of the last few days, out of order."""
    dice = random.Random(5)
    kinds: tuple[EngagementType, ...] = ("seen", "click", "dwell", "hide", "report")
    events: list[Arrived] = []
    for i in range(n):
        event: Viewed | LikeSet
        if i % 7 == 0:
            event = LikeSet(dice.randrange(1, 9), dice.randrange(1, 30), dice.random() < 0.7, 3)
        else:
            event = viewed(
                dice.choice(kinds),
                request=b"%d" % i,
                viewer=dice.randrange(1, 9),
                tweet=dice.randrange(1, 30),
            )
        events.append(world.arrived(event, ago_ms=dice.randrange(3 * DAY_MS)))
    return events


def seen(*tweets: int) -> bytes:
    lists = SeenLists()
    for tweet in tweets:
        lists.apply(Observation(0, "seen", 1, 3, tweet))
    return lists.drain()[0].packed


async def undisturbed(tmp_path: Path, batches: int) -> dict[bytes, bytes]:
    world = World(tmp_path / "undisturbed.db")
    events = busy(world)
    size = len(events) // batches
    for first in range(0, len(events), size):
        await world.handler.handle(events[first : first + size])
    rows = await world.rows()
    world.file.close()
    return rows


async def test_rows_are_those_of_the_observations(world: World) -> None:
    await world.handler.handle(
        [
            world.arrived(viewed(), ago_ms=2_000),
            world.arrived(viewed("click"), ago_ms=1_000),
            world.arrived(LikeSet(1, 2, True, 3)),
        ]
    )
    state = FeatureState()
    now_ms = world.clock.now_ms()
    state.apply(Observation(now_ms - 2_000, "seen", 1, 3, 2))
    state.apply(Observation(now_ms - 1_000, "click", 1, 3, 2))
    state.apply(Observation(now_ms, "like", 1, 3, 2))
    expected = {row_key(row.view, row.entity): row.packed for row in state.drain()} | {seen_key(1): seen(2)}
    assert await world.rows() == expected
    assert {row.key: row.packed for row in world.handed_over} == expected


async def test_a_view_counts_once_within_a_batch_and_between_batches(world: World) -> None:
    await world.handler.handle([world.arrived(viewed()), world.arrived(viewed())])
    await world.handler.handle([world.arrived(viewed()), world.arrived(viewed(request=b"s"))])
    world.restart()
    await world.handler.handle([world.arrived(viewed())])
    assert await world.value("t", 2, "seen_30d") == 2.0


async def test_a_repeat_is_known_for_a_day_after_its_publication(world: World) -> None:
    await world.handler.handle([world.arrived(viewed())])
    world.clock.advance(DAY_MS)
    await world.handler.handle([world.arrived(viewed("click"))])
    await world.handler.handle([world.arrived(viewed())])
    assert (await world.row("t", 2)) is not None
    row = await world.row("t", 2)
    assert row is not None
    assert row.seq == 2
    world.clock.advance(1)
    await world.handler.handle([world.arrived(viewed("hide"))])
    await world.handler.handle([world.arrived(viewed())])
    row = await world.row("t", 2)
    assert row is not None
    assert row.seq == 4


async def test_a_likes_repeat_is_its_version(world: World) -> None:
    like = LikeSet(1, 2, True, 3)
    await world.handler.handle([world.arrived(like, ver=5), world.arrived(like, ver=5)])
    await world.handler.handle([world.arrived(LikeSet(1, 2, False, 3), ver=6), world.arrived(like, ver=7)])
    assert await world.value("t", 2, "like_30d") == 1.0


async def test_what_is_late_is_added_as_of_its_rows_time(world: World) -> None:
    early, late = world.arrived(viewed("click"), ago_ms=DAY_MS), world.arrived(viewed())
    await world.handler.handle([late, early])
    one = await world.rows()
    state = FeatureState()
    now_ms = world.clock.now_ms()
    state.apply(Observation(now_ms - DAY_MS, "click", 1, 3, 2, 4_000))
    state.apply(Observation(now_ms, "seen", 1, 3, 2, 4_000))
    expected = {row_key(row.view, row.entity): row.packed for row in state.drain()}
    assert one == expected | {seen_key(1): seen(2)}


async def test_a_batch_that_comes_again_changes_nothing(world: World) -> None:
    events = busy(world)
    await world.handler.handle(events)
    before = await world.rows()
    world.clock.advance(3 * DAY_MS)
    await world.handler.handle(events)
    await world.handler.handle(events[:10])
    assert await world.rows() == before


@pytest.mark.parametrize("outcome", ["before", "after"])
async def test_a_commit_that_fails_with_any_outcome_is_made_good_by_the_repeat(
    world: World, tmp_path: Path, outcome: str
) -> None:
    events = busy(world)
    for first in range(0, len(events), 100):
        world.file.fail = outcome
        with pytest.raises(Unavailable):
            await world.handler.handle(events[first : first + 100])
        await world.handler.handle(events[first : first + 100])
    assert await world.rows() == await undisturbed(tmp_path, 3)


async def test_restarts_anywhere_end_with_the_bits_of_an_undisturbed_run(
    world: World, tmp_path: Path
) -> None:
    events = busy(world)
    for first in range(0, len(events), 30):
        await world.handler.handle(events[first : first + 30])
        world.restart()
    assert await world.rows() == await undisturbed(tmp_path, 10)


async def test_only_committed_rows_are_handed_over(world: World) -> None:
    world.file.fail = "before"
    events = [world.arrived(viewed())]
    with pytest.raises(Unavailable):
        await world.handler.handle(events)
    assert world.handed_over == []
    await world.handler.handle(events)
    assert len(world.handed_over) == 6


async def test_an_event_that_cannot_be_counted_changes_nothing(world: World) -> None:
    good = world.arrived(viewed())
    from_next_week = world.arrived(viewed(request=b"s"), ago_ms=-7 * DAY_MS)
    with pytest.raises(Corrupt):
        await world.handler.handle([good, from_next_week])
    assert await world.rows() == {}
    await world.handler.handle([good])
    assert await world.value("g", 0, "seen_2d") == 1.0


async def test_progress_is_kept_for_events_that_are_no_observations(world: World) -> None:
    await world.handler.handle([world.arrived(viewed("report"), offset=41)])
    assert list((await world.file.load()).values()) == [42]


async def test_a_row_of_another_schema_starts_anew(world: World) -> None:
    await world.handler.handle([world.arrived(viewed())])
    row = await world.row("t", 2)
    assert row is not None
    foreign = PackedRow("t", 2, encode_row(99, row.event_ts_s, row.seq, row.values))
    await world.file.commit([foreign], {}, {}, forget_before_ms=0)
    world.restart()
    await world.handler.handle([world.arrived(viewed("click"))])
    row = await world.row("t", 2)
    assert row is not None
    assert row.seq == 1
    assert await world.value("a", 3, "seen_2d") == 1.0


async def test_what_was_seen_is_kept_by_viewer_with_the_rows(world: World) -> None:
    events = [world.arrived(viewed(request=b"%d" % tweet, tweet=tweet)) for tweet in (5, 6, 5, 7)]
    await world.handler.handle(events[:2])
    assert await world.seen_by(1) == [5, 6]
    world.restart()
    await world.handler.handle([*events, world.arrived(viewed(viewer=2, tweet=9))])
    assert await world.seen_by(1) == [5, 6, 7]
    assert await world.seen_by(2) == [9]


async def test_a_list_is_never_ahead_of_the_file(world: World) -> None:
    await world.handler.handle([world.arrived(viewed(tweet=5))])
    world.file.fail = "before"
    lost, next_ = world.arrived(viewed(tweet=6)), world.arrived(viewed(tweet=7))
    with pytest.raises(Unavailable):
        await world.handler.handle([lost])
    await world.handler.handle([next_])
    assert await world.seen_by(1) == [5, 7]


class NoRedis(PackedStore):
    def __init__(self) -> None:
        pass


async def test_a_file_that_is_damaged_does_not_end_the_process(tmp_path: Path) -> None:
    path = tmp_path / "features.db"
    path.write_bytes(b"no database" * 1_000)
    stop, mint = asyncio.Event(), count(1).__next__
    stream = FeaturesStream(FakeLog(stop), NoRedis(), path, tmp_path / "lake", FakeClock(), mint)
    running = asyncio.create_task(stream.run(stop))
    await until_damaged(GROUP)
    stop.set()
    await running
