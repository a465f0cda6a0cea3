"""The stores that every contract suite runs against; a new adapter joins by one entry in ENGINES."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.clock import Clock
from eventlog.log import OperatedLog
from eventlog.reading import read
from eventlog.sqlite_log import SqliteEventLog
from pipelines.relay import Relay, RelayOptions
from stores.cassandra.assembly import open_cassandra
from stores.cassandra.options import CassandraOptions
from stores.ports import AnswerStore, ControlStore, EngagementStore, GraphStore, TweetStore, UserStore
from stores.sqlite import open_facts, open_telemetry
from stores.sqlite_answers import SqliteAnswerStore
from stores.sqlite_control import SqliteControlStore
from stores.sqlite_engagements import SqliteEngagementStore
from stores.sqlite_graph import SqliteGraphStore
from stores.sqlite_tweets import SqliteTweetStore
from stores.sqlite_users import SqliteUserStore

PARTITIONS = 16


@dataclass(frozen=True, slots=True)
class Stack:
    """Every store of one engine, opened by one process, and the log that it publishes to."""

    users: UserStore
    graph: GraphStore
    tweets: TweetStore
    engagements: EngagementStore
    answers: AnswerStore
    control: ControlStore
    log: OperatedLog
    settle: Callable[[], Awaitable[None]]
    """Waits until what was written has been published."""
    recover: Callable[[], Awaitable[None]]
    """Does for processes that died what is done for them while others live on."""


class Engine(Protocol):
    """Some data, and a way to open it: again after a restart, or twice, as two processes do."""

    name: str
    address: str
    """Says to another process where it is: `engine_at(name, address)`."""

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Stack]: ...


class SqliteEngine:
    """The embedded default: two files in a directory."""

    name = "sqlite"

    def __init__(self, address: str) -> None:
        self.address = address

    @asynccontextmanager
    async def open(self, clock: Clock) -> AsyncIterator[Stack]:
        facts = open_facts(Path(self.address) / "facts.db")
        telemetry = open_telemetry(Path(self.address) / "telemetry.db")
        try:
            yield Stack(
                users=SqliteUserStore(facts, clock, PARTITIONS),
                graph=SqliteGraphStore(facts, clock, PARTITIONS),
                tweets=SqliteTweetStore(facts, clock, PARTITIONS),
                engagements=SqliteEngagementStore(facts, clock, PARTITIONS),
                answers=SqliteAnswerStore(facts, clock, PARTITIONS),
                control=SqliteControlStore(facts, clock, PARTITIONS),
                log=SqliteEventLog(facts, telemetry, clock, PARTITIONS),
                settle=_nothing,
                recover=_nothing,
            )
        finally:
            facts.close()
            telemetry.close()


class CassandraEngine:
    """A keyspace of a real Cassandra, whose facts are published to an embedded log."""

    name = "cassandra"

    def __init__(self, address: str) -> None:
        self.address = address
        directory, host, port, keyspace = address.split(" ")
        self._directory = Path(directory)
        self.options = CassandraOptions(hosts=(host,), port=int(port), keyspace=keyspace)

    @asynccontextmanager
    async def open(self, clock: Clock) -> AsyncIterator[Stack]:
        facts = open_facts(self._directory / "facts.db")
        telemetry = open_telemetry(self._directory / "telemetry.db")
        log = SqliteEventLog(facts, telemetry, clock, PARTITIONS)
        try:
            async with open_cassandra(self.options, log, clock) as stores:
                relay = Relay(stores.outbox, stores.facts, stores.control, log, clock, RelayOptions())
                yield Stack(
                    users=stores.users,
                    graph=stores.graph,
                    tweets=stores.tweets,
                    engagements=stores.engagements,
                    answers=stores.answers,
                    control=stores.control,
                    log=log,
                    settle=stores.publication.settle,
                    recover=lambda: _forget_count(relay.round()),
                )
        finally:
            facts.close()
            telemetry.close()


ENGINES: dict[str, Callable[[str], Engine]] = {
    SqliteEngine.name: SqliteEngine,
    CassandraEngine.name: CassandraEngine,
}


def engine_at(name: str, address: str) -> Engine:
    return ENGINES[name](address)


async def published(stack: Stack, topics: Sequence[str]) -> list[bytes]:
    """The values of everything that was published to `topics`."""
    await stack.settle()
    return [entry.value async for entry in read(stack.log, topics)]


async def _nothing() -> None:
    await asyncio.sleep(0)


async def _forget_count(work: Awaitable[int]) -> None:
    await work
