"""What the embedded log forgets, what it keeps, and that nobody reads other entries for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Unavailable
from eventlog import sqlite_retention
from eventlog.log import TopicPartition
from eventlog.retention import DAY_MS
from eventlog.schema import DEAD_LETTERS, EDGES, TWEETS, VIEWS
from eventlog.sqlite_log import SqliteEventLog
from eventlog.sqlite_retention import SqliteRetention
from stores.partitioner import partition_of
from stores.ports import OutboxRecord
from stores.sqlite import open_facts, open_telemetry
from stores.sqlite_database import SqliteDatabase
from tests.e2e.waiting import eventually
from tests.fakes import FakeClock

PARTITIONS = 16


class Kept:
    """A log, the clock that it goes by, and what is done to it."""

    def __init__(self, facts: SqliteDatabase, telemetry: SqliteDatabase) -> None:
        self.clock = FakeClock()
        self.telemetry = telemetry
        self.log = SqliteEventLog(facts, telemetry, self.clock, PARTITIONS)
        self.retention = SqliteRetention(facts, telemetry, self.clock)
        self.stop = asyncio.Event()

    async def append(self, topic: str, *values: bytes, key: int = 1) -> None:
        await self.log.append([OutboxRecord(topic, key, value) for value in values])

    async def days(self, days: float) -> int:
        """Lets days pass and cuts; how many entries went."""
        self.clock.advance(int(days * DAY_MS))
        return await self.retention.cut(self.stop)

    async def left(self, topic: str) -> list[bytes]:
        subscription = await self.log.subscribe("reader", [topic], start={})
        try:
            found: list[bytes] = []
            while entries := await subscription.poll(max_entries=1_000, timeout_s=0.01):
                found += [entry.value for entry in entries]
            return found
        finally:
            await subscription.close()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setattr(sqlite_retention, "REST_S", 0.0)
    facts = open_facts(tmp_path / "facts.db")
    telemetry = open_telemetry(tmp_path / "telemetry.db")
    yield Kept(facts, telemetry)
    facts.close()
    telemetry.close()


async def test_entries_go_after_a_week_and_dead_letters_after_ninety_days(kept: Kept) -> None:
    for topic in (TWEETS, VIEWS, DEAD_LETTERS):
        await kept.append(topic, b"old")
    assert await kept.days(6) == 0
    await kept.append(TWEETS, b"new")
    assert await kept.days(1.5) == 2
    assert await kept.left(TWEETS) == [b"new"]
    assert await kept.left(VIEWS) == []
    assert await kept.left(DEAD_LETTERS) == [b"old"]
    await kept.days(83)
    assert await kept.left(DEAD_LETTERS) == []


async def test_many_go_in_small_transactions(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_retention, "CHUNK", 7)
    await kept.append(TWEETS, *(b"%d" % number for number in range(50)))
    assert await kept.days(8) == 50
    assert await kept.left(TWEETS) == []


async def test_what_a_group_has_not_committed_waits_for_it_but_not_for_ever(kept: Kept) -> None:
    part = TopicPartition(TWEETS, partition_of(1, PARTITIONS))
    await kept.append(TWEETS, b"had", b"not yet")
    end = (await kept.log.ends([TWEETS]))[part]
    await kept.log.reset("fanout", {part: end - 1})
    await kept.log.reset("other topic's", {TopicPartition(EDGES, part.partition): 0})
    assert await kept.days(8) == 1
    assert await kept.left(TWEETS) == [b"not yet"]
    assert await kept.days(19) == 0
    assert await kept.days(2) == 1


async def test_an_entry_of_a_clock_that_ran_ahead_keeps_what_lies_behind_it(kept: Kept) -> None:
    """Nothing is taken out of the middle: who reads from an offset finds everything from there on."""
    await kept.append(TWEETS, b"first")
    kept.clock.step_wall(2 * DAY_MS)
    await kept.append(TWEETS, b"ahead")
    kept.clock.step_wall(-2 * DAY_MS)
    await kept.append(TWEETS, b"third")
    assert await kept.days(8) == 1
    assert await kept.left(TWEETS) == [b"ahead", b"third"]
    assert await kept.days(2) == 2


async def test_offsets_are_never_used_again(kept: Kept) -> None:
    await kept.append(TWEETS, b"a", b"b")
    ends = await kept.log.ends([TWEETS])
    await kept.days(8)
    await kept.append(TWEETS, b"c")
    part = TopicPartition(TWEETS, partition_of(1, PARTITIONS))
    subscription = await kept.log.subscribe("reader", [TWEETS], start=ends)
    (entry,) = await subscription.poll(max_entries=10, timeout_s=1.0)
    await subscription.close()
    assert entry.value == b"c"
    assert entry.offset >= ends[part]
    assert await kept.log.lag("reader", [TWEETS]) == {TWEETS: 1}


async def test_it_ends_when_told_to_and_goes_on_past_a_file_that_is_away(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_retention, "LOOK_EVERY_S", 0.01)
    await kept.append(VIEWS, b"old")
    kept.clock.advance(8 * DAY_MS)
    tried = asyncio.Semaphore(0)

    async def refused(operation: object) -> int:
        tried.release()
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(kept.telemetry, "write", refused)
        running = asyncio.create_task(kept.retention.run(kept.stop))
        await tried.acquire()
        await tried.acquire()

    async def gone() -> bool:
        return await kept.left(VIEWS) == []

    await eventually("the old entry goes", gone)
    kept.stop.set()
    await running
