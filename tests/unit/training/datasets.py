"""Datasets made of arrays, without a lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.schema import FEATURES
from training.dataset import UNKNOWN, Dataset
from training.labels import LABELS, Head


def dataset_of(
    *,
    viewers: Sequence[int],
    requests: Sequence[int] | None = None,
    ts_ms: Sequence[int] | None = None,
    labels: Mapping[Head, Sequence[int]] | None = None,
    inputs: NDArray[np.float32] | None = None,
    tweets: Sequence[int] | None = None,
) -> Dataset:
    """What is not said is unknown, its row number, or missing."""
    n = len(viewers)
    known = labels or {}
    numbers = np.arange(n, dtype=np.int64)
    return Dataset(
        np.full((n, len(FEATURES)), np.nan, np.float32) if inputs is None else inputs,
        {head: np.array(known.get(head, [UNKNOWN] * n), np.int8) for head in LABELS},
        np.zeros(n, np.bool_),
        np.array(viewers, np.int64),
        numbers,
        numbers if tweets is None else np.array(tweets, np.int64),
        numbers if requests is None else np.array(requests, np.int64),
        numbers if ts_ms is None else np.array(ts_ms, np.int64),
        np.full(n, UNKNOWN, np.int32),
    )
