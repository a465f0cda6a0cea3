"""Histories of one edge: writes at once and out of order, deaths anywhere, relays in between.

In the end both directions agree, the state is that of the highest version, and what consumers
believe, who go by the highest version that they were told of, is that state.
"""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from core.ids import UserId
from eventlog.envelope import decode_envelope
from eventlog.schema import FollowSet, decode_event, record_of
from stores.cassandra.edges import FOLLOWS, read_edge
from stores.cassandra.fact import EdgeVersions
from tests.cassandra_keyspace import Keyspace
from tests.integration.cassandra_faults import Cluster, Died, Fuse
from tests.integration.cassandra_writes import BASE

HISTORIES = 40
CALLS_OF_A_WRITE = 8


class History:
    def __init__(self, cluster: Cluster, number: int) -> None:
        self._cluster = cluster
        self._random = random.Random(number)
        self.a, self.b = BASE + 10 * number, BASE + 10 * number + 1
        self._versions = [BASE + number * 1000 + n for n in range(16)]
        self.answered: dict[int, bool] = {}
        self.deaths = 0

    async def run(self) -> None:
        self._disorder()
        while self._versions:
            several = self._versions[: self._random.choice((1, 1, 2, 3))]
            del self._versions[: len(several)]
            await asyncio.gather(*(self._write(ver) for ver in several))
            if self._random.random() < 0.3:
                self._cluster.clock.advance(3_000)
                await self._relay(Fuse(self._point(), after=self._coin()))
        self._cluster.clock.advance(3_000)
        await self._relay(Fuse())

    def _disorder(self) -> None:
        """Some versions overtake their neighbours."""
        for n in range(len(self._versions) - 1):
            if self._random.random() < 0.3:
                self._versions[n : n + 2] = reversed(self._versions[n : n + 2])

    async def _write(self, ver: int) -> None:
        on = self._coin()
        record = record_of(FollowSet(self.a, self.b, on), id=ver, ts_ms=5, key=self.a)
        fuse = Fuse(self._point() if self._random.random() < 0.4 else None, after=self._coin())
        stores = self._cluster.process(fuse)
        with contextlib.suppress(Died):
            await stores.graph.set_follow(UserId(self.a), UserId(self.b), on=on, ver=ver, outbox=[record])
            self.answered[ver] = on
            await stores.publication.settle()
        with contextlib.suppress(Died):
            await stores.publication.close(0)
        self.deaths += fuse.blown

    async def _relay(self, fuse: Fuse) -> None:
        with contextlib.suppress(Died):
            await self._cluster.relay(fuse).round()

    def _coin(self) -> bool:
        return self._random.random() < 0.5

    def _point(self) -> int:
        return self._random.randint(1, CALLS_OF_A_WRITE)


async def test_consumers_believe_what_stands(cluster: Cluster, keyspace: Keyspace) -> None:
    deaths = stood = 0
    for number in range(HISTORIES):
        history = History(cluster, number)
        await history.run()
        state = await read_edge(cluster.session, FOLLOWS, history.a, history.b)
        mirror = await read_edge(
            cluster.session, FOLLOWS._replace(state=FOLLOWS.tables[1]), history.a, history.b
        )
        assert state == mirror
        if history.answered:
            last = max(history.answered)
            assert max(state) >= last
            assert max(state) > last or state.is_on == history.answered[last]
        assert believed(cluster, history.a) == state.is_on
        assert keyspace.outbox_rows() == 0
        deaths += history.deaths
        stood += state.is_on
    # The histories are what they are meant to be.
    assert deaths > HISTORIES
    assert HISTORIES * 0.2 < stood < HISTORIES * 0.8


def believed(cluster: Cluster, key: int) -> bool:
    """Whether a consumer of the log thinks that the edge is on."""
    newest = EdgeVersions()
    for record in cluster.log.records:
        envelope = decode_envelope(record.value)
        event = decode_event(envelope)
        if record.key == key and isinstance(event, FollowSet):
            newest = (
                newest._replace(on=max(newest.on, envelope.ver))
                if event.on
                else newest._replace(off=max(newest.off, envelope.ver))
            )
    return newest.is_on


@pytest.mark.parametrize("writers", [2, 5])
async def test_writers_at_once_without_deaths_need_no_second_relay(
    cluster: Cluster, keyspace: Keyspace, writers: int
) -> None:
    for number in range(30):
        a, b = BASE + 10 * number, BASE + 10 * number + 1
        versions = [(BASE + number * 100 + n, n % 2 == 0) for n in range(writers)]
        processes = [cluster.process(Fuse()) for _ in versions]
        await asyncio.gather(
            *(
                stores.graph.set_follow(
                    UserId(a),
                    UserId(b),
                    on=on,
                    ver=ver,
                    outbox=[record_of(FollowSet(a, b, on), id=ver, ts_ms=5, key=a)],
                )
                for stores, (ver, on) in zip(processes, versions, strict=True)
            )
        )
        for stores in processes:
            await stores.publication.settle()
        cluster.clock.advance(3_000)
        await cluster.relay().round()
        state = await read_edge(cluster.session, FOLLOWS, a, b)
        assert state.is_on == versions[-1][1]
        assert believed(cluster, a) == state.is_on
        assert keyspace.outbox_rows() == 0
