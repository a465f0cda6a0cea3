"""The embedded log forgets what is older than its retention, a little at a time beside the work.

Unlike Kafka it waits for its groups: what one has not committed yet stays, though not for ever. A
group that nobody runs any more would otherwise fill the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence

import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.errors import Unavailable
from core.waiting import happens
from eventlog.retention import DAY_MS, retention_ms
from eventlog.schema import DEAD_LETTERS, FACT_TOPICS, TELEMETRY_TOPICS
from stores.sqlite_database import SqliteDatabase

LOOK_EVERY_S = 600.0
PATIENCE_MS = 21 * DAY_MS
"""How much longer an entry is kept for a group that has not committed it."""
CHUNK = 500
"""Entries that go in one transaction: writers wait for it, some milliseconds."""
REST_S = 0.05

CUT = Counter(
    "rankfeed_log_entries_expired_total", "Entries of the embedded log that have expired", ["topic"]
)
_logger = structlog.get_logger("retention")

# Entries are looked at in the order of their offsets, and no further than the first that stays: a clock
# that stepped back keeps some of them a little longer, and none is taken out of the middle.
_OLDEST = "SELECT offset, part, published_ms FROM log WHERE topic = ? ORDER BY offset LIMIT ?"


class SqliteRetention:
    def __init__(self, facts: SqliteDatabase, telemetry: SqliteDatabase, clock: Clock) -> None:
        self._topics: Mapping[SqliteDatabase, Sequence[str]] = {
            facts: (*FACT_TOPICS, DEAD_LETTERS),
            telemetry: TELEMETRY_TOPICS,
        }
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Cuts at once and every ten minutes, until `stop`. A file that is away is tried again then."""
        while not stop.is_set():
            try:
                await self.cut(stop)
            except Unavailable as exc:
                _logger.warning("log_not_cut", error=str(exc))
            await happens(stop, LOOK_EVERY_S)

    async def cut(self, stop: asyncio.Event) -> int:
        """Removes what has expired, unless told to stop; returns how many entries went."""
        total = 0
        for database, topics in self._topics.items():
            for topic in topics:
                while not stop.is_set() and (
                    count := await database.write(
                        lambda connection, topic=topic: self._cut(connection, topic)  # type: ignore[misc]  # bound per turn
                    )
                ):
                    CUT.labels(topic).inc(count)
                    total += count
                    await happens(stop, REST_S)
        return total

    def _cut(self, connection: sqlite3.Connection, topic: str) -> int:
        expired_ms = self._clock.now_ms() - retention_ms(topic)
        # Per partition what no group has committed yet; of a group, only partitions that it ever read.
        wanted: dict[int, int] = dict(
            connection.execute("SELECT part, min(next) FROM offsets WHERE topic = ? GROUP BY part", (topic,))
        )
        beyond = None
        for offset, part, published_ms in connection.execute(_OLDEST, (topic, CHUNK)):
            waited_for = offset >= wanted.get(part, offset + 1) and published_ms >= expired_ms - PATIENCE_MS
            if published_ms >= expired_ms or waited_for:
                break
            beyond = offset
        if beyond is None:
            return 0
        return connection.execute("DELETE FROM log WHERE topic = ? AND offset <= ?", (topic, beyond)).rowcount
