"""The topics on Kafka: how many partitions, how long they are kept, and making them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    NodeNotReadyError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from core.errors import ConfigurationError, RankfeedError, Unavailable
from eventlog.kafka_diagnosis import why_not_reached
from eventlog.kafka_errors import calling, silence_driver
from eventlog.kafka_options import KafkaOptions
from eventlog.log import MAX_VALUE_BYTES
from eventlog.retention import DAY_MS, retention_ms
from eventlog.schema import DEAD_LETTERS, FACT_TOPICS, TELEMETRY_TOPICS

_TIMEOUT_S = 60.0
_LOOK_EVERY_S = 0.05


class TopicSpec(NamedTuple):
    """`max_bytes` is the largest batch: a value and what stands around it."""

    name: str
    partitions: int = 64
    retention_ms: int = 7 * DAY_MS
    max_bytes: int = MAX_VALUE_BYTES + 48_576


TOPICS: tuple[TopicSpec, ...] = (
    *(TopicSpec(topic, retention_ms=retention_ms(topic)) for topic in (*FACT_TOPICS, *TELEMETRY_TOPICS)),
    # Each carries a whole record of another topic.
    TopicSpec(DEAD_LETTERS, 16, retention_ms(DEAD_LETTERS), MAX_VALUE_BYTES * 6 // 5 + 48_576),
)


async def ensure_topics(
    options: KafkaOptions, specs: Sequence[TopicSpec] = TOPICS, *, replication: int
) -> list[str]:
    """Makes the topics that are missing and returns their names; safe twice and from two processes.

    `replication` is 1 for a single broker, else 3; with three replicas an append waits for two.
    ConfigurationError for a topic of another partition count, which would break the order of keys.
    Retention and sizes of topics that are there are left to whoever runs them.
    """
    async with _admin(options) as admin:
        there = await _counts(admin, options, specs)
        missing = [spec for spec in specs if spec.name not in there]
        if missing:
            response = await admin.create_topics([_new(options, spec, replication) for spec in missing])
            for name, code, message in response.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise ConfigurationError(
                        f"Kafka does not make topic {name}: {message or for_code(code).__name__}; with "
                        f"{replication} replicas it needs as many brokers, and our user the right to create"
                    )
        while True:
            there = await _counts(admin, options, specs)
            if len(there) == len(specs):
                break
            # Made, but without leaders yet: whoever appends now would only wait there.
            await asyncio.sleep(_LOOK_EVERY_S)
        _check(options, specs, there)
        return [spec.name for spec in missing]


async def check_topics(options: KafkaOptions, specs: Sequence[TopicSpec] = TOPICS) -> None:
    """ConfigurationError where a topic is missing or has another number of partitions."""
    async with _admin(options) as admin:
        there = await _counts(admin, options, specs)
    if missing := [options.topic(spec.name) for spec in specs if spec.name not in there]:
        raise ConfigurationError(f"Kafka has no topic {', '.join(missing)}; run `rankfeed migrate`")
    _check(options, specs, there)


async def why_unknown(options: KafkaOptions, topics: Iterable[str], doing: str) -> RankfeedError:
    """What is behind the driver's UnknownTopicOrPartitionError, which is raised where no broker answers, too.

    ConfigurationError where a broker says that a topic is missing, or it is our papers; else Unavailable.
    """
    try:
        async with _admin(options) as admin:
            described = await admin.describe_topics(sorted({options.topic(topic) for topic in topics}))
    except RankfeedError as exc:
        return exc
    unknown = UnknownTopicOrPartitionError.errno
    if missing := [topic["topic"] for topic in described if topic["error_code"] == unknown]:
        return ConfigurationError(
            f"{doing}: Kafka has no topic {', '.join(missing)}; `rankfeed migrate` makes what is missing"
        )
    return Unavailable(f"{doing}: no broker told of its topics in time; they are there")


def _check(options: KafkaOptions, specs: Sequence[TopicSpec], there: dict[str, int]) -> None:
    for spec in specs:
        if there[spec.name] != spec.partitions:
            raise ConfigurationError(
                f"topic {options.topic(spec.name)} has {there[spec.name]} partitions and must have "
                f"{spec.partitions}: keys would change their partition and lose their order. Use another "
                "kafka.prefix, or, once all of its consumers are done, delete the topic and run "
                "`rankfeed migrate`"
            )


def _new(options: KafkaOptions, spec: TopicSpec, replication: int) -> NewTopic:
    return NewTopic(
        options.topic(spec.name),
        spec.partitions,
        replication,
        topic_configs={
            "cleanup.policy": "delete",
            "retention.ms": str(spec.retention_ms),
            "max.message.bytes": str(spec.max_bytes),
            # Retention and replay by time go by when the log got it, whatever the sender's clock says.
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": str(2 if replication >= 3 else 1),
        },
    )


@asynccontextmanager
async def _admin(options: KafkaOptions) -> AsyncIterator[AIOKafkaAdminClient]:
    silence_driver()
    admin = AIOKafkaAdminClient(**options.client_arguments())
    try:
        try:
            async with calling("making sure of the topics", _TIMEOUT_S):
                await admin.start()
                yield admin
        except Unavailable as exc:
            # Nobody at the addresses that we know, or at those that they sent us on to.
            if isinstance(exc.__cause__, KafkaConnectionError | NodeNotReadyError):
                raise await why_not_reached(options) from exc
            raise
    finally:
        await admin.close()


async def _counts(
    admin: AIOKafkaAdminClient, options: KafkaOptions, specs: Sequence[TopicSpec]
) -> dict[str, int]:
    """Partitions of each topic that is there and whose partitions all have a leader."""
    described = await admin.describe_topics([options.topic(spec.name) for spec in specs])
    return {
        topic["topic"].removeprefix(options.prefix): len(topic["partitions"])
        for topic in described
        if not topic["error_code"] and all(part["leader"] >= 0 for part in topic["partitions"])
    }
