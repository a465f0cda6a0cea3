"""The matrix to learn from: impressions, their labels as far as known, features as served or as of then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.moments import Moments, codes
from features.schema import FEATURES
from stores.lake import LakeReader
from training.asof import features_as_of, observations
from training.impressions import labelled_impressions
from training.labels import LABELS, Head

UNKNOWN = -1
"""A label that is not known yet, or never will be; a position that nobody wrote down."""


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """`from_ms` and `to_ms` (UTC, half-open) bound the impressions and their labels' windows.

    `lag_s` is how far behind the features are taken where they were not logged; `windows_s` replaces
    windows of `LABELS`.
    """

    from_ms: int | None
    to_ms: int | None
    lag_s: float
    windows_s: Mapping[Head, float] = field(default_factory=dict)

    def window_s(self, head: Head) -> float:
        return self.windows_s.get(head, LABELS[head].window_s)


@dataclass(frozen=True, slots=True)
class Dataset:
    """n impressions, by time, each with at least one label that is known.

    `inputs` is float32 [n, len(FEATURES)]; `labels` int8 [n] for every head of `LABELS`: 1, 0, or
    UNKNOWN; `as_served` bool [n]; `viewers`, `authors`, `tweets` and `ts_ms` (UTC, when it was seen) int64
    [n]; `requests` int64 [n] numbers the requests from 0; `positions` int32 [n] counts from 0, UNKNOWN
    where it is not known.
    """

    inputs: NDArray[np.float32]
    labels: Mapping[Head, NDArray[np.int8]]
    as_served: NDArray[np.bool_]
    viewers: NDArray[np.int64]
    authors: NDArray[np.int64]
    tweets: NDArray[np.int64]
    requests: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    positions: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ts_ms)

    def positive(self, head: Head) -> NDArray[np.bool_]:
        """Where the head's event is known to have happened: bool [n]."""
        return np.equal(self.labels[head], 1)

    def positives(self, head: Head) -> int:
        return int(self.positive(head).sum())

    def known(self, head: Head) -> Dataset:
        """The impressions of which it is known whether the head's event happened."""
        return self.take(self.labels[head] != UNKNOWN)

    def take(self, rows: NDArray[np.bool_]) -> Dataset:
        """The impressions where `rows` (bool [n]) is true."""
        return Dataset(
            self.inputs[rows],
            {head: known[rows] for head, known in self.labels.items()},
            self.as_served[rows],
            self.viewers[rows],
            self.authors[rows],
            self.tweets[rows],
            self.requests[rows],
            self.ts_ms[rows],
            self.positions[rows],
        )


def dataset(reader: LakeReader, options: DatasetOptions, report: Callable[[str], None]) -> Dataset:
    """Raises ConfigurationError where no impression of the range has any label yet."""
    frame = labelled_impressions(
        reader, from_ms=options.from_ms, to_ms=options.to_ms, windows_s=options.windows_s
    )
    as_served = frame["as_served"].to_numpy()
    report(
        f"{len(frame):,} impressions; features as served for {int(as_served.sum()):,}, replayed for "
        f"{int((~as_served).sum()):,}"
    )
    requests = frame.select(pl.struct("viewer", "request_id").rank("dense").cast(pl.Int64()) - 1)
    return Dataset(
        _inputs(reader, frame, as_served, options.lag_s, report),
        {head: frame[head].cast(pl.Int8()).fill_null(UNKNOWN).to_numpy() for head in LABELS},
        as_served,
        frame["viewer"].to_numpy(),
        frame["author"].to_numpy(),
        frame["tweet"].to_numpy(),
        requests.to_series().to_numpy(),
        frame["seen_ms"].to_numpy(),
        frame["position"].fill_null(UNKNOWN).cast(pl.Int32()).to_numpy(),
    )


def _inputs(
    reader: LakeReader,
    frame: pl.DataFrame,
    as_served: NDArray[np.bool_],
    lag_s: float,
    report: Callable[[str], None],
) -> NDArray[np.float32]:
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
        inputs[~as_served] = features_as_of(replayed, moments, lag_s=lag_s)
    return inputs
