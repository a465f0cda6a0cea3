"""A real stack for the tests that speak HTTP to it; processes that share one Cassandra keyspace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from stores.cassandra.session import connect
from stores.redis_options import RedisOptions
from tests.cassandra_keyspace import Keyspace
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.people import http_client
from tests.fakes import FakeClock
from tests.integration.cassandra_faults import Cluster, RecordedLog
from tests.integration.redis_world import PATIENT_MS, RedisWorld, redis_world


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


@pytest.fixture(params=["one", "cluster"])
async def both_redis(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[RedisWorld]:
    """One Redis, and then a Cluster of three primaries: whoever uses it must not see the difference."""
    if request.param == "cluster":
        options = RedisOptions(request.getfixturevalue("redis_shards"), PATIENT_MS, cluster=True)
    else:
        options = RedisOptions(redis_url, PATIENT_MS)
    async with redis_world(options) as world:
        yield world


@pytest.fixture
async def one_redis(redis_url: str) -> AsyncIterator[RedisWorld]:
    async with redis_world(RedisOptions(redis_url, PATIENT_MS)) as world:
        yield world
