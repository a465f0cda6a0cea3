"""The Kafka, Cassandra and Redis of a stack on one machine: those that the settings name, or its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from wiring.distributed import migrate_servers
from wiring.environment import overlaid, variable_of
from wiring.home import Home
from wiring.servers.local import LocalServers
from wiring.settings import Settings

OWN = ("kafka", "cassandra", "redis-cluster")


def bring_up_servers(
    settings: Settings, home: Home, say: Callable[[str], None], cleanup: ExitStack
) -> dict[str, str]:
    """Starts what is not named, stopped again by `cleanup`, and migrates; the variables that name them.

    From the main thread: the kernel ends the servers with it.
    """
    named = (settings.kafka.bootstrap, settings.cassandra.hosts, settings.redis.url)
    missing = [name for name, given in zip(OWN, named, strict=True) if given is None]
    found: dict[str, str] = {}
    if missing:
        say(f"starting {' and '.join(missing)}")
        chosen = settings.servers
        servers = LocalServers(home, chosen.cache.expanduser(), say, with_parent=True, lasting=chosen.lasting)
        cleanup.callback(lambda: servers.down(missing))
        endpoints = servers.up(missing)
        if endpoints.kafka_bootstrap is not None:
            found[variable_of(("kafka", "bootstrap"))] = endpoints.kafka_bootstrap
        if endpoints.cassandra_port is not None:
            found[variable_of(("cassandra", "hosts"))] = ",".join(endpoints.cassandra_hosts)
            found[variable_of(("cassandra", "port"))] = str(endpoints.cassandra_port)
        if "redis-cluster" in missing:
            # A Cluster of one node: what runs here is what runs on many.
            found[variable_of(("redis", "url"))] = ",".join(endpoints.redis_cluster_urls)
            found[variable_of(("redis", "cluster"))] = "true"
    migrate_servers(overlaid(settings, found), say)
    return found
