"""The servers of one data directory, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigurationError
from wiring.home import Home
from wiring.servers.cassandra import CassandraRecipe
from wiring.servers.cluster import LocalCluster
from wiring.servers.jars import JarCache
from wiring.servers.java import Java
from wiring.servers.kafka import KafkaRecipe
from wiring.servers.nodes import NodeState, only_one
from wiring.servers.recipe import Recipe
from wiring.servers.redis_cluster import RedisClusterRecipe

NAMES = ("kafka", "cassandra", "redis-cluster")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where clients connect; None and empty for what does not run."""

    kafka_bootstrap: str | None = None
    cassandra_hosts: tuple[str, ...] = ()
    cassandra_port: int | None = None
    redis_cluster_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalServers:
    """Kafka, Cassandra and a Redis Cluster under `<home>/servers`; what they download is in `cache`.

    Everything blocks. `ports` are the first ones by name, where one must be given (0 picks). With
    `with_parent` the kernel kills the servers when the thread that started them ends (Linux): call
    `up` from the main thread then. Those that are `lasting` are slower for some minutes and then faster.
    """

    home: Home
    cache: Path
    say: Callable[[str], None] = lambda line: None
    ports: Mapping[str, int] = field(default_factory=dict)
    with_parent: bool = False
    lasting: bool = False

    def up(self, names: Sequence[str] = NAMES, nodes: int = 1) -> Endpoints:
        """Starts them side by side and returns when all are ready; what runs already stays as it is.

        Raises ConfigurationError, Unavailable or Corrupt: each says what to do. A server that did
        not run before is not left running then.
        """
        clusters = [self.cluster(name) for name in names]
        with only_one(self.home.servers / "lock"), ExitStack() as undo:
            for cluster in clusters:
                if not cluster.running():
                    undo.callback(cluster.stop)
                cluster.start(nodes, self.ports.get(cluster.recipe.name, 0))
            for cluster in clusters:
                cluster.await_ready()
            undo.pop_all()
        return self.endpoints()

    def down(self, names: Sequence[str] = NAMES, *, wipe: bool = False) -> None:
        """Ends them. Their data stays, unless `wipe`: then they are killed and all is deleted."""
        with only_one(self.home.servers / "lock"):
            for name in names:
                cluster = self.cluster(name)
                if wipe:
                    cluster.wipe()
                else:
                    cluster.stop()

    def endpoints(self) -> Endpoints:
        """Of the nodes that run now."""
        running = {name: self.cluster(name).running() for name in NAMES}
        cassandra = running["cassandra"]
        return Endpoints(
            kafka_bootstrap=",".join(node.address for node in running["kafka"]) or None,
            cassandra_hosts=tuple(node.host for node in cassandra),
            cassandra_port=cassandra[0].ports["client"] if cassandra else None,
            redis_cluster_urls=tuple(f"redis://{node.address}/0" for node in running["redis-cluster"]),
        )

    def status(self, names: Sequence[str] = NAMES) -> list[tuple[str, NodeState, bool]]:
        """(server, node, whether it runs) of every node that was started here."""
        found = []
        for name in names:
            cluster = self.cluster(name)
            state = cluster.state()
            for node in () if state is None else state.nodes:
                found.append((name, node, node.pid > 0))
        return found

    def cluster(self, name: str) -> LocalCluster:
        """One server, for whoever stops and starts single nodes of it.

        Raises ConfigurationError where there is none of that name.
        """
        return LocalCluster(self._recipe(name), self.home.servers / name, self.say, self.with_parent)

    def _recipe(self, name: str) -> Recipe:
        cache = self.cache.expanduser().absolute()
        java, jars = Java(cache, self.lasting), JarCache(cache, self.say)
        match name:
            case "kafka":
                return KafkaRecipe(java, jars)
            case "cassandra":
                return CassandraRecipe(java, jars)
            case "redis-cluster":
                return RedisClusterRecipe()
        raise ConfigurationError(f"'{name}' is none of: {', '.join(NAMES)}")
