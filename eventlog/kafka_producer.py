"""Appending to Kafka: one idempotent producer, replaced by a fresh one when it cannot go on.

Repeats by the driver are recognised by the broker, so nothing is doubled or reordered by a lost
answer. But each record has a number, and a record that the broker refused leaves a gap: the driver
never closes it, and every later record of that partition is refused too (its issue 1017: producing
stops until the process is restarted). So a producer that had a record refused is thrown away; the
next one starts with a new identity.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    ProducerClosed,
    UnknownTopicOrPartitionError,
)
from prometheus_client import Counter

from core.errors import RankfeedError, Unavailable
from eventlog.kafka_diagnosis import why_not_reached
from eventlog.kafka_errors import DRIVER_FAILURES, translated
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TOPICS, why_unknown
from eventlog.log import MAX_VALUE_BYTES
from stores.partitioner import encode_key, partition_of
from stores.ports import OutboxRecord

RENEWED = Counter("rankfeed_kafka_producers_renewed_total", "Producers thrown away after a refused record")

_MAX_REQUEST_BYTES = 2 * MAX_VALUE_BYTES
_CLOSE_S = 5.0


class _Driver:
    """A started producer of the driver; `refused` is done once it must not be used any more.

    `partitions` counts those of each topic that it knows, under the topic's name in Kafka.
    """

    def __init__(self, producer: AIOKafkaProducer, partitions: dict[str, int]) -> None:
        self.producer = producer
        self.partitions = partitions
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class KafkaProducer:
    """Lives in the event loop that first appends; connects then, and again after a failure."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._driver: _Driver | None = None
        self._starting = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._logger = structlog.get_logger("kafka")

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        """Returns once all in-sync replicas have all records. Errors as in EventLog.append."""
        driver: _Driver | None = None
        sent: list[asyncio.Future[object]] = []
        doing = f"appending {len(records)} records"
        try:
            async with asyncio.timeout(self._options.append_timeout_s):
                driver = await self._started()
                try:
                    for record in records:
                        sent.append(await self._send(driver, record))
                    await self._acknowledged(driver, sent)
                except UnknownTopicOrPartitionError as exc:
                    self._discard(driver, exc)
                    topics = {record.topic for record in records}
                    raise await why_unknown(self._options, topics, doing) from exc
        except TimeoutError as exc:
            raise Unavailable(f"{doing}: not acknowledged in time; they may be in the log or not") from exc
        except DRIVER_FAILURES as exc:
            # A full buffer is no refusal: the records before this one are on their way.
            if driver is not None and not isinstance(exc, KafkaTimeoutError):
                self._discard(driver, exc)
            raise translated(exc, doing) from exc
        finally:
            # Nobody waits for them any more; what becomes of them must still have been looked at.
            for future in sent:
                future.add_done_callback(_look_at)

    async def close(self) -> None:
        if self._driver is not None:
            driver, self._driver = self._driver, None
            await _stop(driver.producer)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _send(self, driver: _Driver, record: OutboxRecord) -> asyncio.Future[object]:
        topic = self._options.topic(record.topic)
        partitions = driver.partitions.get(topic)
        if partitions is None:
            partitions = driver.partitions[topic] = len(await driver.producer.partitions_for(topic))
        # The driver's own partitioner would give the same, without a memory of keys.
        partition = partition_of(record.key, partitions)
        future: asyncio.Future[object] = await driver.producer.send(
            topic, record.value, key=encode_key(record.key), partition=partition
        )
        return future

    async def _acknowledged(self, driver: _Driver, sent: Sequence[asyncio.Future[object]]) -> None:
        everything = asyncio.gather(*sent, return_exceptions=True)
        waited_for: set[asyncio.Future[Any]] = {everything, driver.refused}
        await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        if not everything.done():
            everything.cancel()
            raise Unavailable("another append was refused; these records may be in the log or not")
        for result in everything.result():
            if isinstance(result, BaseException):
                raise result

    async def _started(self) -> _Driver:
        async with self._starting:
            if self._driver is None:
                producer = await self._start()
                self._driver = _Driver(producer, self._counts(producer))
            return self._driver

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._options.client_arguments(),
            acks="all",
            enable_idempotence=True,
            linger_ms=self._options.linger_ms,
            max_batch_size=64 * 1024,
            max_request_size=_MAX_REQUEST_BYTES,
        )
        try:
            await producer.start()
            await self._know_topics(producer)
        except BaseException as exc:
            await _stop(producer)
            if isinstance(exc, KafkaConnectionError):
                raise await why_not_reached(self._options) from exc
            raise
        return producer

    async def _know_topics(self, producer: AIOKafkaProducer) -> None:
        """Has the driver learn of our topics that there are, so that none is used for the first time later.

        At its first use the driver asks for a topic, and takes brokers that are away for its absence.
        """
        # Named in the question they would be made by a broker that may: it is asked for all there are.
        known = await producer.client.force_metadata_update()
        if known and (counts := self._counts(producer)):
            known = await producer.client.set_topics(list(counts))
        if not known:
            raise KafkaConnectionError("no broker says which topics there are")

    def _counts(self, producer: AIOKafkaProducer) -> dict[str, int]:
        topics = [self._options.topic(spec.name) for spec in TOPICS]
        found = {topic: producer.client.cluster.partitions_for_topic(topic) for topic in topics}
        return {topic: len(partitions) for topic, partitions in found.items() if partitions}

    def _discard(self, driver: _Driver, cause: BaseException) -> None:
        if driver.refused.done():
            return
        driver.refused.set_result(None)
        if self._driver is driver:
            self._driver = None
        RENEWED.inc()
        self._logger.warning("kafka_producer_renewed", error=str(cause) or type(cause).__name__)
        task = asyncio.create_task(_stop(driver.producer, flush=False))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _stop(producer: AIOKafkaProducer, *, flush: bool = True) -> None:
    """Ends a producer for certain: the driver's own stop waits for as long as Kafka is away."""
    try:
        async with asyncio.timeout(_CLOSE_S if flush else 0):
            await producer.stop()
            return
    except (TimeoutError, KafkaError, RankfeedError):
        pass
    sender = producer._sender.sender_task
    if sender is not None and not sender.done():
        sender.cancel()
    # What waits for an acknowledgement gets an error instead; without connections the sender ends at once.
    producer._message_accumulator.fail_all(ProducerClosed())
    await producer.client.close()
    if sender is not None:
        await asyncio.wait([sender], timeout=_CLOSE_S)
    await producer.client.close()


def _look_at(future: asyncio.Future[object]) -> None:
    if not future.cancelled():
        future.exception()
