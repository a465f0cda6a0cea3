"""Kafka: brokers that are controllers as well, one or three."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigurationError
from wiring.servers.diagnosis import advice_of
from wiring.servers.jars import JarCache
from wiring.servers.java import Java
from wiring.servers.nodes import NodeDirectory, NodeState
from wiring.servers.ports import answers
from wiring.servers.sets import KAFKA_JARS

HOST = "127.0.0.1"
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
_ASK_S = 5.0

_LOG4J = """\
status = error
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d %p %c{1} %m%n
"""


@dataclass(frozen=True, slots=True)
class KafkaRecipe:
    """`users` are passwords by name, for listeners that ask for one by SCRAM; ours ask for none."""

    java: Java
    jars: JarCache
    heap_mb: int = 256
    users: Mapping[str, str] = field(default_factory=dict)
    name: str = "kafka"
    ready_s: float = 90.0
    stop_s: float = 20.0
    data_bytes: int = 100 * 1024 * 1024

    def plan(self, size: int, first_port: int) -> list[NodeState]:
        return [
            NodeState(
                index, HOST, {"client": first_port + index - 1, "controller": first_port + size + index - 1}
            )
            for index in range(1, size + 1)
        ]

    def prepare(self, nodes: Sequence[NodeState], directory: Path) -> None:
        self.java.require()
        libraries = self.jars.libraries(KAFKA_JARS)
        cluster_id = _cluster_id(directory)
        fresh = []
        for node in nodes:
            place = NodeDirectory(directory / str(node.index))
            place.root.mkdir(parents=True, exist_ok=True)
            (place.root / "log4j2.properties").write_text(_LOG4J)
            (place.root / "server.properties").write_text(_properties(node, nodes, place))
            if not (place.data / "meta.properties").exists():
                fresh.append(place)
        with ThreadPoolExecutor(len(nodes)) as pool:
            for _ in pool.map(lambda place: self._format(place, libraries, cluster_id), fresh):
                pass

    def command(self, node: NodeState, size: int, directory: NodeDirectory) -> list[str]:
        libraries = self.jars.directory(KAFKA_JARS)
        return [
            *self.java.command(libraries, self._options(directory), "kafka.Kafka"),
            str(directory.root / "server.properties"),
        ]

    def unite(self, nodes: Sequence[NodeState]) -> str | None:
        return None  # Each node's properties have the list of voters: they find each other.

    def missing(self, nodes: Sequence[NodeState]) -> str | None:
        for node in nodes:
            if not answers(node.host, node.ports["client"]):
                return f"node {node.index} does not listen at {node.address}"
        # In a thread of its own: the caller may be inside an event loop.
        with ThreadPoolExecutor(1) as pool:
            known = pool.submit(asyncio.run, _brokers([node.address for node in nodes])).result()
        if absent := {node.index for node in nodes} - known:
            return f"the cluster does not count {', '.join(f'node {index}' for index in sorted(absent))}"
        return None

    def _format(self, place: NodeDirectory, libraries: Path, cluster_id: str) -> None:
        command = self.java.command(libraries, self._options(place), "kafka.tools.StorageTool")
        properties = str(place.root / "server.properties")
        secrets = [
            f"--add-scram={mechanism}=[name={name},password={password}]"
            for name, password in self.users.items()
            for mechanism in SCRAM
        ]
        done = subprocess.run(
            [
                *command,
                "format",
                f"--cluster-id={cluster_id}",
                "-c",
                properties,
                "--ignore-formatted",
                *secrets,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            advice = advice_of(place, said) or "`rankfeed servers down kafka --wipe` empties it"
            raise ConfigurationError(f"Kafka cannot format {place.data}: {advice}.\n{said}")

    def _options(self, directory: NodeDirectory) -> list[str]:
        log4j = (directory.root / "log4j2.properties").as_uri()
        return [f"-Xmx{self.heap_mb}m", f"-Dlog4j2.configurationFile={log4j}"]


def _properties(node: NodeState, nodes: Sequence[NodeState], place: NodeDirectory) -> str:
    copies = len(nodes)
    lines = {
        "process.roles": "broker,controller",
        "node.id": node.index,
        "controller.quorum.voters": ",".join(f"{n.index}@{n.host}:{n.ports['controller']}" for n in nodes),
        "listeners": f"PLAINTEXT://{node.address},CONTROLLER://{node.host}:{node.ports['controller']}",
        "advertised.listeners": f"PLAINTEXT://{node.address}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": place.data,
        "default.replication.factor": copies,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": min(copies, 2),
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": min(copies, 2),
        "min.insync.replicas": min(copies, 2),
        "unclean.leader.election.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "auto.create.topics.enable": "false",
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
        # A broker that was killed is replaced, and may come back, after about the session's length.
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
    }
    if copies > 1:
        lines |= {
            "replica.lag.time.max.ms": 4000,
            "controller.quorum.election.timeout.ms": 1000,
            "controller.quorum.fetch.timeout.ms": 2000,
        }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def _cluster_id(directory: Path) -> str:
    file = directory / "cluster_id"
    if not file.exists():
        directory.mkdir(parents=True, exist_ok=True)
        file.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
    return file.read_text()


async def _brokers(addresses: list[str]) -> set[int]:
    """The ids that each of the brokers counts; a broker that does not answer counts nobody."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    known: list[set[int]] = []
    for address in addresses:
        admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=int(_ASK_S * 1000))
        try:
            async with asyncio.timeout(_ASK_S):
                await admin.start()
                described = await admin.describe_cluster()
                known.append({broker["node_id"] for broker in described["brokers"]})
        except (KafkaError, TimeoutError):
            return set()
        finally:
            await admin.close()
    return set.intersection(*known)
