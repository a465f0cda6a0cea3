"""The sigmoid that was there is found again; too little to go by changes little."""

from __future__ import annotations

import numpy as np

from ranking.bundle import Calibration
from training.calibrate import MIN_SLOPE, fit_sigmoid, sigmoid

N = 50_000


def test_the_slope_and_the_shift_of_the_data_are_found() -> None:
    random = np.random.default_rng(1)
    raw, offset = random.normal(0, 1.5, N), random.normal(0, 0.5, N)
    happened = random.random(N) < sigmoid(0.7 * raw - 2.0 + offset)
    found = fit_sigmoid(raw, happened, offset, start=-1.0)
    assert abs(found.a - 0.7) < 0.03
    assert abs(found.b + 2.0) < 0.04
    # As many as there were.
    assert abs(sigmoid(found.a * raw + found.b + offset).sum() - happened.sum()) < 5


def test_without_rows_it_is_what_it_was() -> None:
    nothing = np.empty(0)
    assert fit_sigmoid(nothing, nothing > 0, nothing, start=-3.0) == Calibration(1.0, -3.0)


def test_a_few_rows_of_one_kind_do_not_run_away() -> None:
    found = fit_sigmoid(np.linspace(-1, 1, 6), np.zeros(6, np.bool_), np.zeros(6), start=-1.0)
    assert 0.5 < found.a < 1.5
    assert -3.0 < found.b < -1.0


def test_an_order_is_never_turned_round() -> None:
    random = np.random.default_rng(2)
    raw = random.normal(0, 1, N)
    happened = random.random(N) < sigmoid(-2.0 * raw - 1.0)
    found = fit_sigmoid(raw, happened, np.zeros(N), start=-1.0)
    assert found.a == MIN_SLOPE
    assert abs(sigmoid(found.a * raw + found.b).mean() - happened.mean()) < 0.01


def test_the_sigmoid_bears_any_number() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
