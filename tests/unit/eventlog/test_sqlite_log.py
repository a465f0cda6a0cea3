"""The embedded log's own dangers: files that fail, are damaged, or are not those of before."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from core.errors import Unavailable
from eventlog.log import Entry, Offsets, next_offsets
from eventlog.schema import EDGES, VIEWS
from eventlog.sqlite_log import SqliteEventLog
from stores.ports import OutboxRecord
from stores.sqlite import append_to_log, open_facts, open_telemetry
from stores.sqlite_database import SqliteDatabase
from tests.fakes import FakeClock

PARTITIONS = 16


@pytest.fixture
def facts(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = open_facts(tmp_path / "facts.db")
    yield database
    database.close()


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = open_telemetry(tmp_path / "telemetry.db")
    yield database
    database.close()


@pytest.fixture
def log(facts: SqliteDatabase, telemetry: SqliteDatabase) -> SqliteEventLog:
    return SqliteEventLog(facts, telemetry, FakeClock(), PARTITIONS)


async def append_fact(facts: SqliteDatabase, value: bytes) -> None:
    await facts.write(
        lambda connection: append_to_log(connection, [OutboxRecord(EDGES, 1, value)], PARTITIONS, 0)
    )


def run(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


async def test_a_file_that_fails_does_not_skip_what_was_read_of_the_other(
    log: SqliteEventLog, facts: SqliteDatabase, telemetry: SqliteDatabase
) -> None:
    await append_fact(facts, b"fact")
    await log.append([OutboxRecord(VIEWS, 1, b"view")])
    subscription = await log.subscribe("readers", [EDGES, VIEWS])
    run(telemetry.path, "ALTER TABLE log RENAME TO gone")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await subscription.poll(max_entries=10, timeout_s=0)
    await subscription.commit({})
    run(telemetry.path, "ALTER TABLE gone RENAME TO log")
    entries = await subscription.poll(max_entries=10, timeout_s=0)
    assert [entry.value for entry in entries] == [b"fact", b"view"]
    await subscription.commit(next_offsets(entries))
    assert await log.lag("readers", [EDGES, VIEWS]) == {EDGES: 0, VIEWS: 0}
    await subscription.close()


async def test_a_damaged_file_is_unavailable(log: SqliteEventLog, telemetry: SqliteDatabase) -> None:
    subscription = await log.subscribe("readers", [VIEWS])
    await log.append([OutboxRecord(VIEWS, 1, bytes(500)) for _ in range(100)])
    # What the write-ahead log holds is read from there: only the file itself is damaged.
    run(telemetry.path, "PRAGMA wal_checkpoint(TRUNCATE)")
    damage(telemetry.path)
    with pytest.raises(Unavailable, match="malformed"):
        await subscription.poll(max_entries=10, timeout_s=0)
    await subscription.close()


def damage(path: Path) -> None:
    """Overwrites everything but the first page, which holds the header and the schema."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


async def test_each_topic_has_its_file(
    log: SqliteEventLog, facts: SqliteDatabase, telemetry: SqliteDatabase
) -> None:
    await append_fact(facts, b"fact")
    await log.append([OutboxRecord(VIEWS, 1, b"view"), OutboxRecord("dlq.v1", 1, b"letter")])

    def topics(connection: sqlite3.Connection) -> list[str]:
        return [row[0] for row in connection.execute("SELECT topic FROM log ORDER BY offset")]

    assert await facts.read(topics) == [EDGES, "dlq.v1"]
    assert await telemetry.read(topics) == [VIEWS]


async def test_offsets_are_kept_in_the_file_that_they_count(
    log: SqliteEventLog, facts: SqliteDatabase, telemetry: SqliteDatabase
) -> None:
    await append_fact(facts, b"fact")
    await log.append([OutboxRecord(VIEWS, 1, b"view")])
    subscription = await log.subscribe("readers", [EDGES, VIEWS])
    await subscription.commit(next_offsets(await subscription.poll(max_entries=10, timeout_s=0)))
    await subscription.close()

    def topics(connection: sqlite3.Connection) -> set[str]:
        return {row[0] for row in connection.execute("SELECT topic FROM offsets WHERE grp = 'readers'")}

    assert await facts.read(topics) == {EDGES}
    assert await telemetry.read(topics) == {VIEWS}


