"""The features stream's own file: rows, progress and what was counted, committed as one.

The file is the stream's truth; Redis holds a projection of it, and the offline source every row that
it ever held. A commit is durable: what the offline source has must not be counted again otherwise.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, Self, TypeVar

from core.clock import Clock
from core.errors import ConfigurationError, Corrupt
from eventlog.log import Entry, Offsets, TopicPartition
from features.accumulate import PackedRow
from features.packed_store import ExpiringRow
from features.seen_list import SeenList
from pipelines import offline_queue, rows_table, seen_table
from pipelines.offline_queue import OfflineQueue, Place, Progress
from pipelines.rows_table import After, RowKey
from stores.sqlite_database import SqliteDatabase

STATEMENTS = (
    rows_table.STATEMENT,
    """CREATE TABLE offsets (
        topic TEXT NOT NULL, part INTEGER NOT NULL, next INTEGER NOT NULL,
        PRIMARY KEY (topic, part)) WITHOUT ROWID""",
    "CREATE TABLE counted (key BLOB PRIMARY KEY, published_ms INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX counted_by_time ON counted (published_ms)",
    offline_queue.STATEMENT,
    "ALTER TABLE offsets ADD COLUMN reached_ms INTEGER NOT NULL DEFAULT 0",
    offline_queue.PROGRESS_STATEMENT,
    seen_table.STATEMENT,
)

_PURGE_EVERY_MS = 3_600_000
# What one statement asks for; a statement each would hand the interpreter over as often.
_ONE_STATEMENT = 2_000

T = TypeVar("T")

_LISTS = "~"
"""In the place of a view: lists of what was seen come after the rows of all views."""


class Found(NamedTuple):
    """What the file knows of a batch."""

    offsets: Offsets
    counted: frozenset[bytes]
    rows: list[PackedRow]
    seen: list[SeenList]


class Page(NamedTuple):
    """Some rows and lists that have not expired, and where the next page starts; None after the last."""

    rows: list[ExpiringRow]
    after: After | None


class FeaturesFile:
    """One process at a time has it open; also the worker's own offsets (`eventlog.worker.OwnOffsets`)."""

    def __init__(self, database: SqliteDatabase, clock: Clock, lock: IO[bytes]) -> None:
        self.offline = OfflineQueue(database)
        self._database = database
        self._clock = clock
        self._lock = lock
        self._purged_ms = 0

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Raises ConfigurationError where another process has it, Corrupt where it cannot be opened."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(SqliteDatabase.open(path, STATEMENTS, "FULL"), clock, lock)
        except OSError as exc:
            lock.close()
            raise ConfigurationError(
                f"{path} is in use by another features stream; there may be one. Stop the other first."
            ) from exc
        except ConfigurationError as exc:
            lock.close()
            raise Corrupt(str(exc)) from exc

    def close(self) -> None:
        self._database.close()
        self._lock.close()

    async def load(self) -> Offsets:
        """Per partition the next entry to count."""
        return await self._database.read(_offsets)

    async def reached(self) -> Mapping[TopicPartition, int]:
        """Per partition the newest time (ms) among the events behind its offset (`eventlog.merged`)."""
        return await self._database.read(
            lambda connection: {
                TopicPartition(topic, part): reached_ms
                for topic, part, reached_ms in connection.execute(
                    "SELECT topic, part, reached_ms FROM offsets WHERE reached_ms > 0"
                )
            }
        )

    async def save(self, offsets: Offsets) -> None:
        """Moves forward, never back."""
        known = await self.load()
        if any(known.get(partition, 0) < next_ for partition, next_ in offsets.items()):
            progress = {tp: Place(next_) for tp, next_ in offsets.items()}
            await self._database.write(lambda connection: _advance(connection, progress))

    async def rewind(self, first: Sequence[Entry]) -> None:
        """Moves back to entries that are younger than all that was counted of their partitions."""
        await self._database.write_rows(
            "UPDATE offsets SET next = ? WHERE topic = ? AND part = ? AND reached_ms < ?",
            [(entry.offset, *entry.topic_partition, entry.published_ms) for entry in first],
        )

    async def find(self, keys: Iterable[bytes], rows: Iterable[RowKey], viewers: Iterable[int] = ()) -> Found:
        """The progress, which of the keys were counted already, and those of the rows that exist.

        So of the lists of what these viewers have seen.
        """

        def operation(connection: sqlite3.Connection) -> Found:
            counted = frozenset(
                key
                for some in _chunks(keys)
                for (key,) in connection.execute(
                    f"SELECT key FROM counted WHERE key IN ({', '.join('?' * len(some))})", some
                ).fetchall()
            )
            found = [one for some in _chunks(rows) for one in rows_table.find(connection, some)]
            lists = [one for some in _chunks(viewers) for one in seen_table.find(connection, some)]
            return Found(_offsets(connection), counted, found, lists)

        return await self._database.read(operation)

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
        """Rows, lists of what was seen, counted keys (to the publication time of their event) and progress:
        all or nothing.

        Keys published before `forget_before_ms` are forgotten. The rows are queued for the offline
        source too; `arrived_ms` is when the newest event in them arrived. `reached` is what
        `self.reached` tells from then on, where it is more.
        """
        now_ms = self._clock.now_ms()
        known = reached or {}
        progress = {tp: Place(next_, known.get(tp, 0)) for tp, next_ in offsets.items()}
        purge = now_ms - self._purged_ms >= _PURGE_EVERY_MS

        def operation(connection: sqlite3.Connection) -> None:
            rows_table.put(connection, rows, now_ms)
            seen_table.put(connection, seen, now_ms)
            offline_queue.put(connection, rows, arrived_ms, progress)
            connection.executemany("INSERT OR REPLACE INTO counted VALUES (?, ?)", counted.items())
            connection.execute("DELETE FROM counted WHERE published_ms < ?", (forget_before_ms,))
            _advance(connection, progress)
            if purge:
                rows_table.purge(connection, now_ms)
                seen_table.purge(connection, now_ms)

        await self._database.write(operation)
        if purge:
            self._purged_ms = now_ms

    async def tweets(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """At most `limit` tweets of ids above `after` and their packed rows of `t`, in the order of ids."""
        return await self._database.read(lambda connection: rows_table.tweets(connection, after, limit))

    async def page(self, after: After, limit: int) -> Page:
        """At most `limit` rows behind `after`, in the order of their keys, with what is left of their ttl;
        behind all rows the lists of what was seen."""
        now_ms = self._clock.now_ms()
        if after[0] == _LISTS:
            lists, viewer = await self._database.read(
                lambda connection: seen_table.page(connection, after[1], limit, now_ms)
            )
            return Page(lists, None if viewer is None else (_LISTS, viewer, 0))
        rows, last = await self._database.read(
            lambda connection: rows_table.page(connection, after, limit, now_ms)
        )
        return Page(rows, (_LISTS, 0, 0) if last is None else last)


def _chunks(wanted: Iterable[T]) -> Iterator[list[T]]:
    left = iter(wanted)
    while chunk := list(islice(left, _ONE_STATEMENT)):
        yield chunk


def _offsets(connection: sqlite3.Connection) -> dict[TopicPartition, int]:
    rows = connection.execute("SELECT topic, part, next FROM offsets")
    return {TopicPartition(topic, part): next_ for topic, part, next_ in rows}


def _advance(connection: sqlite3.Connection, progress: Progress) -> None:
    connection.executemany(
        "INSERT INTO offsets VALUES (?, ?, ?, ?) ON CONFLICT (topic, part) DO UPDATE "
        "SET next = max(next, excluded.next), reached_ms = max(reached_ms, excluded.reached_ms)",
        [(*partition, *place) for partition, place in progress.items()],
    )
