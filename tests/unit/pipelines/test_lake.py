"""The consumer: what it writes, when, and how it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import msgspec
import pytest

from core.errors import Unavailable
from core.waiting import happens
from eventlog.envelope import addressed, decode_envelope
from eventlog.log import Entry, Lane, Looked, Offsets, TopicPartition
from eventlog.schema import (
    DEAD_LETTERS,
    VIEWS,
    DeadLetter,
    Scored,
    TweetCreated,
    Viewed,
    decode_event,
    record_of,
)
from pipelines.lake import GROUP, TOPICS, LakeOptions, LakeWriter
from stores.lake import LakeReader, manifest_numbers
from stores.lake_merging import AT_ONCE as NOW
from stores.lake_tables import HOUR_MS
from stores.ports import OutboxRecord
from tests.fakes import FakeClock
from tests.unit.pipelines.damaged import is_damaged, until_damaged

NOW_MS = 1_700_000_000_000
AT_ONCE = LakeOptions(flush_s=0.0, poll_s=0.01, retry_s=0.01)


class MemoryLog:
    """A LaneLog of one partition a topic, in memory; a look with nothing to give sets `idle`.

    `behind` are lanes of which it says that they may hold more.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.committed: dict[TopicPartition, int] = {}
        self.starts: list[Offsets | None] = []
        self.fail_polls = 0
        self.behind: frozenset[Lane] = frozenset()
        self.idle = asyncio.Event()

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        for topic, key, value in records:
            offset = len(self.entries)
            self.entries.append(Entry(topic, 0, offset, key, value, NOW_MS + offset))

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> MemorySubscription:
        self.starts.append(start)
        return MemorySubscription(self, topics, dict(start or {}))

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        raise NotImplementedError


