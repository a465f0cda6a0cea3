"""A Redis Cluster: one primary, or three with a replica each. Empty after every start of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wiring.redis_server import redis_binary
from wiring.servers.nodes import NodeDirectory, NodeState

HOST = "127.0.0.1"
# Redis 6.2 has no choice about where its nodes talk to each other.
BUS_OFFSET = 10_000


@dataclass(frozen=True, slots=True)
class RedisClusterRecipe:
    """Nodes 1 to 3 begin as primaries, 4 to 6 as their replicas; a failover changes that."""

    name: str = "redis-cluster"
    ready_s: float = 60.0
    stop_s: float = 10.0
    data_bytes: int = 10 * 1024 * 1024

    def plan(self, size: int, first_port: int) -> list[NodeState]:
        processes = 1 if size == 1 else 2 * size
        ports = range(first_port, first_port + processes)
        return [
            NodeState(index, HOST, {"client": port, "bus": port + BUS_OFFSET})
            for index, port in enumerate(ports, 1)
        ]

    def prepare(self, nodes: Sequence[NodeState], directory: Path) -> None:
        places = [NodeDirectory(directory / str(node.index)) for node in nodes]
        whole = not any(place.is_running() for place in places)
        for place in places:
            place.data.mkdir(parents=True, exist_ok=True)
            if whole:
                # Nothing is kept, so nothing of the former cluster is to be found again.
                (place.data / "nodes.conf").unlink(missing_ok=True)

    def command(self, node: NodeState, size: int, directory: NodeDirectory) -> list[str]:
        options = {
            "port": node.ports["client"],
            "bind": node.host,
            "dir": directory.data,
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "protected-mode": "no",
            "loglevel": "notice",
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": 1500,
            "cluster-require-full-coverage": "no",
            "cluster-allow-replica-migration": "no",
            "repl-diskless-sync-delay": 0,
        }
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        return [str(redis_binary()), *words]

    def unite(self, nodes: Sequence[NodeState]) -> str | None:
        """Gives the primaries their slots and the replicas their primaries; each step only once."""
        # Imported here: whoever only looks which nodes run needs no client.
        from wiring.servers.redis_slots import unite

        return unite(nodes)

    def missing(self, nodes: Sequence[NodeState]) -> str | None:
        from wiring.servers.redis_slots import missing

        return missing(nodes)
