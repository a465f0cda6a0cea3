"""Learned from is what began first, stopped and calibrated by what began last, whole requests at a time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.split import Split, split_by_time


def split(ts_ms: NDArray[np.int64], requests: NDArray[np.int64], *, window_s: float) -> Split:
    return split_by_time(ts_ms, requests, np.arange(len(ts_ms)), window_s=window_s)


def test_the_last_rows_by_time_are_held_out() -> None:
    found = split(np.arange(100), np.arange(100), window_s=0.0)
    assert [rows.tolist() for rows in found[:3]] == [
        [*range(88)],
        [*range(88, 94)],
        [*range(94, 100)],
    ]


def test_only_rows_that_were_asked_for_are_split() -> None:
    rows = np.arange(0, 200, 2)
    found = split_by_time(np.arange(200), np.arange(200), rows, window_s=0.0)
    assert np.concatenate(found[:3]).tolist() == rows.tolist()
    assert len(found.learn) == 88


def test_a_request_is_never_on_two_sides() -> None:
    random = np.random.default_rng(1)
    ts_ms = np.sort(random.integers(0, 1_000, 400))
    requests = random.integers(0, 90, 400)
    found = split(ts_ms, requests, window_s=0.0)
    sides = [set(requests[rows].tolist()) for rows in found[:3]]
    assert all(sides)
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    # What a request that began before the cut showed after it is on neither.
    assert ts_ms[found.learn].max() <= ts_ms[found.stop].min()


@pytest.mark.parametrize("n", [0, 1, 5])
def test_where_all_began_at_once_nothing_is_held_out(n: int) -> None:
    found = split(np.full(n, 7), np.zeros(n, np.int64), window_s=9.0)
    assert [len(rows) for rows in found[:3]] == [n, 0, 0]
    assert found.words == "nothing held out"


def test_what_has_a_label_that_looks_past_the_cut_is_on_neither_side() -> None:
    found = split(np.arange(0, 100_000, 1_000), np.arange(100), window_s=3.0)
    assert found.stop.min() == 88
    assert found.learn.max() == 85
    assert "2 rows within 3 s before those left out" in found.words


def test_a_window_longer_than_the_range_holds_nothing_out() -> None:
    found = split(np.arange(0, 100_000, 1_000), np.arange(100), window_s=3_600.0)
    assert [len(rows) for rows in found[:3]] == [100, 0, 0]
