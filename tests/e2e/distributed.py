"""A place of their own for stacks on the Kafka and the Cassandra of this run."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from core.clock import SystemClock
from eventlog.kafka_options import KafkaOptions
from stores.cassandra.driver import open_cluster
from stores.cassandra.options import CassandraOptions
from stores.cassandra.outbox import CassandraOutbox
from stores.cassandra.session import connect
from tests.contracts.log_engines import delete_topics
from tests.e2e.waiting import eventually
from tests.local_servers import CassandraAddress
from wiring.distributed import cassandra_options
from wiring.environment import variable_of
from wiring.settings import Settings


@contextmanager
def distributed_place(kafka: str, cassandra: CassandraAddress) -> Iterator[dict[str, str]]:
    """The settings of a stack, by their variables, with topics and a keyspace that nobody else has."""
    name = f"t{uuid.uuid4().hex[:12]}"
    leaves = {
        ("stack",): "distributed",
        ("kafka", "bootstrap"): kafka,
        ("kafka", "prefix"): f"{name}.",
        ("cassandra", "hosts"): ",".join(cassandra.hosts),
        ("cassandra", "port"): str(cassandra.port),
        ("cassandra", "keyspace"): name,
    }
    try:
        yield {variable_of(path): value for path, value in leaves.items()}
    finally:
        asyncio.run(delete_topics(KafkaOptions(bootstrap=kafka, prefix=f"{name}.")))
        cluster = open_cluster(CassandraOptions(cassandra.hosts, cassandra.port, name))
        try:
            cluster.connect().execute(f"DROP KEYSPACE IF EXISTS {name}", timeout=60)
        finally:
            cluster.shutdown()


async def outbox_is_empty(settings: Settings) -> None:
    """Returns once every write that was committed has been told of."""
    session = await connect(cassandra_options(settings))
    try:
        outbox = CassandraOutbox(session, SystemClock())

        async def empty() -> bool:
            return await outbox.oldest_bucket() is None

        await eventually("the outbox is empty", empty)
    finally:
        await session.close()
