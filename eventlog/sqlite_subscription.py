"""A subscription of the embedded log: reads in a thread of its own, and wakes up by itself.

It wakes by SQLite's `data_version`, which changes when another connection commits: about 5 µs a
look, no Redis needed, and nothing is missed.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from core.errors import Unavailable
from eventlog.log import ALL, Entry, Lane, Looked, Offsets, TopicPartition, next_offsets
from stores.sqlite_database import SqliteDatabase, is_away

_LOOK_EVERY_S = 0.005


class _Found(NamedTuple):
    """What one poll read, and where that leaves the subscription."""

    by_lane: dict[Lane, list[Entry]]
    positions: dict[TopicPartition, int]
    versions: dict[SqliteDatabase, int]
    behind: list[str]


class SqliteSubscription:
    """Reads every partition: the embedded stack runs one consumer a group."""

    def __init__(
        self,
        group: str,
        topics_by_file: Mapping[SqliteDatabase, Sequence[str]],
        positions: dict[TopicPartition, int],
        partitions: int,
    ) -> None:
        self._group = group
        self._files = topics_by_file
        self._file_of = {topic: database for database, topics in topics_by_file.items() for topic in topics}
        self._positions = positions
        self._partitions = partitions
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"log-{group}")
        self._connections = {database: database.connect() for database in topics_by_file}
        self._versions: dict[SqliteDatabase, int] = {}
        # Topics that may hold more than was read, the one that waited longest first.
        self._behind: list[str] = []
        self._uncommitted: dict[TopicPartition, int] = {}
        self._reading: asyncio.Future[_Found] | None = None
        self._closing = threading.Event()

    async def poll(self, *, max_entries: int, timeout_s: float) -> Sequence[Entry]:
        looked = await self.look(max_entries=max_entries, timeout_s=timeout_s)
        return [entry for entries in looked.by_lane.values() for entry in entries]

    async def look(self, *, max_entries: int, timeout_s: float, skip: Collection[Lane] = ()) -> Looked:
        # A poll whose caller was cancelled goes on in its thread; what it found belongs to the next.
        if self._reading is None:
            self._reading = asyncio.get_running_loop().run_in_executor(
                self._thread, self._look_until, max_entries, timeout_s, {lane.topic for lane in skip}
            )
        try:
            found = await asyncio.shield(self._reading)
        except sqlite3.Error as exc:
            self._reading = None
            if is_away(exc):
                raise Unavailable(f"the log cannot be read: {exc}") from exc
            raise
        # Taken over here, not in the thread: what nobody was given must neither be skipped nor committed.
        self._reading = None
        by_lane, self._positions, self._versions, self._behind = found
        for entries in by_lane.values():
            self._uncommitted |= next_offsets(entries)
        return Looked(by_lane, frozenset(TopicPartition(topic, ALL) for topic in self._behind))

    async def commit(self, offsets: Offsets) -> None:
        for tp, next_ in offsets.items():
            if self._uncommitted.get(tp, 0) <= next_:
                self._uncommitted.pop(tp, None)
        # A partition with nothing outstanding moves on with what was read over: one that never has an
        # entry would otherwise make the next start read the topic from its beginning.
        moved = {tp: next_ for tp, next_ in self._positions.items() if tp not in self._uncommitted} | dict(
            offsets
        )
        for database, topics in self._files.items():
            rows = [
                (self._group, tp.topic, tp.partition, next_)
                for tp, next_ in moved.items()
                if tp.topic in topics
            ]
            if rows:
                # What the power takes with it comes again, and effects are idempotent.
                await database.write_rows(
                    "INSERT OR REPLACE INTO offsets VALUES (?, ?, ?, ?)", rows, durable=False
                )

    async def positions(self) -> Offsets:
        return {
            (tp := TopicPartition(topic, part)): self._positions.get(tp, 0)
            for topic in self._file_of
            for part in range(self._partitions)
        }

    async def close(self) -> None:
        self._closing.set()
        self._thread.shutdown(wait=True)
        for connection in self._connections.values():
            connection.close()

    def _look_until(self, max_entries: int, timeout_s: float, skip: set[str]) -> _Found:
        end_s = time.monotonic() + timeout_s
        found = _Found({}, dict(self._positions), dict(self._versions), list(self._behind))
        while True:
            self._look(found, max_entries, skip)
            if found.by_lane or time.monotonic() >= end_s:
                return found
            if skip.issuperset(found.behind) and self._closing.wait(_LOOK_EVERY_S):
                return found

    def _look(self, found: _Found, max_entries: int, skip: set[str]) -> None:
        for database, topics in self._files.items():
            # Asked before the topics are read: a commit in between changes it once more.
            (version,) = self._connections[database].execute("PRAGMA data_version").fetchone()
            if found.versions.get(database) != version:
                found.versions[database] = version
                found.behind.extend(topic for topic in topics if topic not in found.behind)
        room = max_entries
        for topic in [topic for topic in found.behind if topic not in skip]:
            if room <= 0:
                return
            entries, complete = self._read(found, topic, room)
            if entries:
                found.by_lane[TopicPartition(topic, ALL)] = entries
                room -= len(entries)
            found.behind.remove(topic)
            if not complete:
                found.behind.append(topic)

    def _read(self, found: _Found, topic: str, limit: int) -> tuple[list[Entry], bool]:
        """Reads on in one topic; whether that was all there is."""
        partitions = [TopicPartition(topic, part) for part in range(self._partitions)]
        lowest = min(found.positions.get(tp, 0) for tp in partitions)
        rows = (
            self._connections[self._file_of[topic]]
            .execute(
                "SELECT topic, part, offset, key, value, published_ms FROM log "
                "WHERE topic = ? AND offset >= ? ORDER BY offset LIMIT ?",
                (topic, lowest, limit),
            )
            .fetchall()
        )
        entries = [
            entry
            for row in rows
            if (entry := Entry(*row)).offset >= found.positions.get(entry.topic_partition, 0)
        ]
        if rows:
            # The read covered every partition up to its last row, those without one included.
            for tp in partitions:
                found.positions[tp] = max(found.positions.get(tp, 0), rows[-1][2] + 1)
        return entries, len(rows) < limit
