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

import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr
from redis.asyncio import Redis

from bench.redis_for_benches import fresh_redis
from features.packed_row import encode_row
from features.packed_store import PackedStore, row_key
from features.reader import FeatureReader
from features.schema import VIEWS, ViewName
from stores.redis_options import RedisOptions
from wiring.settings import RedisSettings, Settings

CANDIDATES = 500
AUTHORS = 200
RUNS = 60
FEAST_RUNS = 9
VIEWER = 7


async def main() -> None:
    async with fresh_redis() as (client, redis, options):
        generator = np.random.default_rng(1)
        tweets = np.arange(1, CANDIDATES + 1, dtype=np.int64)
        authors = generator.integers(1, AUTHORS + 1, CANDIDATES).astype(np.int64)
        entities: dict[ViewName, list[int | tuple[int, int]]] = {
            "g": [0],
            "u": [VIEWER],
            "t": list(range(1, CANDIDATES + 1)),
            "a": list(range(1, AUTHORS + 1)),
            "va": [(VIEWER, author) for author in range(1, AUTHORS + 1)],
        }
        await _fill(redis, entities, generator)
        await PackedStore(client).mark(b"bench")
        await PackedStore(client).complete(b"bench")
        reader = FeatureReader(client)
        hash_keys = [
            (_hash_key(view, entity), [field.name for field in VIEWS[view].fields])
            for view, rows in entities.items()
            for entity in rows
        ]
        packed_ms = await _median_ms(lambda: reader.fetch(VIEWER, tweets, authors))
        hashes_ms = await _median_ms(lambda: _hmget(redis, hash_keys))
        print(f"\nfeatures of {CANDIDATES} candidates by {AUTHORS} authors, {len(hash_keys)} rows, all views")
        print(f"{'packed rows, one MGET, decoded':45}{packed_ms:>8.2f} ms p50")
        print(f"{'hashes, pipelined HMGET, not even decoded':45}{hashes_ms:>8.2f} ms p50")
        print(f"ratio: {hashes_ms / packed_ms:.1f} times faster")
        feast_ms = await asyncio.to_thread(_feast_ms, options, tweets, authors)
        print(f"{'the same rows through the Feast SDK':45}{feast_ms:>8.2f} ms p50")
        print(f"ratio: {feast_ms / packed_ms:.1f} times faster")


def _hash_key(view: ViewName, entity: int | tuple[int, int]) -> str:
    return "h:" + row_key(view, entity).decode()


async def _fill(
    redis: Redis,
    entities: dict[ViewName, list[int | tuple[int, int]]],
    generator: np.random.Generator,
) -> None:
    now_s = int(time.time())
    async with redis.pipeline(transaction=False) as pipeline:
        for view, rows in entities.items():
            definition = VIEWS[view]
            for entity in rows:
                values = generator.random(definition.width).astype(np.float32).tolist()
                packed = encode_row(definition.schema_id, now_s, 1, array("f", values))
                pipeline.set(row_key(view, entity), packed)
                names = [field.name for field in definition.fields]
                pipeline.hset(_hash_key(view, entity), mapping=dict(zip(names, values, strict=True)))
        await pipeline.execute()


async def _hmget(redis: Redis, keys: list[tuple[str, list[str]]]) -> object:
    async with redis.pipeline(transaction=False) as pipeline:
        for key, fields in keys:
            pipeline.hmget(key, fields)
        return await pipeline.execute()


def _feast_ms(options: RedisOptions, tweets: NDArray[np.int64], authors: NDArray[np.int64]) -> float:
    """All rows and no inputs, as above; rows of now, for Feast goes by the clock."""
    from features.repo.definitions import apply_definitions
    from wiring.feature_store import feature_store

    rows = {"everything": [0] * CANDIDATES, "viewer": [VIEWER] * CANDIDATES}
    rows |= {"author": authors.tolist(), "tweet": tweets.tolist()}
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


async def _median_ms(call: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        await call()
        times.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times)
