"""A client for the Redis that the options name."""

from __future__ import annotations

import random

from core.clock import SystemClock
from stores.circuit import Circuit
from stores.redis_client import RedisClient
from stores.redis_cluster import RedisCluster
from stores.redis_node import RedisNode
from stores.redis_options import Address, RedisOptions
from stores.redis_single import SingleRedis


def open_redis(options: RedisOptions) -> RedisClient:
    """Connects when it is first used. Raises ConfigurationError where the options cannot be used."""
    place, tls, timeout_s = options.place, options.tls(), options.timeout_ms / 1000
    clock, randomness = SystemClock(), random.SystemRandom()

    def node(address: Address) -> RedisNode:
        circuit = Circuit("redis", clock, randomness)
        return RedisNode(address, place.login, tls, circuit, timeout_s=timeout_s)

    if options.cluster:
        return RedisCluster(place.seeds, node, timeout_s=timeout_s)
    return SingleRedis(node(place.seeds[0]))
