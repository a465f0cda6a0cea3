"""The real servers: three nodes of each, one of them killed and back, and what they kept."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import RoundRobinPolicy
from click.testing import CliRunner

from core.errors import ConfigurationError
from tests.local_servers import CassandraAddress
from wiring.cli import main
from wiring.environment import load_settings
from wiring.home import Home
from wiring.servers.cluster import LocalCluster
from wiring.servers.jars import JarCache
from wiring.servers.java import Java
from wiring.servers.kafka import KafkaRecipe
from wiring.servers.local import LocalServers
from wiring.servers.redis_slots import SLOTS

CACHE = load_settings(os.environ).servers.cache


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[LocalServers]:
    servers = LocalServers(Home(tmp_path), CACHE, with_parent=True)
    yield servers
    servers.down(wipe=True)


def test_the_shared_single_nodes_answer(
    kafka_server: str, cassandra_server: CassandraAddress, redis_cluster: str
) -> None:
    assert kafka_server.startswith("127.0.0.1:")
    assert cassandra_server.hosts == ("127.0.0.1",)
    with redis.RedisCluster.from_url(redis_cluster) as client:
        assert client.set("a", b"1")
        assert client.get("a") == b"1"


@pytest.mark.torture
async def test_kafka_of_three_keeps_records_while_a_broker_is_killed_and_back(servers: LocalServers) -> None:
    bootstrap = servers.up(["kafka"], nodes=3).kafka_bootstrap
    assert bootstrap is not None
    assert len(bootstrap.split(",")) == 3
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        created = await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=3)])
        assert [error for _, error, *_ in created.topic_errors] == [0]
    finally:
        await admin.close()
    await _produce(bootstrap, b"before")
    kafka = servers.cluster("kafka")
    kafka.stop_node(2, signal.SIGKILL)
    left = servers.endpoints().kafka_bootstrap
    assert left is not None
    assert len(left.split(",")) == 2
    await _produce(left, b"meanwhile")
    kafka.start_node(2)
    assert servers.endpoints().kafka_bootstrap == bootstrap
    await _produce(bootstrap, b"after")
    assert await _consume(bootstrap, 3) == [b"before", b"meanwhile", b"after"]


@pytest.mark.torture
def test_cassandra_of_three_answers_at_quorum_while_a_node_is_killed_and_back(servers: LocalServers) -> None:
    endpoints = servers.up(["cassandra"], nodes=3)
    assert endpoints.cassandra_hosts == ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    assert endpoints.cassandra_port is not None
    profile = ExecutionProfile(
        load_balancing_policy=RoundRobinPolicy(),
        consistency_level=ConsistencyLevel.QUORUM,
        request_timeout=30,
    )
    cluster = Cluster(
        endpoints.cassandra_hosts,
        port=endpoints.cassandra_port,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        protocol_version=5,
    )
    try:
        session = cluster.connect()
        session.execute(
            "CREATE KEYSPACE kept WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}"
        )
        session.execute(
            "CREATE TABLE kept.rows (id int PRIMARY KEY, word text) WITH speculative_retry = '50ms'"
        )
        insert = session.prepare("INSERT INTO kept.rows (id, word) VALUES (?, ?)")
        insert.is_idempotent = True
        session.execute(insert, (1, "before"))
        servers.cluster("cassandra").stop_node(2, signal.SIGKILL)
        session.execute(insert, (2, "meanwhile"))
        servers.cluster("cassandra").start_node(2)
        session.execute(insert, (3, "after"))
        rows = session.execute("SELECT id, word FROM kept.rows")
        assert dict(tuple(row) for row in rows) == {1: "before", 2: "meanwhile", 3: "after"}
    finally:
        cluster.shutdown()


@pytest.mark.torture
def test_redis_of_three_has_replicas_and_takes_a_killed_primary_back(servers: LocalServers) -> None:
    urls = servers.up(["redis-cluster"], nodes=3).redis_cluster_urls
    assert len(urls) == 6
    with redis.RedisCluster.from_url(urls[0]) as client:
        assert len(client.get_primaries()) == 3
        assert len(client.get_replicas()) == 3
        for number in range(100):
            client.set(f"key:{number}", number)
        assert client.keyslot("key:1") < SLOTS
    cluster = servers.cluster("redis-cluster")
    cluster.stop_node(1, signal.SIGKILL)
    assert len(servers.endpoints().redis_cluster_urls) == 5
    cluster.start_node(1)
    assert servers.endpoints().redis_cluster_urls == urls


async def test_one_node_of_kafka_keeps_its_topics_over_a_crash_of_the_whole(servers: LocalServers) -> None:
    bootstrap = servers.up(["kafka"]).kafka_bootstrap
    assert bootstrap is not None
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()
    await _produce(bootstrap, b"one")
    servers.cluster("kafka").stop_node(1, signal.SIGKILL)
    assert servers.up(["kafka"]).kafka_bootstrap == bootstrap
    assert await _consume(bootstrap, 1) == [b"one"]


def test_a_heap_that_is_too_small_is_told_as_memory(tmp_path: Path) -> None:
    cache = CACHE.expanduser()
    java, jars, directory = Java(cache), JarCache(cache, _silent), tmp_path / "kafka"
    usual = LocalCluster(KafkaRecipe(java, jars), directory, _silent, with_parent=True)
    usual.start()  # Formatting takes more than what is left to it below.
    usual.stop()
    cluster = LocalCluster(KafkaRecipe(java, jars, heap_mb=20), directory, _silent, with_parent=True)
    cluster.start()
    try:
        with pytest.raises(ConfigurationError, match="ran out of memory"):
            cluster.await_ready()
    finally:
        cluster.stop()


def test_the_command_starts_shows_and_stops(tmp_path: Path) -> None:
    environment = {"RANKFEED_HOME": str(tmp_path)}
    runner = CliRunner()
    try:
        up = runner.invoke(main, ["servers", "up", "redis-cluster"], env=environment)
        assert up.exit_code == 0, up.output
        assert "redis-cluster is ready" in up.output
        assert "redis://127.0.0.1:" in up.output
        status = runner.invoke(main, ["servers", "status"], env=environment)
        assert status.exit_code == 0
        assert "running, pid" in status.output
        logs = runner.invoke(main, ["servers", "logs", "redis-cluster", "--lines", "3"], env=environment)
        assert "==> redis-cluster node 1: " in logs.output
        assert len(logs.output.splitlines()) == 4
    finally:
        down = runner.invoke(main, ["servers", "down"], env=environment)
    assert down.exit_code == 0
    stopped = runner.invoke(main, ["servers", "status"], env=environment)
    assert stopped.exit_code == 1
    assert "stopped" in stopped.output


async def _produce(bootstrap: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait("kept", value)


async def _consume(bootstrap: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition("kept", 0)])
        return [(await consumer.getone()).value for _ in range(count)]


def _silent(line: str) -> None:
    """For what needs somebody to talk to."""
