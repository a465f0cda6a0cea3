"""Feature rows of plausible sizes, drawn by a seed: in Redis for a crowd, and as a model's training set."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.bars.readers import Crowd
from core.types import Tweet
from features.accumulate import Entity, Observation, PackedRow
from features.compute import matrix
from features.moments import HOME, Moments, codes
from features.packed_row import encode_row
from features.packed_store import ExpiringRow, PackedStore
from features.row_block import RowBlock
from features.schema import DAY_S, VIEWS, ViewName
from features.seen_list import KEPT, SeenLists, seen_key
from features.view import Field
from ranking.candidate import TIMELINE_SOURCE
from stores.redis_client import RedisClient

_SEEN: dict[ViewName, float] = {"g": 1e6, "u": 300.0, "a": 2_000.0, "t": 40.0, "va": 8.0}
"""How often the entity of a view was seen, in the median."""
_SHARES = {"seen": 1.0, "click": 0.1, "like": 0.02, "dwell": 3.0, "hide": 0.002, "long_dwell": 0.1}
_RARE = 0.005
_AT_ONCE = 500
_TTL_S = 7 * DAY_S


async def fill(client: RedisClient, crowd: Crowd, tweets: Sequence[Tweet]) -> int:
    """A row for everybody, every tweet and every pair, beside what the stream wrote; how many.

    Every viewer has seen as many of the tweets as a list holds.
    """
    random = np.random.default_rng(crowd.seed)
    owners: dict[ViewName, list[Entity]] = {
        "g": [0],
        "u": list(crowd.viewer_ids),
        "a": list(crowd.author_ids),
        "t": [tweet.tweet_id for tweet in tweets],
        "va": [(viewer, author) for viewer in crowd.viewer_ids for author in crowd.author_ids],
    }
    store, now_s = PackedStore(client), int(time.time())
    for view, entities in owners.items():
        rows = list(_packed(view, entities, now_s, random))
        for begin in range(0, len(rows), _AT_ONCE):
            await store.offer(rows[begin : begin + _AT_ONCE])
    ids, lists = [tweet.tweet_id for tweet in tweets], SeenLists()
    for viewer in crowd.viewer_ids:
        for tweet in random.choice(ids, min(KEPT, len(ids)), replace=False).tolist():
            lists.apply(Observation(0, "seen", viewer, 0, tweet))
    await store.offer([ExpiringRow(seen_key(viewer), packed, _TTL_S) for viewer, packed in lists.drain()])
    return sum(map(len, owners.values()))


def training_inputs(n: int, seed: int) -> NDArray[np.float32]:
    """What serving computes of such rows: float32 [n, n_features]."""
    random, now_s = np.random.default_rng(seed), int(time.time())
    blocks = {view: _block(view, 1 if view == "g" else n, now_s, random) for view in VIEWS}
    ids = random.integers(10**18, 2 * 10**18, n)
    moments = Moments(
        viewers=ids,
        authors=ids,
        tweets=ids,
        at_ms=np.full(n, now_s * 1000, np.int64),
        surfaces=codes([HOME]),
        sources=codes([TIMELINE_SOURCE]),
    )
    return matrix(blocks, moments)


def _packed(
    view: ViewName, entities: Sequence[Entity], now_s: int, random: np.random.Generator
) -> Iterator[ExpiringRow]:
    block = _block(view, len(entities), now_s, random)
    for place, entity in enumerate(entities):
        values = array("f", block.values[place].tobytes())
        at_s, seq = int(block.event_ts_s[place]), int(block.seq[place])
        packed = encode_row(VIEWS[view].schema_id, at_s, seq, values)
        yield ExpiringRow.of(PackedRow(view, entity, packed), _TTL_S)


def _block(view: ViewName, n: int, now_s: int, random: np.random.Generator) -> RowBlock:
    seen = _SEEN[view] * np.exp(random.normal(0, 1, n))
    values = np.stack([_values(field, seen, random) for field in VIEWS[view].fields], axis=1)
    return RowBlock(
        event_ts_s=now_s - random.integers(0, 3600, n),
        seq=random.integers(1, 1000, n),
        schema_id=np.full(n, VIEWS[view].schema_id, np.int64),
        values=values.astype(np.float32),
        present=np.ones(n, np.bool_),
    )


def _values(field: Field, seen: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    n = len(seen)
    match field.kind:
        case "sum":
            return seen * _SHARES.get(field.event, _RARE) * random.uniform(0.2, 2.0, n)
        case "since":
            return random.uniform(0, 5 * DAY_S, n)
        case "count":
            return np.floor(np.exp(random.normal(4, 1, n)))
        case "attribute":
            return random.integers(1, 281, n).astype(float) if field.name == "text_len" else np.zeros(n)
    raise AssertionError(field)
