"""Topics on a real Kafka, and the bad days of whoever sets it up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from core.errors import ConfigurationError, Unavailable
from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TOPICS, TopicSpec, check_topics, ensure_topics
from eventlog.schema import DEAD_LETTERS, TWEETS, VIEWS
from stores.ports import OutboxRecord
from tests.contracts.log_engines import delete_topics, kafka_address, small_topics
from tests.proxy import Proxy


@pytest.fixture
async def options(kafka_server: str) -> AsyncIterator[KafkaOptions]:
    bootstrap, prefix = kafka_address(kafka_server).split(" ")
    options = KafkaOptions(
        bootstrap=bootstrap, prefix=prefix, call_timeout_s=3, append_timeout_s=3, request_timeout_ms=1_000
    )
    yield options
    await delete_topics(options)


def test_every_topic_has_as_many_partitions_as_the_contract_says() -> None:
    assert {spec.partitions for spec in TOPICS if spec.name != DEAD_LETTERS} == {64}
    assert {spec.retention_ms for spec in TOPICS if spec.name != DEAD_LETTERS} == {7 * 24 * 3_600_000}


async def test_topics_are_made_once_even_by_two_at_a_time(options: KafkaOptions) -> None:
    made = await asyncio.gather(*(ensure_topics(options, small_topics(), replication=1) for _ in range(2)))
    assert {name for names in made for name in names} == {spec.name for spec in TOPICS}
    assert await ensure_topics(options, small_topics(), replication=1) == []
    await check_topics(options, small_topics())


async def test_a_topic_is_kept_as_long_as_its_spec_says(options: KafkaOptions) -> None:
    await ensure_topics(options, [TopicSpec(VIEWS, 1, retention_ms=86_400_000)], replication=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=options.bootstrap)
    await admin.start()
    resource = ConfigResource(ConfigResourceType.TOPIC, options.topic(VIEWS))
    (response,) = await admin.describe_configs([resource])
    await admin.close()
    config = {entry[0]: entry[1] for entry in response.resources[0][4]}
    assert config["retention.ms"] == "86400000"
    assert config["cleanup.policy"] == "delete"
    assert config["message.timestamp.type"] == "LogAppendTime"


async def test_another_partition_count_is_refused_with_what_to_do(options: KafkaOptions) -> None:
    await ensure_topics(options, [TopicSpec(TWEETS, 3)], replication=1)
    for call in (
        ensure_topics(options, [TopicSpec(TWEETS, 4)], replication=1),
        check_topics(options, [TopicSpec(TWEETS, 4)]),
    ):
        with pytest.raises(ConfigurationError, match="has 3 partitions and must have 4"):
            await call


async def test_a_missing_topic_is_refused_with_what_to_do(options: KafkaOptions) -> None:
    with pytest.raises(ConfigurationError, match="rankfeed migrate"):
        await check_topics(options, small_topics())
    async with KafkaEventLog(options) as log:
        with pytest.raises(ConfigurationError, match="rankfeed migrate"):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])
        with pytest.raises(ConfigurationError, match="rankfeed migrate"):
            await log.subscribe("readers", [VIEWS])
        with pytest.raises(ConfigurationError, match="rankfeed migrate"):
            await log.lag("readers", [VIEWS])


async def test_more_replicas_than_brokers_are_refused_with_what_to_do(options: KafkaOptions) -> None:
    with pytest.raises(ConfigurationError, match="as many brokers"):
        await ensure_topics(options, [TopicSpec(VIEWS, 1)], replication=3)


async def test_no_broker_at_the_address(options: KafkaOptions) -> None:
    proxy = Proxy(("127.0.0.1", 1))
    async with proxy.listening():
        nobody = f"127.0.0.1:{proxy.port}"
    async with KafkaEventLog(replace(options, bootstrap=nobody)) as log:
        with pytest.raises(Unavailable, match="does not answer"):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])
        with pytest.raises(Unavailable, match="does not answer"):
            await log.subscribe("readers", [VIEWS])
        with pytest.raises(Unavailable, match="does not answer"):
            await log.lag("readers", [VIEWS])
    with pytest.raises(Unavailable, match="does not answer"):
        await check_topics(replace(options, bootstrap=nobody))


async def test_something_else_at_the_address(options: KafkaOptions, redis_url: str) -> None:
    address = redis_url.removeprefix("redis://").removesuffix("/0")
    async with KafkaEventLog(replace(options, bootstrap=address)) as log:
        with pytest.raises(Unavailable, match="not as a Kafka broker"):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])


async def test_a_broker_without_tls_is_told_apart(options: KafkaOptions) -> None:
    async with KafkaEventLog(replace(options, security_protocol="SSL")) as log:
        with pytest.raises(Unavailable, match="as a Kafka broker does that speaks SSL"):
            await log.append([OutboxRecord(VIEWS, 1, b"1")])


def test_options_that_clash_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="user and a password"):
        KafkaOptions("localhost:1", security_protocol="SASL_SSL").client_arguments()
    with pytest.raises(ConfigurationError, match="PEM"):
        KafkaOptions("localhost:1", security_protocol="SSL", ssl_ca=tmp_path / "none").client_arguments()
    arguments = KafkaOptions(
        "localhost:1", security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password="p"
    ).client_arguments()
    assert arguments["sasl_plain_username"] == "u"
    secret = KafkaOptions("h:1", security_protocol="SASL_SSL", sasl_username="u", sasl_password="secret")
    assert "secret" not in repr(secret)
    with pytest.raises(ConfigurationError, match="uses no TLS, and a TLS file is named"):
        KafkaOptions("localhost:1", ssl_ca=tmp_path / "ca.pem")
    with pytest.raises(ConfigurationError, match="asks for no user, and one is named"):
        KafkaOptions("localhost:1", sasl_username="u")
    with pytest.raises(ConfigurationError, match="name both"):
        KafkaOptions("localhost:1", security_protocol="SSL", ssl_key=tmp_path / "key.pem")


@pytest.mark.parametrize("bootstrap", ["", "one:9092,", "one:port", "one:70000", ":9092"])
def test_addresses_that_are_none_are_refused(bootstrap: str) -> None:
    with pytest.raises(ConfigurationError, match=r"kafka\.bootstrap is .*: write host:port"):
        KafkaOptions(bootstrap)
