"""A real stack for the tests that speak HTTP to it; processes that share one Cassandra keyspace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from stores.cassandra.session import connect
from stores.redis_options import RedisOptions
from tests.cassandra_keyspace import Keyspace
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.people import Person, http_client, make_people
from tests.e2e.waiting import eventually
from tests.fakes import FakeClock
from tests.integration.bad_input import Circle, nobodies, rows_of
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
async def circle(stack: LiveStack, http: httpx.AsyncClient) -> AsyncIterator[Circle]:
    """For whoever sends bad input: afterwards nothing is changed."""
    reader, writer = await make_people(stack, http, 2)
    await reader.follow(writer)
    posted = [await writer.post(f"tweet {number}") for number in range(3)]

    async def arrived() -> bool:
        return await reader.feed_ids() == posted[::-1]

    async def seen() -> tuple[dict[str, Any], list[list[Any]]]:
        feeds = [await one.feed() for one in (reader, writer)]
        return rows_of(stack), [[{**tweet, "tracking": ""} for tweet in feed] for feed in feeds]

    await eventually("the tweets are there", arrived)
    before = await seen()
    yield Circle(reader, writer, Person(stack, http, next(nobodies)), posted)
    assert await seen() == before


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
