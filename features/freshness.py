"""How many of a request's rows were there, how old they are, by view, and which moment they are taken at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from prometheus_client import Gauge, Histogram

from features.row_block import RowBlock
from features.view import ViewName

HIT_RATE = Gauge(
    "rankfeed_feature_hit_rate", "Share of the rows of the newest request that were there", ["view"]
)
# From what a stream lags to the longest life of a row.
_BUCKETS_S = (1.0, 5.0, 30.0, 300.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0, 2_592_000.0, 7_776_000.0)
AGE = Histogram(
    "rankfeed_feature_row_age_seconds",
    "Since the last event of the rows of a request, their mean",
    ["view"],
    buckets=_BUCKETS_S,
)

QUIET_MS = 24 * 3_600_000
"""How long after the last event the features' clock goes on.

Where a log has been quiet for longer (an imported history, a stream that stands still), features are
those of a day after its last event: on the wall's clock every row would have expired, and all
candidates would look alike.
"""


class Freshness(NamedTuple):
    """Of one view's rows: the share that was there, and their mean age, NaN where there was none."""

    hit_rate: float
    age_s: float


def as_of(everything: RowBlock, now_ms: int) -> int:
    """The moment (UTC, ms) to compute for: now, or a day after the last event, by the one row of `g`."""
    return min(now_ms, int(everything.event_ts_s[0]) * 1000 + QUIET_MS)


def measure(blocks: Mapping[ViewName, RowBlock], now_ms: int) -> dict[ViewName, Freshness]:
    """Measures the rows of one request, as of `now_ms` (UTC): a view that nothing was asked of hits all."""
    found = {name: _of(block, now_ms // 1000) for name, block in blocks.items()}
    for name, one in found.items():
        hit_rate, age = _metrics(name)
        hit_rate.set(one.hit_rate)
        if not math.isnan(one.age_s):
            age.observe(one.age_s)
    return found


@cache
def _metrics(view: ViewName) -> tuple[Gauge, Histogram]:
    """To find them costs more than to set them."""
    return HIT_RATE.labels(view), AGE.labels(view)


def _of(block: RowBlock, now_s: int) -> Freshness:
    hit_rate = block.hit_rate
    there = block.event_ts_s if hit_rate == 1.0 else block.event_ts_s[block.present]
    # A row from after the moment is as fresh as can be.
    age_s = int(np.maximum(now_s - there, 0).sum()) / len(there) if len(there) else math.nan
    return Freshness(hit_rate, age_s)
