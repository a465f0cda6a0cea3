"""Redis servers for the length of a benchmark."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

from redis.asyncio import Redis

from core.errors import Unavailable
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_options import RedisOptions
from wiring.home import Home
from wiring.process import listen
from wiring.redis_server import redis_command
from wiring.servers.local import LocalServers

_PASSWORD = "bench"
_START_S = 10.0
_TIMEOUT_MS = 5_000


class BenchRedis(NamedTuple):
    """The product's client, and redis-py's for the alternatives; both on the same server."""

    client: RedisClient
    plain: Redis
    options: RedisOptions


@asynccontextmanager
async def fresh_redis() -> AsyncIterator[BenchRedis]:
    with tempfile.TemporaryDirectory(prefix="rankfeed-bench-") as directory:
        with listen("127.0.0.1", 0) as probe:
            port: int = probe.getsockname()[1]
        command = redis_command(Home(Path(directory)), port, _PASSWORD)
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        options = RedisOptions(f"redis://:{_PASSWORD}@127.0.0.1:{port}/0", _TIMEOUT_MS)
        client, plain = open_redis(options), Redis.from_url(options.url)
        try:
            await _await_answer(client)
            yield BenchRedis(client, plain, options)
        finally:
            await plain.aclose()
            await client.aclose()
            process.terminate()
            await process.wait()


@contextmanager
def fresh_cluster(nodes: int) -> Iterator[RedisOptions]:
    """A Redis Cluster of one node, or of three primaries with a replica each."""
    with tempfile.TemporaryDirectory(prefix="rankfeed-bench-") as directory:
        servers = LocalServers(Home(Path(directory)), Path(), with_parent=True)
        try:
            urls = servers.up(["redis-cluster"], nodes=nodes).redis_cluster_urls
            yield RedisOptions(",".join(urls), _TIMEOUT_MS, cluster=True)
        finally:
            servers.down(["redis-cluster"], wipe=True)


async def server_cpu_s(redis: Redis) -> float:
    """CPU seconds that the server has used, user and system."""
    info = await redis.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


async def used_bytes(redis: Redis) -> float:
    """Of the server's data: what it has allocated, but for the buffers of its connections."""
    info = await redis.info("memory")
    return float(info["used_memory"]) - float(info["mem_clients_normal"])


async def _await_answer(client: RedisClient) -> None:
    end_s = time.monotonic() + _START_S
    while True:
        try:
            await client.ping()
        except Unavailable:
            if time.monotonic() > end_s:
                raise
            await asyncio.sleep(0.02)
        else:
            return
