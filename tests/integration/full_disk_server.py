"""A server whose disk gets full under writes, and has room again: `python -m … DIRECTORY KIND NAME`.

A program of its own, because the disk is mounted for nobody else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from cassandra.cluster import Session
from cassandra.query import SimpleStatement

from core.errors import Unavailable
from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TopicSpec, ensure_topics
from eventlog.reading import read
from eventlog.schema import VIEWS
from stores.cassandra.driver import open_cluster, open_session, translated
from stores.cassandra.options import CassandraOptions
from stores.ports import OutboxRecord
from tests.e2e.command import rankfeed
from tests.e2e.waiting import eventually
from tests.integration.small_disk import small_disk
from wiring.environment import load_settings
from wiring.home import Home
from wiring.servers.local import Endpoints, LocalServers

VALUE = b"v" * 50_000


class Client(Protocol):
    async def write(self, number: int) -> None:
        """Returns once it is acknowledged; Unavailable where that is not known."""
        ...

    async def numbers(self) -> set[int]: ...


class KafkaClient:
    def __init__(self, log: KafkaEventLog) -> None:
        self._log = log

    async def write(self, number: int) -> None:
        await self._log.append([OutboxRecord(VIEWS, number, VALUE)])

    async def numbers(self) -> set[int]:
        return {entry.key async for entry in read(self._log, [VIEWS])}


class CassandraClient:
    def __init__(self, session: Session, options: CassandraOptions) -> None:
        self._session = session
        self._options = options

    async def write(self, number: int) -> None:
        await self._execute("INSERT INTO filled.rows (number, value) VALUES (%s, %s)", (number, VALUE))

    async def numbers(self) -> set[int]:
        return {row[0] for row in await self._execute("SELECT number FROM filled.rows", ())}

    async def _execute(self, cql: str, parameters: tuple[object, ...]) -> list[tuple[int]]:
        def run() -> list[tuple[int]]:
            with translated(self._options):
                return list(self._session.execute(SimpleStatement(cql), parameters))

        return await asyncio.to_thread(run)


@asynccontextmanager
async def kafka(endpoints: Endpoints) -> AsyncIterator[Client]:
    assert endpoints.kafka_bootstrap is not None
    options = KafkaOptions(endpoints.kafka_bootstrap, append_timeout_s=3, request_timeout_ms=1_000)
    await ensure_topics(options, [TopicSpec(VIEWS, 1)], replication=1)
    async with KafkaEventLog(options) as log:
        yield KafkaClient(log)


@asynccontextmanager
async def cassandra(endpoints: Endpoints) -> AsyncIterator[Client]:
    assert endpoints.cassandra_port is not None
    options = CassandraOptions(endpoints.cassandra_hosts, endpoints.cassandra_port, timeout_s=3)
    cluster = open_cluster(options)
    try:
        session = open_session(cluster, options)
        for statement in (
            "CREATE KEYSPACE IF NOT EXISTS filled WITH replication = "
            "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}",
            "CREATE TABLE IF NOT EXISTS filled.rows (number int PRIMARY KEY, value blob)",
        ):
            session.execute(statement, timeout=60)
        yield CassandraClient(session, options)
    finally:
        cluster.shutdown()


CLIENTS = {"kafka": kafka, "cassandra": cassandra}


async def the_day(home: Path, kind: str, name: str) -> None:
    disk = small_disk(home, kind)
    servers = LocalServers(Home(home), load_settings(os.environ).servers.cache, with_parent=True)
    cluster = servers.cluster(name)
    servers.up([name])
    try:
        (node,) = cluster.running()
        acknowledged: set[int] = set()

        async with CLIENTS[name](servers.endpoints()) as client:

            async def write_on() -> bool:
                number = len(acknowledged) + 1
                try:
                    await client.write(number)
                except Unavailable:
                    return not cluster.running()
                acknowledged.add(number)
                return False

            for _ in range(20):
                await write_on()
            assert len(acknowledged) == 20
            disk.fill([node.pid])
            await eventually(f"{name} ends, as it cannot write", write_on)
        status = rankfeed("servers", "status", name, home=home)
        assert (status.code, "stopped: the disk is full: make room" in status.out) == (1, True), status.out
        if kind == "tmpfs":
            # Where only that process met a limit, there is room for the next one.
            again = rankfeed("servers", "up", name, home=home)
            assert (again.code, "make room" in again.err) == (1, True), again.err
            assert "Traceback" not in again.err
        disk.free([])
        servers.up([name])
        async with CLIENTS[name](servers.endpoints()) as client:
            lost = acknowledged - await client.numbers()
            assert not lost, f"{sorted(lost)} of {len(acknowledged)}"
    finally:
        servers.down([name])


if __name__ == "__main__":
    asyncio.run(the_day(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
