"""Unknown outcomes: connections cut after the request or before the answer, and Cassandra away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import pytest

from core.clock import SystemClock
from core.errors import Unavailable
from stores.cassandra.assembly import CassandraStores, open_cassandra
from tests.cassandra_keyspace import Keyspace
from tests.fakes import FakeClock
from tests.integration.cassandra_faults import Cluster, RecordedLog
from tests.integration.cassandra_writes import WRITES, key_of
from tests.proxy import Cut, Proxy

T = TypeVar("T")
PATIENCE_S = 60.0
CUT_OFF = (
    *("keyed tweet", "keyed retweet", "follow", "block", "keyed user"),
    # The same steps as those above, fewer of them.
    *(pytest.param(kind, marks=pytest.mark.torture) for kind in ("tweet", "delete", "like")),
)
CUTS = pytest.mark.parametrize("where", list(Cut), ids=lambda cut: cut.name.lower())


@asynccontextmanager
async def through_proxy(
    keyspace: Keyspace, log: RecordedLog, clock: FakeClock
) -> AsyncIterator[tuple[Proxy, CassandraStores]]:
    options = keyspace.options
    async with Proxy((options.hosts[0], options.port)).listening() as proxy:
        behind = replace(options, hosts=(proxy.host,), port=proxy.port, timeout_s=3.0)
        async with open_cassandra(behind, log, clock) as stores:
            yield proxy, stores


async def until_done(stores: CassandraStores, kind: str, n: int, clock: FakeClock) -> None:
    """Repeats a write while its outcome is unknown."""
    write = WRITES[kind].write
    await persist(lambda: write(stores, n, clock))


async def persist(call: Callable[[], Awaitable[T]]) -> T:
    """Repeats a call while Cassandra is away."""
    end_s = SystemClock().monotonic_s() + PATIENCE_S
    while True:
        try:
            return await call()
        except Unavailable:
            assert SystemClock().monotonic_s() < end_s


@CUTS
@pytest.mark.parametrize("kind", CUT_OFF)
async def test_a_write_cut_off_at_any_request_can_be_repeated(
    cluster: Cluster, keyspace: Keyspace, kind: str, where: Cut
) -> None:
    _, stands, prepare = WRITES[kind]
    async with through_proxy(keyspace, cluster.log, cluster.clock) as (proxy, stores):
        await prepare(cluster.healthy, 1)
        await until_done(stores, kind, 1, cluster.clock)
        for n in range(2, 8):
            await prepare(cluster.healthy, n)
            requests = 0

            def nth(chunk: bytes, n: int = n) -> bool:
                nonlocal requests
                # Heartbeats and the like are no requests of ours; ours carry the number of the write.
                requests += key_of(n).to_bytes(8, "big")[:7] in chunk
                return requests == n - 1

            proxy.cut(where, nth)
            await until_done(stores, kind, n, cluster.clock)
            assert await persist(lambda n=n: stands(stores, n))  # type: ignore[misc]  # bound per turn
        assert proxy.cuts > 0
        await stores.publication.settle()
    cluster.clock.advance(3_000)
    await cluster.relay().round()
    for n in range(2, 8):
        assert await stands(cluster.healthy, n)
        assert len(cluster.log.told(key_of(n))) == 1
    assert keyspace.outbox_rows() == 0


async def test_cassandra_away_is_unavailable_and_then_back_without_help(
    cluster: Cluster, keyspace: Keyspace
) -> None:
    write, stands, _ = WRITES["tweet"]
    async with through_proxy(keyspace, cluster.log, cluster.clock) as (proxy, stores):
        await write(stores, 1, cluster.clock)
        proxy.go_away()
        for _ in range(3):
            with pytest.raises(Unavailable, match="did not answer"):
                await write(stores, 2, cluster.clock)
            with pytest.raises(Unavailable):
                await stores.tweets.get_many([key_of(1)])
        proxy.come_back()
        await until_done(stores, "tweet", 2, cluster.clock)
        assert await persist(lambda: stands(stores, 1))
        assert await persist(lambda: stands(stores, 2))


async def test_where_nobody_listens_opening_is_unavailable(keyspace: Keyspace) -> None:
    nowhere = replace(keyspace.options, port=1, connect_timeout_s=2.0)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1 "):
        async with open_cassandra(nowhere, RecordedLog(), FakeClock()):
            pass
