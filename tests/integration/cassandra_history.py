"""A history of writes at random: some at once, some out of order, deaths anywhere, relays in between."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

from core.errors import InputError
from eventlog.envelope import decode_envelope
from eventlog.schema import Event, decode_event
from stores.cassandra.assembly import CassandraStores
from tests.integration.cassandra_faults import Cluster, Died, Fuse, RecordedLog

CALLS_OF_A_WRITE = 9
Step = Callable[[CassandraStores], Awaitable[None]]


class History:
    """Runs steps to their end. Each is a process's own; what it raises on purpose is its answer."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.cluster = cluster
        self.random = random.Random(seed)
        self.deaths = 0

    async def run(self, steps: list[Step]) -> None:
        self._disorder(steps)
        while steps:
            several = steps[: self.random.choice((1, 1, 2, 3))]
            del steps[: len(several)]
            await asyncio.gather(*(self._take(step) for step in several))
            if self.random.random() < 0.3:
                self.cluster.clock.advance(3_000)
                with contextlib.suppress(Died):
                    await self.cluster.relay(self._fuse(1.0)).round()
        self.cluster.clock.advance(3_000)
        await self.cluster.relay().round()

    def coin(self) -> bool:
        return self.random.random() < 0.5

    def _disorder(self, steps: list[Step]) -> None:
        """Some overtake their neighbours."""
        for n in range(len(steps) - 1):
            if self.random.random() < 0.3:
                steps[n : n + 2] = reversed(steps[n : n + 2])

    async def _take(self, step: Step) -> None:
        fuse = self._fuse(0.4)
        stores = self.cluster.process(fuse)
        with contextlib.suppress(Died, InputError):
            await step(stores)
        with contextlib.suppress(Died):
            await stores.publication.settle()
        with contextlib.suppress(Died):
            await stores.publication.close(0)
        self.deaths += fuse.blown

    def _fuse(self, share: float) -> Fuse:
        at = self.random.randint(1, CALLS_OF_A_WRITE) if self.random.random() < share else None
        return Fuse(at, after=self.coin())


def told(log: RecordedLog) -> list[tuple[int, Event]]:
    """Every event of the log that is ours, with its version."""
    events = []
    for record in log.records:
        envelope = decode_envelope(record.value)
        event = decode_event(envelope)
        assert event is not None
        events.append((envelope.ver, event))
    return events
