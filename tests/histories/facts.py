"""Where a history's facts are: the embedded files, or a Cassandra whose writes can be left half done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Protocol

from pipelines.relay import Relay, RelayOptions
from stores.cassandra.assembly import CassandraStores, assemble
from stores.cassandra.session import CassandraSession
from tests.faults.fault import Trigger
from tests.faults.watched_session import watched_session
from tests.histories.interruption import Died
from tests.histories.world_clock import WorldClock
from wiring.home import Home
from wiring.resources import Stores, open_files

_UNPUBLISHED_S = 0.5
_OLD_MS = 3_000


class Facts(Protocol):
    stores: Stores
    """Those of nobody who can be interrupted."""
    leaves_writes_half_done: bool

    def of_process(self, place: int, trigger: Trigger) -> Stores:
        """Those of a process that begins at this place; what was there before it is no more."""
        ...

    async def publish(self) -> None:
        """Waits until what was written is told of, but by whoever is held."""
        ...

    async def finish(self) -> None:
        """Does what is done for those who died in the middle of a write."""
        ...


FactsOpener = Callable[[Home, WorldClock], AbstractAsyncContextManager[Facts]]


class EmbeddedFacts:
    """A write is one transaction, its event included: there is nothing to finish."""

    leaves_writes_half_done = False

    def __init__(self, stores: Stores) -> None:
        self.stores = stores

    def of_process(self, place: int, trigger: Trigger) -> Stores:
        return self.stores

    async def publish(self) -> None:
        return

    async def finish(self) -> None:
        return


@asynccontextmanager
async def embedded_facts(home: Home, clock: WorldClock) -> AsyncIterator[Facts]:
    """In files that were not there before."""
    clock.restart()
    with open_files(home, clock) as stores:
        yield EmbeddedFacts(stores)


class CassandraFacts:
    """Processes that share a keyspace; each statement of theirs can be interrupted. The log is a file."""

    leaves_writes_half_done = True

    def __init__(self, session: CassandraSession, files: Stores, clock: WorldClock) -> None:
        self._session = session
        self._files = files
        self._clock = clock
        self._processes: dict[int, CassandraStores] = {}
        self._healthy = assemble(session, files.log, clock)
        self._relay = Relay(
            self._healthy.outbox,
            self._healthy.facts,
            self._healthy.control,
            files.log,
            clock,
            RelayOptions(look_again_s=0),
        )
        self.stores = self._ports(self._healthy)

    def of_process(self, place: int, trigger: Trigger) -> Stores:
        self._processes[place] = assemble(
            watched_session(self._session, trigger), self._files.log, self._clock
        )
        return self._ports(self._processes[place])

    async def publish(self) -> None:
        for stores in (self._healthy, *self._processes.values()):
            with contextlib.suppress(Died, TimeoutError):
                async with asyncio.timeout(_UNPUBLISHED_S):
                    await stores.publication.settle()

    async def finish(self) -> None:
        await self.publish()
        self._clock.advance(_OLD_MS)
        await self._relay.round()

    def _ports(self, stores: CassandraStores) -> Stores:
        return replace(
            self._files,
            users=stores.users,
            graph=stores.graph,
            tweets=stores.tweets,
            engagements=stores.engagements,
            answers=stores.answers,
            control=stores.control,
        )


def cassandra_facts(session: CassandraSession) -> FactsOpener:
    """In a keyspace that all histories share: time goes on from one to the next, and so no id comes again."""

    @asynccontextmanager
    async def opened(home: Home, clock: WorldClock) -> AsyncIterator[Facts]:
        with open_files(home, clock) as files:
            facts = CassandraFacts(session, files, clock)
            yield facts
            await facts.finish()

    return opened
