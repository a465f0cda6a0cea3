"""Real servers for the suites: one node each, started once per run when first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wiring.environment import load_settings
from wiring.home import Home
from wiring.servers.local import LocalServers


@dataclass(frozen=True, slots=True)
class CassandraAddress:
    """What a driver needs to connect."""

    hosts: tuple[str, ...]
    port: int


@pytest.fixture(scope="session")
def local_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """The servers of this run. They end with it, however it ends.

    Where `TEST_SERVERS` names a directory, its servers are used, started there if need be, and left
    running: one run after the other need not wait for them (`RANKFEED_HOME=... rankfeed servers down`).
    """
    cache = load_settings(os.environ).servers.cache
    if kept := os.environ.get("TEST_SERVERS"):
        yield LocalServers(Home(Path(kept).absolute()), cache)
        return
    servers = LocalServers(Home(tmp_path_factory.mktemp("servers")), cache, with_parent=True)
    yield servers
    servers.down(wipe=True)


@pytest.fixture(scope="session")
def kafka_server(local_servers: LocalServers) -> str:
    """The bootstrap address of a Kafka of one broker, `host:port`. Topics are not made by themselves."""
    bootstrap = local_servers.up(["kafka"]).kafka_bootstrap
    assert bootstrap is not None
    return bootstrap


@pytest.fixture(scope="session")
def cassandra_server(local_servers: LocalServers) -> CassandraAddress:
    """A Cassandra of one node: keyspaces have one copy."""
    endpoints = local_servers.up(["cassandra"])
    assert endpoints.cassandra_port is not None
    return CassandraAddress(endpoints.cassandra_hosts, endpoints.cassandra_port)


@pytest.fixture(scope="session")
def redis_cluster(local_servers: LocalServers) -> str:
    """The URL of a Redis Cluster of one node: every slot is here, and keys of two slots do not mix."""
    (url,) = local_servers.up(["redis-cluster"]).redis_cluster_urls
    return url


@pytest.fixture(scope="session")
def redis_shards(local_servers: LocalServers) -> Iterator[str]:
    """The URLs of a Redis Cluster of three primaries with a replica each, separated by commas."""
    # In a directory of its own: a server is there with one number of nodes.
    home = Home(local_servers.home.root / "shards")
    servers = LocalServers(home, local_servers.cache, with_parent=local_servers.with_parent)
    yield ",".join(servers.up(["redis-cluster"], nodes=3).redis_cluster_urls)
    if not os.environ.get("TEST_SERVERS"):
        servers.down(["redis-cluster"], wipe=True)
