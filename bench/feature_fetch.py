"""Fetching the features of one request: one MGET of packed rows against pipelined HMGETs of hashes.

The alternative is the layout that Feast's Redis store keeps (a hash an entity, a field a feature),
read in one pipeline with the same client.
"""

from __future__ import annotations

import statistics
import time
from array import array
from collections.abc import Awaitable, Callable

import numpy as np
from redis.asyncio import Redis

from bench.redis_for_benches import fresh_redis
from features.packed_row import encode_row
from features.packed_store import PackedStore, row_key
from features.reader import FeatureReader
from features.schema import VIEWS, ViewName

CANDIDATES = 500
AUTHORS = 200
RUNS = 60
VIEWER = 7


async def main() -> None:
    async with fresh_redis() as (client, redis):
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
        await PackedStore(client).complete()
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


def _hash_key(view: ViewName, entity: int | tuple[int, int]) -> str:
    return "h:" + row_key(view, entity).decode()


async def _fill(
    redis: Redis,
    entities: dict[ViewName, list[int | tuple[int, int]]],
    generator: np.random.Generator,
) -> None:
    async with redis.pipeline(transaction=False) as pipeline:
        for view, rows in entities.items():
            definition = VIEWS[view]
            for entity in rows:
                values = generator.random(definition.width).astype(np.float32).tolist()
                packed = encode_row(definition.schema_id, 1_700_000_000, 1, array("f", values))
                pipeline.set(row_key(view, entity), packed)
                names = [field.name for field in definition.fields]
                pipeline.hset(_hash_key(view, entity), mapping=dict(zip(names, values, strict=True)))
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
