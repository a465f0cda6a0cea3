"""The engines that every contract suite runs against; a new adapter joins by one entry in ENGINES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.clock import Clock
from eventlog.log import Entry, EventLog, Subscription
from eventlog.sqlite_log import SqliteEventLog
from stores.ports import ControlStore, EngagementStore, GraphStore, TweetStore, UserStore
from stores.sqlite import (
    SqliteEngagementStore,
    SqliteGraphStore,
    SqliteTweetStore,
    SqliteUserStore,
    open_facts,
    open_telemetry,
)
from stores.sqlite_control import SqliteControlStore


@dataclass(frozen=True, slots=True)
class Stack:
    """Every port of one engine, opened by one process."""

    users: UserStore
    graph: GraphStore
    tweets: TweetStore
    engagements: EngagementStore
    control: ControlStore
    log: EventLog


class Engine(Protocol):
    """Some data, and a way to open it: again after a restart, or twice, as two processes do."""

    name: str
    directory: Path
    partitions: int
    quiet_s: float
    """How long a poll must find nothing before there surely is nothing."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Stack]: ...


class SqliteEngine:
    """The embedded default: two files in a directory."""

    name = "sqlite"
    partitions = 16
    quiet_s = 0.0

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @asynccontextmanager
    async def open(self, clock: Clock) -> AsyncIterator[Stack]:
        facts = open_facts(self.directory / "facts.db")
        telemetry = open_telemetry(self.directory / "telemetry.db")
        try:
            yield Stack(
                users=SqliteUserStore(facts, clock, self.partitions),
                graph=SqliteGraphStore(facts, clock, self.partitions),
                tweets=SqliteTweetStore(facts, clock, self.partitions),
                engagements=SqliteEngagementStore(facts, clock, self.partitions),
                control=SqliteControlStore(facts, clock, self.partitions),
                log=SqliteEventLog(facts, telemetry, clock, self.partitions),
            )
        finally:
            facts.close()
            telemetry.close()


ENGINES: dict[str, Callable[[Path], Engine]] = {SqliteEngine.name: SqliteEngine}


async def drain(subscription: Subscription, engine: Engine) -> list[Entry]:
    """Everything that a subscription has for us just now."""
    drained: list[Entry] = []
    while entries := await subscription.poll(max_entries=100, timeout_s=engine.quiet_s):
        drained += entries
    return drained


async def published(stack: Stack, engine: Engine, topics: Sequence[str]) -> list[bytes]:
    """The values of everything that was ever published to `topics`."""
    subscription = await stack.log.subscribe("published", topics, start={})
    try:
        return [entry.value for entry in await drain(subscription, engine)]
    finally:
        await subscription.close()
