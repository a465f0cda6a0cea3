"""The rows of 500 candidates, all views: as serving reads them, and through the Feast SDK, in one run."""

from __future__ import annotations

import asyncio

from bench.bars.bar import Result
from bench.feature_fetch import AUTHORS, CANDIDATES, feast_sdk_ms, fetch_ms, fill, rows_of_a_request
from bench.redis_for_benches import fresh_cluster, fresh_redis
from features.schema import VIEWS
from stores.redis_assembly import open_redis

BAR_MS = 2.0
TIMES_FEAST = 20.0
NODES = 3
TURNS = 3
"""Of each, one after the other: the quietest counts, for the machine is shared."""


def measure(arguments: list[str]) -> Result:
    ours_ms, feast_ms, cluster_ms = asyncio.run(_measure())
    times = feast_ms / ours_ms
    fields = sum(view.width for view in VIEWS.values())
    return Result(
        f"rows of {CANDIDATES} candidates by {AUTHORS} authors, {len(VIEWS)} views of {fields} fields, p50",
        f"embedded {ours_ms:.2f} ms; the Feast SDK {feast_ms:.0f} ms, {times:.0f} times slower; a Cluster of "
        f"{NODES} primaries {cluster_ms:.2f} ms",
        f"embedded ≤ {BAR_MS:g} ms and ≥ {TIMES_FEAST:g} times faster than the Feast SDK; Cluster told",
        ours_ms <= BAR_MS and times >= TIMES_FEAST,
        seed="1",
    )


async def _measure() -> tuple[float, float, float]:
    rows = rows_of_a_request()
    ours_ms, feast_ms = [], []
    async with fresh_redis() as (client, _, options):
        for _ in range(TURNS):
            await fill(client, rows)
            ours_ms.append(await fetch_ms(client))
            feast_ms.append(await asyncio.to_thread(feast_sdk_ms, options))
    with fresh_cluster(NODES) as cluster:
        client = open_redis(cluster)
        await fill(client, rows)
        cluster_ms = min([await fetch_ms(client) for _ in range(TURNS)])
        await client.aclose()
    return min(ours_ms), min(feast_ms), cluster_ms
