"""A stack of real SQLite files to import into, and a log that goes away in the middle."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import Unavailable
from eventlog.envelope import Envelope, decode_envelope
from eventlog.log import EventLog, Offsets, Subscription
from eventlog.schema import Event, decode_event
from eventlog.sqlite_log import SqliteEventLog
from interchange.importer import Importer, ImportTargets
from interchange.report import ImportReport, Reporter
from stores.ports import OutboxRecord
from stores.sqlite import open_facts, open_telemetry
from stores.sqlite_control import SqliteControlStore
from stores.sqlite_database import SqliteDatabase
from stores.sqlite_engagements import SqliteEngagementStore
from stores.sqlite_graph import SqliteGraphStore
from stores.sqlite_tweets import SqliteTweetStore
from stores.sqlite_users import SqliteUserStore
from tests.fakes import FakeClock

PARTITIONS = 16
FACT_TABLES = ("users", "tweets", "follows", "likes", "external_ids")


@dataclass(frozen=True)
class Stack:
    facts: SqliteDatabase
    telemetry: SqliteDatabase
    targets: ImportTargets
    clock: FakeClock

    @classmethod
    def open(cls, directory: Path, clock: FakeClock) -> Stack:
        """On fresh files, or on those that are there."""
        facts = open_facts(directory / "facts.db")
        telemetry = open_telemetry(directory / "telemetry.db")
        targets = ImportTargets(
            SqliteUserStore(facts, clock, PARTITIONS),
            SqliteGraphStore(facts, clock, PARTITIONS),
            SqliteTweetStore(facts, clock, PARTITIONS),
            SqliteEngagementStore(facts, clock, PARTITIONS),
            SqliteControlStore(facts, clock, PARTITIONS),
            SqliteEventLog(facts, telemetry, clock, PARTITIONS),
        )
        return cls(facts, telemetry, targets, clock)

    def close(self) -> None:
        self.facts.close()
        self.telemetry.close()

    async def run(
        self,
        directory: Path,
        *,
        batch: int = 3,
        log: EventLog | None = None,
        report: Reporter = lambda _: None,
    ) -> ImportReport:
        targets = self.targets if log is None else replace(self.targets, log=log)
        return await Importer(targets, self.clock, batch=batch).run(directory, report)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return sorted(_select(self.facts, f"SELECT * FROM {table}"))

    def events(self, database: SqliteDatabase) -> list[tuple[Envelope, Event]]:
        envelopes = [
            decode_envelope(value) for (value,) in _select(database, "SELECT value FROM log ORDER BY offset")
        ]
        decoded = [(envelope, decode_event(envelope)) for envelope in envelopes]
        return [(envelope, event) for envelope, event in decoded if event is not None]

    def truth(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """All that an import leaves, in no order and with repeated telemetry once."""
        log = "SELECT DISTINCT topic, part, key, value FROM log"
        tables = {table: self.rows(table) for table in FACT_TABLES}
        return tables | {
            "facts": sorted(_select(self.facts, log.replace("DISTINCT", ""))),
            "views": sorted(_select(self.telemetry, log)),
        }


def _select(database: SqliteDatabase, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database.path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


class BreakingLog:
    """A log that goes away at its n-th append, with the records or without them."""

    def __init__(self, inner: EventLog, appends: int, *, keeps: bool) -> None:
        self._inner = inner
        self._left = appends
        self._keeps = keeps

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        self._left -= 1
        if self._left > 0 or self._keeps:
            await self._inner.append(records)
        if self._left <= 0:
            raise Unavailable("the log is away")

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> Subscription:
        return await self._inner.subscribe(group, topics, start=start)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return await self._inner.lag(group, topics)
