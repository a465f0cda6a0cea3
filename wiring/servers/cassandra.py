"""Cassandra: one node, or three on 127.0.0.1 to 127.0.0.3 with the same ports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wiring.servers.jars import JarCache
from wiring.servers.java import Java
from wiring.servers.nodes import NodeDirectory, NodeState
from wiring.servers.ports import answers
from wiring.servers.sets import CASSANDRA_JARS

_TOKENS = (-9223372036854775808, -3074457345618258603, 3074457345618258602)
_ASK_S = 5.0

_EXPORTS = {
    "java.base": "jdk.internal.misc jdk.internal.ref sun.nio.ch java.lang.ref",
    "java.management.rmi": "com.sun.jmx.remote.internal.rmi",
    "java.rmi": "sun.rmi.registry sun.rmi.server",
    "java.sql": "java.sql",
    "jdk.unsupported": "sun.misc",
}
_OPENS = {
    "java.base": "java.lang java.lang.module java.io java.nio java.util java.util.concurrent "
    "java.util.concurrent.atomic sun.nio.ch jdk.internal.loader jdk.internal.ref jdk.internal.reflect "
    "jdk.internal.math jdk.internal.module jdk.internal.util.jar",
    "jdk.management": "com.sun.management.internal",
}
_LOGBACK = """\
<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %level %logger{1} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
"""


@dataclass(frozen=True, slots=True)
class CassandraRecipe:
    java: Java
    jars: JarCache
    heap_mb: int = 256
    name: str = "cassandra"
    ready_s: float = 180.0
    stop_s: float = 30.0
    data_bytes: int = 400 * 1024 * 1024

    def plan(self, size: int, first_port: int) -> list[NodeState]:
        ports = {"client": first_port, "storage": first_port + 1, "ssl_storage": first_port + 2}
        return [NodeState(index, f"127.0.0.{index}", ports) for index in range(1, size + 1)]

    def prepare(self, nodes: Sequence[NodeState], directory: Path) -> None:
        self.java.require()
        self.jars.libraries(CASSANDRA_JARS)
        for node in nodes:
            place = NodeDirectory(directory / str(node.index))
            place.root.mkdir(parents=True, exist_ok=True)
            (place.root / "logback.xml").write_text(_LOGBACK)
            # What JSON can say, YAML reads.
            (place.root / "cassandra.yaml").write_text(
                json.dumps(_configuration(node, nodes, place), indent=1)
            )

    def command(self, node: NodeState, size: int, directory: NodeDirectory) -> list[str]:
        libraries = self.jars.directory(CASSANDRA_JARS)
        options = (f"-Xmx{self.heap_mb}m", *_options(directory, size), *_modules())
        return self.java.command(libraries, options, "org.apache.cassandra.service.CassandraDaemon")

    def unite(self, nodes: Sequence[NodeState]) -> str | None:
        return None  # Each node knows the seeds: they find each other.

    def missing(self, nodes: Sequence[NodeState]) -> str | None:
        for node in nodes:
            if not answers(node.host, node.ports["client"]):
                return f"node {node.index} does not listen at {node.address}"
        for node in nodes:
            if (reason := _asked(node)) is not None:
                return f"node {node.index} does not see all copies ({reason})"
        return None


def _asked(node: NodeState) -> str | None:
    """Why a read at ALL through this node fails; None where it succeeds.

    An open port is not readiness: a node that does not see the others yet would refuse a schema.
    """
    from cassandra import ConsistencyLevel, DriverException
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
    from cassandra.policies import WhiteListRoundRobinPolicy

    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([node.host]),
        consistency_level=ConsistencyLevel.ALL,
        request_timeout=_ASK_S,
    )
    cluster = Cluster(
        [node.host],
        port=node.ports["client"],
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        protocol_version=5,
        connect_timeout=_ASK_S,
        control_connection_timeout=_ASK_S,
        schema_metadata_enabled=False,
        token_metadata_enabled=False,
        monitor_reporting_enabled=False,
    )
    try:
        cluster.connect().execute("SELECT * FROM system_distributed.view_build_status")
    except (DriverException, NoHostAvailable, OSError) as exc:
        return str(exc)
    finally:
        cluster.shutdown()
    return None


def _configuration(node: NodeState, nodes: Sequence[NodeState], place: NodeDirectory) -> dict[str, object]:
    several = len(nodes) > 1
    seeds = ",".join(f"{n.host}:{n.ports['storage']}" for n in nodes)
    configuration: dict[str, object] = {
        "cluster_name": "rankfeed",
        "num_tokens": 1,
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        # An answer means written: with "periodic", a killed node forgot what it had acknowledged in the
        # last 100 ms (133 rows over three kills; in twelve kills with "group" or "batch", none). It
        # costs 1 to 2 ms a write.
        "commitlog_sync": "group",
        "commitlog_sync_group_window": "2ms",
        "data_file_directories": [str(place.data / "tables")],
        "commitlog_directory": str(place.data / "commitlog"),
        "saved_caches_directory": str(place.data / "saved_caches"),
        "hints_directory": str(place.data / "hints"),
        "cdc_raw_directory": str(place.data / "cdc_raw"),
        "listen_address": node.host,
        "rpc_address": node.host,
        "native_transport_port": node.ports["client"],
        "storage_port": node.ports["storage"],
        "ssl_storage_port": node.ports["ssl_storage"],
        "endpoint_snitch": "SimpleSnitch",
        "seed_provider": [
            {
                "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                "parameters": [{"seeds": seeds}],
            }
        ],
        "auto_snapshot": False,
        # One that cannot write ends, and its log says why; by default it lives on and answers nobody.
        "disk_failure_policy": "die",
        "commit_failure_policy": "die",
        "memtable": {"configurations": {"default": {"class_name": "SkipListMemtable"}}},
        "commitlog_segment_size": "4MiB",
        "commitlog_total_space": "256MiB",
        "memtable_heap_space": "32MiB",
        "memtable_offheap_space": "32MiB",
        "file_cache_size": "16MiB",
        "networking_cache_size": "16MiB",
        "concurrent_reads": 8,
        "concurrent_writes": 8,
        "concurrent_compactors": 1,
    }
    if several:
        configuration |= {
            "initial_token": str(_TOKENS[node.index - 1]),
            "auto_bootstrap": False,
            "phi_convict_threshold": 5,
        }
    return configuration


def _options(directory: NodeDirectory, size: int) -> list[str]:
    settings = {
        "jdk.attach.allowAttachSelf": "true",
        "cassandra-foreground": "yes",
        "cassandra.config": (directory.root / "cassandra.yaml").as_uri(),
        "cassandra.storagedir": str(directory.data),
        "logback.configurationFile": (directory.root / "logback.xml").as_uri(),
        "cassandra.skip_wait_for_gossip_to_settle": "0",
        "cassandra.ring_delay_ms": "1",
        "cassandra.superuser_setup_delay_ms": "0",
        "cassandra.memtable.row_overhead_size": "180",
        # Its own tables have three copies by default: with one node, nothing could be read at ALL.
        "cassandra.system_distributed.default_rf": str(size),
        # Time to tell the others that it goes; alone, there is nobody to tell.
        "cassandra.shutdown_announce_in_ms": "0" if size == 1 else "1000",
    }
    return [f"-D{name}={value}" for name, value in settings.items()]


def _modules() -> list[str]:
    options = []
    for flag, packages in (("--add-exports", _EXPORTS), ("--add-opens", _OPENS)):
        for module, names in packages.items():
            options += [f"{flag}={module}/{name}=ALL-UNNAMED" for name in names.split()]
    return options
