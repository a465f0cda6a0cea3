"""The embedded files, and what every embedded store shares: the outbox there is the log itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.clock import Clock
from stores import sqlite_schema
from stores.partitioner import partition_of
from stores.ports import IdempotentAnswer, Ids, OutboxRecord, Written
from stores.sqlite_database import SqliteDatabase

# A writer gives up the interpreter for each statement, and has to wait for it afterwards while the event
# loop is busy. So what many writes do takes one statement where one will do.
_APPEND = (
    "INSERT INTO log (offset, topic, part, key, published_ms, value) VALUES "
    "(max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'log'), 0) + 1, ?), ?, ?, ?, ?, ?)"
)
# An expired answer is replaced, one that holds is left.
_CLAIM = (
    "INSERT INTO idempotency (user, key, route, body_hash, answer, expires_ms) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (user, key) DO UPDATE SET route = excluded.route, body_hash = excluded.body_hash, "
    "answer = excluded.answer, expires_ms = excluded.expires_ms WHERE expires_ms <= ?"
)
_TIDIED_EVERY = 16
"""Claims, and with each so many eight times as many of the expired ones go."""


def open_facts(path: Path) -> SqliteDatabase:
    """The file that holds the truth: commits survive the loss of power."""
    return SqliteDatabase.open(path, sqlite_schema.FACTS, "FULL")


def open_telemetry(path: Path) -> SqliteDatabase:
    """The file of batched telemetry: the last moment may be lost with the power, not with the process."""
    return SqliteDatabase.open(path, sqlite_schema.TELEMETRY, "NORMAL")


def append_to_log(
    connection: sqlite3.Connection, records: Sequence[OutboxRecord], partitions: int, now_ms: int
) -> None:
    """Appends records inside the caller's transaction.

    Offsets go on at the time, in microseconds, or behind the last one where that is higher. So a file that
    was made anew, that was put back from a copy or that lost its end with the power begins above all that
    was ever handed out, and consumers whose own offsets are of before skip nothing (docs/adr/0045).
    """
    connection.executemany(
        _APPEND,
        [(now_ms * 1_000, r.topic, partition_of(r.key, partitions), r.key, now_ms, r.value) for r in records],
    )


def last_offset(connection: sqlite3.Connection) -> int:
    """The highest that the log's file ever handed out; 0 where that is none."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
    return 0 if row is None else int(row[0])


def go_on_above(connection: sqlite3.Connection, offset: int) -> None:
    """The next entry's offset is above this one, inside the caller's transaction."""
    last = max(last_offset(connection), offset)
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'log'")
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('log', ?)", (last,))


class SqliteStore:
    """What the embedded adapters share: the file, the clock, and the way into the log."""

    def __init__(self, database: SqliteDatabase, clock: Clock, partitions: int) -> None:
        self._database = database
        self._clock = clock
        self._partitions = partitions
        self._claims = 0

    def _append(self, connection: sqlite3.Connection, records: Sequence[OutboxRecord]) -> None:
        append_to_log(connection, records, self._partitions, self._clock.now_ms())

    def _set_edge(
        self,
        connection: sqlite3.Connection,
        table: str,
        columns: tuple[str, str],
        edge: tuple[int, int],
        on: bool,
        ver: int,
        outbox: Sequence[OutboxRecord],
    ) -> Written:
        """Writes an edge where `ver` is its highest; where that changes its state, it is told of."""
        a, b = columns
        row = connection.execute(f"SELECT is_on, ver FROM {table} WHERE {a} = ? AND {b} = ?", edge).fetchone()
        was_on, newest = (False, 0) if row is None else (bool(row[0]), row[1])
        if newest >= ver:
            return Written(False, behind=None if was_on == on else newest)
        connection.execute(
            f"INSERT OR REPLACE INTO {table} ({a}, {b}, is_on, ver) VALUES (?, ?, ?, ?)", (*edge, on, ver)
        )
        if was_on == on:
            return Written(False)
        self._append(connection, outbox)
        return Written(True)

    async def _write_once(
        self, user: int, answer: IdempotentAnswer | None, operation: Callable[[sqlite3.Connection], Written]
    ) -> Written:
        """Runs `operation` unless the key was used before; what is behind leaves the key unused."""

        def once(connection: sqlite3.Connection) -> Written:
            if (first := self._claim(connection, user, answer)) is not None:
                return Written(False, first)
            written = operation(connection)
            if answer is not None and written.behind is not None:
                connection.execute("DELETE FROM idempotency WHERE user = ? AND key = ?", (user, answer.key))
            return written

        return await self._database.write(once)

    def _first(
        self, connection: sqlite3.Connection, user: int, answer: IdempotentAnswer | None
    ) -> IdempotentAnswer | None:
        """What the answer's key was first used for."""
        if answer is None:
            return None
        return first_answer(connection, user, answer.key, self._clock.now_ms())

    def _claim(
        self, connection: sqlite3.Connection, user: int, answer: IdempotentAnswer | None
    ) -> IdempotentAnswer | None:
        """Keeps the answer under its key; the first one where the key was used before."""
        if answer is None:
            return None
        now_ms = self._clock.now_ms()
        claimed = connection.execute(
            _CLAIM,
            (user, answer.key, answer.route, answer.body_hash, answer.answer, answer.expires_ms, now_ms),
        )
        if not claimed.rowcount:
            return first_answer(connection, user, answer.key, now_ms)
        if self._claims % _TIDIED_EVERY == 0:
            # So that the table does not grow for ever.
            connection.execute(
                "DELETE FROM idempotency WHERE (user, key) IN "
                "(SELECT user, key FROM idempotency WHERE expires_ms <= ? ORDER BY expires_ms LIMIT ?)",
                (now_ms, 8 * _TIDIED_EVERY),
            )
        self._claims += 1
        return None


def first_answer(connection: sqlite3.Connection, user: int, key: str, now_ms: int) -> IdempotentAnswer | None:
    row = connection.execute(
        "SELECT key, route, body_hash, answer, expires_ms FROM idempotency "
        "WHERE user = ? AND key = ? AND expires_ms > ?",
        (user, key, now_ms),
    ).fetchone()
    return None if row is None else IdempotentAnswer(*row)


def ids_of(rows: Sequence[tuple[int]]) -> Ids:
    return np.fromiter((row[0] for row in rows), np.int64, len(rows))
