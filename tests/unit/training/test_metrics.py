"""The area against its definition, and intervals that are paired and repeatable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from training.metrics import RocCurve, areas_by_viewer


def by_definition(clicked: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    up, down = scores[clicked], scores[~clicked]
    above = (up[:, None] > down[None, :]).sum() + (up[:, None] == down[None, :]).sum() / 2
    return float(above / (len(up) * len(down)))


@pytest.mark.parametrize("levels", [2, 5, 1_000])
def test_the_area_is_the_share_of_pairs_in_order(levels: int) -> None:
    random = np.random.default_rng(levels)
    clicked = random.random(200) < 0.3
    scores = random.integers(0, levels, 200) + clicked * 1.0
    assert RocCurve(clicked, scores).area() == pytest.approx(by_definition(clicked, scores))


def test_a_weight_counts_as_repetitions() -> None:
    random = np.random.default_rng(1)
    clicked = random.random(60) < 0.5
    scores = random.integers(0, 10, 60).astype(np.float64)
    times = random.integers(0, 4, 60)
    repeated = RocCurve(np.repeat(clicked, times), np.repeat(scores, times)).area()
    assert RocCurve(clicked, scores).area(times.astype(np.float64)) == pytest.approx(repeated)


@pytest.mark.parametrize("clicked", [[], [True, True], [False]])
def test_without_both_kinds_there_is_no_area(clicked: list[bool]) -> None:
    assert math.isnan(RocCurve(np.array(clicked, np.bool_), np.zeros(len(clicked))).area())


def test_a_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        RocCurve(np.array([True]), np.array([np.nan]))


def test_gains_are_those_of_the_first_score_on_the_same_resamples() -> None:
    random = np.random.default_rng(2)
    viewers = random.integers(0, 50, 2_000)
    clicked = random.random(2_000) < 0.4
    good = clicked + random.normal(0, 1, 2_000)
    scores = {"good": good, "same": good.copy(), "noise": random.normal(0, 1, 2_000)}
    measured = areas_by_viewer(clicked, viewers, scores, seed=5)
    assert set(measured.gains) == {"same", "noise"}
    # Paired: between equal scores there is nothing, in any resample.
    same = measured.gains["same"]
    assert (same.value, same.lo, same.hi) == (0.0, 0.0, 0.0)
    noise = measured.gains["noise"]
    assert 0.1 < noise.lo < noise.value < noise.hi
    area = measured.areas["good"]
    assert area.lo < area.value < area.hi
    assert areas_by_viewer(clicked, viewers, scores, seed=5) == measured


def test_the_interval_knows_that_rows_of_a_viewer_depend_on_each_other() -> None:
    random = np.random.default_rng(3)
    few = np.repeat(np.arange(20), 50)
    # All rows of a viewer agree: there are 20 observations, not 1,000.
    clicked = np.repeat(random.random(20) < 0.5, 50)
    scores = np.repeat(random.normal(0, 1, 20), 50) + clicked
    by_viewer = areas_by_viewer(clicked, few, {"score": scores}, seed=1).areas["score"]
    by_row = areas_by_viewer(clicked, np.arange(1_000), {"score": scores}, seed=1).areas["score"]
    assert by_viewer.hi - by_viewer.lo > 2 * (by_row.hi - by_row.lo)
