"""The embedded log's own dangers: two files of which one fails, and a file that is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import Unavailable
from eventlog.log import next_offsets
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
