"""One real stack for the tests that leave it as they found it, and a client that speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.e2e.distributed import distributed_place
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.people import http_client
from tests.local_servers import CassandraAddress


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    # What is popular is reckoned often, so that no test waits for it.
    environment = {"RANKFEED_POPULAR_EVERY_S": "0.5"}
    with live_stack(tmp_path_factory.mktemp("stack"), environment=environment) as running:
        yield running


@pytest.fixture
async def http(stack: LiveStack) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(stack) as client:
        yield client


@pytest.fixture
def place(kafka_server: str, cassandra_server: CassandraAddress) -> Iterator[dict[str, str]]:
    """The settings of a distributed stack with topics and a keyspace of its own."""
    with distributed_place(kafka_server, cassandra_server) as settings:
        yield settings