class Files:
    """The log of a home whose files come and go; each `log` is that of a start."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = FakeClock()
        self._opened: list[SqliteDatabase] = []

    def log(self) -> SqliteEventLog:
        self.close()
        facts, telemetry = open_facts(self.home / "facts.db"), open_telemetry(self.home / "telemetry.db")
        self._opened = [facts, telemetry]
        return SqliteEventLog(facts, telemetry, self.clock, PARTITIONS)

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()

    def lose(self, copy: Path | None = None) -> None:
        """The telemetry, or what it holds that a copy of before does not."""
        self.close()
        for path in self.home.glob("telemetry.db*"):
            path.unlink()
        if copy is not None:
            copy.rename(self.home / "telemetry.db")

    def copy(self) -> Path:
        self.close()
        return Path(shutil.copy(self.home / "telemetry.db", self.home / "copy"))


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    one = Files(tmp_path)
    yield one
    one.close()


def views(first: int, count: int) -> list[OutboxRecord]:
    """Of all partitions."""
    return [OutboxRecord(VIEWS, number, b"%d" % number) for number in range(first, first + count)]


async def given(log: SqliteEventLog, start: Offsets, appended: Sequence[OutboxRecord] = ()) -> list[Entry]:
    """What a consumer with offsets of its own is given, which commits them at its start as consumers do."""
    subscription = await log.subscribe("own", [VIEWS], start=start)
    await subscription.commit(start)
    await log.append(appended)
    entries = list(await subscription.poll(max_entries=10_000, timeout_s=0))
    await subscription.close()
    return entries


def numbers(entries: Sequence[Entry]) -> list[int]:
    return sorted(int(entry.value) for entry in entries)


@pytest.mark.parametrize("is_copied", [False, True])
@pytest.mark.parametrize("is_late", [False, True])
async def test_consumers_with_offsets_of_a_longer_file_are_given_all_that_comes(
    files: Files, is_copied: bool, is_late: bool
) -> None:
    log = files.log()
    await log.append(views(0, 50))
    start = next_offsets(await given(log, {}))
    copy = files.copy() if is_copied else None
    log = files.log()
    await log.append(views(50, 50))
    start |= next_offsets(await given(log, start))
    files.lose(copy)
    files.clock.advance(1)
    log = files.log()
    if is_late:
        # Processes beside the consumer's have written for a while when it starts.
        await log.append(views(100, 30))
    entries = await given(log, start, views(130, 30))
    assert numbers(entries) == list(range(100 if is_late else 130, 160))
    assert (await log.lag("own", [VIEWS]))[VIEWS] == len(entries)


async def test_a_log_that_is_shorter_than_a_consumer_is_told_of(files: Files) -> None:
    log = files.log()
    await log.append(views(0, 50))
    start = next_offsets(await given(log, {}))
    before = shorter()
    assert await given(log, start) == []
    assert shorter() == before
    files.lose()
    # The clock was set back meanwhile: the file cannot know what was handed out, but the consumer does.
    files.clock.advance(-3_600_000)
    log = files.log()
    assert numbers(await given(log, start, views(50, 50))) == list(range(50, 100))
    assert shorter() == before + len(start)


async def test_offsets_rise_through_a_clock_that_is_set_back_and_forth(files: Files) -> None:
    log = files.log()
    found: list[int] = []
    for step_ms in (0, -5_000, 1, 60_000, 0):
        files.clock.advance(step_ms)
        await log.append(views(0, 3))
        entries = await given(log, {})
        assert [entry.offset for entry in entries][: len(found)] == found
        found = [entry.offset for entry in entries]
    assert found == sorted(set(found))
    assert len(found) == 15


def shorter() -> float:
    return REGISTRY.get_sample_value("rankfeed_log_shorter_total", {"group": "own"}) or 0.0
