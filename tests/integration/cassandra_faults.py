"""Deaths at the calls of a port: a fuse that blows before or after the n-th of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from pipelines.relay import Relay, RelayOptions
from stores.cassandra.assembly import CassandraStores, assemble
from stores.cassandra.publication import Publisher
from stores.cassandra.session import CassandraSession
from stores.ports import OutboxRecord
from tests.fakes import FakeClock

T = TypeVar("T")


class Died(BaseException):
    """The process is no more: nothing of it runs on, not even what handles exceptions."""


class Fuse:
    """Counts calls; at the `at`-th it blows, before it or after it, and from then on at every one."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.calls = 0
        self.blown = False
        self._at = at
        self._after = after

    async def carry(self, call: Callable[[], Awaitable[T]]) -> T:
        self.calls += 1
        mine = self.calls == self._at
        if self.blown or (mine and not self._after):
            self.blown = True
            raise Died
        answer = await call()
        if mine or self.blown:
            self.blown = True
            raise Died
        return answer


class FusedSession(CassandraSession):
    """Another process's session on the same connections; every statement goes through the fuse."""

    def __init__(self, base: CassandraSession, fuse: Fuse) -> None:
        super().__init__(base._cluster, base._session, base.options)
        self._prepared = base._prepared
        self._fuse = fuse

    async def _run(self, bound: object, profile: object) -> list[Any]:
        return await self._fuse.carry(lambda: super(FusedSession, self)._run(bound, profile))


class RecordedLog:
    """A log that keeps what it acknowledged; it can be away, and refuse records."""

    def __init__(self) -> None:
        self.records: list[OutboxRecord] = []
        self.failures: list[Exception] = []
        self.refused: bytes | None = None
        self.appended = asyncio.Event()

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if any(record.value == self.refused for record in records):
            raise ValueError("the record is too large")
        self.records += records
        self.appended.set()

    def told(self, key: int) -> set[bytes]:
        return {record.value for record in self.records if record.key == key}


class FusedLog:
    def __init__(self, log: Publisher, fuse: Fuse) -> None:
        self._log = log
        self._fuse = fuse

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await self._fuse.carry(lambda: self._log.append(records))


class Cluster:
    """Processes that share a keyspace and a log; each may have a fuse."""

    def __init__(self, session: CassandraSession, log: RecordedLog, clock: FakeClock) -> None:
        self.session = session
        self.clock = clock
        self.log = log
        self.healthy = self.process(Fuse())

    def process(self, fuse: Fuse) -> CassandraStores:
        return assemble(FusedSession(self.session, fuse), FusedLog(self.log, fuse), self.clock)

    def assembled(self, session: CassandraSession) -> CassandraStores:
        """A process with a session of another make."""
        return assemble(session, self.log, self.clock)

    def relay(self, fuse: Fuse | None = None) -> Relay:
        fuse = fuse or Fuse()
        stores = self.process(fuse)
        log = FusedLog(self.log, fuse)
        return Relay(stores.outbox, stores.facts, stores.control, log, self.clock, RelayOptions())
