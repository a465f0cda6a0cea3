"""The area against its definition, and in resamples against the resampled rows themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from training.resampling import Resamples, estimate
from training.roc import area, resampled_area


def by_definition(happened: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    up, down = scores[happened], scores[~happened]
    above = (up[:, None] > down[None, :]).sum() + (up[:, None] == down[None, :]).sum() / 2
    return float(above / (len(up) * len(down)))


@pytest.mark.parametrize("levels", [2, 5, 1_000])
def test_the_area_is_the_share_of_pairs_in_order(levels: int) -> None:
    random = np.random.default_rng(levels)
    happened = random.random(200) < 0.3
    scores = random.integers(0, levels, 200) + happened * 1.0
    assert area(happened, scores) == pytest.approx(by_definition(happened, scores))


@pytest.mark.parametrize("happened", [[], [True, True], [False]])
def test_without_both_kinds_there_is_no_area(happened: list[bool]) -> None:
    assert math.isnan(area(np.array(happened, np.bool_), np.zeros(len(happened))))


def test_a_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        area(np.array([True]), np.array([np.nan]))


def drawn_rows(viewers: NDArray[np.int64], *, seed: int) -> NDArray[np.int64]:
    """The rows of the first resample, one by one, as `Resamples` draws viewers."""
    n = len(np.unique(viewers))
    drawn = np.random.default_rng(seed).integers(0, n, n)
    return np.concatenate([np.flatnonzero(viewers == one) for one in drawn])


@pytest.mark.parametrize(("rows", "close"), [(400, 1e-9), (20_000, 2e-5)])
def test_a_resample_is_the_area_of_its_rows(rows: int, close: float) -> None:
    random = np.random.default_rng(1)
    viewers = random.integers(0, 50, rows)
    happened = random.random(rows) < 0.4
    scores = happened + random.normal(0, 1, rows)
    areas = resampled_area(happened, scores, np.arange(rows), Resamples(viewers, seed=5, count=3))
    assert len(areas) == 4
    assert areas[0] == pytest.approx(area(happened, scores), abs=1e-12)
    again = drawn_rows(viewers, seed=5)
    assert areas[1] == pytest.approx(area(happened[again], scores[again]), abs=close)


def test_what_is_measured_on_the_same_resamples_is_paired() -> None:
    random = np.random.default_rng(2)
    viewers = random.integers(0, 50, 5_000)
    happened = random.random(5_000) < 0.4
    good = happened + random.normal(0, 1, 5_000)
    resamples, rows = Resamples(viewers, seed=5), np.arange(5_000)
    areas = resampled_area(happened, good, rows, resamples)
    # An order is the same whatever its scores are on.
    same = resampled_area(happened, 3.0 * good + 1.0, rows, resamples)
    assert not (areas - same).any()
    noise = resampled_area(happened, random.normal(0, 1, 5_000), rows, resamples)
    gain = estimate(areas - noise)
    assert gain.lo is not None
    assert gain.value is not None
    assert gain.hi is not None
    assert 0.1 < gain.lo < gain.value < gain.hi


def test_the_interval_knows_that_rows_of_a_viewer_depend_on_each_other() -> None:
    random = np.random.default_rng(3)
    few = np.repeat(np.arange(20), 50)
    # All rows of a viewer agree: there are 20 observations, not 1,000.
    happened = np.repeat(random.random(20) < 0.5, 50)
    scores = np.repeat(random.normal(0, 1, 20), 50) + happened
    widths = []
    for viewers in (few, np.arange(1_000)):
        one = estimate(resampled_area(happened, scores, np.arange(1_000), Resamples(viewers, seed=1)))
        assert one.lo is not None
        assert one.hi is not None
        widths.append(one.hi - one.lo)
    assert widths[0] > 2 * widths[1]


def test_a_slice_is_resampled_by_the_same_viewers() -> None:
    random = np.random.default_rng(4)
    viewers = random.integers(0, 30, 600)
    happened = random.random(600) < 0.5
    scores = happened + random.normal(0, 1, 600)
    part = np.flatnonzero(viewers < 15)
    resamples = Resamples(viewers, seed=2, count=5)
    areas = resampled_area(happened[part], scores[part], part, resamples)
    assert areas[0] == pytest.approx(by_definition(happened[part], scores[part]))
    again = drawn_rows(viewers, seed=2)
    again = again[viewers[again] < 15]
    assert areas[1] == pytest.approx(area(happened[again], scores[again]), abs=1e-9)
