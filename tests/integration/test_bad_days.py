"""What goes wrong around a distributed stack, as its operator meets it: a sentence that says what to do."""

from __future__ import annotations

import resource
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eventlog.kafka_log import KafkaEventLog
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_topics import TopicSpec, ensure_topics
from eventlog.schema import TWEETS, VIEWS
from stores.ports import OutboxRecord
from tests.cassandra_keyspace import Keyspace
from tests.contracts.log_engines import delete_topics
from tests.e2e.command import Ended, rankfeed
from tests.e2e.live_stack import RANKFEED, ROOT, clean_environment

NEWER = 9_999


@pytest.fixture
def named(kafka_server: str, migrated_keyspace: Keyspace, redis_url: str) -> dict[str, str]:
    """Settings of a stack whose servers are all there: a keyspace, and topics of its own."""
    options = migrated_keyspace.options
    return {
        "RANKFEED_STACK": "distributed",
        "RANKFEED_REDIS_URL": redis_url,
        "RANKFEED_CASSANDRA_HOSTS": ",".join(options.hosts),
        "RANKFEED_CASSANDRA_PORT": str(options.port),
        "RANKFEED_CASSANDRA_KEYSPACE": options.keyspace,
        "RANKFEED_KAFKA_BOOTSTRAP": kafka_server,
        "RANKFEED_KAFKA_PREFIX": f"bad-{uuid.uuid4().hex[:8]}.",
    }


def refused(home: Path, environment: Mapping[str, str]) -> list[str]:
    """What `rankfeed migrate` and `rankfeed up` say, side by side; both must give up by themselves."""

    def run(words: tuple[str, ...]) -> Ended:
        return rankfeed(*words, home=home / words[0], environment=environment)

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, [("migrate",), ("up", "--stack", "distributed")]))
    for one in ended:
        assert one.code == 1, one.out + one.err
        assert one.err.startswith("Error: ")
        assert "Traceback" not in one.out + one.err
        assert "ready: http" not in one.out
    return [one.err for one in ended]


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def web_server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_something_else_at_kafkas_address(tmp_path: Path, named: Mapping[str, str], redis_url: str) -> None:
    with web_server() as web:
        for address in (web, redis_url.removeprefix("redis://").removesuffix("/0")):
            for said in refused(tmp_path, {**named, "RANKFEED_KAFKA_BOOTSTRAP": address}):
                assert f"{address} answers, but not as a Kafka broker does" in said
                assert "check kafka.bootstrap" in said


def test_something_else_at_cassandras_address(tmp_path: Path, named: Mapping[str, str]) -> None:
    with web_server() as web:
        host, _, port = web.partition(":")
        other = {"RANKFEED_CASSANDRA_HOSTS": host, "RANKFEED_CASSANDRA_PORT": port}
        for said in refused(tmp_path, {**named, **other}):
            assert f"{web} answers, but not as Cassandra does" in said
            assert "check cassandra.hosts and cassandra.port" in said


def test_a_keyspace_that_is_newer_than_the_code(
    tmp_path: Path, named: Mapping[str, str], migrated_keyspace: Keyspace
) -> None:
    session = migrated_keyspace.session
    session.execute(
        "INSERT INTO schema_versions (name, version) VALUES ('schema', %s) USING TTL 600", (NEWER,)
    )
    try:
        for said in refused(tmp_path, named):
            assert f"has schema version {NEWER}" in said
            assert "run the newer code, or choose another keyspace" in said
    finally:
        session.execute("DELETE FROM schema_versions WHERE name = 'schema' AND version = %s", (NEWER,))


async def test_a_topic_of_another_partition_count(tmp_path: Path, named: Mapping[str, str]) -> None:
    options = KafkaOptions(named["RANKFEED_KAFKA_BOOTSTRAP"], named["RANKFEED_KAFKA_PREFIX"])
    await ensure_topics(options, [TopicSpec(TWEETS, 3)], replication=1)
    try:
        for said in refused(tmp_path, named):
            assert f"topic {options.topic(TWEETS)} has 3 partitions and must have 64" in said
            assert "Use another kafka.prefix" in said
    finally:
        await delete_topics(options)


async def test_partitions_that_somebody_added_under_a_running_process(named: Mapping[str, str]) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

    options = KafkaOptions(named["RANKFEED_KAFKA_BOOTSTRAP"], named["RANKFEED_KAFKA_PREFIX"])
    await ensure_topics(options, [TopicSpec(VIEWS, 2)], replication=1)
    async with KafkaEventLog(options) as log:
        subscription = await log.subscribe("readers", [VIEWS])

        async def told(keys: range) -> None:
            """Appended, and read by who was there before."""
            await log.append([OutboxRecord(VIEWS, key, b"%d" % key) for key in keys])
            missing = set(keys)
            while missing:
                entries = await subscription.poll(max_entries=100, timeout_s=60)
                assert entries, f"{missing} are not told"
                missing -= {entry.key for entry in entries}

        await told(range(1, 50))
        admin = AIOKafkaAdminClient(bootstrap_servers=options.bootstrap)
        await admin.start()
        await admin.create_partitions({options.topic(VIEWS): NewPartitions(4)})
        await admin.close()
        # It keeps to the partitions that it knows, and with them to the order of keys.
        await told(range(1, 50))
        await subscription.close()
    await delete_topics(options)


@pytest.mark.parametrize("name", ["kafka", "cassandra"])
def test_too_little_room_for_a_server(tmp_path: Path, name: str) -> None:
    """Under a limit that Python can live with, and a Java runtime cannot."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    ended = subprocess.run(
        [*RANKFEED, "servers", "up", name],
        env={**clean_environment(), "RANKFEED_HOME": str(tmp_path)},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout
    assert "it ran out of memory: end other programs" in ended.stderr
    assert "Traceback" not in ended.stderr
