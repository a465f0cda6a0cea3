"""The embedded log: the outbox table of the facts' file, and a second file for telemetry."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial

from core.clock import Clock
from eventlog.log import Offsets, TopicPartition, check_sizes
from eventlog.schema import DEAD_LETTERS, TELEMETRY_TOPICS
from eventlog.shorter_log import tell_shorter
from eventlog.sqlite_subscription import SqliteSubscription
from stores.ports import OutboxRecord
from stores.sqlite import append_to_log, go_on_above, last_offset
from stores.sqlite_database import SqliteDatabase

_END_OF_TIME_MS = 2**62


class SqliteEventLog:
    """Topics live in the telemetry file or in the facts' file; offsets in the file that they count."""

    def __init__(
        self, facts: SqliteDatabase, telemetry: SqliteDatabase, clock: Clock, partitions: int
    ) -> None:
        self._facts = facts
        self._telemetry = telemetry
        self._clock = clock
        self._partitions = partitions

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        check_sizes(records, DEAD_LETTERS)
        by_file: dict[SqliteDatabase, list[OutboxRecord]] = {}
        for record in records:
            by_file.setdefault(self._file_of(record.topic), []).append(record)
        for database, part in by_file.items():
            await database.write(
                lambda connection, part=part: append_to_log(  # type: ignore[misc]  # bound per turn
                    connection, part, self._partitions, self._clock.now_ms()
                )
            )

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> SqliteSubscription:
        by_file: dict[SqliteDatabase, list[str]] = {}
        for topic in topics:
            by_file.setdefault(self._file_of(topic), []).append(topic)
        positions: dict[TopicPartition, int] = {}
        for database, its_topics in by_file.items():
            positions |= await _committed(database, group, its_topics)
        if start is not None:
            positions = dict(start)
            for database, its_topics in by_file.items():
                wanted = {tp: next_ for tp, next_ in start.items() if tp.topic in its_topics}
                end = await database.read(last_offset) + 1
                if tell_shorter(group, wanted, dict.fromkeys(wanted, end)):
                    # Otherwise the consumer would pass over what comes, up to where it was.
                    await database.write(partial(go_on_above, offset=max(wanted.values()) - 1))
        return SqliteSubscription(group, by_file, positions, self._partitions)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        lag: dict[str, int] = {}
        for topic in topics:
            database = self._file_of(topic)
            committed = await _committed(database, group, [topic])
            lag[topic] = await database.read(
                lambda connection, topic=topic, committed=committed: _count_behind(  # type: ignore[misc]  # bound per turn
                    connection, topic, committed, self._partitions
                )
            )
        return lag

    async def ends(self, topics: Sequence[str]) -> Offsets:
        return await self._firsts(topics, _END_OF_TIME_MS)

    async def offsets_at(self, topics: Sequence[str], ts_ms: int) -> Offsets:
        return await self._firsts(topics, ts_ms)

    async def offsets_of(self, group: str, topics: Sequence[str]) -> Offsets:
        committed: dict[TopicPartition, int] = {}
        for topic in topics:
            committed |= await _committed(self._file_of(topic), group, [topic])
        return committed

    async def reset(self, group: str, offsets: Offsets) -> None:
        for topic in {tp.topic for tp in offsets}:
            rows = [(group, *tp, next_) for tp, next_ in offsets.items() if tp.topic == topic]
            await self._file_of(topic).write_rows("INSERT OR REPLACE INTO offsets VALUES (?, ?, ?, ?)", rows)

    async def _firsts(self, topics: Sequence[str], ts_ms: int) -> dict[TopicPartition, int]:
        firsts: dict[TopicPartition, int] = {}
        for topic in topics:
            # One look at the whole topic: for operators, not for a path that is taken often.
            rows = await self._file_of(topic).read(
                lambda connection, topic=topic: connection.execute(  # type: ignore[misc]  # bound per turn
                    "SELECT part, "
                    "coalesce(min(CASE WHEN published_ms >= ? THEN offset END), max(offset) + 1) "
                    "FROM log WHERE topic = ? GROUP BY part",
                    (ts_ms, topic),
                ).fetchall()
            )
            firsts |= {TopicPartition(topic, part): 0 for part in range(self._partitions)}
            firsts |= {TopicPartition(topic, part): offset for part, offset in rows}
        return firsts

    def _file_of(self, topic: str) -> SqliteDatabase:
        return self._telemetry if topic in TELEMETRY_TOPICS else self._facts


async def _committed(
    database: SqliteDatabase, group: str, topics: Sequence[str]
) -> dict[TopicPartition, int]:
    rows = await database.read(
        lambda connection: connection.execute(
            "SELECT topic, part, next FROM offsets WHERE grp = ?", (group,)
        ).fetchall()
    )
    return {TopicPartition(row[0], row[1]): row[2] for row in rows if row[0] in topics}


def _count_behind(connection: sqlite3.Connection, topic: str, committed: Offsets, partitions: int) -> int:
    nexts = [committed.get(TopicPartition(topic, part), 0) for part in range(partitions)]
    parts = connection.execute(
        "SELECT part, offset FROM log WHERE topic = ? AND offset >= ?", (topic, min(nexts))
    )
    return sum(1 for part, offset in parts if offset >= nexts[part])
