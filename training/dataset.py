"""The matrix to learn from: mature impressions, their labels, and their features as served or as of then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.moments import Moments, codes
from features.schema import FEATURES
from stores.lake import LakeReader
from training.asof import features_as_of, observations
from training.impressions import mature_impressions


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """`from_ms` and `to_ms` (UTC, half-open) bound the impressions and their labels' windows."""

    from_ms: int | None
    to_ms: int | None
    lag_s: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Dataset:
    """n impressions, by time.

    `inputs` is float32 [n, len(FEATURES)], `clicked` and `as_served` bool [n], `viewers`, `tweets`
    and `ts_ms` (UTC, when it was seen) int64 [n], `requests` int64 [n] numbers the requests from 0.
    """

    inputs: NDArray[np.float32]
    clicked: NDArray[np.bool_]
    as_served: NDArray[np.bool_]
    viewers: NDArray[np.int64]
    tweets: NDArray[np.int64]
    requests: NDArray[np.int64]
    ts_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.clicked)

    @property
    def positives(self) -> int:
        return int(self.clicked.sum())

    def take(self, rows: NDArray[np.bool_]) -> Dataset:
        """The impressions where `rows` (bool [n]) is true."""
        return Dataset(
            self.inputs[rows],
            self.clicked[rows],
            self.as_served[rows],
            self.viewers[rows],
            self.tweets[rows],
            self.requests[rows],
            self.ts_ms[rows],
        )


def click_dataset(reader: LakeReader, options: DatasetOptions, report: Callable[[str], None]) -> Dataset:
    """Raises ConfigurationError where no impression of the range has a label yet."""
    frame = mature_impressions(
        reader, "click", from_ms=options.from_ms, to_ms=options.to_ms, window_s=options.window_s
    )
    as_served = frame["as_served"].to_numpy()
    report(
        f"{len(frame):,} impressions, {int(frame['click'].sum()):,} clicked; features as served for "
        f"{int(as_served.sum()):,}, replayed for {int((~as_served).sum()):,}"
    )
    inputs = np.empty((len(frame), len(FEATURES)), np.float32)
    if as_served.any():
        inputs[as_served] = frame.filter("as_served").select(FEATURES).to_numpy()
    if not as_served.all():
        unlogged = frame.filter(~pl.col("as_served"))
        moments = Moments(
            unlogged["viewer"].to_numpy(),
            unlogged["author"].to_numpy(),
            unlogged["tweet"].to_numpy(),
            unlogged["moment_ms"].to_numpy(),
            codes(unlogged["surface"]),
            codes(unlogged["source"]),
        )
        replayed = observations(reader, until_ms=int(moments.at_ms.max()))
        report(f"replaying {len(replayed):,} observations")
        inputs[~as_served] = features_as_of(replayed, moments, lag_s=options.lag_s)
    requests = frame.select(pl.struct("viewer", "request_id").rank("dense").cast(pl.Int64()) - 1)
    return Dataset(
        inputs,
        frame["click"].to_numpy(),
        as_served,
        frame["viewer"].to_numpy(),
        frame["tweet"].to_numpy(),
        requests.to_series().to_numpy(),
        frame["seen_ms"].to_numpy(),
    )
