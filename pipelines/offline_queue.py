"""Rows on their way to the offline source: a table in the features stream's own file.

They are put there by the commit that also changes the rows, and leave once the lake has them.
Numbers rise without a gap, and the lake's manifest holds the next one: nothing is there twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import cast

from features.accumulate import PackedRow
from features.offline_rows import Chunk, pack_owned
from features.packed_row import event_ts_s_of, row_bytes
from features.schema import VIEWS
from stores.sqlite_database import SqliteDatabase

# The newest chunk stays, whether the lake has it or not: it says which number and which time are next.
STATEMENT = """CREATE TABLE offline (
    number INTEGER PRIMARY KEY, view TEXT NOT NULL, created_us INTEGER NOT NULL,
    rows INTEGER NOT NULL, packed BLOB NOT NULL)"""

_CHUNK_ROWS = 10_000


def put(connection: sqlite3.Connection, rows: Iterable[PackedRow], arrived_ms: int) -> None:
    """Queues rows, in their order, within the caller's transaction.

    `arrived_ms` is when the newest of what is in them arrived. They count as created then, or just
    after what was put before them, whichever is later.
    """
    number, created_us = _last(connection)
    created_us = max(created_us + 1, arrived_ms * 1_000)
    for view, of_view in groupby(rows, key=lambda row: row.view):
        while chunk := list(islice(of_view, _CHUNK_ROWS)):
            number += 1
            connection.execute(
                "INSERT INTO offline VALUES (?, ?, ?, ?, ?)",
                (number, view, created_us, len(chunk), pack_owned(chunk)),
            )


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

    async def waiting(self, next_: int, *, max_rows: int) -> list[Chunk]:
        """The chunks from `next_` on, in order, at least one if there is one, and about `max_rows`."""

        def operation(connection: sqlite3.Connection) -> list[Chunk]:
            found: list[Chunk] = []
            rows = 0
            query = "SELECT * FROM offline WHERE number >= ? AND rows > 0 ORDER BY number"
            for chunk in map(Chunk._make, connection.execute(query, (next_,))):
                found.append(chunk)
                rows += chunk.rows
                if rows >= max_rows:
                    break
            return found

        return await self._database.read(operation)

    async def forget(self, next_: int) -> None:
        """Drops the chunks before `next_`, but for the newest of all."""
        await self._database.write_rows(
            "DELETE FROM offline WHERE number < min(?, (SELECT max(number) FROM offline))", [(next_,)]
        )


def _start(connection: sqlite3.Connection, next_: int) -> None:
    first, last = connection.execute("SELECT min(number), max(number) FROM offline").fetchone()
    if first is not None and first <= next_ <= last + 1:
        return
    is_behind = last is not None and last < next_
    _, created_us = _last(connection)
    connection.execute("DELETE FROM offline")
    connection.execute("INSERT INTO offline VALUES (?, '', ?, 0, x'')", (next_ - 1, created_us))
    if not is_behind:
        rows = list(_all_rows(connection))
        newest_s = max((event_ts_s_of(row.packed) for row in rows), default=0)
        put(connection, rows, newest_s * 1_000)


def _last(connection: sqlite3.Connection) -> tuple[int, int]:
    found = connection.execute("SELECT number, created_us FROM offline ORDER BY number DESC LIMIT 1")
    return cast(tuple[int, int], found.fetchone() or (0, 0))


def _all_rows(connection: sqlite3.Connection) -> Iterator[PackedRow]:
    for name, view in VIEWS.items():
        found = connection.execute("SELECT entity, other, packed FROM rows WHERE view = ?", (name,))
        for entity, other, packed in found:
            # Rows of another schema start anew with their next event.
            if len(packed) == row_bytes(view):
                yield PackedRow(name, (entity, other) if other else entity, packed)
