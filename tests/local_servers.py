"""Real servers for the suites: one node each, started once per run when first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from wiring.home import Home
from wiring.servers.local import LocalServers
from wiring.settings import load_settings


@dataclass(frozen=True, slots=True)
class CassandraAddress:
    """What a driver needs to connect."""

    hosts: tuple[str, ...]
    port: int


@pytest.fixture(scope="session")
def local_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """The servers of this run. They end with it, however it ends."""
    servers = LocalServers(
        Home(tmp_path_factory.mktemp("servers")),
        load_settings(os.environ).servers.cache,
        with_parent=True,
    )
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
