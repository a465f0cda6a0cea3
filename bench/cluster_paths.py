"""The hot paths on a Redis Cluster: ours against redis-py's cluster client and against one Redis.

One Redis answers one MGET. A Cluster cannot, so its rows are GETs, pipelined, in one write a node. The
alternative is what `redis.asyncio.RedisCluster` makes of the same commands.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import RedisCluster

from bench.redis_for_benches import fresh_cluster, fresh_redis
from stores.redis_assembly import open_redis
from stores.redis_client import RedisClient
from stores.redis_commands import command
from timelines.layout import Delivery, push, timeline_key

KEYS = 900
"""What the features of one ranked feed are, of 500 candidates by 200 authors."""
PUSHES = 2_000
RUNS = 40
VALUE = bytes(64)
PUSHED = 1_790_000_000_000_000_000


async def main() -> None:
    keys = [b"f:t:%d" % number for number in range(KEYS)]
    rows: list[tuple[str, float, float]] = []
    async with fresh_redis() as (client, _, _):
        await _fill(client, keys)
        rows.append(("one Redis, MGET", *await _client_ms(client, keys)))
    for nodes in (1, 3):
        with fresh_cluster(nodes) as options:
            client = open_redis(options)
            alternative: Any = RedisCluster.from_url(options.url.split(",")[0])
            await _fill(client, keys)
            ours = await _client_ms(client, keys)
            theirs = (
                await _median_ms(lambda cluster=alternative: _pipelined_gets(cluster, keys)),  # type: ignore[misc]  # bound per turn
                await _median_ms(lambda cluster=alternative: _pipelined_pushes(cluster)),  # type: ignore[misc]  # bound per turn
            )
            await client.aclose()
            await alternative.aclose()
        name = f"Cluster, {nodes} {'primary' if nodes == 1 else 'primaries'}"
        rows += [(f"{name}, ours", *ours), (f"{name}, redis-py", *theirs)]
    print(f"\nRedis from one client: {KEYS} rows of {len(VALUE)} bytes found, {PUSHES:,} ids pushed")
    print(f"{'':35}{'find, ms p50':>14}{'push, ms p50':>14}")
    for name, find_ms, push_ms in rows:
        print(f"{name:35}{find_ms:>14.2f}{push_ms:>14.2f}")
    print(
        f"ratio: {rows[1][1] / rows[0][1]:.1f} times an MGET on one node, "
        f"{rows[2][1] / rows[1][1]:.1f} times faster than redis-py there"
    )


async def _fill(client: RedisClient, keys: list[bytes]) -> None:
    await client.calls([command(b"SET", key, VALUE) for key in keys])
    await client.calls([command(b"RPUSH", timeline_key(viewer), b"0") for viewer in range(PUSHES)])


async def _client_ms(client: RedisClient, keys: list[bytes]) -> tuple[float, float]:
    deliveries = [Delivery(viewer, PUSHED) for viewer in range(PUSHES)]
    return (
        await _median_ms(lambda: client.find(keys)),
        await _median_ms(lambda: push(client, deliveries)),
    )


async def _pipelined_gets(cluster: Any, keys: list[bytes]) -> None:
    pipeline = cluster.pipeline()
    for key in keys:
        pipeline.get(key)
    await pipeline.execute()


async def _pipelined_pushes(cluster: Any) -> None:
    pipeline = cluster.pipeline()
    for viewer in range(PUSHES):
        pipeline.lpushx(timeline_key(viewer), b"%d" % PUSHED)
    await pipeline.execute()


async def _median_ms(call: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        await call()
        times.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times)