class MemorySubscription:
    def __init__(self, log: MemoryLog, topics: Sequence[str], positions: dict[TopicPartition, int]) -> None:
        self._log = log
        self._topics = topics
        self._positions = positions

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        await asyncio.sleep(0)
        if self._log.fail_polls:
            self._log.fail_polls -= 1
            raise Unavailable("the log is away")
        found = [
            entry
            for entry in self._log.entries
            if entry.topic in self._topics and entry.offset >= self._positions.get(entry.topic_partition, 0)
        ][:max_entries]
        for entry in found:
            self._positions[entry.topic_partition] = entry.offset + 1
        if not found:
            self._log.idle.set()
        return found

    async def look(self, *, max_entries: int, timeout_s: float, skip: Collection[Lane] = ()) -> Looked:
        by_lane: dict[Lane, list[Entry]] = {}
        for entry in await self.poll(max_entries=max_entries, timeout_s=timeout_s):
            by_lane.setdefault(entry.topic_partition, []).append(entry)
        return Looked(by_lane, self._log.behind)

    async def commit(self, offsets: Offsets) -> None:
        self._log.committed |= offsets

    async def positions(self) -> Offsets:
        return dict(self._positions)

    async def close(self) -> None: ...


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW_MS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@asynccontextmanager
async def running(
    log: MemoryLog, root: Path, clock: FakeClock, options: LakeOptions = AT_ONCE
) -> AsyncIterator[asyncio.Event]:
    """The writer at work; it is told to stop, and waited for, on leaving."""
    stop = asyncio.Event()
    ids = count(1_000)
    task = asyncio.create_task(LakeWriter(log, root, clock, lambda: next(ids), options).run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


async def caught_up(log: MemoryLog) -> None:
    log.idle.clear()
    assert await happens(log.idle, 10)


def seen(id: int, viewer: int = 1) -> OutboxRecord:
    return record_of(Viewed(viewer, b"\x01", 5, 6, "seen"), id=id, ts_ms=NOW_MS + id, key=viewer)


def event_ids(root: Path) -> list[int]:
    return sorted(LakeReader(root).scan("views").collect()["event_id"].to_list())


async def test_events_reach_their_tables_and_the_offsets_go_with_them(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    tweet = record_of(TweetCreated(5, 6, "hello", NOW_MS), id=1, ts_ms=NOW_MS, key=6)
    await log.append([seen(1), tweet, seen(2)])
    async with running(log, root, clock):
        await caught_up(log)
    reader = LakeReader(root)
    assert event_ids(root) == [1, 2]
    assert reader.scan("tweets").collect()["tweet"].to_list() == [5]
    assert reader.manifest.offsets == {"views.v1": {0: 3}, "tweets.v1": {0: 2}}
    assert reader.complete_until_ms("views") == NOW_MS + 2
    assert reader.complete_until_ms("tweets") == NOW_MS + 1
    assert log.committed == {TopicPartition(VIEWS, 0): 3, TopicPartition("tweets.v1", 0): 2}


async def test_it_starts_from_the_manifest_and_not_from_what_the_log_remembers(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    await log.append([seen(1)])
    async with running(log, root, clock):
        await caught_up(log)
    log.committed.clear()
    await log.append([seen(2)])
    async with running(log, root, clock):
        await caught_up(log)
    assert log.starts == [{}, {TopicPartition(VIEWS, 0): 1}]
    assert event_ids(root) == [1, 2]


async def test_a_commit_waits_for_its_second_and_the_stop_does_not(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    options = LakeOptions(poll_s=0.01)
    async with running(log, root, clock, options):
        await log.append([seen(1)])
        await caught_up(log)
        clock.advance(999)
        await caught_up(log)
        assert manifest_numbers(root) == []
        clock.advance(1)
        await caught_up(log)
        await caught_up(log)
        assert event_ids(root) == [1]
        await log.append([seen(2)])
        await caught_up(log)
        assert event_ids(root) == [1]
    assert event_ids(root) == [1, 2]


async def test_a_full_batch_does_not_wait(log: MemoryLog, root: Path, clock: FakeClock) -> None:
    await log.append([seen(i) for i in range(10)])
    async with running(log, root, clock, LakeOptions(flush_entries=4, poll_entries=2, poll_s=0.01)):
        await caught_up(log)
        assert event_ids(root) == list(range(8))
    assert event_ids(root) == list(range(10))


async def test_what_was_published_again_for_others_is_not_there_twice(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    for_others, own = addressed(seen(1).value, "features"), addressed(seen(2).value, GROUP)
    await log.append([seen(1), OutboxRecord(VIEWS, 1, for_others), OutboxRecord(VIEWS, 1, own)])
    async with running(log, root, clock):
        await caught_up(log)
    assert event_ids(root) == [1, 2]
    assert LakeReader(root).manifest.offsets[VIEWS] == {0: 3}


async def test_what_cannot_be_read_is_set_aside_and_the_rest_goes_on(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    too_large = record_of(Viewed(2**63, b"", 5, 6, "seen"), id=3, ts_ms=NOW_MS, key=1)
    unknown = OutboxRecord(VIEWS, 1, seen(4).value.replace(b"view.recorded", b"view.unheard_"))
    await log.append([seen(1), OutboxRecord(VIEWS, 1, b"\xc1"), too_large, unknown, seen(2)])
    async with running(log, root, clock):
        await caught_up(log)
    assert event_ids(root) == [1, 2]
    assert LakeReader(root).manifest.offsets[VIEWS] == {0: 5}
    letters = [
        decode_event(decode_envelope(entry.value)) for entry in log.entries if entry.topic == DEAD_LETTERS
    ]
    assert [(letter.offset, letter.group) for letter in letters if isinstance(letter, DeadLetter)] == [
        (1, GROUP),
        (2, GROUP),
    ]


async def test_a_log_that_is_away_is_waited_for(log: MemoryLog, root: Path, clock: FakeClock) -> None:
    log.fail_polls = 3
    await log.append([seen(1)])
    async with running(log, root, clock):
        await caught_up(log)
    assert event_ids(root) == [1]
    assert len(log.starts) == 4


async def test_a_lake_that_lacks_a_file_waits_for_it_and_says_so(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    await log.append([seen(1)])
    async with running(log, root, clock):
        await caught_up(log)
    (file,) = LakeReader(root).paths("views")
    file.rename(root / "elsewhere")
    await log.append([seen(2)])
    options = replace(AT_ONCE, damaged_retry_s=0.01)
    async with running(log, root, clock, options):
        await until_damaged(GROUP)
        assert len(log.starts) == 1
        (root / "elsewhere").rename(file)
        await caught_up(log)
        assert not is_damaged(GROUP)
    assert event_ids(root) == [1, 2]


async def test_a_stop_ends_the_wait_for_whoever_mends_the_lake(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    (root / "manifest").mkdir(parents=True)
    (root / "manifest" / "000000000001.json").write_bytes(b"{}")
    async with running(log, root, clock, replace(AT_ONCE, damaged_retry_s=3_600.0)):
        await until_damaged(GROUP)
    assert log.starts == []


async def test_a_second_writer_waits_for_the_first(log: MemoryLog, root: Path, clock: FakeClock) -> None:
    other = MemoryLog()
    await other.append([seen(1)])
    async with running(log, root, clock) as first_stop:
        await caught_up(log)
        async with running(other, root, clock):
            await log.append([seen(7)])
            await caught_up(log)
            assert other.starts == []
            first_stop.set()
            await caught_up(other)
    # The second one's log is its own here; what counts is that it went on from the first one's lake.
    assert event_ids(root) == [7]
    assert other.starts == [{TopicPartition(VIEWS, 0): 1}]


def test_the_topics_are_those_with_a_table() -> None:
    topics = {"served.v1", "scored.v1", "views.v1", "edges.v1", "tweets.v1", "graph.v1"}
    assert set(TOPICS) == topics


async def test_a_matrix_is_a_row_a_candidate_and_one_that_does_not_fit_is_set_aside(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    good = Scored(
        viewer=1,
        request_id=b"\xab",
        now_ms=NOW_MS,
        slate="s",
        model="home@1",
        objective="engagement@1",
        schema_hash="ff",
        sources=["timeline", "timeline"],
        views=[],
        tweets=bytes(16),
        authors=bytes(16),
        heads=bytes(8),
        scores=bytes(16),
        features=bytes(8),
        rows=b"",
    )
    bad = msgspec.structs.replace(good, tweets=b"")
    await log.append([record_of(one, id=i, ts_ms=NOW_MS, key=1) for i, one in enumerate((good, bad, good))])
    async with running(log, root, clock):
        await caught_up(log)
    rows = LakeReader(root).scan("scored").collect()
    assert sorted(rows["event_id"].to_list()) == [0, 0, 2, 2]
    assert LakeReader(root).complete_until_ms("scored") > 0
    assert sum(entry.topic == DEAD_LETTERS for entry in log.entries) == 1


async def test_it_is_not_said_to_be_complete_beyond_a_partition_that_may_hold_more(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    log.behind = frozenset({TopicPartition(VIEWS, 1)})
    async with running(log, root, clock):
        await log.append([seen(0), seen(1)])
        await caught_up(log)
        assert event_ids(root) == [0, 1]
        assert LakeReader(root).complete_until_ms("views") == 0
        # It holds nothing after all, and nothing else comes either.
        log.behind = frozenset()
        await caught_up(log)
        await caught_up(log)
        assert LakeReader(root).complete_until_ms("views") == NOW_MS + 1
        manifests = manifest_numbers(root)
        await caught_up(log)
        # Away again, and the others go on: nothing is taken back, and nothing added.
        log.behind = frozenset({TopicPartition(VIEWS, 1)})
        await caught_up(log)
        await caught_up(log)
        assert manifest_numbers(root) == manifests
        await log.append([seen(2)])
        await caught_up(log)
    assert LakeReader(root).complete_until_ms("views") == NOW_MS + 1
    assert event_ids(root) == [0, 1, 2]


async def test_closed_hours_are_compacted_beside_the_log(
    log: MemoryLog, root: Path, clock: FakeClock
) -> None:
    options = replace(AT_ONCE, compact_every_s=0.0, compaction=NOW)
    async with running(log, root, clock, options):
        for id in range(1, 4):
            await log.append([seen(id)])
            await caught_up(log)
        assert len(LakeReader(root).manifest.files["views"]) == 3
        clock.advance(HOUR_MS)
        await caught_up(log)
        await caught_up(log)
        assert len(LakeReader(root).manifest.files["views"]) == 1
        await log.append([seen(4)])
        await caught_up(log)
    assert event_ids(root) == [1, 2, 3, 4]


async def test_a_full_batch_counts_rows_as_well(log: MemoryLog, root: Path, clock: FakeClock) -> None:
    await log.append([seen(i) for i in range(10)])
    options = LakeOptions(flush_rows=4, poll_entries=2, poll_s=0.01)
    async with running(log, root, clock, options):
        await caught_up(log)
        assert event_ids(root) == list(range(8))
