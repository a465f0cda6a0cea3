"""A stack on Kafka, Cassandra and a Redis Cluster that nobody else uses, of one node or three each."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from tests.e2e.live_stack import LiveStack, live_stack
from wiring.distributed import migrate_servers
from wiring.environment import load_settings, variable_of
from wiring.home import Home
from wiring.servers.local import NAMES, LocalServers

READY_S = 120.0
PATIENCE = 3


@dataclass(frozen=True, slots=True)
class WholeStack:
    """`starter` is the thread that nodes are started in again: the kernel ends them with it."""

    stack: LiveStack
    servers: LocalServers
    starter: Executor

    async def kill_node(self, name: str, node: int) -> None:
        """SIGKILLs one node, and returns when it is gone."""
        await asyncio.to_thread(self.servers.cluster(name).stop_node, node, signal.SIGKILL)

    async def start_node(self, name: str, node: int) -> None:
        """Starts it again, and returns when all nodes serve."""
        cluster = self.servers.cluster(name)
        loop = asyncio.get_running_loop()
        for patience in range(PATIENCE, 0, -1):
            try:
                await loop.run_in_executor(self.starter, cluster.start_node, node)
            except ConfigurationError:
                # A machine that is busy with other things: one that runs already is waited for once more.
                if patience == 1 or not cluster.node(node).is_running():
                    raise
            else:
                return


@contextmanager
def whole_stack(
    directory: Path,
    nodes: int = 1,
    say: Callable[[str], None] = lambda line: None,
    *,
    lasting: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[WholeStack]:
    """Everything of it lies in `directory`, and nothing runs afterwards."""
    cache = load_settings(os.environ).servers.cache
    servers = LocalServers(Home(directory / "servers"), cache, say, with_parent=True, lasting=lasting)
    try:
        endpoints = servers.up(NAMES, nodes)
        leaves = {
            ("stack",): "distributed",
            ("kafka", "bootstrap"): str(endpoints.kafka_bootstrap),
            ("kafka", "replication"): str(nodes),
            ("cassandra", "hosts"): ",".join(endpoints.cassandra_hosts),
            ("cassandra", "port"): str(endpoints.cassandra_port),
            ("cassandra", "replication"): str(nodes),
            ("redis", "url"): ",".join(endpoints.redis_cluster_urls),
            ("redis", "cluster"): "true",
        }
        places = {variable_of(path): value for path, value in leaves.items()}
        # Before the stack, which does it again in no time: three nodes take long to agree on tables.
        migrate_servers(load_settings(places), say)
        with (
            ThreadPoolExecutor(1) as starter,
            live_stack(
                directory / "home", environment={**places, **(environment or {})}, patience_s=READY_S
            ) as stack,
        ):
            yield WholeStack(stack, servers, starter)
    finally:
        servers.down(wipe=True)
