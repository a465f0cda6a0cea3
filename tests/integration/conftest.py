"""A real stack for the tests that speak HTTP to it; processes that share one Cassandra keyspace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from stores.cassandra.session import connect
from tests.cassandra_keyspace import Keyspace
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.people import http_client
from tests.fakes import FakeClock
from tests.integration.cassandra_faults import Cluster, RecordedLog


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with live_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
async def http(stack: LiveStack) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(stack) as client:
        yield client


@pytest.fixture
def cluster_clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def cluster(keyspace: Keyspace, cluster_clock: FakeClock) -> AsyncIterator[Cluster]:
    session = await connect(keyspace.options)
    try:
        yield Cluster(session, RecordedLog(), cluster_clock)
    finally:
        await session.close()
