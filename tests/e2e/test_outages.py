"""Kafka and Cassandra away under a whole stack: nothing acknowledged is lost, nothing is there twice.

Shorter than the bars, which take what takes minutes: here it is whether, not how fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.e2e.backstage import Backstage, open_backstage
from tests.e2e.distributed import distributed_place
from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.outage_audit import audit
from tests.e2e.outage_load import LoadSize, OutageLoad, load_client
from tests.e2e.server_outage import stopped
from tests.e2e.waiting import eventually
from tests.local_servers import CassandraAddress
from wiring.servers.local import LocalServers

SIZE = LoadSize(authors=3, viewers=3, togglers=2, writers=10, readers=5)
PACE_S = 0.2
POSTS = 30
"""Acknowledged before, meanwhile where that is possible, and after."""


@pytest.fixture(scope="module")
def outage_stack(
    tmp_path_factory: pytest.TempPathFactory,
    local_servers: LocalServers,
    kafka_server: str,
    cassandra_server: CassandraAddress,
) -> Iterator[LiveStack]:
    with (
        distributed_place(kafka_server, cassandra_server) as environment,
        live_stack(tmp_path_factory.mktemp("outage"), environment=environment) as stack,
    ):
        yield stack


@asynccontextmanager
async def under_load(stack: LiveStack, first_id: int) -> AsyncIterator[tuple[OutageLoad, Backstage]]:
    """Load while the block lasts; after it everything is delivered and looked through."""
    async with load_client(stack.url) as http, open_backstage(stack.settings) as backstage:
        load = OutageLoad(http, stack.token, SIZE, first_id)
        load.pace_s = PACE_S
        await load.prepare()
        async with load.running():
            await answered(load, "post", 201, POSTS)
            yield load, backstage
            await answered(load, "post", 201, POSTS)
        await backstage.delivered()
        found = await audit(load, backstage)
        assert found.clean, str(found)
        assert found.items > 0
        assert not load.odd


async def answered(load: OutageLoad, kind: str, status: int, count: int) -> None:
    """Returns once so many more requests have been answered so."""
    before = len(load.answers)

    async def enough() -> bool:
        return sum(one.kind == kind and one.status == status for one in load.answers[before:]) >= count

    await eventually(f"{count} of {status} for {kind}", enough)


async def test_kafka_away_delays_events_and_nothing_else(
    outage_stack: LiveStack, local_servers: LocalServers
) -> None:
    async with under_load(outage_stack, 7_000_001) as (load, _):
        with stopped(local_servers.cluster("kafka")):
            # Longer than the relay leaves an entry to its writer.
            for _ in range(3):
                await answered(load, "post", 201, POSTS)
                await answered(load, "follow", 200, 4)
                await answered(load, "feed", 200, 4)
    assert {one.status for one in load.answers} == {200, 201}


async def test_cassandra_away_refuses_writes_and_serves_feeds_from_caches(
    outage_stack: LiveStack, local_servers: LocalServers
) -> None:
    async with under_load(outage_stack, 8_000_001) as (load, _):
        with stopped(local_servers.cluster("cassandra")):
            while_away = len(load.answers)
            # What was under way, and what came after the driver had given the node up.
            await answered(load, "post", 503, 2 * SIZE.writers)
            await answered(load, "follow", 503, SIZE.togglers)
            # A request from before may have been answered just now.
            feeds = {one.status for one in load.answers[while_away:] if one.kind == "feed"}
            assert feeds == {200}
            async with asyncio.timeout(30):
                assert await _partial_page(load)
    assert {one.status for one in load.of("post")} == {201, 503}


async def _partial_page(load: OutageLoad) -> bool:
    """Whether a page that needs the store says that it is not all there is."""
    answer = await load.call("GET", "/v1/feed", load.viewers[0], params={"limit": 100})
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["meta"]["partial"])
