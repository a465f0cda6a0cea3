"""The logs that the OperatedLog suites run against: the embedded one, and a real Kafka."""

from __future__ import annotations

import asyncio
import gc
import uuid
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient

from core.clock import Clock, SystemClock
from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TOPICS, TopicSpec, ensure_topics
from eventlog.log import Entry, OperatedLog, Subscription
from eventlog.reading import read_to
from eventlog.sqlite_log import SqliteEventLog
from stores.sqlite import open_facts, open_telemetry

PARTITIONS = 4


class LogEngine(Protocol):
    """A log with nothing in it, and ways to open it: again after a restart, or twice, as two processes do."""

    name: str
    address: str
    """Says to another process where it is: `open_log(name, address)`."""
    partitions: int

    def open(self, clock: Clock | None = None) -> AbstractAsyncContextManager[OperatedLog]: ...

    def remove(self) -> None:
        """What a server keeps of it; a directory belongs to the test."""
        ...


class SqliteLogEngine:
    name = "sqlite"
    partitions = 16

    def __init__(self, address: str) -> None:
        self.address = address

    @asynccontextmanager
    async def open(self, clock: Clock | None = None) -> AsyncIterator[OperatedLog]:
        facts = open_facts(Path(self.address) / "facts.db")
        telemetry = open_telemetry(Path(self.address) / "telemetry.db")
        try:
            yield SqliteEventLog(facts, telemetry, clock or SystemClock(), self.partitions)
        finally:
            facts.close()
            telemetry.close()

    def remove(self) -> None:
        return


class KafkaLogEngine:
    """Topics of its own on a broker that others use as well; the clock is the broker's."""

    name = "kafka"
    partitions = PARTITIONS

    def __init__(self, address: str) -> None:
        self.address = address
        bootstrap, prefix = address.split(" ")
        self.options = KafkaOptions(bootstrap=bootstrap, prefix=prefix, linger_ms=0)

    @asynccontextmanager
    async def open(self, clock: Clock | None = None) -> AsyncIterator[OperatedLog]:
        await ensure_topics(self.options, small_topics(), replication=1)
        async with KafkaEventLog(self.options) as log:
            yield log

    def remove(self) -> None:
        asyncio.run(delete_topics(self.options))


def small_topics() -> list[TopicSpec]:
    """All topics, with few partitions: a broker makes and deletes them in a tenth of a second."""
    return [spec._replace(partitions=PARTITIONS) for spec in TOPICS]


async def delete_topics(options: KafkaOptions) -> None:
    """Cleans up after a log that has been closed."""
    with warnings.catch_warnings():
        # A driver that is closed while it connects forgets the socket; whoever collects it next is told.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    admin = AIOKafkaAdminClient(bootstrap_servers=options.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([options.topic(spec.name) for spec in TOPICS])
    finally:
        await admin.close()


def kafka_address(bootstrap: str) -> str:
    """An address where nothing has been written yet."""
    return f"{bootstrap} t{uuid.uuid4().hex[:12]}."


def log_engine_at(name: str, address: str) -> LogEngine:
    return KafkaLogEngine(address) if name == KafkaLogEngine.name else SqliteLogEngine(address)


LOG_ENGINES = (SqliteLogEngine.name, KafkaLogEngine.name)


async def drain(log: OperatedLog, subscription: Subscription, topics: Sequence[str]) -> list[Entry]:
    """Everything that a subscription has for us just now."""
    ends = await log.ends(topics)
    return [entry async for entry in read_to(subscription, ends)]
