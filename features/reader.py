"""The rows of one request, all views of all candidates, and what the viewer has seen: one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from core.errors import Unavailable
from features.packed_row import decode_block
from features.packed_store import COMPLETE_KEY
from features.row_block import RowBlock
from features.schema import VIEWS, ViewName
from features.seen_list import decode_seen, seen_key
from stores.redis_client import RedisClient

FOREIGN = Counter(
    "rankfeed_feature_rows_foreign_total",
    "Rows of a format or schema that this code does not read, taken as missing",
    ["view"],
)
ROWS_READ = Counter("rankfeed_feature_rows_read_total", "Rows asked for", ["view"])
ROWS_MISSING = Counter("rankfeed_feature_rows_missing_total", "Rows asked for and not there", ["view"])


SEEN: Literal["seen"] = "seen"
"""What the counters above call lists of what viewers have seen: a new viewer has none."""


class Fetched(NamedTuple):
    """Blocks by view, and the roots that the viewer has looked at, as far as is known: int64 [k]."""

    blocks: dict[ViewName, RowBlock]
    seen: NDArray[np.int64]


class FeaturesMissing(Unavailable):
    """Redis answers, and rows that ought to be there may not be."""


class FeatureReader:
    """Reads packed rows: of a Redis Cluster from all nodes that have some, side by side."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def fetch(
        self, viewer: int, tweet_ids: NDArray[np.int64], author_ids: NDArray[np.int64]
    ) -> Fetched:
        """The rows for a viewer and n candidates, as `features.compute.matrix` takes them.

        `tweet_ids` and `author_ids` are int64 [n], row i the same candidate. The blocks of `g` and
        `u` have one row, those of `t`, `a` and `va` n, in the candidates' order; each says its own
        `hit_rate`. Raises Unavailable where Redis, or one node that has some of the rows, is away or
        slow, and FeaturesMissing where one has lost its rows and does not have all of them again.
        """
        authors, of_candidate = np.unique(author_ids, return_inverse=True)
        n, m = len(tweet_ids), len(authors)
        author_list = authors.tolist()
        pair_key = b"f:va:{%d}:" % viewer + b"%d"
        keys = [seen_key(viewer), b"f:g:0", b"f:u:%d" % viewer]
        keys += [b"f:t:%d" % tweet for tweet in tweet_ids.tolist()]
        keys += [b"f:a:%d" % author for author in author_list]
        keys += [pair_key % author for author in author_list]
        found = await self._client.find(keys, mark=COMPLETE_KEY)
        if found.failure is not None:
            raise found.failure
        if None in found.marks:
            raise FeaturesMissing("Redis was emptied, and not every feature row is back yet")
        packed, *rows = found.values
        of_author = of_candidate.reshape(-1).astype(np.intp)
        blocks: dict[ViewName, RowBlock] = {
            "g": _block("g", rows[0:1]),
            "u": _block("u", rows[1:2]),
            "t": _block("t", rows[2 : 2 + n]),
            "a": _block("a", rows[2 + n : 2 + n + m]).take(of_author),
            "va": _block("va", rows[2 + n + m :]).take(of_author),
        }
        return Fetched(blocks, _seen(packed))


def _block(view: ViewName, rows: Sequence[bytes | None]) -> RowBlock:
    block = decode_block(rows, VIEWS[view])
    read, absent = _metrics(view)
    read.inc(len(block))
    if missing := len(block) - int(np.count_nonzero(block.present)):
        absent.inc(missing)
    if block.foreign:
        FOREIGN.labels(view).inc(block.foreign)
    return block


def _seen(packed: bytes | None) -> NDArray[np.int64]:
    read, absent = _metrics(SEEN)
    read.inc()
    seen = decode_seen(packed)
    if seen is None:
        (absent if packed is None else FOREIGN.labels(SEEN)).inc()
        return np.empty(0, np.int64)
    return seen


@cache
def _metrics(of: ViewName | Literal["seen"]) -> tuple[Counter, Counter]:
    """To find them costs more than to count."""
    return ROWS_READ.labels(of), ROWS_MISSING.labels(of)
