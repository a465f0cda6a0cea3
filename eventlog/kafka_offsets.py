"""Where Kafka's partitions begin and end, what groups have committed, and setting it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as DriverPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, KafkaConnectionError, KafkaError
from prometheus_client import Gauge

from core.errors import ConfigurationError, Unavailable
from eventlog.kafka_diagnosis import why_not_reached
from eventlog.kafka_errors import calling
from eventlog.kafka_options import KafkaOptions
from eventlog.log import Offsets, TopicPartition

EXPIRED = Gauge(
    "rankfeed_kafka_expired_unread",
    "Entries that retention took before the group had them",
    ["group", "topic"],
)

_RETRY_S = 0.1


class KafkaOffsets:
    """Lives in Kafka's own thread; connects with the first question."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._admin: AIOKafkaAdminClient | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()
        self._logger = structlog.get_logger("kafka")

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[str, int]:
        async with self._calling(f"asking for the lag of {group}"):
            _, reader = await self._clients()
            partitions = await self._partitions(topics)
            ends = await reader.end_offsets(partitions)
            begins = await reader.beginning_offsets(partitions)
            committed = await self._committed(group, partitions)
        lag, expired = dict.fromkeys(topics, 0), dict.fromkeys(topics, 0)
        for tp in partitions:
            expired[self._topic(tp)] += max(0, begins[tp] - committed.get(tp, begins[tp]))
            lag[self._topic(tp)] += max(0, ends[tp] - max(begins[tp], committed.get(tp, 0)))
        for topic, count in expired.items():
            EXPIRED.labels(group, topic).set(count)
            if count:
                self._logger.error("entries_expired_unread", group=group, topic=topic, entries=count)
        return lag

    async def ends(self, topics: Sequence[str]) -> Offsets:
        async with self._calling("asking for the log's ends"):
            _, reader = await self._clients()
            found = await reader.end_offsets(await self._partitions(topics))
            return {self._ours(tp): offset for tp, offset in found.items()}

    async def at(self, topics: Sequence[str], ts_ms: int) -> Offsets:
        async with self._calling("asking for offsets by time"):
            _, reader = await self._clients()
            partitions = await self._partitions(topics)
            ends = await reader.end_offsets(partitions)
            found = await reader.offsets_for_times(dict.fromkeys(partitions, max(0, ts_ms)))
        return {
            self._ours(tp): end if (there := found.get(tp)) is None else there.offset
            for tp, end in ends.items()
        }

    async def of(self, group: str, topics: Sequence[str]) -> Offsets:
        async with self._calling(f"asking what group {group} has committed"):
            found = await self._committed(group, await self._partitions(topics))
            return {self._ours(tp): next_ for tp, next_ in found.items()}

    async def reset(self, group: str, offsets: Offsets) -> None:
        doing = f"setting the offsets of group {group}"
        consumer = AIOKafkaConsumer(
            **self._options.client_arguments(),
            group_id=self._options.group(group),
            enable_auto_commit=False,
        )
        try:
            async with calling(doing, self._options.call_timeout_s):
                await consumer.start()
                wanted = {self._theirs(tp): next_ for tp, next_ in offsets.items()}
                consumer.assign(list(wanted))
                await consumer.commit(wanted)
        except Unavailable as exc:
            if isinstance(exc.__cause__, CommitFailedError):
                raise ConfigurationError(
                    f"group {group} has consumers that run, or were killed less than "
                    f"{self._options.session_timeout_ms / 1000:.0f} s ago: stop them and repeat"
                ) from exc
            raise
        finally:
            await consumer.stop()

    async def close(self) -> None:
        if self._reader is not None:
            await self._reader.stop()
        if self._admin is not None:
            await self._admin.close()

    def _calling(self, doing: str) -> AbstractAsyncContextManager[None]:
        return calling(doing, self._options.call_timeout_s)

    async def _clients(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        async with self._starting:
            if self._admin is None or self._reader is None:
                admin = AIOKafkaAdminClient(**self._options.client_arguments())
                reader = AIOKafkaConsumer(**self._options.client_arguments(), enable_auto_commit=False)
                try:
                    await admin.start()
                    await reader.start()
                except BaseException as exc:
                    await admin.close()
                    await reader.stop()
                    if isinstance(exc, KafkaConnectionError):
                        raise await why_not_reached(self._options) from exc
                    raise
                self._admin, self._reader = admin, reader
            return self._admin, self._reader

    async def _partitions(self, topics: Sequence[str]) -> list[DriverPartition]:
        admin, _ = await self._clients()
        described = await admin.describe_topics([self._options.topic(topic) for topic in topics])
        if missing := [topic["topic"] for topic in described if topic["error_code"]]:
            raise ConfigurationError(
                f"Kafka has no topic {', '.join(missing)}; `rankfeed migrate` makes what is missing"
            )
        return [
            DriverPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]

    async def _committed(self, group: str, partitions: list[DriverPartition]) -> dict[DriverPartition, int]:
        admin, _ = await self._clients()
        while True:
            try:
                found = await admin.list_consumer_group_offsets(
                    self._options.group(group), partitions=partitions
                )
            except KafkaError as exc:
                # A coordinator that is just being found; the caller's deadline ends this.
                if not exc.retriable:
                    raise
                await asyncio.sleep(_RETRY_S)
            else:
                return {tp: there.offset for tp, there in found.items() if there.offset >= 0}

    def _topic(self, tp: DriverPartition) -> str:
        topic: str = tp.topic
        return topic.removeprefix(self._options.prefix)

    def _ours(self, tp: DriverPartition) -> TopicPartition:
        return TopicPartition(self._topic(tp), tp.partition)

    def _theirs(self, tp: TopicPartition) -> DriverPartition:
        return DriverPartition(self._options.topic(tp.topic), tp.partition)
