"""A real Redis for a test, one or a Cluster: the product's client, and one of redis-py to look with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_options import RedisOptions

PATIENT_MS = 10_000
"""Tests do not assert on time: what a busy machine takes is no fault."""


@dataclass(frozen=True, slots=True)
class RedisWorld:
    """`look` is redis-py's own client, of the same server or Cluster; it answers in bytes."""

    options: RedisOptions
    client: RedisClient
    look: Any


@asynccontextmanager
async def redis_world(options: RedisOptions) -> AsyncIterator[RedisWorld]:
    """On an empty Redis."""
    look: Any
    if options.cluster:
        look = redis.asyncio.RedisCluster.from_url(options.url.split(",")[0])
    else:
        look = redis.asyncio.Redis.from_url(options.url)
    client = open_redis(options)
    try:
        await look.flushall()
        yield RedisWorld(options, client, look)
    finally:
        await client.aclose()
        await look.aclose()
