"""Fetching the features of one request: one MGET of packed rows against hashes, and against Feast.

The first alternative is the layout that Feast's Redis store keeps (a hash an entity, a field a
feature), read in one pipeline with the same client; the second is Feast's SDK on the same packed
rows, as a notebook reads them (docs/features.md).
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from array import array
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import SecretStr
from redis.asyncio import Redis

from bench.redis_for_benches import fresh_redis
from features.accumulate import Entity, PackedRow
from features.packed_row import encode_row
from features.packed_store import ExpiringRow, PackedStore, row_key
from features.reader import FeatureReader
from features.schema import VIEWS, ViewName
from stores.redis_client import RedisClient
from stores.redis_options import RedisOptions
from wiring.settings import RedisSettings, Settings

CANDIDATES = 500
AUTHORS = 200
RUNS = 60
FEAST_RUNS = 9
VIEWER = 7
TWEETS = np.arange(1, CANDIDATES + 1, dtype=np.int64)
AUTHORS_OF = np.random.default_rng(1).integers(1, AUTHORS + 1, CANDIDATES).astype(np.int64)
_TTL_S = 3_600


class Owned(NamedTuple):
    """A row of the benchmark, before it is packed."""

    view: ViewName
    entity: Entity
    values: list[float]


async def main() -> None:
    rows = rows_of_a_request()
    async with fresh_redis() as (client, redis, options):
        await fill(client, rows)
        await _fill_hashes(redis, rows)
        packed_ms = await fetch_ms(client)
        keys = [(_hash_key(row), [field.name for field in VIEWS[row.view].fields]) for row in rows]
        hashes_ms = await _median_ms(lambda: _hmget(redis, keys))
        print(f"\nfeatures of {CANDIDATES} candidates by {AUTHORS} authors, {len(rows)} rows, all views")
        print(f"{'packed rows, one MGET, decoded':45}{packed_ms:>8.2f} ms p50")
        print(f"{'hashes, pipelined HMGET, not even decoded':45}{hashes_ms:>8.2f} ms p50")
        print(f"ratio: {hashes_ms / packed_ms:.1f} times faster")
        feast_ms = await asyncio.to_thread(feast_sdk_ms, options)
        print(f"{'the same rows through the Feast SDK':45}{feast_ms:>8.2f} ms p50")
        print(f"ratio: {feast_ms / packed_ms:.1f} times faster")


def rows_of_a_request() -> list[Owned]:
    """Every row that one request asks for: none is missing."""
    random = np.random.default_rng(1)
    entities: dict[ViewName, list[Entity]] = {
        "g": [0],
        "u": [VIEWER],
        "t": list(range(1, CANDIDATES + 1)),
        "a": list(range(1, AUTHORS + 1)),
        "va": [(VIEWER, author) for author in range(1, AUTHORS + 1)],
    }
    return [
        Owned(view, entity, random.random(VIEWS[view].width).astype(np.float32).tolist())
        for view, owners in entities.items()
        for entity in owners
    ]


async def fill(client: RedisClient, rows: list[Owned]) -> None:
    """As the stream leaves them, of now: Feast goes by the clock."""
    store, now_s = PackedStore(client), int(time.time())
    await store.mark(b"bench")
    packed = [
        PackedRow(
            row.view,
            row.entity,
            encode_row(VIEWS[row.view].schema_id, now_s, 1, array("f", row.values)),
        )
        for row in rows
    ]
    await store.write([ExpiringRow.of(row, _TTL_S) for row in packed], was=b"bench", epoch=b"bench")
    await store.complete(b"bench")


async def fetch_ms(client: RedisClient) -> float:
    """One request's rows, read and decoded: milliseconds, p50."""
    reader = FeatureReader(client)
    return await _median_ms(lambda: reader.fetch(VIEWER, TWEETS, AUTHORS_OF))


def feast_sdk_ms(options: RedisOptions) -> float:
    """All rows and no inputs, as above: milliseconds, p50."""
    from features.repo.definitions import apply_definitions
    from wiring.feature_store import feature_store

    rows = {"everything": [0] * CANDIDATES, "viewer": [VIEWER] * CANDIDATES}
    rows |= {"author": AUTHORS_OF.tolist(), "tweet": TWEETS.tolist()}
    with tempfile.TemporaryDirectory(prefix="rankfeed-bench-") as directory:
        home = Path(directory)
        store = feature_store(
            Settings(
                home=home, redis=RedisSettings(url=SecretStr(options.url), timeout_ms=options.timeout_ms)
            )
        )
        apply_definitions(store, home / "lake")
        views = [f"{name}:{name}.{field.name}" for name, view in VIEWS.items() for field in view.fields]
        times = []
        for _ in range(FEAST_RUNS):
            began_s = time.perf_counter()
            store.get_online_features(features=views, entity_rows=rows)
            times.append((time.perf_counter() - began_s) * 1000)
        asyncio.run(store.close())
    return statistics.median(times)


def _hash_key(row: Owned) -> str:
    return "h:" + row_key(row.view, row.entity).decode()


async def _fill_hashes(redis: Redis, rows: list[Owned]) -> None:
    async with redis.pipeline(transaction=False) as pipeline:
        for row in rows:
            names = [field.name for field in VIEWS[row.view].fields]
            pipeline.hset(_hash_key(row), mapping=dict(zip(names, row.values, strict=True)))
        await pipeline.execute()


async def _hmget(redis: Redis, keys: list[tuple[str, list[str]]]) -> object:
    async with redis.pipeline(transaction=False) as pipeline:
        for key, fields in keys:
            pipeline.hmget(key, fields)
        return await pipeline.execute()


async def _median_ms(call: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        await call()
        times.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times)
