"""Rows on their way to the offline source: a table in the features stream's own file.

They are put there by the commit that also changes the rows, and leave once the lake has them.
Numbers rise without a gap, and the lake's manifest holds the next one: nothing is there twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby, islice
from typing import NamedTuple, cast

import msgspec

from eventlog.log import TopicPartition
from features.accumulate import PackedRow
from features.offline_rows import Chunk, pack_owned
from features.packed_row import event_ts_s_of
from pipelines import rows_table
from stores.sqlite_database import SqliteDatabase

# The newest chunk stays, whether the lake has it or not: it says which number and which time are next.
STATEMENT = """CREATE TABLE offline (
    number INTEGER PRIMARY KEY, view TEXT NOT NULL, created_us INTEGER NOT NULL,
    rows INTEGER NOT NULL, packed BLOB NOT NULL)"""

# Beside the last chunk of each commit, how far in the log that went.
PROGRESS_STATEMENT = "CREATE TABLE offline_progress (number INTEGER PRIMARY KEY, progress BLOB NOT NULL)"

_CHUNK_ROWS = 10_000


class Place(NamedTuple):
    """Of a partition the next entry to count, and the newest time (ms) among those before it."""

    next: int
    reached_ms: int = 0


Progress = Mapping[TopicPartition, Place]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[str, int, int, int]])


def put(
    connection: sqlite3.Connection, rows: Iterable[PackedRow], arrived_ms: int, progress: Progress
) -> None:
    """Queues rows, in their order, within the caller's transaction.

    `arrived_ms` is when the newest of what is in them arrived. They count as created then, or just
    after what was put before them, whichever is later. `progress` is how far the same transaction
    moves on in the log.
    """
    number, created_us = _last(connection)
    before = number
    created_us = max(created_us + 1, arrived_ms * 1_000)
    for view, of_view in groupby(rows, key=lambda row: row.view):
        while chunk := list(islice(of_view, _CHUNK_ROWS)):
            number += 1
            connection.execute(
                "INSERT INTO offline VALUES (?, ?, ?, ?, ?)",
                (number, view, created_us, len(chunk), pack_owned(chunk)),
            )
    if number > before:
        places = [(*partition, *place) for partition, place in progress.items()]
        connection.execute("INSERT INTO offline_progress VALUES (?, ?)", (number, _encoder.encode(places)))


class OfflineQueue:
    """The queue as its only reader sees it. Every method may raise Unavailable."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def start(self, next_: int) -> None:
        """Makes the queue go on where the lake stands: at chunk `next_`, 1 for an empty lake.

        A lake that lacks what came before the queue begins with every row as it is now, as it does for
        a file that never had a queue. A file that is older than the lake goes on behind it.
        """
        await self._database.write(lambda connection: _start(connection, next_))

    async def is_behind(self, next_: int) -> bool:
        """Whether a lake that wants chunk `next_` has chunks that this file never had."""
        return await self._database.read(lambda connection: _last(connection)[0] + 1 < next_)

    async def restore(
        self,
        rows: Callable[[], Iterable[PackedRow]],
        progress: Progress,
        *,
        next_: int,
        created_us: int,
        now_ms: int,
    ) -> None:
        """Makes the file what the lake says: its rows, its place in the log, chunk `next_` as the next.

        All or nothing. `rows` are asked for within the transaction, in the database's thread, perhaps twice.
        """

        def operation(connection: sqlite3.Connection) -> None:
            for table in ("rows", "offsets", "offline", "offline_progress"):
                connection.execute(f"DELETE FROM {table}")
            rows_table.put(connection, rows(), now_ms)
            connection.executemany(
                "INSERT INTO offsets VALUES (?, ?, ?, ?)",
                [(*partition, *place) for partition, place in progress.items()],
            )
            connection.execute("INSERT INTO offline VALUES (?, '', ?, 0, x'')", (next_ - 1, created_us))

        await self._database.write(operation)

    async def waiting(self, next_: int, *, max_rows: int) -> list[Chunk]:
        """The chunks from `next_` on, in order: about `max_rows`, of whole commits, at least of one."""

        def operation(connection: sqlite3.Connection) -> list[Chunk]:
            found: list[Chunk] = []
            rows = 0
            query = "SELECT * FROM offline WHERE number >= ? AND rows > 0 ORDER BY number"
            for chunk in map(Chunk._make, connection.execute(query, (next_,))):
                # Each commit has a time of its own.
                if rows >= max_rows and chunk.created_us != found[-1].created_us:
                    break
                found.append(chunk)
                rows += chunk.rows
            return found

        return await self._database.read(operation)

    async def progress(self, next_: int, until: int) -> Progress:
        """How far in the log the commits of the chunks from `next_` to before `until` went."""

        def operation(connection: sqlite3.Connection) -> dict[TopicPartition, Place]:
            found: dict[TopicPartition, Place] = {}
            query = "SELECT progress FROM offline_progress WHERE number >= ? AND number < ? ORDER BY number"
            for (encoded,) in connection.execute(query, (next_, until)):
                for topic, partition, *place in _decoder.decode(encoded):
                    found[TopicPartition(topic, partition)] = Place(*place)
            return found

        return await self._database.read(operation)

    async def forget(self, next_: int) -> None:
        """Drops the chunks before `next_`, but for the newest of all."""

        def operation(connection: sqlite3.Connection) -> None:
            connection.execute(
                "DELETE FROM offline WHERE number < min(?, (SELECT max(number) FROM offline))", (next_,)
            )
            connection.execute("DELETE FROM offline_progress WHERE number < ?", (next_,))

        await self._database.write(operation)


def _start(connection: sqlite3.Connection, next_: int) -> None:
    first, last = connection.execute("SELECT min(number), max(number) FROM offline").fetchone()
    if first is not None and first <= next_ <= last + 1:
        return
    is_behind = last is not None and last < next_
    _, created_us = _last(connection)
    connection.execute("DELETE FROM offline")
    connection.execute("DELETE FROM offline_progress")
    connection.execute("INSERT INTO offline VALUES (?, '', ?, 0, x'')", (next_ - 1, created_us))
    if not is_behind:
        rows = list(rows_table.every(connection))
        newest_s = max((event_ts_s_of(row.packed) for row in rows), default=0)
        places = connection.execute("SELECT topic, part, next, reached_ms FROM offsets").fetchall()
        progress = {TopicPartition(*place[:2]): Place(*place[2:]) for place in places}
        put(connection, rows, newest_s * 1_000, progress)


def _last(connection: sqlite3.Connection) -> tuple[int, int]:
    found = connection.execute("SELECT number, created_us FROM offline ORDER BY number DESC LIMIT 1")
    return cast(tuple[int, int], found.fetchone() or (0, 0))
