"""The distributed log: the EventLog port on Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType

from eventlog.kafka_consumer import KafkaConsumer
from eventlog.kafka_errors import silence_driver
from eventlog.kafka_offsets import KafkaOffsets
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_producer import KafkaProducer
from eventlog.kafka_subscription import KafkaSubscription
from eventlog.kafka_thread import KafkaThread
from eventlog.log import Offsets, check_sizes
from eventlog.schema import DEAD_LETTERS
from stores.ports import OutboxRecord


class KafkaEventLog:
    """One a process. Nothing is connected before it is needed; `close` ends what is still open.

    Appends go out from the caller's event loop; consumers live in a thread of their own, so that a
    batch which keeps that loop busy does not cost them their partitions. Topics must exist: see
    kafka_topics.
    """

    def __init__(self, options: KafkaOptions) -> None:
        silence_driver()
        self._options = options
        self._thread = KafkaThread()
        self._producer = KafkaProducer(options)
        self._offsets = KafkaOffsets(options)

    async def __aenter__(self) -> KafkaEventLog:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._producer.close()
        await self._thread.run(self._offsets.close())
        await self._thread.close()

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        check_sizes(records, DEAD_LETTERS)
        if records:
            await self._producer.append(records)

    async def subscribe(
        self, group: str, topics: Sequence[str], *, start: Offsets | None = None
    ) -> KafkaSubscription:
        consumer = KafkaConsumer(self._options, group, topics, start)
        await self._thread.run(consumer.open())
        return KafkaSubscription(self._thread, consumer)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        return await self._thread.run(self._offsets.lag(group, topics))

    async def ends(self, topics: Sequence[str]) -> Offsets:
        return await self._thread.run(self._offsets.ends(topics))

    async def offsets_at(self, topics: Sequence[str], ts_ms: int) -> Offsets:
        return await self._thread.run(self._offsets.at(topics, ts_ms))

    async def offsets_of(self, group: str, topics: Sequence[str]) -> Offsets:
        return await self._thread.run(self._offsets.of(group, topics))

    async def reset(self, group: str, offsets: Offsets) -> None:
        if offsets:
            await self._thread.run(self._offsets.reset(group, offsets))
