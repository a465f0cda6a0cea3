"""Held out is what began last, whole requests at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from features.schema import FEATURES
from training.dataset import Dataset
from training.labels import LABELS
from training.split import split_by_time


def dataset(ts_ms: Sequence[int], requests: Sequence[int]) -> Dataset:
    n = len(ts_ms)
    zeros, labels = np.zeros(n, np.int64), dict.fromkeys(LABELS, np.zeros(n, np.int8))
    inputs, positions = np.zeros((n, len(FEATURES)), np.float32), np.zeros(n, np.int32)
    numbers, times = np.array(requests, np.int64), np.array(ts_ms, np.int64)
    return Dataset(inputs, labels, np.zeros(n, np.bool_), zeros, zeros, zeros, numbers, times, positions)


def test_the_last_rows_by_time_are_held_out() -> None:
    split = split_by_time(dataset(range(100), range(100)), window_s=0.0)
    assert len(split.learn) == 85
    assert split.learn.ts_ms.max() < split.held_out.ts_ms.min()


def test_a_request_is_never_on_both_sides() -> None:
    random = np.random.default_rng(1)
    ts_ms = np.sort(random.integers(0, 1_000, 400))
    requests = random.integers(0, 90, 400)
    split = split_by_time(dataset(ts_ms.tolist(), requests.tolist()), window_s=0.0)
    assert len(split.held_out)
    assert not set(split.learn.requests.tolist()) & set(split.held_out.requests.tolist())
    # What a request that began before the cut showed after it is on neither.
    cut_ms = split.held_out.ts_ms.min()
    assert split.learn.ts_ms.max() <= cut_ms
    assert len(split.learn) + len(split.held_out) <= 400


@pytest.mark.parametrize("n", [0, 1, 5])
def test_where_all_began_at_once_nothing_is_held_out(n: int) -> None:
    split = split_by_time(dataset([7] * n, [0] * n), window_s=9.0)
    assert (len(split.learn), len(split.held_out)) == (n, 0)


def test_what_has_a_label_that_looks_past_the_cut_is_on_neither_side() -> None:
    split = split_by_time(dataset(range(0, 100_000, 1_000), range(100)), window_s=3.0)
    assert split.held_out.ts_ms.min() == 85_000
    assert split.learn.ts_ms.max() == 82_000
    assert len(split.learn) + len(split.held_out) == 98
    assert "2 rows within 3 s before them left out" in split.words
