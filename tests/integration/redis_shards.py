"""A Redis Cluster that a test may hurt: its nodes are killed, stopped, flushed and given other slots."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import redis

from stores.redis_options import Address
from stores.redis_slots import SlotMap, slots_of
from tests.e2e.waiting import wait_until
from wiring.servers.cluster import LocalCluster
from wiring.servers.nodes import NodeState


class Shards:
    """Three primaries, each with a replica; asked over connections of their own."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster

    @property
    def url(self) -> str:
        return ",".join(f"redis://{node.address}/0" for node in self._nodes)

    def primaries(self) -> list[Address]:
        """In the order of their slots, as any node that answers says."""
        return [shard.primary for shard in self.map().shards]

    def primary_of(self, key: bytes) -> Address:
        found = self.map()
        return found.shards[found.owners[slots_of([key])[0]]].primary

    def replica_of(self, primary: Address) -> Address:
        (shard,) = (shard for shard in self.map().shards if shard.primary == primary)
        return shard.replicas[0]

    def viewers_at(self, primary: Address, number: int) -> list[int]:
        """Ids of viewers whose keys are there."""
        found = self.map()
        at_home = (
            viewer
            for viewer in count(1)
            if found.shards[found.owners[slots_of([b"%d" % viewer])[0]]].primary == primary
        )
        return [next(at_home) for _ in range(number)]

    def kill(self, address: Address) -> None:
        self._cluster.stop_node(self._node(address).index, signal.SIGKILL)

    def start(self, address: Address) -> None:
        """Starts a killed one again and returns when every node serves and every primary has its replica."""
        self._cluster.start_node(self._node(address).index)

    def await_ready(self) -> None:
        """Returns when every node serves and every primary has its replica."""
        self._cluster.await_ready(unite=False)

    @contextmanager
    def stopped(self, address: Address) -> Iterator[None]:
        """The process stands still: its connections are open, and nobody answers."""
        directory = self._cluster.node(self._node(address).index)
        directory.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            directory.signal(signal.SIGCONT)

    def ask(self, address: Address, *words: object) -> Any:
        with redis.Redis(address.host, address.port, socket_timeout=1.0) as client:
            execute: Any = client.execute_command  # not annotated there
            return execute(*words)

    def flush(self, primary: Address) -> None:
        self.ask(primary, "FLUSHALL")

    def await_another_primary(self, former: Address, key: bytes) -> None:
        wait_until(f"a replica took over from {former}", lambda: self.primary_of(key) != former)

    def map(self) -> SlotMap:
        for node in self._cluster.running():
            address = Address(node.host, node.ports["client"])
            try:
                found = SlotMap.parse(self.ask(address, "CLUSTER SLOTS"), address)
            except redis.RedisError:
                continue
            assert found is not None
            return found
        raise AssertionError("no node answers")

    @property
    def _nodes(self) -> list[NodeState]:
        state = self._cluster.state()
        assert state is not None
        return state.nodes

    def _node(self, address: Address) -> NodeState:
        return next(node for node in self._nodes if node.ports["client"] == address.port)
